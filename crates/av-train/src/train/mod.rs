//! One training run: from initial weights to the best ones.

mod at_once;
mod checkpoint;
mod config;
mod curve;
mod early_stopping;
mod labels;
mod schedule;
mod step;

pub use config::TrainingConfig;
pub use curve::Epoch;

use crate::data::{
    Batch, Fit, Normaliser, Sampling, Subset, Validation, epoch_batches, fit_normaliser,
};
use crate::evaluate::{Prediction, decisions, predict};
use crate::model::{DEVICE, DTYPE, Model, ModelConfig};
use crate::objective::{ObjectiveConfig, Terms};
use crate::observer::{Event, Observer};
use crate::{Error, Result};
use av_datasets::Modalities;
use av_eval::Metric;
use av_features::augment::SpecAugment;
use av_ops::{AdamW, AdamWConfig, Parameters, Streams};
use checkpoint::Checkpoint;
use early_stopping::Progress;
use std::path::{Path, PathBuf};
use step::{Step, update};

/// What a training run is made of, besides its clips.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Name of the system.
    pub system: &'a str,
    /// Its networks.
    pub model: &'a ModelConfig,
    /// What it minimises.
    pub objective: &'a ObjectiveConfig,
    /// The optimiser and its schedule.
    pub training: &'a TrainingConfig,
    /// Masks over the log-mel patches of training segments.
    pub masks: Option<SpecAugment>,
    /// Seed of the initial weights, the batches and dropout.
    pub seed: u64,
    /// Number of classes.
    pub classes: usize,
    /// Shape of one segment of each modality.
    pub shapes: &'a Modalities<Vec<usize>>,
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
    /// One entry per epoch.
    pub curve: Vec<Epoch>,
    /// The epoch whose weights were taken, from 1; 0 where the classifier was fitted at once.
    pub best_epoch: usize,
}

/// Trains one system.
///
/// The two subsets are all that is seen: normalisers, early stopping and schedule are fitted
/// on them. Without `validation` all epochs are trained and the last weights are taken. With a
/// `checkpoint` path, progress is written there now and then, and taken up from there to the same bits.
///
/// # Errors
///
/// A subset without labelled clips, that of validation too, a non-finite term (with the epoch), [`Error::Interrupted`].
pub fn fit(
    setup: Setup,
    train: &Subset<Fit>,
    validation: Option<&Subset<Validation>>,
    checkpoint: Option<&Path>,
    observer: Observer,
) -> Result<Fitted> {
    if validation.is_some_and(|subset| subset.examples().is_empty()) {
        return Err(Error::EmptyPart {
            what: format!("{}: the validation part", setup.name),
            mend: "look at the label map of the data set, set training.validation to 0 or to a larger fraction",
        });
    }
    if let Some(classifier) = setup.model.classifier.of_columns() {
        return at_once::fit(setup, classifier, train, validation);
    }
    let training = setup.training;
    let first = Stage::new(setup, train)?.run(
        training.epochs,
        validation,
        checkpoint.map(|path| path.with_extension(STAGES[0])),
        observer,
    )?;
    let Some(validation) = validation.filter(|_| training.refit) else { return Ok(first) };
    let second = Stage::new(setup, &train.with(validation))?.run(
        first.best_epoch,
        None,
        checkpoint.map(|path| path.with_extension(STAGES[1])),
        observer,
    )?;
    Ok(Fitted { curve: first.curve, ..second })
}

fn no_labels(name: &str) -> Error {
    Error::EmptyPart {
        what: format!("{name}: the training part"),
        mend: "look at the label map of the data set and at training.labelled",
    }
}

/// Extensions of the checkpoints of [`fit`]: training with validation, and again without.
pub(crate) const STAGES: [&str; 2] = ["fit", "refit"];

/// Training on one fixed set of clips.
struct Stage<'a> {
    setup: Setup<'a>,
    subset: Subset<'a, Fit>,
    normaliser: Normaliser,
    streams: Streams,
    model: Model,
    optimiser: AdamW,
}

impl<'a> Stage<'a> {
    fn new(setup: Setup<'a>, subset: &Subset<'a, Fit>) -> Result<Self> {
        let streams = Streams::new(setup.seed);
        let normaliser = fit_normaliser(subset);
        let mut subset = labels::within_budget(subset, setup.training.labelled, &streams);
        if subset.labelled().examples().is_empty() {
            return Err(no_labels(setup.name));
        }
        if !setup.objective.values().any(|term| term.uses_unlabelled()) {
            // Unlabelled clips have no term here and would only thin out the batches.
            subset = subset.labelled();
        }
        let parameters = Parameters::new(streams, DTYPE, &DEVICE);
        let Setup { system, model, shapes, classes, training, .. } = setup;
        let model = Model::new(system, model, shapes, classes, parameters)?;
        let config = AdamWConfig { weight_decay: training.weight_decay, ..AdamWConfig::default() };
        let optimiser = AdamW::new(&model.parameters, config)?;
        Ok(Self { setup, subset, normaliser, streams, model, optimiser })
    }

    fn run(
        mut self,
        epochs: usize,
        validation: Option<&Subset<Validation>>,
        checkpoint: Option<PathBuf>,
        observer: Observer,
    ) -> Result<Fitted> {
        let mut checkpoint = checkpoint.map(Checkpoint::new);
        let mut progress = Progress::default();
        if let Some(saved) = checkpoint.as_ref().map(Checkpoint::load).transpose()?.flatten() {
            progress = saved.apply(&mut self.model.parameters, &mut self.optimiser)?;
        }
        let name = self.setup.name;
        while progress.epochs() < epochs && !progress.stopped(self.setup.training.patience) {
            let epoch = progress.epochs() + 1;
            let train = self
                .epoch(epoch)
                .map_err(|error| error.in_step(format!("{name}, epoch {epoch}")))?;
            let mut entry = Epoch { epoch, train, validation_loss: None, validation_uar: None };
            if let Some(validation) = validation {
                let decisions = decisions(&self.predict(validation)?, self.setup.classes)?;
                entry.validation_loss = Metric::LogLoss.of(&decisions);
                entry.validation_uar = Metric::Uar.of(&decisions);
            }
            progress.push(entry, &self.model.parameters)?;
            observer.emit(Event::Epoch { unit: name, done: epoch, total: epochs });
            let stop = observer.check_cancelled();
            if let Some(checkpoint) = &mut checkpoint {
                let (parameters, optimiser) = (&self.model.parameters, &self.optimiser);
                checkpoint.save(&progress, parameters, optimiser, stop.is_err())?;
            }
            stop?;
        }
        let best_epoch = progress.best_epoch();
        let curve = progress.restore_best(&mut self.model.parameters)?;
        Ok(Fitted { model: self.model, normaliser: self.normaliser, curve, best_epoch })
    }

    fn predict(&self, subset: &Subset<Validation>) -> Result<Vec<Prediction>> {
        predict(&self.model, &self.normaliser, subset, self.setup.training.decision_segments)
    }

    /// One pass over the clips.
    fn epoch(&mut self, epoch: usize) -> Result<Terms> {
        let Setup { training, objective, model, masks, .. } = self.setup;
        let sampling = Sampling {
            segments: training.segments,
            batch: training.batch,
            horizontal_flip: training.horizontal_flip,
            masks,
        };
        let modalities = &model.modalities;
        let batches = epoch_batches(&self.subset, modalities, &self.streams, epoch, &sampling);
        let mut sum = Terms::new();
        for (index, segments) in batches.iter().enumerate() {
            let of = training.epochs * batches.len();
            let step = Step { index: (epoch - 1) * batches.len() + index, of };
            let batch = Batch::gather(
                &self.subset,
                segments,
                &self.normaliser,
                &model.modalities,
                &DEVICE,
            )?;
            let terms = update(
                &self.model,
                &mut self.optimiser,
                &batch,
                objective,
                training,
                &self.streams,
                step,
            )?;
            curve::add(&mut sum, &terms, 1.0 / batches.len() as f64);
        }
        Ok(sum)
    }
}
