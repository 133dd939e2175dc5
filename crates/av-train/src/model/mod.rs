//! Encoders, fusion network, head and label network, put together.

mod compute;
mod config;
mod fusion;
mod head;

pub(crate) use compute::{DEVICE, DTYPE};
pub use config::ModelConfig;
pub use fusion::{ConcatConfig, Fusion, FusionConfig};
pub use head::{Head, HeadConfig, LinearConfig};

use crate::data::{Batch, BatchRows};
use crate::{Error, Result};
use av_datasets::{Modalities, Modality};
use av_encoders::{Encoder, Network};
use av_ops::{Init, Mode, Parameters};
use candle_core::Tensor;

/// The networks of one system.
#[derive(Debug)]
pub struct Model {
    /// All weights and running statistics, by name.
    pub parameters: Parameters,
    modalities: Vec<Modality>,
    encoders: Modalities<Option<Network>>,
    fusion: Box<dyn Fusion>,
    head: Box<dyn Head>,
    label_table: Tensor,
}

/// What a model makes of a batch of `B` rows.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// f(x), g(y), ... of each modality `(B, K)`; rows that lack it are 0. None: the system does not use the modality, or no
    /// row has it.
    pub embeddings: Modalities<Option<Tensor>>,
    /// The label network h, a linear map of the one-hot label: one row of `K` numbers per class, `(C, K)`.
    pub label_table: Tensor,
    /// Class scores before the softmax, `(B, C)`.
    pub logits: Tensor,
}

impl Model {
    /// A model with initial weights that depend on the seed and each parameter's name alone, so that systems that differ in
    /// their objective begin alike.
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
        let size = config.embedding;
        let encoders = shapes.as_ref().try_map(|modality, shape| {
            if !config.modalities.contains(&modality) {
                return Ok(None);
            }
            if shape.is_empty() {
                return Err(Error::NoModality { system: system.into(), modality });
            }
            let settings = &config.encoders[modality];
            let mut scope = parameters.scope(modality.name());
            Ok(Some(Network::new(&mut scope, shape, size, settings)?))
        })?;
        let mut scope = parameters.scope("fusion");
        let fusion = config.fusion.build(&mut scope, config.modalities.len(), size)?;
        let head = config.head.build(&mut scope, fusion.out_dim(), classes)?;
        let init = Init::Normal { deviation: 1.0 };
        let label_table = parameters.scope("label").weight("table", (classes, size), init)?;
        let modalities = config.modalities.clone();
        Ok(Self { parameters, modalities, encoders, fusion, head, label_table })
    }

    /// The modalities that it reads.
    pub fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    /// Embeds and classifies a batch.
    pub fn forward(&self, batch: &Batch, mode: &mut Mode) -> Result<Outputs> {
        let rows = batch.len();
        let embeddings = self.encoders.as_ref().try_map(|modality, encoder| {
            match (encoder, &batch.inputs[modality]) {
                (Some(encoder), Some(rows)) => embed(encoder, rows, mode).map(Some),
                _ => Ok(None),
            }
        })?;
        let (dtype, device) = (self.parameters.dtype(), self.parameters.device());
        let filled = self.encoders.as_ref().try_map(|modality, encoder| {
            let Some(encoder) = encoder else { return Ok(None) };
            match &embeddings[modality] {
                Some(embedding) => Ok(Some(embedding.clone())),
                None => Tensor::zeros((rows, encoder.out_dim()), dtype, device).map(Some),
            }
        })?;
        let logits = self.head.logits(&self.fusion.fuse(&filled, mode)?)?;
        Ok(Outputs { embeddings, label_table: self.label_table.clone(), logits })
    }
}

/// Encodes the rows that have the modality and puts them back to their places, 0 elsewhere.
fn embed(encoder: &Network, rows: &BatchRows, mode: &mut Mode) -> Result<Tensor> {
    let encoded = encoder.encode(&rows.features, mode)?;
    if rows.present.iter().all(|&present| present) {
        return Ok(encoded);
    }
    let (count, width) = encoded.dims2()?;
    let nothing = Tensor::zeros((1, width), encoded.dtype(), encoded.device())?;
    let mut next = 0;
    let places = rows.present.iter().map(|&present| {
        if !present {
            return count as u32;
        }
        next += 1;
        next - 1
    });
    let places = Tensor::from_iter(places, encoded.device())?;
    Ok(Tensor::cat(&[&encoded, &nothing], 0)?.index_select(&places, 0)?)
}
