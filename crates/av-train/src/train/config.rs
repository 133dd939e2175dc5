//! The optimiser, its schedule and when to stop.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The optimiser, its schedule and when to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Largest number of epochs.
    pub epochs: usize,
    /// Segments per batch.
    pub batch: usize,
    /// Segments drawn from each clip and epoch.
    pub segments: usize,
    /// Show every other picture, drawn at random, from right to left: a face has no preferred side.
    #[serde(alias = "mirror")]
    pub horizontal_flip: bool,
    /// Segments of a clip whose log-probabilities are averaged for its decision; evenly spaced.
    pub decision_segments: usize,
    /// Learning rate after the warm-up, then lowered to 0 along half a cosine.
    pub learning_rate: f64,
    /// Fraction of all steps during which the learning rate rises from 0.
    pub warmup: f64,
    /// Weight decay of AdamW.
    pub weight_decay: f64,
    /// Largest norm of the gradient over all parameters.
    pub clip_norm: f64,
    /// Fraction of the training subjects that are held out for early stopping. 0: no early stopping, all
    /// epochs are trained and the last weights are taken.
    pub validation: f64,
    /// Epochs without a better validation loss before training stops.
    pub patience: usize,
    /// After early stopping, train again on all training subjects for the best number of epochs.
    pub refit: bool,
    /// Fraction of the training clips whose label is used; the others train as unlabelled clips.
    pub labelled: f64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch: 64,
            segments: 1,
            horizontal_flip: true,
            decision_segments: 10,
            learning_rate: 2e-3,
            warmup: 0.1,
            weight_decay: 0.01,
            clip_norm: 5.0,
            validation: 0.25,
            patience: 12,
            refit: false,
            labelled: 1.0,
        }
    }
}

impl TrainingConfig {
    /// # Errors
    ///
    /// A setting out of range.
    pub(crate) fn check(&self) -> Result<()> {
        for (key, value) in [
            ("training.epochs", self.epochs),
            ("training.batch", self.batch),
            ("training.segments", self.segments),
            ("training.decision_segments", self.decision_segments),
            ("training.patience", self.patience),
        ] {
            Error::check(key, value, value > 0, "at least 1")?;
        }
        for (key, value) in
            [("training.warmup", self.warmup), ("training.validation", self.validation)]
        {
            Error::check(key, value, (0.0..1.0).contains(&value), "in [0, 1)")?;
        }
        let labelled = self.labelled;
        Error::check(
            "training.labelled",
            labelled,
            labelled > 0.0 && labelled <= 1.0,
            "in (0, 1]",
        )?;
        let decay = self.weight_decay;
        let holds = decay.is_finite() && decay >= 0.0;
        Error::check("training.weight_decay", decay, holds, "a number of at least 0")?;
        for (key, value) in
            [("training.learning_rate", self.learning_rate), ("training.clip_norm", self.clip_norm)]
        {
            Error::check(key, value, value.is_finite() && value > 0.0, "a number above 0")?;
        }
        Ok(())
    }
}
