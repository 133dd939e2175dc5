//! Estimators of the literature and conditional correlations against laws whose value is known.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use crate::laws::{LAWS, normal, sample, uniform};
use hgr_corr::{Error, Hgr, Matrix, discrete_modes, double_kernel, rdc, truth};

#[test]
fn the_closed_forms_are_those_of_the_joint_tables() {
    let modes = |table: &[f64], rows| {
        discrete_modes(Matrix::new(table, rows, table.len() / rows).unwrap()).unwrap().hgr()
    };
    for p in [0.0, 0.1, 0.5, 0.8] {
        let flipped = modes(&[1.0 - p, p, p, 1.0 - p], 2);
        assert!((flipped - truth::binary_symmetric(p)).abs() < 1e-12, "{p}");
    }
    for e in [0.0, 0.3, 0.9] {
        let erased = modes(&[1.0 - e, e, 0.0, 0.0, e, 1.0 - e], 2);
        assert!((erased - truth::binary_erasure(e)).abs() < 1e-12, "{e}");
    }
    // A fair die, and its sum with a second one: one of two.
    let mut table = vec![0.0; 6 * 11];
    (0..36).for_each(|roll| table[roll / 6 * 11 + roll / 6 + roll % 6] += 1.0);
    assert!((modes(&table, 6) - truth::partial_sums(1, 2)).abs() < 1e-12);
}

#[test]
fn powers_of_a_normal_correlation_are_its_spectrum() {
    let (x, y) = sample(LAWS[2].draw, 10_000, 3);
    let found = Hgr { permutations: 0, ..Hgr::default() }.estimate(&[&x], &[&y]).unwrap();
    assert!((found.cross_fitted[0] - truth::gaussian(0.8, 1)[0]).abs() < 0.015);
    // Cubic polynomials hold the first three modes of a normal pair.
    assert!((double_kernel(&x, &y, (3, 3)).unwrap() - 0.8).abs() < 0.02);
}

#[test]
fn rdc_sees_dependence_and_treats_ties_as_ties() {
    let (x, y) = sample(LAWS[8].draw, 1000, 1);
    assert!(rdc(&x, &y, 20, 3.0, 0).unwrap() > 0.95);
    let coins = |s: &mut _| (uniform(s).signum(), uniform(s).signum());
    let mean = |rows| {
        let of = |seed| {
            let (x, y) = sample(coins, rows, seed);
            rdc(&x, &y, 20, 1.0 / 6.0, seed).unwrap()
        };
        (0..20).map(of).sum::<f64>() / 20.0
    };
    // A fair coin has one function: the mean of the absolute of a correlation, the root of 2 / (pi n).
    assert!((mean(1000) - 0.025).abs() < 0.015, "{}", mean(1000));
    assert_eq!(rdc(&x, &[1.0; 1000], 20, 1.0, 0).unwrap(), 0.0);
    assert_eq!(rdc(&x, &y, 5, 1.0, 7).unwrap(), rdc(&x, &y, 5, 1.0, 7).unwrap());
    assert!(matches!(rdc(&x, &y, 0, 1.0, 0), Err(Error::Shape { .. })));
    let mut gap = y;
    gap[3] = f64::NAN;
    assert!(matches!(rdc(&x, &gap, 5, 1.0, 0), Err(Error::NonFinite { row: 3, .. })));
}

#[test]
fn the_double_kernel_is_exact_for_polynomials_and_no_more() {
    let (x, noise) = sample(|s| (normal(s), normal(s)), 5000, 2);
    let square: Vec<f64> = x.iter().map(|x| 1e4 + x * x).collect();
    assert!((double_kernel(&x, &square, (2, 1)).unwrap() - 1.0).abs() < 1e-9);
    assert!(double_kernel(&x, &square, (1, 1)).unwrap() < 0.1);
    // Six functions of 5,000 rows of noise.
    assert!(double_kernel(&x, &noise, (3, 3)).unwrap() < 0.08);
    let mut infinite = noise;
    infinite[9] = f64::INFINITY;
    assert!(matches!(double_kernel(&x, &infinite, (3, 3)), Err(Error::NonFinite { .. })));
}

#[test]
fn what_is_given_can_make_dependence_and_take_it_away() {
    let hgr = Hgr { permutations: 99, ..Hgr::default() };
    // x and y are both z plus noise of their own: dependent, and independent given z.
    let (a, b) = sample(|s| (normal(s), normal(s)), 1500, 4);
    let z: Vec<u32> = (0..1500).map(|row| row % 3).collect();
    let shifted = |noise: &[f64]| -> Vec<f64> {
        noise.iter().zip(&z).map(|(noise, z)| noise + 3.0 * f64::from(*z)).collect()
    };
    let (x, y) = (shifted(&a), shifted(&b));
    assert!(hgr.estimate(&[&x], &[&y]).unwrap().sigma > 0.8);
    let given = hgr.given(&[&x], &[&y], &z).unwrap();
    assert!(given.mean_square < 0.1 && given.p_value > 0.01, "{given:?}");
    assert_eq!(given.strata.iter().map(|s| s.rows).collect::<Vec<_>>(), [500; 3]);

    // A stratum of nineteen rows is left out and counted; nothing but such strata is refused.
    let mut rare = z;
    (0..19).for_each(|row| rare[row] = 9);
    let given = hgr.given(&[&x], &[&y], &rare).unwrap();
    assert_eq!((given.left_out, given.strata.len()), (19, 3));
    let each: Vec<u32> = (0..1500).collect();
    assert!(matches!(hgr.given(&[&x], &[&y], &each), Err(Error::TooFewRows { .. })));
    assert!(matches!(hgr.given(&[&x], &[&y], &rare[1..]), Err(Error::Shape { .. })));
}
