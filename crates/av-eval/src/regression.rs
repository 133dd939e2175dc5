//! Scores of predicted numbers.

use crate::weights::total;
use crate::{ValueDecisions, mean};

/// Squared error of each clip. The root of their mean is the RMSE.
///
/// ```
/// let decisions = av_eval::ValueDecisions::new(vec![1.0, 2.0], vec![1.5, 0.0])?;
/// assert_eq!(av_eval::squared_errors(&decisions), [0.25, 4.0]);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn squared_errors(decisions: &ValueDecisions) -> Vec<f64> {
    errors(decisions).map(|error| error.powi(2)).collect()
}

/// Mean absolute error, in the unit of the numbers. `None` without clips.
///
/// ```
/// let decisions = av_eval::ValueDecisions::new(vec![1.0, 2.0], vec![1.5, 0.0])?;
/// assert_eq!(av_eval::mae(&decisions), Some(1.25));
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn mae(decisions: &ValueDecisions) -> Option<f64> {
    let errors: Vec<f64> = errors(decisions).map(f64::abs).collect();
    (!errors.is_empty()).then(|| mean(&errors))
}

fn errors(decisions: &ValueDecisions) -> impl Iterator<Item = f64> {
    decisions.truth().iter().zip(decisions.predicted()).map(|(truth, predicted)| predicted - truth)
}

/// Lin's concordance correlation coefficient, see [`Metric::Ccc`](crate::Metric::Ccc).
///
/// Numerics: values are taken relative to the first clip and centred before they are multiplied, so that an offset costs
/// no digits and constants have a variance of exactly 0.
pub(crate) fn ccc(truth: &[f64], predicted: &[f64], weights: &[u32]) -> Option<f64> {
    let rows = || {
        let counted = weights.iter().enumerate().filter(|(_, weight)| **weight > 0);
        counted.map(|(row, &weight)| (truth[row], predicted[row], f64::from(weight)))
    };
    let clips = total(weights) as f64;
    let (first_x, first_y, _) = rows().next()?;
    let mean_of = |value: fn(f64, f64) -> f64| {
        rows().map(|(x, y, weight)| weight * value(x - first_x, y - first_y)).sum::<f64>() / clips
    };
    let (mean_x, mean_y) = (mean_of(|x, _| x), mean_of(|_, y| y));
    let (mut covariance, mut variances) = (0.0, 0.0);
    for (x, y, weight) in rows() {
        let (x, y) = (x - first_x - mean_x, y - first_y - mean_y);
        covariance += weight * x * y;
        variances += weight * (x * x + y * y);
    }
    let offset = (first_x - first_y) + (mean_x - mean_y);
    let spread = variances / clips + offset * offset;
    (spread > 0.0).then(|| 2.0 * covariance / clips / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metric;

    fn ccc_of(truth: &[f64], predicted: &[f64]) -> Option<f64> {
        Metric::Ccc.of(&ValueDecisions::new(truth.to_vec(), predicted.to_vec()).unwrap())
    }

    #[test]
    fn agreement_is_1_and_its_mirror_is_minus_1() {
        let truth = [0.5, -1.0, 2.0, 0.25];
        let near = |found: Option<f64>, value: f64| {
            assert!((found.unwrap() - value).abs() < 4.0 * f64::EPSILON, "{found:?}");
        };
        near(ccc_of(&truth, &truth), 1.0);
        // Mirrored at the mean, 0.4375.
        near(ccc_of(&truth, &truth.map(|value| 0.875 - value)), -1.0);
        // Twice the distance from the mean: 2 * 2 / (1 + 4).
        near(ccc_of(&truth, &truth.map(|value| 2.0 * value - 0.4375)), 0.8);
        // Off by 1, with a variance of 1.1.
        near(ccc_of(&[0.0, 1.0], &[1.0, 2.0]), 0.5 / (0.5 + 1.0));
    }

    #[test]
    fn a_constant_prediction_agrees_with_nothing() {
        assert_eq!(ccc_of(&[0.1, 0.2, 0.3], &[0.2; 3]), Some(0.0));
        assert_eq!(ccc_of(&[0.1; 3], &[0.3; 3]), Some(0.0));
        assert_eq!(ccc_of(&[0.1; 3], &[0.1; 3]), None);
    }

    #[test]
    fn an_offset_costs_no_digits() {
        let (truth, predicted) = ([0.5, -1.0, 2.0, 0.25], [0.75, -0.5, 1.0, 0.0]);
        let far = |values: [f64; 4]| values.map(|value| value + 1e9);
        let (near, far) = (ccc_of(&truth, &predicted), ccc_of(&far(truth), &far(predicted)));
        assert!((near.unwrap() - far.unwrap()).abs() < 1e-15);
    }

    #[test]
    fn errors_have_no_sign() {
        let decisions = ValueDecisions::new(vec![1.0, 2.0, 4.0], vec![2.0, 0.0, 4.0]).unwrap();
        assert_eq!(mae(&decisions), Some(1.0));
        assert_eq!(squared_errors(&decisions), [1.0, 4.0, 0.0]);
        assert_eq!(mae(&ValueDecisions::new(vec![], vec![]).unwrap()), None);
    }
}
