//! Tests that look at the order of differences and scores alone.

use crate::sign_flips::TIE;
use crate::{Error, Result, mean};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The outcome of Wilcoxon's signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wilcoxon {
    /// Sum of the ranks of the differences above 0.
    pub rank_sum: f64,
    /// Two-sided p value, exact.
    pub p: f64,
    /// Differences other than 0.
    pub pairs: usize,
}

/// Wilcoxon's signed-rank test of paired differences, such as those of subjects.
///
/// Differences of 0 are left out, equal sizes share the mean of their ranks. The p value is exact with ties too: the share of
/// combinations of signs whose rank sum is as far from its mean, or further. Sizes that differ by 1e-9 of the largest are
/// equal, so that the rounding of scores makes no ranks.
///
/// Cost: n^3 for n differences, and n^2 numbers of memory. Source: F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1, 1945.
///
/// # Errors
/// No difference other than 0; a difference that is not finite.
///
/// ```
/// let test = av_eval::wilcoxon(&[0.3, -0.1, 0.2, 0.5])?;
/// assert_eq!((test.rank_sum, test.p), (9.0, 0.25)); // rank sums 0, 1, 9 and 10, of 16 combinations
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn wilcoxon(differences: &[f64]) -> Result<Wilcoxon> {
    check_finite("the list of differences", differences)?;
    let largest = differences.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let kept: Vec<f64> =
        differences.iter().copied().filter(|value| value.abs() > TIE * largest).collect();
    if kept.is_empty() {
        let what = "a signed-rank test, in differences other than 0,";
        return Err(Error::TooFew { what, expected: 1, actual: 0 });
    }
    let sizes: Vec<f64> = kept.iter().map(|value| value.abs()).collect();
    let ranks = double_ranks(&sizes, TIE * largest);
    let total: usize = ranks.iter().sum();
    let above = kept.iter().zip(&ranks).filter(|(value, _)| **value > 0.0);
    let observed: usize = above.map(|(_, rank)| rank).sum();
    // Probability of each doubled rank sum, with one more difference at a time.
    let mut chances = vec![0.0; total + 1];
    chances[0] = 1.0;
    for &rank in &ranks {
        for sum in (0..=total).rev() {
            let with = if sum >= rank { chances[sum - rank] } else { 0.0 };
            chances[sum] = 0.5 * (chances[sum] + with);
        }
    }
    let far = (2 * observed).abs_diff(total);
    let as_far = chances.iter().enumerate().filter(|(sum, _)| (2 * sum).abs_diff(total) >= far);
    let p = as_far.map(|(_, chance)| chance).sum::<f64>().min(1.0);
    Ok(Wilcoxon { rank_sum: observed as f64 / 2.0, p, pairs: kept.len() })
}

/// The outcome of Friedman's test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Friedman {
    /// Mean rank of each system; 1 is the lowest score.
    pub mean_ranks: Vec<f64>,
    /// The statistic, corrected for ties.
    pub chi_square: f64,
    /// p value by the chi-square distribution with one degree of freedom less than systems.
    pub p: f64,
}

/// Friedman's test of whether several systems differ: `scores` has one row per subject or data set, with a score of each system.
///
/// Where it says yes, pairs are compared by [`wilcoxon`] or [`sign_flips`](crate::sign_flips), with [`holm`](crate::holm). The
/// p value is an approximation, good from about ten rows on.
///
/// Source: M. Friedman, "The Use of Ranks to Avoid the Assumption of Normality", JASA 32, 1937; the advice is that of
/// J. Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006.
///
/// # Errors
/// Fewer than two rows or two systems; rows of different lengths; scores that are not finite; ties in all rows.
///
/// ```
/// let scores = [vec![0.5, 0.6, 0.7], vec![0.4, 0.6, 0.9], vec![0.2, 0.3, 0.8]];
/// let test = av_eval::friedman(&scores)?;
/// assert_eq!(test.mean_ranks, [1.0, 2.0, 3.0]);
/// assert!((test.chi_square - 6.0).abs() < 1e-12);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn friedman(scores: &[Vec<f64>]) -> Result<Friedman> {
    let systems = scores.first().map_or(0, Vec::len);
    let (rows, columns) = (scores.len(), systems as f64);
    for (what, actual) in [("Friedman's test, in rows,", rows), ("its systems", systems)] {
        if actual < 2 {
            return Err(Error::TooFew { what, expected: 2, actual });
        }
    }
    let mut sums = vec![0usize; systems];
    let mut squares = 0.0;
    for row in scores {
        if row.len() != systems {
            let (expected, actual) = (systems, row.len());
            return Err(Error::Length { what: "scores of a row", expected, actual });
        }
        check_finite("a row of scores", row)?;
        let largest = row.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        for (sum, rank) in sums.iter_mut().zip(double_ranks(row, TIE * largest)) {
            *sum += rank;
            squares += (rank as f64 / 2.0).powi(2);
        }
    }
    let centre = (columns + 1.0) / 2.0;
    let mean_ranks: Vec<f64> = sums.iter().map(|sum| *sum as f64 / 2.0 / rows as f64).collect();
    // Squares of ranks about their mean: within all rows, and of the mean ranks.
    let within = squares - (rows * systems) as f64 * centre * centre;
    if within <= 0.0 {
        let what = "Friedman's test, in rows without a tie of all,";
        return Err(Error::TooFew { what, expected: 1, actual: 0 });
    }
    let between: Vec<f64> = mean_ranks.iter().map(|rank| (rank - centre).powi(2)).collect();
    let rows = rows as f64;
    let chi_square = (columns - 1.0) * rows * rows * columns * mean(&between) / within;
    let law = ChiSquared::new(columns - 1.0).ok();
    let p = law.map_or(f64::NAN, |law| law.sf(chi_square));
    Ok(Friedman { mean_ranks, chi_square, p })
}

/// Twice the rank of each value, from 2 up; values within `slack` of the one before share the mean of their ranks.
fn double_ranks(values: &[f64], slack: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let mut below = 0;
    for ties in order.chunk_by(|&a, &b| values[b] - values[a] <= slack) {
        // Ranks below + 1 to below + n have the mean below + (n + 1)/2.
        ties.iter().for_each(|&index| ranks[index] = 2 * below + ties.len() + 1);
        below += ties.len();
    }
    ranks
}

fn check_finite(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(Error::NonFinite { what, row, value: values[row] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_ties_are_their_mean() {
        assert_eq!(double_ranks(&[0.5, 0.25, 0.5, 0.125, 0.5], 0.0), [8, 4, 8, 2, 8]);
        assert_eq!(double_ranks(&[0.1 + 0.2, 0.3], 1e-9), [3, 3]);
        assert_eq!(double_ranks(&[0.25, 0.5], 0.25), [3, 3]);
    }

    #[test]
    fn signed_ranks_by_hand() {
        // Ranks 1.5 (-), 1.5 (+), 3 (+): sums 0, 1.5 twice, 3 twice, 4.5 twice, 6. Mean 3, observed 4.5.
        let found = wilcoxon(&[-0.1, 0.1, 0.0, 0.4]).unwrap();
        assert_eq!(found, Wilcoxon { rank_sum: 4.5, p: 0.75, pairs: 3 });
        assert_eq!(wilcoxon(&[0.5, 0.25, 1.0]).unwrap().p, 0.25);
        assert_eq!(wilcoxon(&[0.5, -0.5]).unwrap().p, 1.0);
    }

    #[test]
    fn differences_that_are_zero_but_for_rounding_are_left_out() {
        let with = wilcoxon(&[0.1 + 0.2 - 0.3, 0.5, 0.25]).unwrap();
        assert_eq!(with, wilcoxon(&[0.5, 0.25]).unwrap());
    }

    #[test]
    fn the_unit_of_scores_does_not_matter() {
        let values = [0.5, -0.25, 1.0, 0.125, 0.0];
        let scores = [vec![0.5, 0.25, 1.0], vec![0.25, 0.5, 0.75]];
        for unit in [1e-12, 1e12] {
            assert_eq!(wilcoxon(&values.map(|value| value * unit)), wilcoxon(&values));
            let scaled = scores.clone().map(|row| row.iter().map(|score| score * unit).collect());
            assert_eq!(friedman(&scaled), friedman(&scores));
        }
    }

    #[test]
    fn ties_within_rows_are_corrected() {
        // Ranks 1.5 1.5 3 and 1 2 3: mean ranks 1.25, 1.75, 3; squares about 2 within: 1.5 + 2, of the means 1.625.
        let found = friedman(&[vec![0.5, 0.5, 0.75], vec![0.0, 0.25, 0.5]]).unwrap();
        assert_eq!(found.mean_ranks, [1.25, 1.75, 3.0]);
        // 12 sums of squares / (...) in its other form: (k - 1) n^2 sum / within.
        assert!((found.chi_square - 2.0 * 4.0 * 1.625 / 3.5).abs() < 1e-14, "{found:?}");
        // With two degrees of freedom the tail is exp(-x/2).
        assert!((found.p - (-found.chi_square / 2.0).exp()).abs() < 1e-14);
    }

    #[test]
    fn what_cannot_be_ranked_is_rejected() {
        assert!(matches!(wilcoxon(&[0.0, 0.0]), Err(Error::TooFew { .. })));
        assert!(matches!(wilcoxon(&[]), Err(Error::TooFew { .. })));
        assert!(matches!(wilcoxon(&[1.0, f64::INFINITY]), Err(Error::NonFinite { row: 1, .. })));
        let of =
            |rows: &[&[f64]]| friedman(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>());
        assert!(matches!(of(&[]), Err(Error::TooFew { .. })));
        assert!(matches!(of(&[&[1.0, 2.0]]), Err(Error::TooFew { expected: 2, actual: 1, .. })));
        assert!(matches!(of(&[&[1.0], &[2.0]]), Err(Error::TooFew { expected: 2, actual: 1, .. })));
        assert!(matches!(of(&[&[1.0, 2.0], &[2.0]]), Err(Error::Length { .. })));
        assert!(matches!(of(&[&[1.0, 1.0], &[2.0, 2.0]]), Err(Error::TooFew { .. })));
        assert!(matches!(of(&[&[1.0, f64::NAN], &[2.0, 2.0]]), Err(Error::NonFinite { .. })));
    }
}
