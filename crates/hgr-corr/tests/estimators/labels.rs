//! Features and a label: the one-sided H-score and maximal correlation regression.

use crate::support::{Table, assert_close, draw, golden, matrix, number, numbers, table};
use hgr_corr::{Convention, Error, Matrix, one_sided_h};

const F64: f64 = 1e-9;

fn labels(rows: usize, classes: u32) -> Vec<u32> {
    (0u32..).map(|row| row % classes).take(rows).collect()
}

/// Features of four columns, three of which lean on the label.
fn features(labels: &[u32]) -> Table {
    let mut f = draw(labels.len(), 4, 1);
    for (row, &label) in f.values.chunks_mut(4).zip(labels) {
        row[1] += f64::from(label);
        row[2] -= 0.5 * f64::from(label * label);
        row[3] += if label == 1 { 0.7 } else { 0.0 };
    }
    f
}

#[test]
fn the_one_sided_score_is_that_of_the_golden_file() {
    let file = golden("label_view");
    let f = table(&file["f"]);
    let labels: Vec<u32> = numbers(&file["y"]).iter().map(|&label| label as u32).collect();
    let found = one_sided_h(matrix(&f), &labels, 4).unwrap();
    let rows = f.rows as f64;
    for (name, scale) in [("unbiased", 1.0), ("population", rows / (rows - 1.0))] {
        let expected = &file["one_sided"][name];
        let known = ["h_score_bao", "one_sided_h"].map(|key| number(&expected[key]));
        assert_close(name, &[found.h_score_bao, found.one_sided_h], &known, F64);
        let actual: Vec<f64> = found.optimal_table.concat().iter().map(|v| v * scale).collect();
        assert_close(
            &format!("{name} table"),
            &actual,
            &table(&expected["optimal_table"]).values,
            F64,
        );
    }
    assert_eq!(found.optimal_table[3], [0.0; 3]); // no row has this label
}

#[test]
fn no_label_view_scores_higher_than_the_optimal_table() {
    let labels = labels(40, 3);
    let f = features(&labels);
    let found = one_sided_h(matrix(&f), &labels, 3).unwrap();
    let score = |table: &[Vec<f64>]| {
        let g: Vec<f64> = labels.iter().flat_map(|&y| table[y as usize].clone()).collect();
        let mut state = hgr_corr::HgrState::new(4, 4);
        state.push(matrix(&f), Matrix::new(&g, 40, 4).unwrap()).unwrap();
        state.parts(Convention::Unbiased).unwrap().score()
    };
    assert_close("score", &[score(&found.optimal_table)], &[found.one_sided_h], 1e-12);
    for (class, column) in [(0, 0), (1, 2), (2, 3)] {
        for step in [-0.01, 0.01] {
            let mut moved = found.optimal_table.clone();
            moved[class][column] += step;
            assert!(score(&moved) < found.one_sided_h - 1e-9, "{class} {column} {step}");
        }
    }
}

#[test]
fn the_score_does_not_depend_on_coordinates_or_constant_columns() {
    let labels = labels(40, 3);
    let f = features(&labels);
    let plain = one_sided_h(matrix(&f), &labels, 3).unwrap().h_score_bao;
    let values: Vec<f64> = f
        .values
        .chunks(4)
        .flat_map(|r| [1e4 + 2.0 * r[0] + r[1], 3.0, r[1] - r[2], r[2] + 1e4, r[3] + r[0], r[3]])
        .collect();
    let mixed = one_sided_h(Matrix::new(&values, 40, 6).unwrap(), &labels, 3).unwrap();
    assert_close("mixed", &[mixed.h_score_bao], &[plain], F64);
    let constant = one_sided_h(Matrix::new(&[2.0; 40], 40, 1).unwrap(), &labels, 3).unwrap();
    assert_eq!((constant.h_score_bao, constant.optimal_table), (0.0, vec![vec![0.0]; 3]));
    // Fewer rows than columns: every class is told apart, whatever the features.
    let few = one_sided_h(matrix(&draw(6, 9, 3)), &labels[..6], 3).unwrap();
    assert_close("few", &[few.h_score_bao], &[2.0], F64);
}

#[test]
fn rows_that_are_repeated_say_nothing_new_however_many_there_are() {
    let classes = labels(50, 4);
    let f = features(&classes);
    let score = |times: usize| {
        let (values, classes) = (f.values.repeat(times), classes.repeat(times));
        let f = Matrix::new(&values, times * f.rows, f.columns).unwrap();
        one_sided_h(f, &classes, 4).unwrap().h_score_bao
    };
    assert_close("score", &[score(23)], &[score(1)], 1e-13);
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    let f = draw(4, 2, 4);
    let refused = |labels: &[u32], classes| {
        matches!(one_sided_h(matrix(&f), labels, classes), Err(Error::Shape { .. }))
    };
    assert!(!refused(&[0, 1, 1, 0], 2));
    assert!(refused(&[0, 1, 1], 2));
    assert!(refused(&[0, 1, 2, 0], 2));
    assert!(refused(&[0, 0, 0, 0], 0));
    let one = Matrix::new(&f.values[..2], 1, 2).unwrap();
    assert!(matches!(one_sided_h(one, &[0], 1), Err(Error::TooFewRows { actual: 1, .. })));
}
