//! One number that makes probabilities softer or sharper, fitted to clips of which the truth is known.

use crate::{ClassDecisions, Error, Metric, Result, mean};
use serde::{Deserialize, Serialize};

/// The lowest and highest temperature that is looked at: a hundred times sharper and a hundred times softer. An optimum further
/// out says that the clips are too few, too easy, or decided by chance, and not how sure a system should be.
pub const TEMPERATURES: (f64, f64) = (0.01, 100.0);

/// A fitted temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// Above 1 where the system was too sure.
    pub value: f64,
    /// Log loss of the probabilities as they were.
    pub log_loss_before: f64,
    /// Log loss at this temperature, on the same clips.
    pub log_loss_after: f64,
    /// Whether the best temperature lies at an end of [`TEMPERATURES`] or beyond, so that `value` is that end.
    pub at_bound: Option<TemperatureBound>,
}

/// An end of [`TEMPERATURES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemperatureBound {
    /// The sharper, the better: every clip, or nearly so, was decided rightly.
    Lowest,
    /// The softer, the better: the probabilities say nothing of the truth, or the contrary.
    Highest,
}

/// The temperature T that makes the log loss of these clips smallest, where probabilities p become `p^(1/T)` made to sum
/// to 1 (the softmax of logits over T).
///
/// Fit it on clips that are neither those of the training nor those of the test. It changes no decision.
///
/// Numerics: the loss is convex in 1/T, so its derivative has one root, which is found by bisection to the last bits. Where
/// all probabilities are even, every temperature is as good, and T is 1.
///
/// Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
///
/// # Errors
/// No clips; a true class of probability 0.
///
/// ```
/// use av_eval::{ClassDecisions, fit_temperature};
/// // Says 0.9 and is right three times of four.
/// let decisions = ClassDecisions::new(2, vec![0, 0, 0, 1], [0.9, 0.1].repeat(4))?;
/// let softer = fit_temperature(&decisions)?;
/// assert!((softer.value - 2.0).abs() < 1e-9); // 0.9 : 0.1 is 9 : 1, and the root of it 3 : 1
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn fit_temperature(decisions: &ClassDecisions) -> Result<Temperature> {
    if decisions.truth().is_empty() {
        return Err(Error::TooFew { what: "a temperature, in clips,", expected: 1, actual: 0 });
    }
    let clips = log_odds(decisions)?;
    // Falling in T: below 0 where a sharper 1/T would lower the loss.
    let slope = |temperature: f64| {
        mean(&clips.iter().map(|clip| clip.slope(1.0 / temperature)).collect::<Vec<_>>())
    };
    let (mut low, mut high) = TEMPERATURES;
    let flat = clips.iter().all(|clip| clip.values.iter().all(|value| *value == 0.0));
    let (value, at_bound) = if flat {
        (1.0, None)
    } else if slope(low) <= 0.0 {
        (low, Some(TemperatureBound::Lowest))
    } else if slope(high) >= 0.0 {
        (high, Some(TemperatureBound::Highest))
    } else {
        // Until the two are neighbours, or nearly.
        loop {
            let middle = (low * high).sqrt();
            if middle <= low || middle >= high {
                break;
            }
            *(if slope(middle) > 0.0 { &mut low } else { &mut high }) = middle;
        }
        (high, None)
    };
    let log_loss_of = |decisions: &ClassDecisions| Metric::LogLoss.of(decisions);
    Ok(Temperature {
        value,
        log_loss_before: log_loss_of(decisions).unwrap_or(f64::NAN),
        log_loss_after: log_loss_of(&at_temperature(decisions, value)?).unwrap_or(f64::NAN),
        at_bound,
    })
}

/// The decisions at a temperature: see [`fit_temperature`].
///
/// # Errors
/// A temperature that is not finite and above 0.
pub fn at_temperature(decisions: &ClassDecisions, temperature: f64) -> Result<ClassDecisions> {
    if !(temperature.is_finite() && temperature > 0.0) {
        let (what, allowed) = ("the temperature", "finite and above 0");
        return Err(Error::Setting { what, value: temperature, allowed });
    }
    let mut probabilities = Vec::with_capacity(decisions.truth().len() * decisions.classes());
    for row in decisions.rows() {
        let largest = row.iter().copied().fold(0.0, f64::max);
        let powers: Vec<f64> =
            row.iter().map(|p| ((p.ln() - largest.ln()) / temperature).exp()).collect();
        let sum: f64 = powers.iter().sum();
        probabilities.extend(powers.iter().map(|power| power / sum));
    }
    ClassDecisions::new(decisions.classes(), decisions.truth().to_vec(), probabilities)
}

/// Log-probabilities of the classes that are possible, and that of the true class, all relative to the largest.
struct LogOdds {
    values: Vec<f64>,
    truth: f64,
}

fn log_odds(decisions: &ClassDecisions) -> Result<Vec<LogOdds>> {
    let clip = |(index, (row, &truth)): (usize, (&[f64], &usize))| {
        if row[truth] == 0.0 {
            return Err(Error::ImpossibleTruth { row: index });
        }
        let largest = row.iter().copied().fold(0.0, f64::max).ln();
        let possible = row.iter().filter(|p| **p > 0.0);
        Ok(LogOdds {
            values: possible.map(|p| p.ln() - largest).collect(),
            truth: row[truth].ln() - largest,
        })
    };
    decisions.rows().zip(decisions.truth()).enumerate().map(clip).collect()
}

impl LogOdds {
    /// Derivative of the log loss by `sharpness` = 1/T: the mean log-odds under the scaled probabilities, less that of the
    /// true class.
    fn slope(&self, sharpness: f64) -> f64 {
        let (mut sum, mut weighted) = (0.0, 0.0);
        for value in &self.values {
            let power = (value * sharpness).exp();
            sum += power;
            weighted += power * value;
        }
        weighted / sum - self.truth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(truth: &[usize], rows: &[[f64; 3]]) -> ClassDecisions {
        ClassDecisions::new(3, truth.to_vec(), rows.concat()).unwrap()
    }

    #[test]
    fn the_root_of_a_two_class_problem_is_found() {
        // Says 0.8, right in 9 of 10: 9 = 4^(1/T).
        let truth = [[0; 9].as_slice(), &[1]].concat();
        let decisions = ClassDecisions::new(2, truth, [0.8, 0.2].repeat(10)).unwrap();
        let fitted = fit_temperature(&decisions).unwrap();
        assert!((fitted.value - 4f64.ln() / 9f64.ln()).abs() < 1e-13, "{fitted:?}");
        assert_eq!(fitted.at_bound, None);
        let (right, wrong) = (0.9f64.ln(), 0.1f64.ln());
        assert!((fitted.log_loss_after + 0.9 * right + 0.1 * wrong).abs() < 1e-15);
        assert!((fitted.log_loss_before + 0.9 * 0.8f64.ln() + 0.1 * 0.2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn no_other_temperature_has_a_smaller_loss() {
        let rows = [[0.7, 0.2, 0.1], [0.1, 0.85, 0.05], [0.3, 0.3, 0.4], [0.5, 0.0, 0.5]];
        let decisions = decisions(&[0, 0, 1, 2], &rows);
        let fitted = fit_temperature(&decisions).unwrap();
        assert!(fitted.at_bound.is_none() && fitted.value > 1.0, "{fitted:?}");
        for factor in [0.98, 1.02] {
            let other = at_temperature(&decisions, fitted.value * factor).unwrap();
            assert!(Metric::LogLoss.of(&other).unwrap() > fitted.log_loss_after);
        }
    }

    #[test]
    fn it_says_when_the_best_lies_at_an_end() {
        let rows = [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]];
        let right = fit_temperature(&decisions(&[0, 1], &rows)).unwrap();
        assert_eq!((right.value, right.at_bound), (0.01, Some(TemperatureBound::Lowest)));
        assert!(right.log_loss_after < 1e-15);
        let wrong = fit_temperature(&decisions(&[2, 0], &rows)).unwrap();
        assert_eq!((wrong.value, wrong.at_bound), (100.0, Some(TemperatureBound::Highest)));
        assert!(wrong.log_loss_after < wrong.log_loss_before);
    }

    #[test]
    fn even_probabilities_stay() {
        let third = 1.0 / 3.0;
        let fitted = fit_temperature(&decisions(&[0, 2], &[[third; 3]; 2])).unwrap();
        assert_eq!((fitted.value, fitted.at_bound), (1.0, None));
    }

    #[test]
    fn powers_are_made_to_sum_to_1() {
        let rows = [[0.64, 0.36, 0.0]];
        let softer = at_temperature(&decisions(&[0], &rows), 2.0).unwrap();
        let expected = [0.8 / 1.4, 0.6 / 1.4, 0.0];
        for (found, expected) in softer.rows().next().unwrap().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found}");
        }
        // The powers themselves, 0.5^10000 and smaller, are all 0.
        let sharper = at_temperature(&decisions(&[0], &[[0.5, 0.25, 0.25]]), 1e-4).unwrap();
        assert_eq!(sharper.rows().next().unwrap(), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_fitted_is_rejected() {
        let impossible = decisions(&[0, 2], &[[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]]);
        assert_eq!(fit_temperature(&impossible), Err(Error::ImpossibleTruth { row: 1 }));
        let none = fit_temperature(&decisions(&[], &[]));
        assert!(matches!(none, Err(Error::TooFew { expected: 1, actual: 0, .. })));
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = at_temperature(&impossible, temperature).unwrap_err();
            assert!(matches!(error, Error::Setting { .. }), "{temperature}: {error}");
        }
    }
}
