//! From an experiment to its clips, folds and features.

use super::RunPaths;
use crate::data::FeatureSet;
use crate::experiment::Experiment;
use crate::observer::{Event, Observer};
use crate::record::DataSummary;
use crate::{ClipProblem, Error, Result};
use av_datasets::{Dataset, Fold, folds};
use av_features::Cache;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Seed of folds and validation splits: the same for all seeds of an experiment, so that seeds differ in
/// training alone.
pub(super) const SPLIT_SEED: u64 = 0;

/// What an experiment is trained on and judged by.
pub struct Prepared {
    /// The clips.
    pub dataset: Dataset,
    /// How they are split.
    pub folds: Vec<Fold>,
    /// Their features.
    pub features: FeatureSet,
}

/// The clips of an experiment: those of its corpus, with the feature tables that it names.
pub fn index(experiment: &Experiment, data: &Path, observer: Observer) -> Result<Dataset> {
    let mut dataset = experiment.dataset.index(data)?;
    let inputs = experiment.inputs.iter();
    let tables = inputs.filter_map(|(it, input)| Some((it, input.as_ref()?.table()?)));
    let tables: Vec<_> = tables.collect();
    // What one table calls the subject is a feature of no other.
    tables.iter().for_each(|(_, table)| dataset.note_metadata(table));
    for (modality, table) in tables {
        dataset.join(modality, data, table)?;
        if let Some(table) = dataset.tables.last() {
            observer.emit(Event::Joined { modality, table });
        }
    }
    Ok(dataset)
}

/// Indexes the corpus, splits it and extracts what the cache does not hold.
///
/// # Errors
///
/// Those of [`Experiment::dataset`] and of its protocol before anything is extracted, which may take hours;
/// clips of fewer than two classes; those of the extraction.
pub fn prepare(experiment: &Experiment, paths: &RunPaths, observer: Observer) -> Result<Prepared> {
    let dataset = index(experiment, &paths.data, observer)?;
    if dataset.classes.len() < 2 {
        return Err(Error::Classes { corpus: dataset.name, classes: dataset.classes });
    }
    let folds = folds(&dataset, &experiment.protocol, SPLIT_SEED)?;
    let cache = Cache::open(&paths.cache)?;
    let bad_clips = experiment.bad_clips;
    let features = FeatureSet::load(&dataset, &experiment.inputs, &cache, bad_clips, observer)?;
    Ok(Prepared { dataset, folds, features })
}

impl Prepared {
    /// The data set as it was used.
    pub(super) fn summary(&self) -> DataSummary {
        let Self { dataset, features, .. } = self;
        let mut clips_per_class: BTreeMap<String, usize> =
            dataset.classes.iter().map(|class| (class.clone(), 0)).collect();
        for class in dataset.clips.iter().filter_map(|clip| dataset.classes.get(clip.emotion?)) {
            *clips_per_class.entry(class.clone()).or_default() += 1;
        }
        let subjects: BTreeSet<&str> =
            dataset.clips.iter().map(|clip| clip.subject.as_str()).collect();
        let files = dataset.problems.iter().filter(|problem| !problem.unreadable);
        let files = files.map(ClipProblem::of_file);
        let faces = features.faces;
        DataSummary {
            name: dataset.name.clone(),
            classes: dataset.classes.clone(),
            clips: dataset.clips.len(),
            unlabelled: dataset.clips.iter().filter(|clip| clip.emotion.is_none()).count(),
            clips_per_class,
            subjects: subjects.len(),
            manifest_hash: dataset.manifest_hash(),
            faces,
            faces_share: (faces.frames > 0).then(|| faces.found as f64 / faces.frames as f64),
            problems: files.chain(features.problems.iter().cloned()).collect(),
        }
    }
}
