//! Sizes, weights and schedule of a training run.

use av_encoders::NetworkConfig;
use serde::{Deserialize, Serialize};

/// Layer sizes. A reconstruction: the paper gives none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Dimensions `K` of each embedding.
    pub embedding: usize,
    /// Width of the hidden layer of the fusion network.
    pub fusion_hidden: usize,
    /// Share of the fusion network's hidden units that dropout removes.
    pub fusion_dropout: f64,
    /// The audio network.
    pub audio: NetworkConfig,
    /// The visual network.
    pub video: NetworkConfig,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            embedding: 32,
            fusion_hidden: 64,
            fusion_dropout: 0.5,
            audio: NetworkConfig::default(),
            video: NetworkConfig::default(),
        }
    }
}

/// Weights of the joint objective: classification + HGR correlation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectiveConfig {
    /// Weight of the HGR correlation of audio and video (labelled and unlabelled clips).
    pub audio_video: f64,
    /// Weight of the HGR correlation of audio and label.
    pub audio_label: f64,
    /// Weight of the HGR correlation of video and label.
    pub video_label: f64,
    /// Share of the target probability spread evenly over the classes.
    pub label_smoothing: f64,
}

impl Default for ObjectiveConfig {
    fn default() -> Self {
        Self { audio_video: 0.3, audio_label: 0.3, video_label: 0.3, label_smoothing: 0.0 }
    }
}

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
    pub mirror: bool,
    /// Segments of a clip whose log-probabilities are averaged for its decision; evenly spaced.
    pub decision_segments: usize,
    /// Learning rate after the warm-up, then lowered to 0 along half a cosine.
    pub learning_rate: f64,
    /// Share of all steps during which the learning rate rises from 0.
    pub warmup: f64,
    /// Weight decay of AdamW.
    pub weight_decay: f64,
    /// Largest norm of the gradient over all parameters.
    pub clip_norm: f64,
    /// Share of the training subjects that are held out for early stopping. 0: no early stopping, all
    /// epochs are trained and the last weights are taken.
    pub validation: f64,
    /// Epochs without a better validation loss before training stops.
    pub patience: usize,
    /// After early stopping, train again on all training subjects for the best number of epochs.
    pub refit: bool,
    /// Share of the training clips whose label is used; the others train as unlabelled clips.
    pub labelled: f64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch: 64,
            segments: 1,
            mirror: true,
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
