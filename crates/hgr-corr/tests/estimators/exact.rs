//! Estimators against golden files, closed forms and each other.

use crate::support::{Table, assert_close, golden, number, numbers, table};
use hgr_corr::{Error, Matrix, discrete_modes, held_out_spectrum, shuffled_spectrum, spectrum};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const F64: f64 = 1e-9;

fn matrix(table: &Table) -> Matrix<'_> {
    Matrix::new(&table.values, table.rows, table.columns).unwrap()
}

/// Columns of a golden table of modes (one row a symbol).
fn columns(table: &Table) -> Vec<Vec<f64>> {
    let column = |c| (0..table.rows).map(|r| table.values[r * table.columns + c]).collect();
    (0..table.columns).map(column).collect()
}

#[test]
fn modes_of_a_joint_table_are_those_of_the_golden_file() {
    let file = golden("discrete_modes");
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let modes = discrete_modes(matrix(&table(&case["pmf_or_counts"]))).unwrap();
        assert_close(&format!("{name} px"), &modes.px, &numbers(&case["px"]), F64);
        assert_close(&format!("{name} py"), &modes.py, &numbers(&case["py"]), F64);
        let sigma = numbers(&case["sigma"]);
        // The singular values of an independent table are rounding: compare on the scale of 1.
        let on_scale = |values: &[f64]| [values, &[1.0]].concat();
        assert_close(&format!("{name} sigma"), &on_scale(&modes.sigma), &on_scale(&sigma), F64);
        assert!((modes.phi2() - number(&case["phi2"])).abs() < F64, "{name} phi2");
        assert!((modes.hgr() - number(&case["hgr"])).abs() < F64, "{name} hgr");
        if case["modes_unique"].as_bool().unwrap() {
            let pairs = [("f", &modes.f), ("g", &modes.g)];
            for (side, actual) in pairs {
                for (mode, expected) in columns(&table(&case[side])).iter().enumerate() {
                    assert_close(&format!("{name} {side}{mode}"), &actual[mode], expected, F64);
                }
            }
        }
    }
}

#[test]
fn modes_of_a_sample_are_those_of_its_counts() {
    let file = golden("discrete_sample");
    let modes = discrete_modes(matrix(&table(&file["counts"]))).unwrap();
    assert_close("sigma", &modes.sigma, &numbers(&file["sigma"]), F64);
    for (mode, expected) in columns(&table(&file["f"])).iter().enumerate() {
        assert_close(&format!("f{mode}"), &modes.f[mode], expected, F64);
    }
    let rows = file["x"].as_array().unwrap().len() as f64;
    assert!((rows * modes.phi2() / number(&file["chi2"]) - 1.0).abs() < F64);
}

#[test]
fn a_table_that_is_no_distribution_is_refused() {
    let refuse = |values: &[f64], rows| {
        let matrix = Matrix::new(values, rows, values.len() / rows).unwrap();
        matches!(discrete_modes(matrix), Err(Error::Joint { .. }))
    };
    assert!(refuse(&[0.5, -0.1, 0.3, 0.3], 2));
    assert!(refuse(&[0.0; 6], 2));
    assert!(matches!(Matrix::new(&[0.5, f64::NAN], 1, 2), Err(Error::NonFinite { column: 1, .. })));
    assert!(matches!(Matrix::new(&[0.5], 1, 2), Err(Error::Shape { .. })));
}

#[test]
fn one_symbol_has_no_modes() {
    let modes = discrete_modes(Matrix::new(&[3.0, 4.0], 1, 2).unwrap()).unwrap();
    assert!(modes.sigma.is_empty());
    assert_eq!(modes.hgr(), 0.0);
}

#[test]
fn canonical_correlations_are_those_of_the_golden_file() {
    let file = golden("cca");
    let mut compared = 0;
    for case in file["cases"].as_array().unwrap() {
        if number(&case["ridge"]) != 0.0 {
            continue;
        }
        compared += 1;
        let (x, y) = (table(&case["x"]), table(&case["y"]));
        let found = spectrum(matrix(&x), matrix(&y)).unwrap();
        let name = case["name"].as_str().unwrap();
        let expected = numbers(&case["correlations"]);
        assert_close(&format!("{name} sigma"), &found.sigma, &expected, F64);
        if x.rows > x.columns + y.columns {
            let sides = [("x_weights", &found.f_weights), ("y_weights", &found.g_weights)];
            for (side, weights) in sides {
                let expected = columns(&table(&case[side]));
                for (mode, actual) in weights.iter().enumerate() {
                    assert_close(&format!("{name} {side} {mode}"), actual, &expected[mode], F64);
                }
            }
        }
    }
    assert!(compared > 0);
}

#[test]
fn the_spectrum_is_read_off_features_in_any_coordinates() {
    let file = golden("hgr_readout");
    let (f, g) = (table(&file["f"]), table(&file["g"]));
    let found = spectrum(matrix(&f), matrix(&g)).unwrap();
    assert_close("sigma", &found.sigma, &numbers(&file["sigma"]), F64);
    for (side, weights) in [("wx", &found.f_weights), ("wy", &found.g_weights)] {
        for (mode, expected) in columns(&table(&file[side])).iter().enumerate() {
            assert_close(&format!("{side} {mode}"), &weights[mode], expected, F64);
        }
    }
    let mix = table(&file["mix"]);
    let mixed: Vec<f64> = (0..f.rows)
        .flat_map(|row| (0..3).map(move |c| (row, c)))
        .map(|(row, c)| {
            1e4 + (0..3).map(|k| f.values[row * 3 + k] * mix.values[k * 3 + c]).sum::<f64>()
        })
        .collect();
    let mixed = Matrix::new(&mixed, f.rows, 3).unwrap();
    assert_close("mixed sigma", &spectrum(mixed, matrix(&g)).unwrap().sigma, &found.sigma, F64);
}

/// Two sides that share one normal variable in their first columns, with correlation `rho`.
fn sides(rows: usize, columns: usize, rho: f64, seed: u64) -> (Table, Table) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // The sum of twelve uniforms is close enough to normal here.
    let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let (mut f, mut g) = (vec![], vec![]);
    for _ in 0..rows {
        let row: Vec<f64> = (0..2 * columns).map(|_| normal()).collect();
        f.extend_from_slice(&row[..columns]);
        g.push(rho * row[0] + (1.0 - rho * rho).sqrt() * row[columns]);
        g.extend_from_slice(&row[columns + 1..]);
    }
    (Table { values: f, rows, columns }, Table { values: g, rows, columns })
}

#[test]
fn held_out_correlation_is_true_where_the_fitted_one_flatters() {
    let (fit, test) = (sides(100, 20, 0.8, 1), sides(4000, 20, 0.8, 2));
    let fitted = spectrum(matrix(&fit.0), matrix(&fit.1)).unwrap().sigma;
    assert!(fitted[1] > 0.5, "the second fitted correlation is overfitted: {}", fitted[1]);
    let fit = (matrix(&fit.0), matrix(&fit.1));
    let test = (matrix(&test.0), matrix(&test.1));
    let held_out = held_out_spectrum(fit, test).unwrap();
    assert!(held_out[0] > 0.6 && held_out[0] < 0.83, "{held_out:?}");
    assert!(held_out[1].abs() < 0.1, "{held_out:?}");
    let control = shuffled_spectrum(fit, test, 3).unwrap();
    assert!(control.iter().all(|sigma| sigma.abs() < 0.08), "{control:?}");
    assert_eq!(control, shuffled_spectrum(fit, test, 3).unwrap());
    assert_ne!(control, shuffled_spectrum(fit, test, 4).unwrap());
}

#[test]
fn a_constant_or_repeated_column_drops_out() {
    let (f, g) = sides(50, 2, 0.7, 5);
    let plain = spectrum(matrix(&f), matrix(&g)).unwrap().sigma;
    let wide: Vec<f64> = f.values.chunks(2).flat_map(|row| [row[0], 3.0, row[1], row[0]]).collect();
    let found = spectrum(Matrix::new(&wide, 50, 4).unwrap(), matrix(&g)).unwrap();
    assert_close("sigma", &found.sigma, &plain, 1e-12);
    let constant = Matrix::new(&[1.0; 50], 50, 1).unwrap();
    assert!(spectrum(constant, matrix(&g)).unwrap().sigma.is_empty());
}

#[test]
fn rows_that_are_repeated_say_nothing_new_however_many_there_are() {
    let (f, g) = sides(50, 3, 0.7, 9);
    let few = spectrum(matrix(&f), matrix(&g)).unwrap();
    let [f, g] = [f, g].map(|side| side.values.repeat(23));
    let many = |side| Matrix::new(side, 23 * 50, 3).unwrap();
    let found = spectrum(many(&f), many(&g)).unwrap();
    assert_close("sigma", &found.sigma, &few.sigma, 1e-13);
    let unit = f64::sqrt((23.0 * 50.0 - 1.0) / (23.0 * 49.0));
    for (weights, expected) in found.f_weights.iter().zip(&few.f_weights) {
        let expected: Vec<f64> = expected.iter().map(|weight| unit * weight).collect();
        assert_close("weights", weights, &expected, 1e-12);
    }
}

#[test]
fn other_rows_or_columns_are_refused() {
    let (f, g) = sides(9, 2, 0.5, 7);
    let found = spectrum(matrix(&f), matrix(&g)).unwrap();
    let short = Matrix::new(&f.values[..8], 4, 2).unwrap();
    assert!(matches!(spectrum(short, matrix(&g)), Err(Error::Shape { .. })));
    let narrow = Matrix::new(&f.values[..9], 9, 1).unwrap();
    assert!(matches!(found.correlations(narrow, matrix(&g)), Err(Error::Shape { .. })));
    let one = Matrix::new(&f.values[..2], 1, 2).unwrap();
    assert!(matches!(spectrum(one, one), Err(Error::TooFewRows { .. })));
}
