//! The learning curve of a training run.

use crate::objective::Terms;
use serde::{Deserialize, Serialize};

/// One epoch of a learning curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number, from 1.
    pub epoch: usize,
    /// Terms of the objective, means over the batches.
    pub train: Terms,
    /// Mean negative log-probability of the true class on the validation clips.
    pub validation_loss: Option<f64>,
    /// Unweighted average recall on the validation clips.
    pub validation_uar: Option<f64>,
}

/// Adds the terms of a batch with a weight.
pub(super) fn add(sum: &mut Terms, terms: &Terms, weight: f64) {
    for (name, value) in terms {
        *sum.entry(name.clone()).or_default() += weight * value;
    }
}
