//! What a system is made of: encoders, fusion network, head and label network, or a classifier of columns.

pub mod classifier;
mod columns;
mod compute;
mod config;
pub mod fusion;
pub mod head;
mod networks;

pub(crate) use columns::widths;
pub(crate) use compute::{DEVICE, DTYPE};
pub use config::ModelConfig;

use crate::data::Batch;
use crate::{Error, Result};
use av_datasets::{Modalities, Modality};
use av_ops::{Mode, Parameters};
use candle_core::Tensor;
use columns::Columns;
use networks::Networks;

/// What decides in one system, with its weights.
#[derive(Debug)]
pub struct Model {
    /// All weights and running statistics, by name.
    pub parameters: Parameters,
    modalities: Vec<Modality>,
    layers: Layers,
}

/// What stands between features and scores.
#[derive(Debug)]
enum Layers {
    Networks(Networks),
    Columns(Columns),
}

/// What a model makes of a batch of `B` rows.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// f(x), g(y), ... of each modality `(B, K)`; rows that lack it are 0. None: the system does not use the modality, or no
    /// row has it, or its classifier embeds nothing.
    pub embeddings: Modalities<Option<Tensor>>,
    /// The label network h, a linear map of the one-hot label: one row of `K` numbers per class, `(C, K)`. K is 0 where the
    /// classifier is no network.
    pub label_table: Tensor,
    /// Class scores before the softmax, `(B, C)`.
    pub logits: Tensor,
}

impl Model {
    /// A model with initial weights that depend on the seed and each parameter's name alone, so that systems that differ in
    /// their objective begin alike. The weights of a classifier that is no network are 0 until it is fitted.
    ///
    /// # Errors
    ///
    /// A modality that no clip has, a shape that no encoder reads, a setting out of range.
    pub fn new(
        system: &str,
        config: &ModelConfig,
        shapes: &Modalities<Vec<usize>>,
        classes: usize,
        mut parameters: Parameters,
    ) -> Result<Self> {
        if let Some(&modality) = config.modalities.iter().find(|&&it| shapes[it].is_empty()) {
            return Err(Error::NoModality { system: system.into(), modality });
        }
        let layers = if config.classifier.of_columns().is_none() {
            Layers::Networks(Networks::new(config, shapes, classes, &mut parameters)?)
        } else {
            Layers::Columns(Columns::new(&config.modalities, shapes, classes, &mut parameters)?)
        };
        Ok(Self { parameters, modalities: config.modalities.clone(), layers })
    }

    /// The modalities that it reads.
    pub fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    /// Embeds and classifies a batch.
    pub fn forward(&self, batch: &Batch, mode: &mut Mode) -> Result<Outputs> {
        match &self.layers {
            Layers::Networks(networks) => networks.forward(batch, mode),
            Layers::Columns(columns) => columns.forward(batch),
        }
    }
}
