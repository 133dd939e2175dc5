//! Whether a system is right as often as it says.

use crate::weights::total;
use crate::{ClassDecisions, Error, Result, argmax};
use serde::{Deserialize, Serialize};

/// Bins of [`Metric::Ece`](crate::Metric::Ece): the number of the paper that made the measure common, C. Guo et al., "On
/// Calibration of Modern Neural Networks", ICML 2017.
pub const EQUAL_MASS_BINS: usize = 15;

/// Clips of similar confidence: one point of a reliability plot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// How many clips.
    pub clips: u64,
    /// The lowest confidence among them.
    pub low: f64,
    /// The highest confidence among them.
    pub high: f64,
    /// Their mean confidence: how often the system says it is right.
    pub confidence: f64,
    /// Share of them decided rightly: how often it is.
    pub accuracy: f64,
}

/// Expected calibration error of the decided class, in `[0, 1]`, over `bins` bins of equal mass.
///
/// Definition: clips in order of confidence (the largest probability) are cut into bins of as many clips each;
/// `sum over bins of clips/n |accuracy - mean confidence|`. With bins of equal width instead, most clips of a sure system
/// share one.
///
/// Ties: clips of the same confidence are in one bin, that in which the middle of them falls, so the order of clips does not
/// matter and a bin may be larger than others, or empty.
///
/// Numerics: it is never below 0, so it is biased upwards, by more the fewer clips a bin has; compare systems on the same
/// clips. NaN without clips.
///
/// Source: R. Roelofs et al., "Mitigating Bias in Calibration Error Estimation", AISTATS 2022, for the equal mass.
///
/// # Errors
/// No bins.
///
/// ```
/// use av_eval::{ClassDecisions, ece};
/// let decisions = ClassDecisions::new(2, vec![0, 1], vec![0.75, 0.25, 0.125, 0.875])?;
/// assert_eq!(ece(&decisions, 1)?, 1.0 - 0.8125);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn ece(decisions: &ClassDecisions, bins: usize) -> Result<f64> {
    check(bins)?;
    let confidences = Confidences::new(decisions);
    Ok(confidences.ece(&vec![1; confidences.clips()], bins))
}

/// The bins of [`ece`], from the least sure clips to the surest, without those that are empty.
///
/// # Errors
/// No bins.
pub fn reliability(decisions: &ClassDecisions, bins: usize) -> Result<Vec<ReliabilityBin>> {
    check(bins)?;
    let confidences = Confidences::new(decisions);
    Ok(confidences.bins(&vec![1; confidences.clips()], bins))
}

fn check(bins: usize) -> Result<()> {
    let allowed = "1 or more";
    let error = Error::Setting { what: "the number of bins", value: bins as f64, allowed };
    (bins > 0).then_some(()).ok_or(error)
}

/// How sure the system was of each clip, in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Confidences {
    /// The place of the clip in the decisions, its confidence, and whether the decision was right.
    clips: Vec<(u32, f64, bool)>,
}

impl Confidences {
    pub(crate) fn new(decisions: &ClassDecisions) -> Self {
        let clip = |(place, (row, &truth)): (usize, (&[f64], &usize))| {
            let decided = argmax(row);
            (place as u32, row[decided], decided == truth)
        };
        let mut clips: Vec<_> =
            decisions.rows().zip(decisions.truth()).enumerate().map(clip).collect();
        clips.sort_by(|(_, a, _), (_, b, _)| a.total_cmp(b));
        Self { clips }
    }

    pub(crate) fn clips(&self) -> usize {
        self.clips.len()
    }

    /// See [`ece`]; each clip counts `weights` times.
    pub(crate) fn ece(&self, weights: &[u32], bins: usize) -> f64 {
        let gaps = self.sums(weights, bins).map(|bin| (bin.right as f64 - bin.confidence).abs());
        gaps.sum::<f64>() / total(weights) as f64
    }

    fn bins(&self, weights: &[u32], bins: usize) -> Vec<ReliabilityBin> {
        let bin = |sums: Sums| ReliabilityBin {
            clips: sums.clips,
            low: sums.low,
            high: sums.high,
            confidence: sums.confidence / sums.clips as f64,
            accuracy: sums.right as f64 / sums.clips as f64,
        };
        self.sums(weights, bins).map(bin).collect()
    }

    /// The sums of each bin that is not empty.
    fn sums(&self, weights: &[u32], bins: usize) -> impl Iterator<Item = Sums> {
        let all = u128::from(total(weights));
        let mut found: Vec<Sums> = vec![];
        let (mut below, mut last) = (0, None);
        for ties in self.clips.chunk_by(|(_, a, _), (_, b, _)| a == b) {
            let clips = ties.iter().map(|(place, ..)| u64::from(weights[*place as usize])).sum();
            if clips == 0 {
                continue;
            }
            let right = ties.iter().filter(|(.., right)| *right);
            let right = right.map(|(place, ..)| u64::from(weights[*place as usize])).sum();
            let confidence = ties[0].1;
            let ties = Sums {
                clips,
                right,
                confidence: confidence * clips as f64,
                low: confidence,
                high: confidence,
            };
            // Where the middle of the ties lies among the clips, in whole bins: (below + clips/2) / all * bins.
            let bin = bins as u128 * u128::from(2 * below + clips) / (2 * all);
            match found.last_mut() {
                Some(sums) if last == Some(bin) => sums.add(ties),
                _ => found.push(ties),
            }
            below += clips;
            last = Some(bin);
        }
        found.into_iter()
    }
}

/// What is added up over the clips of a bin.
#[derive(Clone, Copy)]
struct Sums {
    clips: u64,
    right: u64,
    confidence: f64,
    low: f64,
    high: f64,
}

impl Sums {
    /// Adds clips of higher confidence.
    fn add(&mut self, other: Self) {
        self.clips += other.clips;
        self.right += other.right;
        self.confidence += other.confidence;
        self.high = other.high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes; the first is decided with each confidence, rightly or not.
    fn decisions(clips: &[(f64, bool)]) -> ClassDecisions {
        let truth = clips.iter().map(|(_, right)| usize::from(!right)).collect();
        let rows = clips.iter().flat_map(|(confidence, _)| [*confidence, 1.0 - confidence]);
        ClassDecisions::new(2, truth, rows.collect()).unwrap()
    }

    #[test]
    fn clips_are_cut_into_bins_of_equal_mass() {
        let clips = [0.5, 0.5625, 0.625, 0.75, 0.875, 0.9375];
        let right = [false, true, false, true, true, true];
        let clips: Vec<_> = clips.into_iter().zip(right).rev().collect();
        let found = reliability(&decisions(&clips), 3).unwrap();
        let bin = |low, high, accuracy| ReliabilityBin {
            clips: 2,
            low,
            high,
            confidence: (low + high) / 2.0,
            accuracy,
        };
        let expected = [bin(0.5, 0.5625, 0.5), bin(0.625, 0.75, 0.5), bin(0.875, 0.9375, 1.0)];
        assert_eq!(found, expected);
        // Gaps per clip 0.03125, 0.1875, 0.09375.
        let error = ece(&decisions(&clips), 3).unwrap();
        assert!((error - (0.03125 + 0.1875 + 0.09375) / 3.0).abs() < 1e-15, "{error}");
    }

    #[test]
    fn bins_that_do_not_divide_the_clips_are_cut_at_the_middle_of_a_clip() {
        // Ten clips, three bins: the middles 0.15, 0.45, ... 2.85 of a bin.
        let clips: Vec<_> = (0..10).map(|i| (0.5 + f64::from(i) / 32.0, true)).collect();
        let found = reliability(&decisions(&clips), 3).unwrap();
        assert_eq!(found.iter().map(|bin| bin.clips).collect::<Vec<_>>(), [3, 4, 3]);
    }

    #[test]
    fn ties_stay_together_where_their_middle_falls() {
        // Five clips, two bins. The ties take places 1 to 4, their middle 3 of 5 is in the second bin.
        let ties = [(0.5, false), (0.75, true), (0.75, false), (0.75, true), (0.75, true)];
        let found = reliability(&decisions(&ties), 2).unwrap();
        assert_eq!(found.iter().map(|bin| bin.clips).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(found[1].accuracy, 0.75);
        let error = ece(&decisions(&ties), 2).unwrap();
        assert_eq!(error, 0.5 / 5.0);
        let mut turned = ties;
        turned.reverse();
        assert_eq!(ece(&decisions(&turned), 2).unwrap(), error);
        let equal = vec![(0.625, true); 7];
        assert_eq!(reliability(&decisions(&equal), 4).unwrap().len(), 1);
    }

    #[test]
    fn being_surer_than_right_and_righter_than_sure_are_both_errors() {
        let of = |right| ece(&decisions(&[(0.75, right), (0.75, right)]), 1).unwrap();
        assert_eq!((of(true), of(false)), (0.25, 0.75));
    }

    #[test]
    fn without_bins_or_clips_there_is_nothing() {
        let error = ece(&decisions(&[(0.75, true)]), 0).unwrap_err().to_string();
        assert_eq!(error, "the number of bins is 0: it must be 1 or more");
        assert!(reliability(&decisions(&[(0.75, true)]), 0).is_err());
        assert!(ece(&decisions(&[]), 3).unwrap().is_nan());
        assert_eq!(reliability(&decisions(&[]), 3).unwrap(), []);
    }
}
