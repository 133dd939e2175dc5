//! The whole training step of the default networks, and their inference.

use crate::operators::normal;
use crate::{Answer, Task};
use av_datasets::{Modalities, Modality};
use av_ops::{
    AdamW, AdamWConfig, Mode, Parameters, Streams, Tape, awake, channels_last, clip_grad_norm,
};
use av_train::{
    Model,
    data::{Batch, BatchRows},
    joint_loss,
    model::ModelConfig,
    objective::{ObjectiveConfig, TermConfig},
};
use candle_core::{DType, Device};

const CLASSES: usize = 6;

/// Numbers: rows of the batch, then height and width of the log-mel patches and of the face crops, three channels each,
/// which lie side by side as PyTorch gets them where it is fastest.
pub fn task(name: &str, numbers: &[usize]) -> Answer<Task> {
    let &[rows, mels, frames, height, width] = numbers else {
        return Err(format!("five numbers are expected, not {numbers:?}").into());
    };
    let streams = Streams::new(1);
    let shapes = Modalities::of([
        (Modality::Audio, vec![3, mels, frames]),
        (Modality::Video, vec![3, height, width]),
    ]);
    let parameters = Parameters::new(streams, DType::F32, &Device::Cpu);
    let config = ModelConfig::default();
    let model = Model::new("fusion_hgr", &config, &shapes, CLASSES, parameters)?;
    let batch = Batch {
        inputs: shapes.try_map(|_, shape| {
            let features = channels_last(&normal(&[&[rows], shape.as_slice()].concat())?)?;
            Answer::Ok(Some(BatchRows { features, present: vec![true; rows] }))
        })?,
        labels: (0..rows).map(|row| Some(row % CLASSES)).collect(),
    };
    if name == "inference" {
        return Ok(Box::new(move || {
            awake(|| model.forward(&batch, &mut Mode::Eval))?;
            Ok(())
        }));
    }
    let mut optimiser = AdamW::new(&model.parameters, AdamWConfig::default())?;
    let objective = ObjectiveConfig::from([
        ("classification".into(), TermConfig::CrossEntropy(Default::default())),
        ("correlation".into(), TermConfig::SoftHgr(Default::default())),
    ]);
    let mut draws = streams.rng("dropout");
    let mut step = move || {
        let tape = Tape::start()?;
        let outputs = model.forward(&batch, &mut Mode::Train(&mut draws))?;
        let loss = joint_loss(&outputs, &batch, &objective)?;
        let mut gradients = tape.backward(&loss.total)?;
        clip_grad_norm(&mut gradients, &model.parameters, 5.0)?;
        Answer::Ok(optimiser.step(&gradients, 1e-3)?)
    };
    Ok(Box::new(move || awake(&mut step)))
}
