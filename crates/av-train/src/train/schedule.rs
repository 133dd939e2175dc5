//! The learning rate over the steps.

use super::config::TrainingConfig;

/// A linear rise, then half a cosine down to 0 at the last of `steps`.
pub(super) fn learning_rate(training: &TrainingConfig, step: usize, steps: usize) -> f64 {
    let warmup = training.warmup * steps as f64;
    let step = step as f64;
    if step < warmup {
        return training.learning_rate * (step + 1.0) / (warmup + 1.0);
    }
    let done = (step - warmup) / (steps as f64 - warmup).max(1.0);
    training.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_to_the_given_rate_and_falls_to_almost_nothing() {
        let training = TrainingConfig { learning_rate: 2.0, warmup: 0.1, ..Default::default() };
        let rate = |step| learning_rate(&training, step, 100);
        assert_eq!(rate(0), 2.0 / 11.0);
        assert_eq!(rate(9), 20.0 / 11.0);
        assert_eq!(rate(10), 2.0);
        // Half of the way down from step 10 to step 100.
        assert!((rate(55) - 1.0).abs() < 1e-15);
        assert!(rate(99) > 0.0 && rate(99) < 1e-3);
        let without = TrainingConfig { warmup: 0.0, ..training };
        assert_eq!(learning_rate(&without, 0, 100), 2.0);
    }
}
