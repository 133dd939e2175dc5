//! The estimators whose errors are compared.

use crate::laws::{Law, sample};
use hgr_corr::{Hgr, Matrix, discrete_modes, double_kernel, rdc, smoothed_ace};
use std::collections::BTreeMap;

/// The estimate of two columns.
pub type Estimate = fn(&[f64], &[f64]) -> hgr_corr::Result<f64>;

/// Each with its name.
pub const ESTIMATES: [(&str, Estimate); 5] = [
    ("hgr", |x, y| Ok(Hgr { permutations: 0, ..Hgr::default() }.estimate(&[x], &[y])?.sigma)),
    ("smoothed_ace, window .1", |x, y| Ok(smoothed_ace(x, y, 0.1, 20)?.rho[19])),
    ("rdc, 20 functions, scale 3", |x, y| rdc(x, y, 20, 3.0, 0)),
    ("double_kernel, degrees 7 and 7", |x, y| double_kernel(x, y, (7, 7))),
    ("discrete_modes of 10 x 10 ranks", binned),
];

/// Mean of the squared errors over draws of a law.
pub fn mean_square(
    estimate: Estimate,
    law: &Law,
    rows: usize,
    draws: u64,
) -> hgr_corr::Result<f64> {
    let mut total = 0.0;
    for seed in 0..draws {
        let (x, y) = sample(law.draw, rows, seed);
        total += (estimate(&x, &y)? - law.sigma).powi(2);
    }
    Ok(total / draws as f64)
}

/// The exact first mode of a table of counts, columns with many values cut at their deciles.
fn binned(x: &[f64], y: &[f64]) -> hgr_corr::Result<f64> {
    let (x, y) = (deciles(x), deciles(y));
    let mut counts = vec![0.0; 100];
    x.iter().zip(&y).for_each(|(x, y)| counts[10 * x + y] += 1.0);
    Ok(discrete_modes(Matrix::new(&counts, 10, 10)?)?.hgr())
}

fn deciles(values: &[f64]) -> Vec<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let distinct: BTreeMap<u64, usize> = sorted.iter().map(|v| (v.to_bits(), 0)).collect();
    if distinct.len() <= 10 {
        sorted.dedup();
        return values.iter().map(|v| sorted.partition_point(|other| other < v)).collect();
    }
    let place = |v: &f64| 10 * sorted.partition_point(|other| other < v) / sorted.len();
    values.iter().map(place).collect()
}
