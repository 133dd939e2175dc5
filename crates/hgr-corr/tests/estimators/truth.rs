//! Every estimator of two columns against laws whose answer is known.

use crate::estimates::{ESTIMATES, mean_square};
use crate::laws::{LAWS, normal, sample};

/// For each estimator the root mean square error over the ten laws that it stays below with 100, 1,000 and 10,000 rows.
/// All but the first report the fit of the rows they are fitted on; none of them finds the checkerboard.
const TOLERANCES: [[f64; 3]; 5] = [
    [0.13, 0.03, 0.01],
    [0.22, 0.075, 0.04],
    [0.24, 0.085, 0.052],
    [0.20, 0.085, 0.055],
    [0.21, 0.105, 0.078],
];

#[test]
fn each_estimator_stays_within_its_tolerance_over_the_laws() {
    for ((name, estimate), tolerances) in ESTIMATES.iter().zip(TOLERANCES) {
        for ((rows, draws), tolerance) in
            [(100, 40), (1000, 20), (10_000, 4)].into_iter().zip(tolerances)
        {
            let square = |law| mean_square(*estimate, law, rows, draws).unwrap();
            let error = (LAWS.iter().map(square).sum::<f64>() / LAWS.len() as f64).sqrt();
            assert!(error <= tolerance, "{name}, n = {rows}: {error}");
        }
    }
}

#[test]
fn increasing_functions_of_a_column_change_nothing_where_ranks_are_used() {
    let (x, y) = sample(LAWS[2].draw, 1000, 3);
    let (scaled, log_normal): (Vec<f64>, Vec<f64>) =
        x.iter().zip(&y).map(|(x, y)| (x * 1e6 + 1e4, y.exp())).unzip();
    for (name, estimate) in ESTIMATES.iter().filter(|(name, _)| !name.starts_with("double")) {
        let (plain, mapped) = (estimate(&x, &y).unwrap(), estimate(&scaled, &log_normal).unwrap());
        assert_eq!(plain, mapped, "{name}");
    }
}

#[test]
fn a_constant_column_has_no_correlation_with_anything() {
    let (x, _) = sample(|s| (normal(s), normal(s)), 200, 1);
    for (name, estimate) in ESTIMATES {
        for constant in [0.0, -3.5, 1e300] {
            assert_eq!(estimate(&x, &[constant; 200]).unwrap(), 0.0, "{name}");
            assert_eq!(estimate(&[constant; 200], &x).unwrap(), 0.0, "{name}");
        }
    }
}

#[test]
fn ties_are_no_dependence() {
    // Two independent columns of three values: two functions a side, so about 2 / root n is left of noise.
    let three =
        |s: &mut _| (normal(s).round().clamp(-1.0, 1.0), normal(s).round().clamp(-1.0, 1.0));
    for (name, estimate) in ESTIMATES {
        let of = |seed| {
            let (x, y) = sample(three, 1000, seed);
            estimate(&x, &y).unwrap()
        };
        let mean = (0..10).map(of).sum::<f64>() / 10.0;
        assert!(mean < 0.065, "{name}: {mean}");
    }
}
