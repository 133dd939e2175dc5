//! The record of an experiment: `record.json`.
//!
//! Stable: fields are added, never renamed or removed, while [`FORMAT`] stays. All numbers but those in
//! `times` are the same for the same binary, machine, experiment and data.

use crate::common::{CommonInformation, mean_spectrum};
use crate::experiment::{Experiment, System};
use crate::files::read_json;
use crate::inputs::ClipProblem;
use crate::metrics::{Confusion, mean, sd};
use crate::paired::{Paired, interval};
use crate::trainer::Epoch;
use crate::{Error, Result};
use av_features::Faces;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Version of the record's layout.
pub const FORMAT: u32 = 1;

/// Everything that is known of a finished experiment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the experiment.
    pub name: String,
    /// Version of this software.
    pub version: String,
    /// What was computed on: `cpu`.
    pub device: String,
    /// The experiment with every default filled in.
    pub experiment: Experiment,
    /// The clips.
    pub data: DataSummary,
    /// One entry a system.
    pub summary: Vec<Summary>,
    /// Differences between systems over the same folds and seeds.
    pub paired: Vec<Paired>,
    /// Held-out common information of each system with both modalities, mean over folds and seeds.
    pub common_information: BTreeMap<String, CommonInformation>,
    /// One entry a system: confusion matrix over all folds and seeds, one row a true class.
    pub confusion: BTreeMap<String, Confusion>,
    /// One entry a training run.
    pub runs: Vec<RunRecord>,
    /// Wall-clock seconds of each step. The only part that differs from run to run.
    pub times: BTreeMap<String, f64>,
}

/// The data set as it was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// Name of the corpus.
    pub name: String,
    /// Class names, in the order of every table.
    pub classes: Vec<String>,
    /// Clips.
    pub clips: usize,
    /// Clips of each class.
    pub clips_per_class: BTreeMap<String, usize>,
    /// Clips without a label.
    pub unlabelled: usize,
    /// Persons recorded.
    pub subjects: usize,
    /// Hash of clips, subjects, labels, folds and sources.
    pub manifest_hash: String,
    /// Frames given to the face detector and those with a face.
    pub faces: Faces,
    /// Share of those frames with a face; none without frames.
    pub faces_share: Option<f64>,
    /// Files and clips that are not used, or used in part, and why.
    pub problems: Vec<ClipProblem>,
}

/// Scores of one system over folds and seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// `audio`, `video`, `fusion` or `fusion_hgr`.
    pub system: String,
    /// Unweighted average recall: mean over folds and seeds.
    pub uar_mean: f64,
    /// Standard deviation (n - 1) over folds and seeds; none with a single run.
    pub uar_sd: Option<f64>,
    /// Share of clips decided rightly: mean over folds and seeds.
    pub accuracy_mean: f64,
    /// Standard deviation (n - 1) over folds and seeds; none with a single run.
    pub accuracy_sd: Option<f64>,
    /// Unweighted average recall over the clips of all folds together, mean over seeds.
    pub uar_pooled: f64,
    /// Mean F1 of the classes: mean over folds and seeds.
    pub macro_f1_mean: f64,
    /// Mean negative log-probability of the true class: mean over folds and seeds.
    pub log_loss_mean: f64,
}

/// One training run: a system, a fold and a seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The system.
    pub system: System,
    /// Name of the fold.
    pub fold: String,
    /// The seed.
    pub seed: u64,
    /// Clips trained on, validated on and tested on.
    pub clips: [usize; 3],
    /// Unweighted average recall on the test clips.
    pub uar: f64,
    /// Share of test clips decided rightly.
    pub accuracy: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// Mean negative log-probability of the true class.
    pub log_loss: f64,
    /// Counts on the test clips, one row a true class.
    pub confusion: Confusion,
    /// The epoch whose weights were taken.
    pub best_epoch: usize,
    /// Learning curve.
    pub curve: Vec<Epoch>,
    /// Held-out common information of audio and video; none for systems with one modality.
    pub common_information: Option<CommonInformation>,
}

/// Which differences a record holds: (a, b).
const PAIRS: [(System, System); 5] = [
    (System::FusionHgr, System::Fusion),
    (System::Fusion, System::Audio),
    (System::Fusion, System::Video),
    (System::FusionHgr, System::Audio),
    (System::FusionHgr, System::Video),
];

/// Scores of each system that has runs.
pub(crate) fn summarise(runs: &[RunRecord], classes: usize) -> Vec<Summary> {
    by_system(runs)
        .into_iter()
        .map(|(system, runs)| {
            let of =
                |pick: fn(&RunRecord) -> f64| runs.iter().map(|run| pick(run)).collect::<Vec<_>>();
            let (uar, accuracy) = (of(|run| run.uar), of(|run| run.accuracy));
            let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
            let pooled: Vec<f64> = seeds
                .iter()
                .map(|&seed| {
                    pool(runs.iter().copied().filter(|run| run.seed == seed), classes).uar()
                })
                .collect();
            Summary {
                system: system.name().into(),
                uar_mean: mean(&uar),
                uar_sd: sd(&uar),
                accuracy_mean: mean(&accuracy),
                accuracy_sd: sd(&accuracy),
                uar_pooled: mean(&pooled),
                macro_f1_mean: mean(&of(|run| run.macro_f1)),
                log_loss_mean: mean(&of(|run| run.log_loss)),
            }
        })
        .collect()
}

/// Paired differences of the systems that have runs on the same folds and seeds.
pub(crate) fn compare(runs: &[RunRecord]) -> Vec<Paired> {
    let by_system = by_system(runs);
    let mut paired = vec![];
    for (a, b) in PAIRS {
        let (Some(first), Some(second)) = (by_system.get(&a), by_system.get(&b)) else { continue };
        for (metric, pick) in METRICS {
            paired.extend(difference((a.name(), first), (b.name(), second), metric, pick));
        }
    }
    paired
}

/// A score of a training run.
type Score = fn(&RunRecord) -> f64;

/// Which scores are compared.
const METRICS: [(&str, Score); 2] = [("uar", |run| run.uar), ("accuracy", |run| run.accuracy)];

/// a - b over the folds and seeds that both have; none without any.
fn difference(
    (a, first): (&str, &[&RunRecord]),
    (b, second): (&str, &[&RunRecord]),
    metric: &str,
    pick: Score,
) -> Option<Paired> {
    let twins: Vec<(&RunRecord, &RunRecord)> = first
        .iter()
        .filter_map(|run| {
            let twin = second.iter().find(|twin| twin.fold == run.fold && twin.seed == run.seed);
            Some((*run, *twin?))
        })
        .collect();
    if twins.is_empty() {
        return None;
    }
    let differences: Vec<f64> = twins.iter().map(|(run, twin)| pick(run) - pick(twin)).collect();
    let overlap: Vec<f64> = twins
        .iter()
        .map(|(RunRecord { clips: [train, validation, test], .. }, _)| {
            *test as f64 / (train + validation) as f64
        })
        .collect();
    let (difference, ends) = interval(&differences, mean(&overlap));
    Some(Paired {
        a: a.into(),
        b: b.into(),
        metric: metric.into(),
        difference,
        low: ends.map(|(low, _)| low),
        high: ends.map(|(_, high)| high),
    })
}

/// Differences between the systems of two records: each system of `a` with the system of the same name of
/// `b`, over the folds and seeds that both have.
///
/// Errors: records of different data; a difference would mean nothing.
pub fn compare_records(a: &Record, b: &Record) -> Result<Vec<Paired>> {
    if a.data.manifest_hash != b.data.manifest_hash {
        return Err(Error::OtherData { a: a.name.clone(), b: b.name.clone() });
    }
    let (first, second) = (by_system(&a.runs), by_system(&b.runs));
    let mut paired = vec![];
    for (system, runs) in &first {
        let Some(others) = second.get(system) else { continue };
        let names = [a, b].map(|record| format!("{}/{}", record.name, system.name()));
        for (metric, pick) in METRICS {
            paired.extend(difference((&names[0], runs), (&names[1], others), metric, pick));
        }
    }
    Ok(paired)
}

impl Record {
    /// Reads a `record.json`.
    ///
    /// Errors: no such file, not a record, a record of a newer format.
    pub fn read(path: &Path) -> Result<Self> {
        let missing =
            || Error::Read { path: path.into(), source: std::io::ErrorKind::NotFound.into() };
        let record: Self = read_json(path)?.ok_or_else(missing)?;
        if record.format > FORMAT {
            return Err(Error::Damaged {
                path: path.into(),
                message: format!("format {} is newer than {FORMAT}", record.format),
            });
        }
        Ok(record)
    }
}

/// Confusion matrix of each system over all its runs.
pub(crate) fn confusions(runs: &[RunRecord], classes: usize) -> BTreeMap<String, Confusion> {
    let by_system = by_system(runs).into_iter();
    by_system
        .map(|(system, runs)| (system.name().into(), pool(runs.into_iter(), classes)))
        .collect()
}

/// Mean held-out spectrum of each system that has one.
pub(crate) fn spectra(runs: &[RunRecord]) -> BTreeMap<String, CommonInformation> {
    by_system(runs)
        .into_iter()
        .filter_map(|(system, runs)| {
            let spectra: Vec<&CommonInformation> =
                runs.iter().filter_map(|run| run.common_information.as_ref()).collect();
            Some((system.name().into(), mean_spectrum(&spectra)?))
        })
        .collect()
}

fn by_system(runs: &[RunRecord]) -> BTreeMap<System, Vec<&RunRecord>> {
    let mut groups: BTreeMap<System, Vec<&RunRecord>> = BTreeMap::new();
    runs.iter().for_each(|run| groups.entry(run.system).or_default().push(run));
    groups
}

fn pool<'a>(runs: impl Iterator<Item = &'a RunRecord>, classes: usize) -> Confusion {
    runs.fold(Confusion::new(classes), |mut sum, run| {
        sum.merge(&run.confusion);
        sum
    })
}
