//! Encoders, fusion network, head and label network, put together.

use super::fusion::Fusion;
use super::head::Head;
use super::{ModelConfig, Outputs};
use crate::Result;
use crate::data::Batch;
use av_datasets::Modalities;
use av_encoders::{Encoder, Network};
use av_ops::{Init, Mode, Parameters};
use candle_core::Tensor;

/// The networks of one system.
#[derive(Debug)]
pub(super) struct Networks {
    encoders: Modalities<Option<Network>>,
    fusion: Box<dyn Fusion>,
    head: Box<dyn Head>,
    label_table: Tensor,
}

impl Networks {
    /// # Errors
    ///
    /// A shape that no encoder reads, a setting out of range.
    pub fn new(
        config: &ModelConfig,
        shapes: &Modalities<Vec<usize>>,
        classes: usize,
        parameters: &mut Parameters,
    ) -> Result<Self> {
        let size = config.embedding;
        let encoders = shapes.as_ref().try_map(|modality, shape| {
            if !config.modalities.contains(&modality) {
                return Ok(None);
            }
            let settings = &config.encoders[modality];
            let mut scope = parameters.scope(modality.name());
            Network::new(&mut scope, shape, size, settings).map(Some)
        })?;
        let mut scope = parameters.scope("fusion");
        let fusion = config.fusion.build(&mut scope, config.modalities.len(), size)?;
        let head = config.head.build(&mut scope, fusion.out_dim(), classes)?;
        let init = Init::Normal { deviation: 1.0 };
        let label_table = parameters.scope("label").weight("table", (classes, size), init)?;
        Ok(Self { encoders, fusion, head, label_table })
    }

    pub fn forward(&self, batch: &Batch, mode: &mut Mode) -> Result<Outputs> {
        let embeddings = self.encoders.as_ref().try_map(|modality, encoder| {
            match (encoder, &batch.inputs[modality]) {
                (Some(encoder), Some(rows)) => {
                    rows.in_place(&encoder.encode(&rows.features, mode)?).map(Some)
                }
                _ => Ok(None),
            }
        })?;
        let (dtype, device) = (self.label_table.dtype(), self.label_table.device());
        let filled = self.encoders.as_ref().try_map(|modality, encoder| {
            let Some(encoder) = encoder else { return Ok(None) };
            match &embeddings[modality] {
                Some(embedding) => Ok(Some(embedding.clone())),
                None => Tensor::zeros((batch.len(), encoder.out_dim()), dtype, device).map(Some),
            }
        })?;
        let logits = self.head.logits(&self.fusion.fuse(&filled, mode)?)?;
        Ok(Outputs { embeddings, label_table: self.label_table.clone(), logits })
    }
}
