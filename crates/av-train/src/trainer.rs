//! One training run: from initial weights to the best ones.

use crate::batch::{Batch, epoch_batches};
use crate::checkpoint::{Checkpoint, Progress};
use crate::control::{Control, Event};
use crate::decision::{confusion, decide, log_loss};
use crate::experiment::{Experiment, System};
use crate::model::{DEVICE, DTYPE, Model};
use crate::normaliser::{Normaliser, fit_normaliser};
use crate::objective::{Terms, joint_loss};
use crate::part::Part;
use crate::{AudioVisual, Error, Result};
use av_ops::{AdamW, AdamWConfig, Mode, Parameters, Streams, Tape, clip_grad_norm};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// What a training run is made of, besides its clips.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// What is trained.
    pub system: System,
    /// Seed of the initial weights, the batches and dropout.
    pub seed: u64,
    /// Number of classes.
    pub classes: usize,
    /// Shape of one segment of each modality.
    pub shapes: &'a AudioVisual<Vec<usize>>,
    /// Name for messages, such as `fold 3, seed 1, fusion`.
    pub name: &'a str,
}

/// A trained model with what belongs to it.
#[derive(Debug)]
pub struct Fitted {
    /// The networks.
    pub model: Model,
    /// Centring and scaling of its inputs.
    pub normaliser: Normaliser,
    /// One entry an epoch.
    pub curve: Vec<Epoch>,
    /// The epoch whose weights were taken, from 1.
    pub best_epoch: usize,
}

/// One epoch of a learning curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number, from 1.
    pub epoch: usize,
    /// Terms of the objective, means over the batches.
    pub train: Terms,
    /// Mean negative log-probability of the true class on the validation clips.
    pub validation_loss: Option<f64>,
    /// Unweighted average recall on the validation clips.
    pub validation_uar: Option<f64>,
}

/// Trains one system.
///
/// `train` and `validation` are all that is seen: normalisers, early stopping and schedule are fitted
/// on them. Without `validation` all epochs are trained and the last weights are taken. With a
/// `checkpoint` path, progress is written there now and then, and taken up from there to the same bits.
///
/// Errors: a part without labelled clips, a non-finite term (with the epoch), [`Error::Interrupted`].
pub fn fit(
    setup: Setup,
    train: &Part,
    validation: Option<&Part>,
    checkpoint: Option<&Path>,
    control: Control,
) -> Result<Fitted> {
    let training = &setup.experiment.training;
    let first = Stage::new(setup, train)?.run(
        training.epochs,
        validation,
        checkpoint.map(|path| path.with_extension("fit")),
        control,
    )?;
    let Some(validation) = validation.filter(|_| training.refit) else { return Ok(first) };
    let both = Part { items: [&train.items[..], &validation.items].concat() };
    let second = Stage::new(setup, &both)?.run(
        first.best_epoch,
        None,
        checkpoint.map(|path| path.with_extension("refit")),
        control,
    )?;
    Ok(Fitted { curve: first.curve, ..second })
}

/// Training on one fixed set of clips.
struct Stage<'a> {
    setup: Setup<'a>,
    part: Part<'a>,
    normaliser: Normaliser,
    streams: Streams,
    model: Model,
    optimiser: AdamW,
}

impl<'a> Stage<'a> {
    fn new(setup: Setup<'a>, part: &Part<'a>) -> Result<Self> {
        let Setup { experiment, system, seed, classes, shapes, name } = setup;
        let streams = Streams::new(seed);
        let normaliser = fit_normaliser(part);
        let mut part = hide_labels(part, experiment.training.labelled, &streams);
        if part.labelled().items.is_empty() {
            return Err(Error::EmptyPart {
                what: format!("{name}: the training part"),
                mend: "look at the label map of the data set and at training.labelled",
            });
        }
        if system != System::FusionHgr {
            // Unlabelled clips have no term here and would only thin out the batches.
            part = part.labelled();
        }
        let parameters = Parameters::new(streams, DTYPE, &DEVICE);
        let model = Model::new(&experiment.model, system, shapes, classes, parameters)?;
        let weight_decay = experiment.training.weight_decay;
        let config = AdamWConfig { weight_decay, ..AdamWConfig::default() };
        let optimiser = AdamW::new(&model.parameters, config)?;
        Ok(Self { setup, part, normaliser, streams, model, optimiser })
    }

    fn run(
        mut self,
        epochs: usize,
        validation: Option<&Part>,
        checkpoint: Option<std::path::PathBuf>,
        control: Control,
    ) -> Result<Fitted> {
        let mut checkpoint = checkpoint.map(Checkpoint::new);
        let mut progress = Progress::default();
        if let Some(saved) = checkpoint.as_ref().map(Checkpoint::load).transpose()?.flatten() {
            progress = saved.apply(&mut self.model.parameters, &mut self.optimiser)?;
        }
        let training = &self.setup.experiment.training;
        while progress.epochs() < epochs && !progress.stopped(training.patience) {
            let epoch = progress.epochs() + 1;
            let name = self.setup.name;
            let train = self
                .epoch(epoch)
                .map_err(|error| error.in_step(format!("{name}, epoch {epoch}")))?;
            let mut entry = Epoch { epoch, train, validation_loss: None, validation_uar: None };
            if let Some(validation) = validation {
                let decisions = self.decide(validation)?;
                entry.validation_loss = Some(log_loss(&decisions));
                entry.validation_uar = Some(confusion(&decisions, self.setup.classes).uar());
            }
            progress.push(entry, &self.model.parameters)?;
            control.tell(Event::Epoch { unit: name, done: epoch, total: epochs });
            let stop = control.check();
            if let Some(checkpoint) = &mut checkpoint {
                checkpoint.save(
                    &progress,
                    &self.model.parameters,
                    &self.optimiser,
                    stop.is_err(),
                )?;
            }
            stop?;
        }
        let best_epoch = progress.best_epoch();
        let curve = progress.restore_best(&mut self.model.parameters)?;
        Ok(Fitted { model: self.model, normaliser: self.normaliser, curve, best_epoch })
    }

    fn decide(&self, part: &Part) -> Result<Vec<crate::Decision>> {
        let segments = self.setup.experiment.training.decision_segments;
        decide(&self.model, &self.normaliser, self.setup.system, part, segments)
    }

    /// One pass over the clips.
    fn epoch(&mut self, epoch: usize) -> Result<Terms> {
        let Experiment { training, augmentation, .. } = self.setup.experiment;
        let batches = epoch_batches(&self.part, &self.streams, epoch, training, *augmentation);
        let mut sum = Terms::default();
        for (index, segments) in batches.iter().enumerate() {
            let step = (epoch - 1) * batches.len() + index;
            let system = self.setup.system;
            let batch = Batch::new(&self.part, segments, &self.normaliser, system, &DEVICE)?;
            let mut rng = self.streams.rng(&format!("dropout/{step}"));
            let tape = Tape::start()?;
            let outputs = self.model.forward(&batch, &mut Mode::Train(&mut rng))?;
            let objective = &self.setup.experiment.objective;
            let loss = joint_loss(&outputs, &batch, system, objective)?;
            let mut gradients = tape.backward(&loss.total)?;
            clip_grad_norm(&mut gradients, &self.model.parameters, training.clip_norm)?;
            let rate = self.learning_rate(step, training.epochs * batches.len());
            self.optimiser.step(&gradients, rate)?;
            sum.add(&loss.terms, 1.0 / batches.len() as f64);
        }
        Ok(sum)
    }

    /// A linear rise, then half a cosine down to 0 at the last of `steps`.
    fn learning_rate(&self, step: usize, steps: usize) -> f64 {
        let training = &self.setup.experiment.training;
        let warmup = training.warmup * steps as f64;
        let step = step as f64;
        if step < warmup {
            return training.learning_rate * (step + 1.0) / (warmup + 1.0);
        }
        let share = (step - warmup) / (steps as f64 - warmup).max(1.0);
        training.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
    }
}

/// Keeps the labels of a seeded share of the clips of each class, at least one of each.
fn hide_labels<'a>(part: &Part<'a>, share: f64, streams: &Streams) -> Part<'a> {
    let mut part = part.clone();
    if share >= 1.0 {
        return part;
    }
    let classes: BTreeSet<usize> = part.items.iter().filter_map(|item| item.label).collect();
    let mut rng = streams.rng("labels");
    for class in classes {
        let mut members: Vec<usize> =
            (0..part.items.len()).filter(|&i| part.items[i].label == Some(class)).collect();
        rng.shuffle(&mut members);
        let kept = ((members.len() as f64 * share).round() as usize).max(1);
        for &hidden in &members[kept.min(members.len())..] {
            part.items[hidden].label = None;
        }
    }
    part
}
