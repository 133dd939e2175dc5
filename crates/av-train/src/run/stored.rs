//! A training run that is done, as it is kept until the record is written.

use crate::evaluate::Prediction;
use crate::record::{ClipEmbeddings, PredictionRow, RunRecord};
use crate::train::Epoch;
use serde::{Deserialize, Serialize};

/// A training run that is done, as it is kept until the record is written.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredRun {
    pub record: RunRecord,
    pub curve: Vec<Epoch>,
    pub predictions: Vec<StoredPrediction>,
    /// Of each prediction; empty where nobody asked for them.
    pub embeddings: Vec<ClipEmbeddings>,
}

/// What was said of a test clip.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredPrediction {
    clip: String,
    subject: String,
    truth: usize,
    probabilities: Vec<f64>,
}

impl StoredPrediction {
    /// None of a clip without a label.
    pub fn of(prediction: Prediction) -> Option<Self> {
        Some(Self {
            truth: prediction.label?,
            clip: prediction.id,
            subject: prediction.subject,
            probabilities: prediction.probabilities,
        })
    }
}

impl StoredRun {
    /// The same numbers under the name of another run that shares them.
    pub fn under(mut self, system: &str, variant: Option<&str>) -> Self {
        self.record.system = system.into();
        self.record.variant = variant.map(String::from);
        self
    }

    /// The lines of `predictions.csv`.
    pub fn rows(&self) -> impl Iterator<Item = PredictionRow> {
        let run = &self.record;
        self.predictions.iter().map(|prediction| PredictionRow {
            clip: prediction.clip.clone(),
            subject: prediction.subject.clone(),
            fold: run.fold.clone(),
            seed: run.seed,
            system: run.system.clone(),
            variant: run.variant.clone(),
            truth: prediction.truth,
            probabilities: prediction.probabilities.clone(),
        })
    }
}
