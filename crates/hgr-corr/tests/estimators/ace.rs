//! Alternating conditional expectations and the test of independence on joint tables.

use crate::support::{assert_close, golden, matrix, number, numbers, table};
use hgr_corr::{Error, Matrix, ace, discrete_modes};

const F64: f64 = 1e-9;

#[test]
fn rounds_are_those_of_the_golden_file() {
    let file = golden("ace_discrete");
    let joint = table(&file["pmf"]);
    let start = [0.0, 1.0, 2.0, 3.0, 4.0];
    for expected in file["iterations"].as_array().unwrap() {
        let rounds = number(&expected["iter"]) as usize;
        let found = ace(matrix(&joint), &start, rounds).unwrap();
        let what = format!("round {rounds}");
        assert_eq!(found.rho.len(), rounds);
        assert_close(&what, &found.rho[rounds - 1..], &[number(&expected["rho"])], F64);
        assert_close(&what, &found.f, &numbers(&expected["f"]), F64);
        assert_close(&what, &found.g, &numbers(&expected["g"]), F64);
        assert!(found.rho.windows(2).all(|pair| pair[1] >= pair[0] - 1e-15), "{:?}", found.rho);
    }
}

#[test]
fn it_converges_to_the_first_mode_at_any_offset_and_scale() {
    let file = golden("discrete_modes");
    let mut compared = 0;
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        if !case["modes_unique"].as_bool().unwrap() {
            continue;
        }
        compared += 1;
        let joint = table(&case["pmf_or_counts"]);
        let modes = discrete_modes(matrix(&joint)).unwrap();
        let start: Vec<f64> = (0..joint.columns).map(|y| 1e4 + (y * y) as f64 * 1e-3).collect();
        let found = ace(matrix(&joint), &start, 2000).unwrap();
        assert_close(name, &found.rho[1999..], &modes.sigma[..1], F64);
        // The sign is the start's.
        let first =
            (0..joint.rows).find(|&x| found.f[x].is_finite() && found.f[x].abs() > 0.1).unwrap();
        let sign = (found.f[first] * modes.f[0][first]).signum();
        let turned = |values: &[f64]| values.iter().map(|value| sign * value).collect::<Vec<f64>>();
        assert_close(&format!("{name} f"), &turned(&found.f), &modes.f[0], F64);
        assert_close(&format!("{name} g"), &turned(&found.g), &modes.g[0], F64);
    }
    assert!(compared > 5);
}

#[test]
fn independent_symbols_have_nothing_to_find() {
    let (px, py) = ([0.2, 0.3, 0.5], [0.1, 0.2, 0.3, 0.4]);
    let values: Vec<f64> = px.iter().flat_map(|p| py.iter().map(move |q| p * q)).collect();
    let found = ace(Matrix::new(&values, 3, 4).unwrap(), &[1.0, 2.0, 4.0, 8.0], 3).unwrap();
    assert_eq!((found.rho, found.f, found.g), (vec![0.0; 3], vec![0.0; 3], vec![0.0; 4]));
    let one = ace(Matrix::new(&[3.0, 4.0], 2, 1).unwrap(), &[5.0], 2).unwrap();
    assert_eq!(one.rho, [0.0; 2]);
}

#[test]
fn starts_that_do_not_fit_are_refused() {
    let joint = [0.3, 0.2, 0.0, 0.1, 0.4, 0.0];
    let run = |start: &[f64]| ace(Matrix::new(&joint, 2, 3).unwrap(), start, 5);
    assert!(run(&[0.0, 1.0, 1.0]).is_ok());
    assert!(matches!(run(&[0.0, 1.0]), Err(Error::Shape { .. })));
    assert!(matches!(run(&[1.0, 1.0, 7.0]), Err(Error::Shape { .. })), "the 7 has no mass");
    assert!(matches!(run(&[0.0, f64::NAN, 1.0]), Err(Error::NonFinite { column: 1, .. })));
    let negative = Matrix::new(&[0.5, -0.1], 1, 2).unwrap();
    assert!(matches!(ace(negative, &[0.0, 1.0], 1), Err(Error::Joint { .. })));
}

#[test]
fn the_test_of_independence_is_that_of_the_golden_file() {
    let file = golden("discrete_sample");
    let rows = file["x"].as_array().unwrap().len();
    let test = discrete_modes(matrix(&table(&file["counts"]))).unwrap().chi_square(rows);
    assert_close("statistic", &[test.statistic], &[number(&file["chi2"])], F64);
    assert_eq!(test.degrees as f64, number(&file["dof"]));
    // For an even number of degrees the tail is a Poisson sum.
    let half = test.statistic / 2.0;
    let tail = |degrees: usize, half: f64| {
        let mut term = (-half).exp();
        let mut sum = 0.0;
        for k in 0..degrees / 2 {
            sum += term;
            term *= half / (k + 1) as f64;
        }
        sum
    };
    assert_close("p-value", &[test.p_value], &[tail(12, half)], 1e-9);
    assert!(test.p_value < 1e-6, "{}", test.p_value);
}

#[test]
fn symbols_without_mass_give_no_degree_of_freedom() {
    let counts = [8.0, 0.0, 12.0, 0.0, 0.0, 0.0, 9.0, 0.0, 11.0];
    let test = discrete_modes(Matrix::new(&counts, 3, 3).unwrap()).unwrap().chi_square(40);
    assert_eq!(test.degrees, 1);
    // (8 * 11 - 12 * 9)^2 * 40 / (17 * 23 * 20 * 20)
    assert_close("statistic", &[test.statistic], &[400.0 * 40.0 / 156_400.0], F64);
    assert!(test.p_value > 0.7 && test.p_value < 0.8, "{}", test.p_value);
    let one = discrete_modes(Matrix::new(&[3.0, 4.0], 1, 2).unwrap()).unwrap().chi_square(7);
    assert_eq!((one.statistic, one.degrees, one.p_value), (0.0, 0, 1.0));
}
