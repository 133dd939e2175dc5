//! Proper scores of probabilities: no system gains by saying other than what it holds true.

use crate::ClassDecisions;

/// `-ln p` of the true class of each clip, in nats. Their mean is the log loss, or cross-entropy.
///
/// A true class of probability 0 costs infinitely much, and with one such clip the log loss is infinite: a system that calls
/// impossible what happened has no finite score, and a floor under the probability would choose one at will. scikit-learn's
/// `log_loss` has such a floor.
///
/// ```
/// use av_eval::{ClassDecisions, log_losses};
/// let decisions = ClassDecisions::new(2, vec![0, 1], vec![0.5, 0.5, 1.0, 0.0])?;
/// assert_eq!(log_losses(&decisions), [2f64.ln(), f64::INFINITY]);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn log_losses(decisions: &ClassDecisions) -> Vec<f64> {
    decisions.rows().zip(decisions.truth()).map(|(row, &truth)| -row[truth].ln()).collect()
}

/// Squared distance of each clip's probabilities from its true class, summed over the classes, in `[0, 2]`. Their mean is the
/// Brier score in its first form; for two classes it is twice the squared error of one of them.
///
/// Source: G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78, 1950.
///
/// ```
/// use av_eval::{ClassDecisions, brier_scores};
/// let decisions = ClassDecisions::new(2, vec![0, 1], vec![0.75, 0.25, 1.0, 0.0])?;
/// assert_eq!(brier_scores(&decisions), [0.125, 2.0]);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn brier_scores(decisions: &ClassDecisions) -> Vec<f64> {
    let score = |(row, &truth): (&[f64], &usize)| {
        let target = |class| if class == truth { 1.0 } else { 0.0 };
        row.iter().enumerate().map(|(class, p)| (p - target(class)).powi(2)).sum()
    };
    decisions.rows().zip(decisions.truth()).map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metric, mean};

    #[test]
    fn the_log_loss_has_the_bits_of_the_mean_of_its_parts() {
        let rows = vec![0.1, 0.2, 0.7, 0.3, 0.3, 0.4, 0.25, 0.7, 0.05];
        let decisions = ClassDecisions::new(3, vec![2, 0, 1], rows).unwrap();
        let parts = [-0.7f64.ln(), -0.3f64.ln(), -0.7f64.ln()];
        assert_eq!(log_losses(&decisions), parts);
        assert_eq!(Metric::LogLoss.of(&decisions), Some(mean(&parts)));
    }

    #[test]
    fn brier_is_summed_over_classes() {
        let decisions = ClassDecisions::new(3, vec![1], vec![0.5, 0.25, 0.25]).unwrap();
        assert_eq!(brier_scores(&decisions), [0.25 + 0.5625 + 0.0625]);
    }

    #[test]
    fn a_wrong_certainty_is_infinitely_bad() {
        let decisions = ClassDecisions::new(2, vec![0, 1], vec![0.5, 0.5, 1.0, 0.0]).unwrap();
        assert_eq!(Metric::LogLoss.of(&decisions), Some(f64::INFINITY));
    }
}
