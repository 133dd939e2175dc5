//! A metric made ready for one list of clips, to be computed many times with clips left out or repeated.

use crate::calibration::{Confidences, EQUAL_MASS_BINS};
use crate::regression::ccc;
use crate::weights::total;
use crate::{ClassDecisions, Confusion, ValueDecisions};

/// What can be computed once per clip, and how the score follows from it.
///
/// Made by [`Metric::scorer`](crate::Metric::scorer). A score with every weight 1 is the metric; a weight of k counts a clip
/// k times, a weight of 0 leaves it out. Costs one pass over the clips.
///
/// ```
/// use av_eval::{Metric, ValueDecisions};
/// let decisions = ValueDecisions::new(vec![0.0, 1.0, 2.0], vec![0.0, 2.0, 5.0])?;
/// let rmse = Metric::Rmse.scorer(&decisions).unwrap();
/// assert_eq!(rmse.score(&[3, 1, 0]), Some(0.5)); // errors 0, 0, 0 and 1
/// # Ok::<(), av_eval::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scorer(Parts);

#[derive(Clone, Debug)]
enum Parts {
    /// The place in the confusion matrix of each clip.
    Counts { classes: usize, cells: Vec<(u32, u32)>, score: fn(&Confusion) -> f64 },
    /// A number per clip, of which the mean is taken.
    Mean { values: Vec<f64>, score: fn(f64) -> f64 },
    /// How sure the system was of each clip, and whether it was right.
    Calibration(Confidences),
    /// Numbers of clips.
    Concordance(ValueDecisions),
}

impl Scorer {
    /// A score of the confusion matrix.
    pub(crate) fn of_counts(decisions: &ClassDecisions, score: fn(&Confusion) -> f64) -> Self {
        let cells = decisions.truth().iter().zip(decisions.decided());
        let cells = cells.map(|(&truth, decided)| (truth as u32, decided as u32)).collect();
        Self(Parts::Counts { classes: decisions.classes(), cells, score })
    }

    /// A mean over clips, and what is made of it in the end.
    pub(crate) fn of_mean(values: Vec<f64>, score: fn(f64) -> f64) -> Self {
        Self(Parts::Mean { values, score })
    }

    /// The expected calibration error.
    pub(crate) fn of_calibration(decisions: &ClassDecisions) -> Self {
        Self(Parts::Calibration(Confidences::new(decisions)))
    }

    /// The concordance correlation coefficient.
    pub(crate) fn of_concordance(decisions: &ValueDecisions) -> Self {
        Self(Parts::Concordance(decisions.clone()))
    }

    /// How many clips there are, and so how many weights are wanted.
    pub fn clips(&self) -> usize {
        match &self.0 {
            Parts::Counts { cells, .. } => cells.len(),
            Parts::Mean { values, .. } => values.len(),
            Parts::Calibration(confidences) => confidences.clips(),
            Parts::Concordance(decisions) => decisions.truth().len(),
        }
    }

    /// The score where each clip counts `weights` times. `None` where that is no number: without clips, for the CCC of two
    /// equal constants, or with another number of weights than clips.
    pub fn score(&self, weights: &[u32]) -> Option<f64> {
        if weights.len() != self.clips() {
            return None;
        }
        let score = match &self.0 {
            Parts::Counts { classes, cells, score } => {
                let mut counts = Confusion::new(*classes);
                for (&(truth, decided), &weight) in cells.iter().zip(weights) {
                    counts.add_clips(truth as usize, decided as usize, u64::from(weight));
                }
                score(&counts)
            }
            Parts::Mean { values, score } => score(weighted_mean(values, weights)),
            Parts::Calibration(confidences) => confidences.ece(weights, EQUAL_MASS_BINS),
            Parts::Concordance(of) => ccc(of.truth(), of.predicted(), weights)?,
        };
        (!score.is_nan()).then_some(score)
    }

    /// The score where every clip counts once.
    pub fn score_of_all(&self) -> Option<f64> {
        self.score(&vec![1; self.clips()])
    }
}

/// The mean where each value counts `weights` times; with every weight 1, the same bits as [`mean`](crate::mean).
fn weighted_mean(values: &[f64], weights: &[u32]) -> f64 {
    // An infinite value that is left out must not become NaN.
    let counted = values.iter().zip(weights).filter(|(_, weight)| **weight > 0);
    let sum: f64 = counted.map(|(value, &weight)| value * f64::from(weight)).sum();
    sum / total(weights) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metric, Outcomes, mean};

    /// Six clips of three classes; two are equally sure.
    fn classes() -> ClassDecisions {
        let rows = [
            [0.7, 0.2, 0.1],
            [0.2, 0.5, 0.3],
            [0.1, 0.3, 0.6],
            [0.6, 0.3, 0.1],
            [0.4, 0.25, 0.35],
            [0.05, 0.9, 0.05],
        ];
        ClassDecisions::new(3, vec![0, 1, 1, 2, 0, 1], rows.concat()).unwrap()
    }

    fn values() -> ValueDecisions {
        let truth = vec![0.5, -0.25, 1.0, 2.0, 0.0, -1.5];
        ValueDecisions::new(truth, vec![0.25, 0.5, 1.5, 1.0, -0.5, -1.0]).unwrap()
    }

    #[test]
    fn a_weight_counts_a_clip_that_many_times() {
        let weights = [2u32, 0, 1, 3, 1, 0];
        let places: Vec<usize> =
            weights.iter().enumerate().flat_map(|(row, &k)| vec![row; k as usize]).collect();
        let (classes, values) = (classes(), values());
        let (few_classes, few_values) = (classes.select(&places), values.select(&places));
        for metric in Metric::ALL {
            let (all, few): (Outcomes<'_>, Outcomes<'_>) = match metric.of(&classes) {
                Some(_) => ((&classes).into(), (&few_classes).into()),
                None => ((&values).into(), (&few_values).into()),
            };
            let weighted = metric.scorer(all).unwrap().score(&weights).unwrap();
            let repeated = metric.of(few).unwrap();
            assert!((weighted - repeated).abs() < 4.0 * f64::EPSILON, "{metric}: {weighted}");
            assert!((weighted - metric.of(all).unwrap()).abs() > 1e-3, "{metric} sees no weights");
        }
    }

    #[test]
    fn with_weights_of_1_a_mean_has_the_same_bits() {
        let values: Vec<f64> = (1..200).map(|i| 1.0 / f64::from(i)).collect();
        assert_eq!(weighted_mean(&values, &[1; 199]).to_bits(), mean(&values).to_bits());
        assert_eq!(weighted_mean(&[-0.0], &[1]).to_bits(), mean(&[-0.0]).to_bits());
    }

    #[test]
    fn an_infinite_loss_that_is_left_out_does_no_harm() {
        let sure = ClassDecisions::new(2, vec![0, 1], vec![1.0, 0.0, 1.0, 0.0]).unwrap();
        let loss = Metric::LogLoss.scorer(&sure).unwrap();
        assert_eq!(loss.score(&[4, 0]), Some(0.0));
        assert_eq!(loss.score(&[4, 1]), Some(f64::INFINITY));
    }

    #[test]
    fn nothing_has_no_score() {
        let (classes, values) = (classes(), values());
        for metric in Metric::ALL {
            let scorer = metric.scorer(&classes).or_else(|| metric.scorer(&values)).unwrap();
            assert_eq!(scorer.clips(), 6);
            assert_eq!(scorer.score(&[0; 6]), None, "{metric}");
            assert_eq!(scorer.score(&[1; 5]), None, "{metric}");
        }
    }
}
