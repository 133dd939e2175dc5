//! Differences between two systems over the same folds and seeds.

use crate::metrics::{mean, sd};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Coverage of the intervals in a record.
const COVERAGE: f64 = 0.95;

/// How much better system `a` is than system `b`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// The system that is compared.
    pub a: String,
    /// The system it is compared with.
    pub b: String,
    /// `uar` or `accuracy`.
    pub metric: String,
    /// Mean of a - b over folds and seeds.
    pub difference: f64,
    /// Lower end of the 95 % interval; none with fewer than two pairs.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval; none with fewer than two pairs.
    pub high: Option<f64>,
}

/// Mean of the differences and its 95 % interval.
///
/// Definition: with n differences of mean d and standard deviation s,
/// `d +- t(n - 1) s sqrt(1/n + r)`, where `r` is the number of test clips over the number of training
/// clips. The term `r` is the correction for training sets that overlap between folds; without it
/// the interval is too narrow, because the folds are not independent.
///
/// Source: C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003.
pub fn interval(differences: &[f64], test_over_train: f64) -> (f64, Option<(f64, f64)>) {
    let centre = mean(differences);
    let ends = sd(differences).and_then(|spread| {
        let pairs = differences.len() as f64;
        let t = StudentsT::new(0.0, 1.0, pairs - 1.0).ok()?.inverse_cdf(0.5 + COVERAGE / 2.0);
        let half = t * spread * (1.0 / pairs + test_over_train).sqrt();
        Some((centre - half, centre + half))
    });
    (centre, ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_overlap_it_is_the_interval_of_student() {
        // t(4) at 97.5 % = 2.776445; mean 0.03, sd 0.015811388, se 0.0070710678.
        let (difference, ends) = interval(&[0.01, 0.02, 0.03, 0.04, 0.05], 0.0);
        let (low, high) = ends.unwrap();
        assert!((difference - 0.03).abs() < 1e-15);
        assert!((low - (0.03 - 0.019_632_43)).abs() < 1e-7, "{low}");
        assert!((high - (0.03 + 0.019_632_43)).abs() < 1e-7, "{high}");
    }

    #[test]
    fn overlap_widens_it_by_the_stated_factor() {
        let differences = [0.01, 0.02, 0.03, 0.04, 0.05];
        let width = |r| interval(&differences, r).1.map(|(low, high)| high - low).unwrap();
        assert!((width(0.25) / width(0.0) - (0.45f64 / 0.2).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn one_pair_has_no_interval() {
        assert_eq!(interval(&[0.2], 0.1), (0.2, None));
    }
}
