//! The audio network, the visual network, the label network and the fusion network.

use crate::batch::{Batch, Rows};
use crate::experiment::{ModelConfig, System};
use crate::{AudioVisual, Error, Result};
use av_encoders::{Encoder, LabelTable, Network};
use av_ops::{Linear, Mode, Parameters, dropout, relu};
use candle_core::{DType, Device, Tensor};

/// The networks of one system.
#[derive(Debug)]
pub struct Model {
    /// All weights and running statistics, by name.
    pub parameters: Parameters,
    encoders: AudioVisual<Option<Network>>,
    label: LabelTable,
    fusion: Fusion,
}

/// What a model makes of a batch of `B` rows.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// f(x) and g(y), `(B, K)`; rows that lack the modality are 0. None: the system does not use the
    /// modality, or no row has it.
    pub embeddings: AudioVisual<Option<Tensor>>,
    /// h(label) of every row `(B, K)`; row 0 of the table where unlabelled.
    pub label: Tensor,
    /// Class scores before the softmax, `(B, C)`.
    pub logits: Tensor,
}

impl Model {
    /// A model with initial weights that depend on the seed and each parameter's name alone, so that
    /// the twins `fusion` and `fusion_hgr` begin alike.
    pub fn new(
        config: &ModelConfig,
        system: System,
        shapes: &AudioVisual<Vec<usize>>,
        classes: usize,
        mut parameters: Parameters,
    ) -> Result<Self> {
        let size = config.embedding;
        let mut network = |name: &str, shape: &[usize], config, wanted: bool| {
            if !wanted {
                return Ok(None);
            }
            if shape.is_empty() {
                return Err(Error::NoModality { system: system.name(), modality: name.into() });
            }
            Ok(Some(Network::new(&mut parameters.scope(name), shape, size, config)?))
        };
        let encoders = AudioVisual {
            audio: network("audio", &shapes.audio, &config.audio, system.hears())?,
            video: network("video", &shapes.video, &config.video, system.sees())?,
        };
        let width = size * encoders.as_ref().into_array().iter().flat_map(|e| e.iter()).count();
        let fusion = Fusion::new(&mut parameters, width, config, classes)?;
        let label = LabelTable::new(&mut parameters.scope("label"), classes, size)?;
        Ok(Self { parameters, encoders, label, fusion })
    }

    /// Embeds and classifies a batch.
    pub fn forward(&self, batch: &Batch, mode: &mut Mode) -> Result<Outputs> {
        let embeddings = AudioVisual {
            audio: embed(self.encoders.audio.as_ref(), batch.inputs.audio.as_ref(), mode)?,
            video: embed(self.encoders.video.as_ref(), batch.inputs.video.as_ref(), mode)?,
        };
        let rows = batch.len();
        let sides = embeddings.as_ref().zip(self.encoders.as_ref()).into_array();
        let sides: Vec<Tensor> = sides
            .into_iter()
            .filter_map(|(embedding, encoder)| Some((embedding, encoder.as_ref()?)))
            .map(|(embedding, encoder)| match embedding {
                Some(embedding) => Ok(embedding.clone()),
                None => Tensor::zeros(
                    (rows, encoder.out_dim()),
                    self.parameters.dtype(),
                    self.parameters.device(),
                ),
            })
            .collect::<candle_core::Result<_>>()?;
        let logits = self.fusion.forward(&Tensor::cat(&sides, 1)?, mode)?;
        let classes =
            batch.labels.iter().map(|label| label.unwrap_or(0) as u32).collect::<Vec<_>>();
        let label = self.label.rows(&Tensor::from_vec(classes, rows, self.parameters.device())?)?;
        Ok(Outputs { embeddings, label, logits })
    }
}

/// Encodes the rows that have the modality and puts them back to their places, 0 elsewhere.
fn embed(
    encoder: Option<&Network>,
    rows: Option<&Rows>,
    mode: &mut Mode,
) -> Result<Option<Tensor>> {
    let (Some(encoder), Some(rows)) = (encoder, rows) else { return Ok(None) };
    let encoded = encoder.encode(&rows.features, mode)?;
    if rows.present.iter().all(|&present| present) {
        return Ok(Some(encoded));
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
    Ok(Some(Tensor::cat(&[&encoded, &nothing], 0)?.index_select(&places, 0)?))
}

/// The fusion network: one hidden layer on the embeddings side by side.
#[derive(Debug)]
struct Fusion {
    hidden: Linear,
    classes: Linear,
    dropout: f64,
}

impl Fusion {
    fn new(
        parameters: &mut Parameters,
        width: usize,
        config: &ModelConfig,
        classes: usize,
    ) -> Result<Self> {
        let mut scope = parameters.scope("fusion");
        Ok(Self {
            hidden: Linear::new(&mut scope.scope("hidden"), width, config.fusion_hidden)?,
            classes: Linear::new(&mut scope.scope("classes"), config.fusion_hidden, classes)?,
            dropout: config.fusion_dropout,
        })
    }

    fn forward(&self, embeddings: &Tensor, mode: &mut Mode) -> Result<Tensor> {
        let hidden = relu(&self.hidden.forward(&relu(embeddings)?)?)?;
        Ok(self.classes.forward(&dropout(&hidden, self.dropout, mode)?)?)
    }
}

/// Number type of the weights.
pub(crate) const DTYPE: DType = DType::F32;

/// Where models are trained.
pub(crate) const DEVICE: Device = Device::Cpu;
