//! Maximal correlation regression against joint distributions whose posteriors are known.

use crate::support::{Table, assert_close, draw, golden, matrix, table};
use hgr_corr::{Error, Matrix, MaximalCorrelationRegression, discrete_modes};

/// `P(y | x)` of a joint table, row by row.
fn posteriors(joint: &Table) -> Vec<f64> {
    let row = |row: &[f64]| row.iter().map(|p| p / row.iter().sum::<f64>()).collect::<Vec<f64>>();
    joint.values.chunks(joint.columns).flat_map(row).collect()
}

/// The first modes of a joint table as features of each x and label table, each mode scaled by its sigma.
fn model(joint: &Table, modes: usize) -> (MaximalCorrelationRegression, Table) {
    let found = discrete_modes(matrix(joint)).unwrap();
    let (rows, columns) = (joint.rows, joint.columns);
    let at = |values: &[Vec<f64>], count: usize, scale: bool| Table {
        values: (0..count)
            .flat_map(|symbol| (0..modes).map(move |mode| (symbol, mode)))
            .map(|(symbol, mode)| {
                values[mode][symbol] * if scale { found.sigma[mode] } else { 1.0 }
            })
            .collect(),
        rows: count,
        columns: modes,
    };
    let (f, mut g) = (at(&found.f, rows, false), at(&found.g, columns, true));
    g.values.iter_mut().for_each(|value| *value += 5.0); // a mean of the table has no influence
    let model = MaximalCorrelationRegression::new(&vec![0.0; modes], matrix(&g), &found.py);
    (model.unwrap(), f)
}

#[test]
fn all_modes_of_a_joint_table_give_its_posteriors() {
    let file = golden("discrete_modes");
    let mut compared = 0;
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let joint = table(&case["pmf_or_counts"]);
        if name.starts_with("zero_row") {
            continue; // a symbol without mass has no features
        }
        compared += 1;
        let modes = joint.rows.min(joint.columns) - 1;
        let (model, f) = model(&joint, modes);
        let found = model.posteriors(matrix(&f)).unwrap().concat();
        assert_close(name, &found, &posteriors(&joint), 1e-9);
    }
    assert!(compared > 5);
}

#[test]
fn too_few_modes_are_clipped_and_still_add_up_to_one() {
    let joint =
        Table { values: vec![6.0, 1.0, 0.0, 0.0, 5.0, 2.0, 3.0, 0.0, 4.0], rows: 3, columns: 3 };
    let (model, f) = model(&joint, 1);
    let far = Table { values: f.values.iter().map(|value| 3.0 * value).collect(), ..f };
    let found = model.posteriors(matrix(&far)).unwrap();
    assert!(found.iter().flatten().any(|p| *p == 0.0), "{found:?}");
    for row in found {
        assert!(row.iter().all(|p| (0.0..=1.0).contains(p)));
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }
}

/// Every pair (x, y) as often as the table counts it: features that tell the x apart, and labels.
fn sample(counts: &Table, features: &[Vec<f64>]) -> (Table, Vec<u32>) {
    let (mut f, mut labels) = (vec![], vec![]);
    for (index, count) in counts.values.iter().enumerate() {
        for _ in 0..*count as usize {
            f.extend_from_slice(&features[index / counts.columns]);
            labels.push((index % counts.columns) as u32);
        }
    }
    (Table { values: f, rows: labels.len(), columns: features[0].len() }, labels)
}

#[test]
fn a_fit_to_features_that_tell_all_symbols_apart_gives_relative_frequencies() {
    let counts = table(&golden("discrete_sample")["counts"]);
    let symbols: Vec<Vec<f64>> =
        (0..4).map(|x| vec![x as f64, (x * x) as f64, 1e4 - (x == 1) as u8 as f64]).collect();
    let (f, labels) = sample(&counts, &symbols);
    let model = MaximalCorrelationRegression::fit(matrix(&f), &labels, 5).unwrap();
    let all = symbols.concat();
    let found = model.posteriors(Matrix::new(&all, 4, 3).unwrap()).unwrap().concat();
    assert_close("frequencies", &found, &posteriors(&counts), 1e-9);
}

#[test]
fn constant_features_leave_the_priors_and_an_absent_class_gets_nothing() {
    let f = Matrix::new(&[7.0; 5], 5, 1).unwrap();
    let model = MaximalCorrelationRegression::fit(f, &[0, 0, 2, 0, 2], 4).unwrap();
    let found = model.posteriors(Matrix::new(&[7.0, -3.0], 2, 1).unwrap()).unwrap().concat();
    assert_close("priors", &found, &[[0.6, 0.0, 0.4, 0.0]; 2].concat(), 1e-12);
    assert!(model.posteriors(Matrix::new(&[], 0, 1).unwrap()).unwrap().is_empty());
}

#[test]
fn what_does_not_fit_is_refused() {
    let entries = draw(3, 2, 1);
    let refused = |means: &[f64], priors: &[f64]| {
        let model = MaximalCorrelationRegression::new(means, matrix(&entries), priors);
        matches!(model, Err(Error::Shape { .. } | Error::NonFinite { .. }))
    };
    assert!(!refused(&[0.0, 0.0], &[1.0, 0.0, 2.0]));
    assert!(refused(&[0.0], &[1.0, 1.0, 1.0]));
    assert!(refused(&[0.0, 0.0], &[1.0, 1.0]));
    assert!(refused(&[0.0, f64::NAN], &[1.0, 1.0, 1.0]));
    assert!(refused(&[0.0, 0.0], &[1.0, -0.1, 1.0]));
    assert!(refused(&[0.0, 0.0], &[0.0, 0.0, 0.0]));
    assert!(refused(&[0.0, 0.0], &[1.0, f64::NAN, 1.0]));
    let one = [0.5, 0.2];
    let fit = MaximalCorrelationRegression::fit(Matrix::new(&one, 1, 2).unwrap(), &[0], 1);
    assert!(matches!(fit, Err(Error::TooFewRows { .. })));
    let model =
        MaximalCorrelationRegression::new(&[0.0, 0.0], matrix(&entries), &[1.0; 3]).unwrap();
    let narrow = model.posteriors(Matrix::new(&one, 2, 1).unwrap());
    assert!(matches!(narrow, Err(Error::Shape { .. })));
}
