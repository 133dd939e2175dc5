//! One training run from its clips to its scores.

use super::plan::TrainingRun;
use super::prepare::{Prepared, SPLIT_SEED};
use super::store::RunStore;
use super::stored::{StoredPrediction, StoredRun};
use crate::data::{Fit, Subset, Test, Validation};
use crate::evaluate::{common_information, decisions, predict};
use crate::experiment::{Experiment, System};
use crate::observer::Observer;
use crate::record::RunRecord;
use crate::train::{Fitted, Setup, fit};
use crate::{Error, Result};
use av_datasets::Fold;
use av_eval::Confusion;
use std::path::Path;

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
        predictions: predictions.into_iter().filter_map(StoredPrediction::of).collect(),
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
