//! An experiment from its file to its record.

mod executor;
mod plan;
mod prepare;
mod store;
mod stored;
mod unit;

pub use prepare::{Prepared, index, prepare};
pub use store::{IfExists, RunPaths};

use crate::experiment::Experiment;
use crate::files::json;
use crate::observer::{Event, Observer};
use crate::record::{EMBEDDINGS, FORMAT, Record, VariantRecord, write_embeddings};
use crate::saved_model::SavedModel;
use crate::{Error, Result};
use av_datasets::Fold;
use plan::{TrainingRun, plan};
use std::collections::BTreeMap;
use std::time::Instant;
use store::{MODEL, RunManifest, RunStore, program};
use stored::StoredRun;
use unit::{train_alone, train_and_test};

/// What a run writes and what it does with an earlier one.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// What to do with a folder that holds a run already.
    pub if_exists: IfExists,
    /// Whether to write `embeddings.npz`.
    pub embeddings: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { if_exists: IfExists::Error, embeddings: false }
    }
}

/// Runs an experiment and writes `record.json`, the files next to it, and the folder `model`.
///
/// Every finished training run is kept in `<out>/units`, and one that is under way in a checkpoint next to
/// it, so that [`IfExists::Resume`] comes to the same record after a crash. A sweep keeps no model: nobody said which.
pub fn run(
    experiment: &Experiment,
    paths: &RunPaths,
    options: RunOptions,
    observer: Observer,
) -> Result<Record> {
    let began = Instant::now();
    if options.if_exists == IfExists::Error {
        RunStore::check_free(&paths.out)?; // before the extraction, which may take hours
    }
    let data = Data::prepare(experiment, paths, observer)?;
    let extracted = began.elapsed();
    let manifest = RunManifest {
        experiment: experiment.clone(),
        data: data.sets.iter().map(|set| set.dataset.manifest_hash()).collect(),
        program: program(),
        embeddings: options.embeddings,
    };
    let store = RunStore::open(&paths.out, options.if_exists, &manifest)?;
    let runs = train_all(&data, &store, options.embeddings, observer)?;
    let trained = began.elapsed();
    if experiment.variants.is_empty() {
        final_model(experiment, &data.sets[0], &store, observer)?.save(&paths.out.join(MODEL))?;
    }
    let mut record = data.record(experiment, &runs);
    if options.embeddings {
        let embeddings: Vec<_> =
            runs.iter().map(|run| (&run.record, run.embeddings.as_slice())).collect();
        let hash = write_embeddings(&paths.out, &embeddings)?;
        record.files.insert(EMBEDDINGS.into(), hash);
    }
    record.times = BTreeMap::from([
        ("extraction".into(), extracted.as_secs_f64()),
        ("training".into(), (trained - extracted).as_secs_f64()),
        ("total".into(), began.elapsed().as_secs_f64()),
    ]);
    record.write(&paths.out)?;
    Ok(record)
}

/// The variants of an experiment and their data sets.
struct Data<'a> {
    variants: Vec<(Option<&'a str>, &'a Experiment)>,
    /// Distinct ones.
    sets: Vec<Prepared>,
    /// The data set of each variant.
    of_variant: Vec<usize>,
}

impl<'a> Data<'a> {
    /// Prepares each distinct data set once: variants that agree in all that clips, folds and features depend on share one.
    fn prepare(experiment: &'a Experiment, paths: &RunPaths, observer: Observer) -> Result<Self> {
        let variants = experiment.variants();
        let mut places = BTreeMap::new();
        let (mut sets, mut of_variant) = (vec![], vec![]);
        for (_, variant) in &variants {
            let Experiment { dataset, inputs, protocol, bad_clips, .. } = variant;
            let key = json(&(dataset, inputs, protocol, bad_clips))?;
            let place = match places.get(&key) {
                Some(place) => *place,
                None => {
                    let set = prepare(variant, paths, observer)?;
                    check_classes(sets.first(), &set)?;
                    sets.push(set);
                    places.insert(key, sets.len() - 1);
                    sets.len() - 1
                }
            };
            of_variant.push(place);
        }
        Ok(Self { variants, sets, of_variant })
    }

    /// The record, all but files and times.
    fn record(&self, experiment: &Experiment, runs: &[StoredRun]) -> Record {
        let variants =
            self.variants.iter().zip(&self.of_variant).filter_map(|((name, _), &set)| {
                let data = (set != self.of_variant[0]).then(|| self.sets[set].summary());
                Some(VariantRecord { name: name.as_ref()?.to_string(), data })
            });
        let mut record = Record {
            format: FORMAT,
            name: experiment.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            device: "cpu".into(),
            experiment: experiment.clone(),
            data: self.sets[0].summary(),
            variants: variants.collect(),
            summary: vec![],
            paired: vec![],
            common_information: BTreeMap::new(),
            confusion: BTreeMap::new(),
            predictions: runs.iter().flat_map(StoredRun::rows).collect(),
            runs: runs.iter().map(|run| run.record.clone()).collect(),
            files: BTreeMap::new(),
            times: BTreeMap::new(),
        };
        for (run, stored) in record.runs.iter_mut().zip(runs) {
            run.curve = stored.curve.clone();
        }
        record.summarise();
        record
    }
}

/// Variants whose clips have other classes would have no table in common.
fn check_classes(first: Option<&Prepared>, set: &Prepared) -> Result<()> {
    let classes = &set.dataset.classes;
    let same = first.is_none_or(|first| first.dataset.classes == *classes);
    Error::check(
        "sweep",
        format!("{classes:?}"),
        same,
        "of variants whose clips have the same classes",
    )
}

/// All training runs; several at once, and those of the same numbers once.
fn train_all(
    data: &Data,
    store: &RunStore,
    embeddings: bool,
    observer: Observer,
) -> Result<Vec<StoredRun>> {
    let folds: Vec<usize> = data.sets.iter().map(|set| set.folds.len()).collect();
    let plan = plan(&data.variants, &data.of_variant, &folds)?;
    let distinct: Vec<(usize, TrainingRun)> = plan
        .iter()
        .enumerate()
        .filter(|(place, (_, first))| place == first)
        .map(|(place, (run, _))| (place, *run))
        .collect();
    let trained = executor::map(&distinct, |done, (_, run)| {
        observer.check_cancelled()?;
        let prepared = &data.sets[run.data];
        let name = name(run, prepared);
        let stored = match store.finished(&run.stem())? {
            Some(stored) => stored,
            None => {
                let stored = train_and_test(run, prepared, store, embeddings, &name, observer)
                    .map_err(|error| error.in_step(&name))?;
                store.keep(&run.stem(), &stored)?;
                stored
            }
        };
        observer.emit(Event::Trained { done: done(), total: distinct.len(), unit: &name });
        Ok(stored)
    })?;
    let by_place: BTreeMap<usize, StoredRun> =
        distinct.iter().map(|(place, _)| *place).zip(trained).collect();
    let of = |(run, first): &(TrainingRun, usize)| {
        let stored = by_place.get(first)?.clone();
        Some(stored.under(&run.system.name, run.variant_name))
    };
    Ok(plan.iter().filter_map(of).collect())
}

fn name(run: &TrainingRun, prepared: &Prepared) -> String {
    let fold = &prepared.folds[run.fold].name;
    let variant = run.variant_name.iter().map(|variant| format!(", {variant}"));
    let variant: String = variant.collect();
    format!("fold {fold}, seed {}, {}{variant}", run.seed, run.system.name)
}

/// The model to keep: the last system of the experiment, trained on all subjects with the first seed.
fn final_model(
    experiment: &Experiment,
    prepared: &Prepared,
    store: &RunStore,
    observer: Observer,
) -> Result<SavedModel> {
    let missing = |key: &str| Error::Setting {
        key: key.into(),
        actual: "empty".into(),
        expected: "at least one",
    };
    let system = experiment.systems.last().ok_or_else(|| missing("systems"))?;
    let seed = *experiment.seeds.first().ok_or_else(|| missing("seeds"))?;
    let whole = Fold::whole(&prepared.dataset);
    let checkpoint = store.checkpoint("final");
    let fitted = train_alone(experiment, system, prepared, &whole, seed, &checkpoint, observer)?;
    let Prepared { dataset, features, .. } = prepared;
    Ok(SavedModel::new(fitted, experiment, system, seed, &dataset.classes, &features.shapes))
}
