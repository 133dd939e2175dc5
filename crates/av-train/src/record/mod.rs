//! The record of an experiment: `record.json`, and the files that lie next to it.
//!
//! | file | what |
//! |---|---|
//! | `record.json` | [`Record`]: the experiment, the data, scores, differences |
//! | `predictions.csv` | what was said of every test clip: [`PredictionRow`] |
//! | `curves.csv` | the learning curves |
//! | `embeddings.npz` | f(x), g(y), ... of every test clip, where asked for |
//!
//! Stable: fields are added, never renamed or removed, while [`FORMAT`] stays. All numbers but those in
//! `times` are the same for the same binary, machine, experiment and data. Format 1 had no files next to it, its curves inside,
//! and `mirror` for `horizontal_flip`; it is read too.

mod compare;
mod curves;
mod embeddings;
mod predictions;
mod summary;
#[cfg(test)]
mod tests;

pub use compare::{PairedDifference, compare_records};
pub use predictions::PredictionRow;
pub use summary::{ScoreSummary, Summary};

pub(crate) use embeddings::{ClipEmbeddings, write as write_embeddings};

use crate::evaluate::CommonInformation;
use crate::experiment::Experiment;
use crate::files::{read_versioned, write_atomic, write_json};
use crate::train::Epoch;
use crate::{ClipProblem, Error, Result};
use av_eval::{ClassDecisions, Confusion, Metric};
use av_features::Faces;
use compare::differences;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use summary::{confusions, spectra, summarise};

/// Version of the record's layout.
pub const FORMAT: u32 = 2;

/// Name of the record in the folder of a run.
pub(crate) const RECORD: &str = "record.json";

/// Name of the predictions.
pub(crate) const PREDICTIONS: &str = "predictions.csv";

/// Name of the learning curves.
pub(crate) const CURVES: &str = "curves.csv";

/// Name of the embeddings.
pub(crate) const EMBEDDINGS: &str = "embeddings.npz";

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
    /// The variants of a sweep, in their order; none where nothing was swept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantRecord>,
    /// One entry per variant and system.
    pub summary: Vec<Summary>,
    /// Differences between systems over the same folds and seeds.
    pub paired: Vec<PairedDifference>,
    /// Held-out common information of each system with two modalities, mean over folds and seeds, by [`label`].
    pub common_information: BTreeMap<String, CommonInformation>,
    /// Confusion matrix of each system over all folds and seeds, one row per true class, by [`label`].
    pub confusion: BTreeMap<String, Confusion>,
    /// One entry per training run.
    pub runs: Vec<RunRecord>,
    /// BLAKE3 hashes of the files next to the record, by their names.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Wall-clock seconds of each step. The only part that differs from run to run.
    pub times: BTreeMap<String, f64>,
    /// What was said of every test clip, read from `predictions.csv`; empty where the file is not there.
    #[serde(skip)]
    pub predictions: Vec<PredictionRow>,
}

/// A variant of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantRecord {
    /// `key=value` of each swept key.
    pub name: String,
    /// Its clips, where they are not those of the first variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSummary>,
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
    /// Fraction of those frames with a face; none without frames.
    pub faces_share: Option<f64>,
    /// Files and clips that are not used, or used in part, and why.
    pub problems: Vec<ClipProblem>,
}

/// One training run: a variant, a system, a fold and a seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Name of the system.
    pub system: String,
    /// Name of the variant; none where nothing was swept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Name of the fold.
    pub fold: String,
    /// The seed.
    pub seed: u64,
    /// Clips trained on, validated on and tested on.
    pub clips: [usize; 3],
    /// Unweighted average recall on the test clips.
    pub uar: f64,
    /// Fraction of test clips decided rightly.
    pub accuracy: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// Mean negative log-probability of the true class.
    pub log_loss: f64,
    /// Every score, by the name of its metric.
    #[serde(default)]
    pub scores: BTreeMap<String, f64>,
    /// Counts on the test clips, one row per true class.
    pub confusion: Confusion,
    /// The epoch whose weights were taken.
    pub best_epoch: usize,
    /// Learning curve, from `curves.csv`; empty where the file is not there.
    #[serde(default, skip_serializing)]
    pub curve: Vec<Epoch>,
    /// Held-out common information of the first two modalities; none for systems with one modality.
    pub common_information: Option<CommonInformation>,
}

impl RunRecord {
    /// [`label`] of its system.
    pub fn label(&self) -> String {
        label(&self.system, self.variant.as_deref())
    }

    /// Takes every score from the decisions of the test clips.
    pub(crate) fn score(&mut self, decisions: &ClassDecisions) {
        let known = Metric::ALL
            .into_iter()
            .filter_map(|metric| Some((metric.name().to_owned(), metric.of(decisions)?)));
        self.scores = known.collect();
        let score = |metric: Metric| self.scores.get(metric.name()).copied().unwrap_or(f64::NAN);
        self.uar = score(Metric::Uar);
        self.accuracy = score(Metric::Accuracy);
        self.macro_f1 = score(Metric::MacroF1);
        self.log_loss = score(Metric::LogLoss);
        self.confusion = decisions.confusion();
    }
}

/// How a system is named where variants stand next to each other: `fusion_hgr`, `fusion_hgr [training.epochs=5]`.
pub fn label(system: &str, variant: Option<&str>) -> String {
    match variant {
        Some(variant) => format!("{system} [{variant}]"),
        None => system.into(),
    }
}

impl Record {
    /// Reads a `record.json` with the predictions and curves that lie next to it.
    ///
    /// # Errors
    ///
    /// No such file, not a record, a record of another version of this software with settings that this
    /// one does not know or a newer format, a file next to it that was written with another record.
    pub fn read(path: &Path) -> Result<Self> {
        let missing =
            || Error::Read { path: path.into(), source: std::io::ErrorKind::NotFound.into() };
        let mut record: Self = read_versioned(path)?.ok_or_else(missing)?;
        if record.format > FORMAT {
            return Err(Error::OtherVersion {
                path: path.into(),
                wrote: Some(record.version),
                message: format!("format {} is newer than {FORMAT}", record.format),
            });
        }
        if let Some(bytes) = record.companion(path, PREDICTIONS)? {
            let damaged =
                |message| Error::Damaged { path: path.with_file_name(PREDICTIONS), message };
            record.predictions =
                predictions::parse(&bytes, &record.data.classes).map_err(damaged)?;
            record.rescore()?;
        }
        if let Some(bytes) = record.companion(path, CURVES)? {
            let damaged = |message| Error::Damaged { path: path.with_file_name(CURVES), message };
            curves::parse(&bytes, &mut record.runs).map_err(damaged)?;
        }
        Ok(record)
    }

    /// Takes everything that is computed of the runs from them.
    pub(crate) fn summarise(&mut self) {
        let classes = self.data.classes.len();
        let variants = match self.variants.as_slice() {
            [] => vec![None],
            variants => variants.iter().map(|variant| Some(variant.name.clone())).collect(),
        };
        self.summary = summarise(&self.runs, classes);
        self.paired = differences(&self.runs, &variants, &self.experiment.compare);
        self.common_information = spectra(&self.runs);
        self.confusion = confusions(&self.runs, classes);
    }

    /// Takes all scores from the kept decisions.
    fn rescore(&mut self) -> Result<()> {
        let classes = self.data.classes.len();
        let mut rows: BTreeMap<_, (Vec<usize>, Vec<f64>)> = BTreeMap::new();
        for row in &self.predictions {
            let run = (row.system.clone(), row.variant.clone(), row.fold.clone(), row.seed);
            let (truth, probabilities) = rows.entry(run).or_default();
            truth.push(row.truth);
            probabilities.extend(&row.probabilities);
        }
        for run in &mut self.runs {
            let key = (run.system.clone(), run.variant.clone(), run.fold.clone(), run.seed);
            if let Some((truth, probabilities)) = rows.remove(&key) {
                run.score(&ClassDecisions::new(classes, truth, probabilities)?);
            }
        }
        self.summarise();
        Ok(())
    }

    /// The bytes of a file that belongs to the record; none where it is not there.
    fn companion(&self, record: &Path, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(expected) = self.files.get(name) else { return Ok(None) };
        let path = record.with_file_name(name);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let actual = blake3::hash(&bytes).to_hex().to_string();
        if actual != *expected {
            return Err(Error::OtherFile { path, expected: expected.clone(), actual });
        }
        Ok(Some(bytes))
    }

    /// Writes the predictions and curves into a folder, and last the record, with the hashes of all files next to it.
    pub(crate) fn write(&mut self, folder: &Path) -> Result<()> {
        let files = [
            (PREDICTIONS, predictions::text(&self.predictions, &self.data.classes)),
            (CURVES, curves::text(&self.runs)),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            let bytes = text.map_err(|message| Error::Damaged { path: path.clone(), message })?;
            self.files.insert(name.into(), blake3::hash(&bytes).to_hex().to_string());
            write_atomic(&path, &bytes)?;
        }
        write_json(&folder.join(RECORD), self)
    }
}
