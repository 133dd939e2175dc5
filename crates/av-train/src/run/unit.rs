//! One training run from its clips to its scores.

use super::plan::TrainingRun;
use super::prepare::{Prepared, SPLIT_SEED};
use super::store::RunStore;
use crate::data::{Fit, Subset, Test, Validation};
use crate::evaluate::{Prediction, common_information, decisions, predict};
use crate::experiment::{Experiment, System};
use crate::observer::Observer;
use crate::record::{ClipEmbeddings, PredictionRow, RunRecord};
use crate::train::{Epoch, Fitted, Setup, fit};
use crate::{Error, Result};
use av_datasets::Fold;
use av_eval::Confusion;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A training run that is done, as it is kept until the record is written.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredRun {
    pub record: RunRecord,
    pub curve: Vec<Epoch>,
    pub predictions: Vec<StoredPrediction>,
    /// Of each prediction; empty where nobody asked for them.
    pub embeddings: Vec<ClipEmbeddings>,
}

/// What was said of a test clip.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredPrediction {
    clip: String,
    subject: String,
    truth: usize,
    probabilities: Vec<f64>,
}

impl StoredRun {
    /// The same numbers under the name of another run that shares them.
    pub fn under(mut self, system: &str, variant: Option<&str>) -> Self {
        self.record.system = system.into();
        self.record.variant = variant.map(String::from);
        self
    }

    /// The lines of `predictions.csv`.
    pub fn rows(&self) -> impl Iterator<Item = PredictionRow> {
        let run = &self.record;
        self.predictions.iter().map(|prediction| PredictionRow {
            clip: prediction.clip.clone(),
            subject: prediction.subject.clone(),
            fold: run.fold.clone(),
            seed: run.seed,
            system: run.system.clone(),
            variant: run.variant.clone(),
            truth: prediction.truth,
            probabilities: prediction.probabilities.clone(),
        })
    }
}

/// Trains and tests one run.
pub(super) fn train_and_test(
    run: &TrainingRun,
    prepared: &Prepared,
    store: &RunStore,
    embeddings: bool,
    name: &str,
    observer: Observer,
) -> Result<StoredRun> {
    let Prepared { dataset, features, folds } = prepared;
    let TrainingRun { experiment, system, seed, .. } = *run;
    let fold = &folds[run.fold];
    let (train, validation) = split(fold, prepared, experiment)?;
    let test: Subset<Test> = Subset::test(dataset, features, &fold.test);
    if test.examples().is_empty() {
        return Err(Error::EmptyPart {
            what: format!("the test part of fold {}", fold.name),
            mend: "leave the fold out with protocol.test_folds",
        });
    }
    let setup = setup(experiment, system, prepared, seed, name);
    let checkpoint = store.checkpoint(&run.stem());
    let fitted = fit(setup, &train, validation.as_ref(), Some(&checkpoint), observer)?;

    let segments = experiment.training.decision_segments;
    let predictions = predict(&fitted.model, &fitted.normaliser, &test, segments)?;
    let common_information = match system.first_pair() {
        Some(pair) => {
            let known = predict(&fitted.model, &fitted.normaliser, &train, segments)?;
            common_information(&known, &predictions, pair, seed)?
        }
        None => None,
    };
    let sizes = [
        train.examples().len(),
        validation.map_or(0, |subset| subset.examples().len()),
        test.examples().len(),
    ];
    let mut record = RunRecord {
        system: system.name.clone(),
        variant: run.variant_name.map(String::from),
        fold: fold.name.clone(),
        seed,
        clips: sizes,
        uar: f64::NAN,
        accuracy: f64::NAN,
        macro_f1: f64::NAN,
        log_loss: f64::NAN,
        scores: Default::default(),
        confusion: Confusion::new(0),
        best_epoch: fitted.best_epoch,
        curve: vec![],
        common_information,
    };
    record.score(&decisions(&predictions, dataset.classes.len())?);
    let embedded = predictions.iter().filter(|_| embeddings).map(|it| it.embeddings.clone());
    Ok(StoredRun {
        record,
        curve: fitted.curve,
        embeddings: embedded.collect(),
        predictions: predictions.into_iter().filter_map(stored).collect(),
    })
}

fn stored(prediction: Prediction) -> Option<StoredPrediction> {
    Some(StoredPrediction {
        truth: prediction.label?,
        clip: prediction.id,
        subject: prediction.subject,
        probabilities: prediction.probabilities,
    })
}

/// Trains on all clips that a fold trains on, for the model that is kept.
pub(super) fn train_alone(
    experiment: &Experiment,
    system: &System,
    prepared: &Prepared,
    fold: &Fold,
    seed: u64,
    checkpoint: &Path,
    observer: Observer,
) -> Result<Fitted> {
    let name = format!("final model, {}", system.name);
    let (train, validation) = split(fold, prepared, experiment)?;
    let setup = setup(experiment, system, prepared, seed, &name);
    fit(setup, &train, validation.as_ref(), Some(checkpoint), observer)
}

/// The training clips of a fold, and the inner validation clips of other subjects.
fn split<'a>(
    fold: &Fold,
    prepared: &'a Prepared,
    experiment: &Experiment,
) -> Result<(Subset<'a, Fit>, Option<Subset<'a, Validation>>)> {
    let Prepared { dataset, features, .. } = prepared;
    let fraction = experiment.training.validation;
    if fraction == 0.0 {
        return Ok((Subset::fit(dataset, features, &fold.train), None));
    }
    let (fit, validation) = fold.train.split_validation(dataset, fraction, SPLIT_SEED)?;
    let validation = Subset::validation(dataset, features, &validation);
    Ok((Subset::fit(dataset, features, &fit), Some(validation)))
}

fn setup<'a>(
    experiment: &'a Experiment,
    system: &'a System,
    prepared: &'a Prepared,
    seed: u64,
    name: &'a str,
) -> Setup<'a> {
    Setup {
        system: &system.name,
        model: &system.model,
        objective: &system.objective,
        training: &experiment.training,
        masks: experiment.augmentation,
        seed,
        classes: prepared.dataset.classes.len(),
        shapes: &prepared.features.shapes,
        name,
    }
}
