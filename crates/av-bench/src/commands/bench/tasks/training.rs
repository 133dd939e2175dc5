//! A training step of the demo's networks: forward, joint loss, backward, optimiser.

use super::normal;
use super::{Answer, Work};
use crate::commands::bench::fixtures::Fixtures;
use av_datasets::{Modalities, Modality};
use av_ops::{AdamW, AdamWConfig, Mode, Parameters, Streams, Tape, channels_last, clip_grad_norm};
use av_train::{
    Model,
    data::{Batch, BatchRows},
    joint_loss,
    model::ModelConfig,
    objective::{ObjectiveConfig, TermConfig},
};
use candle_core::{DType, Device};

/// Shapes of a segment in the demo: log-mel patches and face crops.
const AUDIO: [usize; 3] = [3, 40, 64];
const VIDEO: [usize; 3] = [3, 48, 48];

/// Rows of a batch: a twelfth of the demo's, so that a counter of instructions is done in seconds.
const ROWS: usize = 8;

/// Numbers of an embedding in the demo.
const EMBEDDING: usize = 16;

/// Classes of the demo.
const CLASSES: usize = 6;

/// Numbers of the demo's optimiser.
const LEARNING_RATE: f64 = 1e-3;
const CLIP_NORM: f64 = 5.0;

/// One step on one batch, again and again.
pub fn step(_: &Fixtures) -> Answer<Work> {
    let streams = Streams::new(1);
    let shapes =
        Modalities::of([(Modality::Audio, AUDIO.to_vec()), (Modality::Video, VIDEO.to_vec())]);
    let parameters = Parameters::new(streams, DType::F32, &Device::Cpu);
    let config = ModelConfig { embedding: EMBEDDING, ..ModelConfig::default() };
    let model = Model::new("fusion_hgr", &config, &shapes, CLASSES, parameters)?;
    let batch = Batch {
        inputs: shapes.try_map(|_, shape| {
            let features = normal("batch", &[&[ROWS], shape.as_slice()].concat())?;
            Answer::Ok(Some(BatchRows {
                features: channels_last(&features)?,
                present: vec![true; ROWS],
            }))
        })?,
        labels: (0..ROWS).map(|row| Some(row % CLASSES)).collect(),
    };
    let mut optimiser = AdamW::new(&model.parameters, AdamWConfig::default())?;
    let objective = ObjectiveConfig::from([
        ("classification".into(), TermConfig::CrossEntropy(Default::default())),
        ("correlation".into(), TermConfig::SoftHgr(Default::default())),
    ]);
    let mut draws = streams.rng("dropout");
    Ok(Box::new(move || {
        let tape = Tape::start()?;
        let outputs = model.forward(&batch, &mut Mode::Train(&mut draws))?;
        let loss = joint_loss(&outputs, &batch, &objective)?;
        let mut gradients = tape.backward(&loss.total)?;
        clip_grad_norm(&mut gradients, &model.parameters, CLIP_NORM)?;
        Ok(optimiser.step(&gradients, LEARNING_RATE)?)
    }))
}
