//! Differences between two systems over the same folds: what new training sets would give.

use crate::interval::t_quantile;
use crate::{COVERAGE, Estimate, Interval, mean, sd};

/// Mean of paired differences and its 95 % interval by the corrected resampled t.
///
/// Definition: with n differences of mean d and standard deviation s,
/// `d +- t(n - 1) s sqrt(1/n + r)`, where `r` = `test_over_train` is the number of test clips over the number of training
/// clips. The term `r` is the correction for training sets that overlap between folds; without it
/// the interval is too narrow, because the folds are not independent. No interval with fewer than two differences.
///
/// Source: C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003.
///
/// ```
/// let estimate = av_eval::corrected_resampled_t(&[0.01, 0.03, 0.02], 0.25);
/// assert!((estimate.value - 0.02).abs() < 1e-15);
/// assert!(estimate.interval.unwrap().contains(0.0)); // no difference seen
/// ```
pub fn corrected_resampled_t(differences: &[f64], test_over_train: f64) -> Estimate {
    let centre = mean(differences);
    let interval = sd(differences).and_then(|spread| {
        let pairs = differences.len() as f64;
        let t = t_quantile(COVERAGE, pairs - 1.0)?;
        let half = t * spread * (1.0 / pairs + test_over_train).sqrt();
        Some(Interval { low: centre - half, high: centre + half })
    });
    Estimate { value: centre, interval }
}

/// [`corrected_resampled_t`] of the mean of each fold's seeds, with K - 1 degrees of freedom for K folds.
///
/// `folds` holds the differences of each fold, one per seed. Seeds are no further test sets: taken as differences of their
/// own they add degrees of freedom that are not there. Folds without seeds are left out.
///
/// ```
/// let folds = [vec![0.0, 0.02], vec![0.03, 0.03], vec![0.02, 0.02]];
/// let means = av_eval::corrected_resampled_t(&[0.01, 0.03, 0.02], 0.25);
/// assert_eq!(av_eval::corrected_resampled_t_of_folds(&folds, 0.25), means);
/// ```
pub fn corrected_resampled_t_of_folds(folds: &[Vec<f64>], test_over_train: f64) -> Estimate {
    let folds = folds.iter().filter(|seeds| !seeds.is_empty());
    let means: Vec<f64> = folds.map(|seeds| mean(seeds)).collect();
    corrected_resampled_t(&means, test_over_train)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_overlap_it_is_the_interval_of_student() {
        // t(4) at 97.5 % = 2.776445; mean 0.03, sd 0.015811388, se 0.0070710678.
        let found = corrected_resampled_t(&[0.01, 0.02, 0.03, 0.04, 0.05], 0.0);
        let Interval { low, high } = found.interval.unwrap();
        assert!((found.value - 0.03).abs() < 1e-15);
        assert!((low - (0.03 - 0.019_632_43)).abs() < 1e-7, "{low}");
        assert!((high - (0.03 + 0.019_632_43)).abs() < 1e-7, "{high}");
    }

    #[test]
    fn overlap_widens_it_by_the_stated_factor() {
        let differences = [0.01, 0.02, 0.03, 0.04, 0.05];
        let width = |r| corrected_resampled_t(&differences, r).interval.unwrap().width();
        assert!((width(0.25) / width(0.0) - (0.45f64 / 0.2).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn one_pair_has_no_interval() {
        assert_eq!(corrected_resampled_t(&[0.2], 0.1), Estimate { value: 0.2, interval: None });
    }

    #[test]
    fn seeds_give_no_degrees_of_freedom() {
        let folds = [vec![0.01, 0.03], vec![], vec![0.05, 0.03, 0.04], vec![0.0]];
        let found = corrected_resampled_t_of_folds(&folds, 0.5);
        assert_eq!(found, corrected_resampled_t(&[0.02, 0.04, 0.0], 0.5));
        // t(2) at 97.5 % = 4.302653, sd 0.02.
        let width = 2.0 * 4.302_653 * 0.02 * (1.0f64 / 3.0 + 0.5).sqrt();
        assert!((found.interval.unwrap().width() - width).abs() < 1e-7);
    }
}
