//! One update of the weights.

use super::config::TrainingConfig;
use super::schedule::learning_rate;
use crate::Result;
use crate::data::Batch;
use crate::model::Model;
use crate::objective::{ObjectiveConfig, Terms, joint_loss};
use av_ops::{AdamW, Mode, Streams, Tape, clip_grad_norm};

/// Which of how many steps.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub index: usize,
    pub of: usize,
}

/// Forward, objective, backward, clipped gradients, optimiser: gives the terms of the objective.
pub(super) fn update(
    model: &Model,
    optimiser: &mut AdamW,
    batch: &Batch,
    objective: &ObjectiveConfig,
    training: &TrainingConfig,
    streams: &Streams,
    step: Step,
) -> Result<Terms> {
    let mut rng = streams.rng(&format!("dropout/{}", step.index));
    let tape = Tape::start()?;
    let outputs = model.forward(batch, &mut Mode::Train(&mut rng))?;
    let loss = joint_loss(&outputs, batch, objective)?;
    let mut gradients = tape.backward(&loss.total)?;
    clip_grad_norm(&mut gradients, &model.parameters, training.clip_norm)?;
    optimiser.step(&gradients, learning_rate(training, step.index, step.of))?;
    Ok(loss.terms)
}
