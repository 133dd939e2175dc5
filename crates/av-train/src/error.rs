//! What can go wrong between an experiment file and its record, and what is wrong with a clip.

use av_datasets::{Modality, Problem};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What can go wrong between an experiment file and its record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The experiment file is not what it should be; the message names line and key.
    #[error("{}: {message}", path.as_ref().map_or("experiment".into(), |path| path.display().to_string()))]
    Experiment {
        /// The file, where it was read from one.
        path: Option<PathBuf>,
        /// What the TOML reader says.
        message: String,
    },
    /// A setting of the experiment is out of range.
    #[error("{key} is {actual}: it must be {expected}")]
    Setting {
        /// Dotted key.
        key: String,
        /// What was given.
        actual: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Not an experiment file: a pipe, a device, or more text than anybody writes.
    #[error("{} is not an experiment file: it must be an ordinary file of at most {limit} bytes", path.display())]
    NoExperiment {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error(
        "cannot write {}: {source}; what was finished before is kept: free some space or write elsewhere, and resume",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What an unfinished run keeps to go on from is damaged.
    #[error("{} is not what this program wrote: {message}; delete it and resume, which makes it anew", path.display())]
    DamagedState {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A file of a model or a record is damaged.
    #[error(
        "{} is not what this program wrote: {message}; copy it once more from where it was made, or make it anew by another \
         run",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A model or record that this version cannot read whole, though nothing is damaged.
    #[error(
        "{} was written by another version of this program ({}): {message}; use it with that version, or make it anew \
         with this one",
        path.display(), versions(wrote.as_deref())
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version that wrote it, where the file says so.
        wrote: Option<String>,
        /// What this version does not know.
        message: String,
    },
    /// More clips than allowed have a problem.
    #[error("{} of {clips} clips have a problem, {} are allowed (bad_clips = {allowed}): {}", bad, (allowed * *clips as f64).floor(), list(problems))]
    BadClips {
        /// Clips with a problem.
        bad: usize,
        /// All clips.
        clips: usize,
        /// The allowed fraction.
        allowed: f64,
        /// Each problem.
        problems: Vec<ClipProblem>,
    },
    /// Segments of a clip have another shape than those of the clips before it.
    #[error("clip {clip}: segments of shape {actual:?}, but the clips before have {expected:?}")]
    Shape {
        /// The clip.
        clip: String,
        /// Shape of the other clips.
        expected: Vec<usize>,
        /// Shape of this clip.
        actual: Vec<usize>,
    },
    /// Features of a clip are not of the kind that a model was trained on.
    #[error("clip {clip}: the {modality} features, which the model reads, {what} in its training")]
    UnlikeTraining {
        /// The clip.
        clip: String,
        /// Whose features.
        modality: Modality,
        /// What is different.
        what: &'static str,
    },
    /// A clip refers to a row that no table has.
    #[error("row {row} of feature table {table} does not exist")]
    Row {
        /// Index of the table.
        table: usize,
        /// Index of the row.
        row: usize,
    },
    /// The experiment wants a feature table, the clip has a media file.
    #[error("{}: the {modality} features come from a table, but the table has no row for this clip", path.display())]
    NoRow {
        /// Whose features are missing.
        modality: Modality,
        /// The media file.
        path: PathBuf,
    },
    /// A system needs a modality that no clip has.
    #[error(
        "system {system} needs {modality}, but no clip of the data set has it; leave the system out of `systems`"
    )]
    NoModality {
        /// The system.
        system: String,
        /// What is missing.
        modality: Modality,
    },
    /// There is nothing to tell apart.
    #[error(
        "the clips of {corpus} have the classes {classes:?}, and two at least are needed: choose other labels, or join a table \
         that has them"
    )]
    Classes {
        /// Name of the corpus.
        corpus: String,
        /// Its classes.
        classes: Vec<String>,
    },
    /// A part of the data is empty.
    #[error("{what} holds no labelled clip: {mend}")]
    EmptyPart {
        /// Which part.
        what: String,
        /// What to do.
        mend: &'static str,
    },
    /// A classifier of columns has nothing to fit to.
    #[error(
        "no column differs among the {clips} clips of one class with another: a discriminant needs inputs that vary"
    )]
    NothingToDiscriminate {
        /// Labelled clips.
        clips: usize,
    },
    /// A term of the objective is not a number.
    #[error(
        "the {term} term of the objective became {value}: lower training.learning_rate or the weight of the term"
    )]
    NonFinite {
        /// The term.
        term: String,
        /// Its value.
        value: f64,
    },
    /// Any error, with the step in which it happened.
    #[error("{step}: {source}")]
    InStep {
        /// The training run, epoch and step.
        step: String,
        /// The error itself.
        source: Box<Error>,
    },
    /// The output folder belongs to an earlier run, which must not be overwritten.
    #[error("{} holds an earlier run: resume it, overwrite it, or write elsewhere", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The run in the output folder cannot be resumed.
    #[error("{} holds a run of {of}: write elsewhere, or overwrite it", path.display())]
    OtherRun {
        /// The folder.
        path: PathBuf,
        /// What is different about it.
        of: String,
    },
    /// Another program is writing into the output folder.
    #[error("{}: another run is under way in this folder: wait for it, or write elsewhere", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that should hold a saved model does not.
    #[error("{} holds no model ({file} is missing): give the folder `model` of a finished run", path.display())]
    NoModel {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
    /// A model that was trained on feature tables is given a media file.
    #[error("{}: the model reads {modality} features from a table, not from media files", path.display())]
    TableModel {
        /// The media file.
        path: PathBuf,
        /// What it reads from a table.
        modality: Modality,
    },
    /// A file that lies next to a record is not the one that was written with it.
    #[error("{} is not the file that was written with its record: its hash is {actual}, and {expected} is recorded", path.display())]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// The hash in the record.
        expected: String,
        /// The hash of the file.
        actual: String,
    },
    /// Records of different data are compared.
    #[error(
        "records {a} and {b} are of different clips, labels or folds: their scores cannot be paired"
    )]
    OtherData {
        /// Name of the first record.
        a: String,
        /// Name of the second record.
        b: String,
    },
    /// A value has no form in JSON.
    #[error("a value cannot be written as JSON: {message}")]
    Json {
        /// Why.
        message: String,
    },
    /// Threads cannot be started, or one broke.
    #[error("worker threads: {message}")]
    Threads {
        /// What happened.
        message: String,
    },
    /// The caller asked to stop.
    #[error("interrupted; what was finished is kept, and a resumed run goes on from here")]
    Interrupted,
    /// From the data set.
    #[error(transparent)]
    Datasets(Box<av_datasets::Error>),
    /// From the features.
    #[error(transparent)]
    Features(#[from] av_features::Error),
    /// From the networks.
    #[error(transparent)]
    Encoders(#[from] av_encoders::Error),
    /// From the operators.
    #[error(transparent)]
    Ops(#[from] av_ops::Error),
    /// From the correlation.
    #[error(transparent)]
    Hgr(#[from] hgr_corr::Error),
    /// From the scores.
    #[error(transparent)]
    Eval(#[from] av_eval::Error),
    /// From a tensor operation.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl From<av_datasets::Error> for Error {
    fn from(error: av_datasets::Error) -> Self {
        // Boxed for its size: every result of this crate would carry it.
        Self::Datasets(Box::new(error))
    }
}

impl Error {
    pub(crate) fn experiment(error: toml::de::Error) -> Self {
        // Of a line that is longer than people write, its middle says nothing: place and reason are at the ends.
        const ENDS: [usize; 2] = [400, 300];
        let text: Vec<char> = error.to_string().trim_end().replace('\n', " ").chars().collect();
        let cut = text.len().saturating_sub(ENDS[0] + ENDS[1]);
        let message = if cut == 0 {
            text.iter().collect()
        } else {
            let [start, end] = [&text[..ENDS[0]], &text[ENDS[0] + cut..]].map(String::from_iter);
            format!("{start} ... {end}")
        };
        Self::Experiment { path: None, message }
    }

    /// Adds the experiment file's name.
    pub(crate) fn in_experiment(self, file: &Path) -> Self {
        let path = Some(file.to_path_buf());
        if let Self::Experiment { message, .. } = self {
            return Self::Experiment { path, message };
        }
        let message = self.to_string();
        Self::Experiment { path, message }
    }

    /// An error where a setting is out of range.
    pub(crate) fn check(
        key: &str,
        actual: impl std::fmt::Display,
        holds: bool,
        expected: &'static str,
    ) -> Result<()> {
        if holds {
            return Ok(());
        }
        Err(Self::Setting { key: key.into(), actual: actual.to_string(), expected })
    }

    /// Whether the fault lies in this software, or in the numbers of a training run, and not in a file or
    /// setting of the user.
    pub fn is_internal(&self) -> bool {
        if let Self::InStep { source, .. } = self {
            return source.is_internal();
        }
        matches!(self, Self::Tensor(_) | Self::Hgr(_) | Self::Json { .. } | Self::Threads { .. })
    }

    /// Adds the step in which it happened, unless one is named already.
    pub(crate) fn in_step(self, step: impl Into<String>) -> Self {
        if matches!(self, Self::Interrupted | Self::InStep { .. }) {
            return self;
        }
        Self::InStep { step: step.into(), source: Box::new(self) }
    }
}

/// A clip, or a file that may be one, with a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipProblem {
    /// Name of the clip, or path of the file.
    pub clip: String,
    /// What is wrong, with the file.
    pub reason: String,
}

impl ClipProblem {
    /// A file that is not a clip, named by its path.
    pub(crate) fn of_file(problem: &Problem) -> Self {
        Self { clip: problem.path.display().to_string(), reason: problem.reason.clone() }
    }
}

/// The version that wrote a file and this one.
fn versions(wrote: Option<&str>) -> String {
    const THIS: &str = env!("CARGO_PKG_VERSION");
    match wrote {
        Some(THIS) => format!("of the same number, {THIS}"),
        Some(wrote) => format!("{wrote}; this is {THIS}"),
        None => format!("it does not say which; this is {THIS}"),
    }
}

/// How many problems one message lists.
const LISTED: usize = 8;

fn list(problems: &[ClipProblem]) -> String {
    let mut text = problems
        .iter()
        .take(LISTED)
        .map(|problem| format!("{} ({})", problem.clip, problem.reason))
        .collect::<Vec<_>>()
        .join("; ");
    if problems.len() > LISTED {
        text.push_str(&format!("; and {} more", problems.len() - LISTED));
    }
    text
}
