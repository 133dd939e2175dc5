//! Whether a difference over subjects can be chance: the signs are flipped.

use crate::by_seed::BySeed;
use crate::{Clusters, Error, Metric, Outcomes, Result};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Subjects up to which all combinations of signs are gone through: 2^16 of them.
pub const EXACT_SUBJECTS: usize = 16;

/// Draws of signs beyond that. The standard error of a p of 0.05 is 0.0007 with them.
pub const SIGN_DRAWS: usize = 100_000;

/// Sums that differ by less than this share of the sum of sizes are the same sum. Differences of scores carry the rounding of
/// the scores, which are larger than they are, and sums depend on the order; shares of whole clips are further apart.
pub(crate) const TIE: f64 = 1e-9;

/// The outcome of a test by sign flips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignFlips {
    /// Two-sided p value.
    pub p: f64,
    /// Whether all combinations were gone through.
    pub exact: bool,
    /// How many subjects there were.
    pub subjects: usize,
}

/// Two-sided p value of paired differences, one per subject: the share of combinations of signs whose sum is as far from 0 as
/// that observed, or further.
///
/// Null hypothesis: each subject's difference might as well have had the other sign. Exact up to [`EXACT_SUBJECTS`]; with
/// more, `(1 + count) / (1 + draws)` over [`SIGN_DRAWS`] draws by `seed`, the observed signs being one of the combinations.
/// The smallest p of n subjects is `2^(1 - n)`: with five it is 0.0625, and no difference can be significant.
///
/// Source: R. A. Fisher, "The Design of Experiments", 1935. For the 1: B. Phipson and G. K. Smyth, "Permutation P-values
/// Should Never Be Zero", Statistical Applications in Genetics and Molecular Biology 9, 2010.
///
/// # Errors
/// No differences; a difference that is not finite.
///
/// ```
/// // Of the 8 combinations, +++ and --- have a sum as far from 0.
/// assert_eq!(av_eval::sign_flips(&[0.1, 0.2, 0.3], 0)?.p, 0.25);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn sign_flips(differences: &[f64], seed: u64) -> Result<SignFlips> {
    let subjects = differences.len();
    if subjects == 0 {
        return Err(Error::TooFew { what: "sign flips, in subjects,", expected: 1, actual: 0 });
    }
    if let Some(row) = differences.iter().position(|value| !value.is_finite()) {
        let (what, value) = ("the list of differences", differences[row]);
        return Err(Error::NonFinite { what, row, value });
    }
    // Divided by the largest, so that no sum overflows.
    let largest = differences.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let scaled: Vec<f64> = differences.iter().map(|value| value / scale).collect();
    let slack = TIE * scaled.iter().map(|value| value.abs()).sum::<f64>();
    let far = scaled.iter().sum::<f64>().abs() - slack;
    let exact = subjects <= EXACT_SUBJECTS;
    let p = if exact { all(&scaled, far) } else { some(&scaled, far, seed) };
    Ok(SignFlips { p, exact, subjects })
}

/// Share of all combinations whose sum is as far from 0. The first sign is kept: its other half mirrors this one.
fn all(values: &[f64], far: f64) -> f64 {
    let combinations = 1u32 << (values.len() - 1);
    let count = (0..combinations).filter(|&signs| {
        let flipped = values.iter().enumerate();
        let sum: f64 = flipped.map(|(i, v)| if signs >> i & 1 == 1 { -v } else { *v }).sum();
        sum.abs() >= far
    });
    count.count() as f64 / f64::from(combinations)
}

/// As [`all`], of combinations that are drawn.
fn some(values: &[f64], far: f64, seed: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = 0u32;
    for _ in 0..SIGN_DRAWS {
        let mut sum = 0.0;
        for values in values.chunks(64) {
            let signs = rng.next_u64();
            let flipped = values.iter().enumerate();
            sum += flipped.map(|(i, v)| if signs >> i & 1 == 1 { -v } else { *v }).sum::<f64>();
        }
        count += u32::from(sum.abs() >= far);
    }
    f64::from(1 + count) / (1 + SIGN_DRAWS) as f64
}

/// The difference between two systems for each subject, a less b: the metric on the subject's own clips of each seed, and the
/// mean of it over the seeds that have the subject.
///
/// For a metric of many clips together, such as CCC or ECE, the clips of a subject may be too few: prefer accuracy, UAR or
/// log loss.
///
/// # Errors
/// As for [`Bootstrap::difference`](crate::Bootstrap::difference); a subject without a finite score.
///
/// ```
/// use av_eval::{ClassDecisions, Clusters, Metric, subject_differences};
/// let people = Clusters::new(&[0, 0, 1], &[0; 3])?;
/// let a = ClassDecisions::new(2, vec![0, 0, 1], vec![0.9, 0.1, 0.8, 0.2, 0.9, 0.1])?;
/// let b = ClassDecisions::new(2, vec![0, 0, 1], vec![0.9, 0.1, 0.2, 0.8, 0.1, 0.9])?;
/// assert_eq!(subject_differences(Metric::Accuracy, &people, &a, &b)?, [0.5, -1.0]);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn subject_differences<'a, 'b>(
    metric: Metric,
    clusters: &Clusters,
    a: impl Into<Outcomes<'a>>,
    b: impl Into<Outcomes<'b>>,
) -> Result<Vec<f64>> {
    let scores = BySeed::difference(metric, clusters, a.into(), b.into())?;
    let mut weights = vec![];
    let mut of = |subject: usize| {
        let (mut sum, mut seeds) = (0.0, 0.0);
        for seed in 0..clusters.seeds() {
            weights.clear();
            let rows = clusters.subjects_of_seed(seed).iter();
            weights.extend(rows.map(|&of| u32::from(of == subject)));
            if weights.contains(&1) {
                let score = scores.score(seed, &weights);
                sum += score
                    .ok_or_else(|| scores.undefined(format!("the clips of subject {subject}")))?;
                seeds += 1.0;
            }
        }
        Ok(sum / seeds)
    };
    (0..clusters.subjects()).map(&mut of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassDecisions;

    fn p(differences: &[f64]) -> f64 {
        sign_flips(differences, 3).unwrap().p
    }

    #[test]
    fn p_values_counted_by_hand() {
        assert_eq!(p(&[0.7]), 1.0);
        // Sums 4, 2, 0, -2 and back: 4 and 2 of each sign are as far as 2, which leaves 0 twice of 8.
        assert_eq!(p(&[1.0, 2.0, -1.0]), 0.75);
        assert_eq!(p(&[1.0, 2.0, 1.0]), 0.25);
        assert_eq!(p(&[-0.1; 5]), 0.0625);
        // A subject without a difference changes nothing.
        assert_eq!(p(&[-0.1, 0.0, -0.1, -0.1]), 0.25);
        assert_eq!(p(&[0.0; 4]), 1.0);
    }

    #[test]
    fn sums_that_are_equal_but_for_rounding_are_equal() {
        // 0.1 + 0.2 and 0.3 differ in their last bit; of 8 combinations all but the four of +-(0.6), +-(0.2) ... are 0.
        assert_eq!(p(&[0.1, 0.2, -0.3]), 1.0);
        // Scores of 60 clips: differences of one, two and three of them, with the rounding of the scores.
        let differences = [(31.0, 30.0), (32.0, 30.0), (27.0, 30.0), (41.0, 40.0)];
        let scores = differences.map(|(a, b)| a / 60.0 - b / 60.0);
        let clips = differences.map(|(a, b)| a - b);
        assert_eq!(p(&scores), p(&clips));
    }

    #[test]
    fn sizes_beyond_any_score_do_not_overflow() {
        assert_eq!(p(&[1e308, 1e308, 1e308]), 0.25);
        assert_eq!(p(&[1e-310, 1e-310, 1e-310]), 0.25);
    }

    #[test]
    fn draws_agree_with_all_combinations() {
        let values: Vec<f64> = (0..14).map(|i| f64::from(i * i % 11) - 3.0).collect();
        let far = values.iter().sum::<f64>().abs() - 0.5;
        let (all, some) = (all(&values, far), some(&values, far, 9));
        let error = (all * (1.0 - all) / SIGN_DRAWS as f64).sqrt();
        assert!((all - some).abs() < 4.0 * error && all > 0.05, "{all} {some}");
        assert_ne!(some, super::some(&values, far, 10));
    }

    #[test]
    fn more_subjects_than_bits_have_a_sign_each() {
        // The sum of 100 signs is 20 or further from 0 with probability 0.0569 (binomial, exact).
        let values: Vec<f64> = (0..100).map(|i| if i < 60 { 1.0 } else { -1.0 }).collect();
        let found = sign_flips(&values, 1).unwrap();
        assert!(!found.exact && found.subjects == 100);
        assert!((found.p - 0.056_888).abs() < 4.0 * (0.0569f64 * 0.9431 / 1e5).sqrt(), "{found:?}");
        // The observed combination counts, even if no draw has it.
        assert_eq!(p(&[1.0; 100]), 1.0 / 100_001.0);
    }

    #[test]
    fn all_combinations_up_to_16_subjects() {
        assert!(sign_flips(&[1.0; 16], 0).unwrap().exact);
        assert_eq!(p(&[1.0; 16]), 2.0 / 65_536.0);
        assert!(!sign_flips(&[1.0; 17], 0).unwrap().exact);
    }

    #[test]
    fn what_is_no_difference_is_rejected() {
        assert!(matches!(sign_flips(&[], 0), Err(Error::TooFew { .. })));
        let error = sign_flips(&[0.0, f64::NAN], 0).unwrap_err();
        assert!(matches!(error, Error::NonFinite { row: 1, .. }));
    }

    #[test]
    fn the_difference_of_a_subject_is_a_mean_over_seeds() {
        // Subject 0 has two clips under seed 0 and one under seed 1; subject 4 has one under seed 1.
        let people = Clusters::new(&[0, 0, 0, 4], &[0, 0, 1, 1]).unwrap();
        let of = |second: [f64; 4]| {
            let rows = second.iter().flat_map(|p| [1.0 - p, *p]).collect();
            ClassDecisions::new(2, vec![1; 4], rows).unwrap()
        };
        let (a, b) = (of([0.9, 0.9, 0.1, 0.2]), of([0.9, 0.1, 0.2, 0.7]));
        let found = subject_differences(Metric::Accuracy, &people, &a, &b).unwrap();
        assert_eq!(found, [(0.5 + 0.0) / 2.0, -1.0]);
        let sure = of([0.9, 0.9, 0.1, 0.0]);
        let error = subject_differences(Metric::LogLoss, &people, &sure, &b).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("log loss has no finite value on the clips of subject 1"),
            "{message}"
        );
    }
}
