//! The folder of a run: whose it is, and what of it is done.

use super::stored::StoredRun;
use crate::experiment::Experiment;
use crate::files::{read_state, write_json};
use crate::record::{CURVES, EMBEDDINGS, PREDICTIONS, RECORD};
use crate::train::STAGES;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Where an experiment reads and writes.
#[derive(Clone, Debug)]
pub struct RunPaths {
    /// Root of the corpus.
    pub data: PathBuf,
    /// Folder of the run: record, predictions, model, unfinished work.
    pub out: PathBuf,
    /// Folder of extracted features, shared by runs.
    pub cache: PathBuf,
}

/// What to do with an output folder that already holds a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    /// Stop with an error: nothing is lost.
    Error,
    /// Go on where it stopped, if it is a run of the same experiment and data by the same program.
    Resume,
    /// Throw it away and begin again.
    Overwrite,
}

/// What an output folder belongs to: everything that decides the numbers.
#[derive(Serialize, Deserialize)]
pub(super) struct RunManifest {
    /// The experiment.
    pub experiment: Experiment,
    /// Manifest hashes of its clips, one per distinct data set of its variants.
    pub data: Vec<String>,
    /// The program: records that mix two of them would be of neither.
    pub program: String,
    /// Whether embeddings are kept.
    pub embeddings: bool,
}

/// File of an output folder that says which run it belongs to.
const MANIFEST: &str = "experiment.json";

/// Folder of finished training runs inside an output folder.
const UNITS: &str = "units";

/// Folder of the model inside an output folder.
pub(super) const MODEL: &str = "model";

/// File that is locked while a run is under way.
const LOCK: &str = ".lock";

/// Name and content of the running program; its name alone where it cannot be read.
pub(super) fn program() -> String {
    let version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let mut hasher = blake3::Hasher::new();
    let content = std::env::current_exe().and_then(File::open);
    match content
        .and_then(|mut file| hasher.update_reader(&mut file).map(|hasher| hasher.finalize()))
    {
        Ok(hash) => format!("{version} ({:.16})", hash.to_hex()),
        Err(_) => version.into(),
    }
}

/// The folder of a run while it is under way.
pub(super) struct RunStore {
    out: PathBuf,
    /// Held until it is dropped, or the program ends in whatever way.
    _lock: File,
}

impl RunStore {
    /// Makes sure that the output folder belongs to no run.
    pub fn check_free(out: &Path) -> Result<()> {
        match out.join(MANIFEST).try_exists() {
            Ok(true) => Err(Error::Occupied { path: out.into() }),
            _ => Ok(()),
        }
    }

    /// Takes a folder for a run: one that is empty, to be overwritten, or the beginning of this very run.
    ///
    /// # Errors
    ///
    /// Another run's folder; one that another program is working on.
    pub fn open(out: &Path, if_exists: IfExists, manifest: &RunManifest) -> Result<Self> {
        let store = Self { out: out.into(), _lock: lock(out)? };
        let file = out.join(MANIFEST);
        match if_exists {
            IfExists::Error => Self::check_free(out)?,
            IfExists::Overwrite => store.clear()?,
            IfExists::Resume => {
                if let Some(earlier) = read_state::<serde_json::Value>(&file)? {
                    return manifest.is_that_of(earlier, out).map(|()| store);
                }
            }
        }
        write_json(&file, manifest)?;
        Ok(store)
    }

    /// Removes what an earlier run left. The record goes first: it must not stand next to the work of another run.
    fn clear(&self) -> Result<()> {
        for name in [RECORD, PREDICTIONS, CURVES, EMBEDDINGS, "report.html", MANIFEST] {
            let path = self.out.join(name);
            gone(std::fs::remove_file(&path), &path)?;
        }
        for name in [UNITS, MODEL] {
            let path = self.out.join(name);
            gone(std::fs::remove_dir_all(&path), &path)?;
        }
        Ok(())
    }

    /// Where the checkpoints of a training run lie.
    pub fn checkpoint(&self, stem: &str) -> PathBuf {
        // Not `with_extension`: the name of a system may have a dot.
        self.out.join(UNITS).join(format!("{stem}.checkpoint"))
    }

    fn file(&self, stem: &str) -> PathBuf {
        self.out.join(UNITS).join(format!("{stem}.json"))
    }

    /// A training run that is done.
    pub fn finished(&self, stem: &str) -> Result<Option<StoredRun>> {
        read_state(&self.file(stem))
    }

    /// Keeps a training run that is done.
    pub fn keep(&self, stem: &str, run: &StoredRun) -> Result<()> {
        write_json(&self.file(stem), run)?;
        for stage in STAGES {
            // The checkpoint has served; that it may be absent or stay is no harm.
            let _ = std::fs::remove_file(self.checkpoint(stem).with_extension(stage));
        }
        Ok(())
    }
}

impl RunManifest {
    /// Whether an earlier run can be resumed as this one.
    fn is_that_of(&self, earlier: serde_json::Value, out: &Path) -> Result<()> {
        let other = |of: &str| Err(Error::OtherRun { path: out.into(), of: of.into() });
        // An experiment is compared by what its text means, not by how it was written.
        let Ok(earlier) = serde_json::from_value::<Self>(earlier) else {
            return other("another version of this program");
        };
        let text = |experiment: &Experiment| serde_json::to_value(experiment).ok();
        if text(&earlier.experiment) != text(&self.experiment) {
            return other("another experiment file");
        }
        if earlier.data != self.data {
            return other("other data");
        }
        if earlier.program != self.program {
            return other(&format!(
                "another program ({}; this is {})",
                earlier.program, self.program
            ));
        }
        if earlier.embeddings != self.embeddings {
            return other("the same experiment, with another choice of keeping embeddings");
        }
        Ok(())
    }
}

fn lock(out: &Path) -> Result<File> {
    let path = out.join(LOCK);
    let write = |source| Error::Write { path: path.clone(), source };
    std::fs::create_dir_all(out).map_err(write)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(write)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: out.into() }),
        // A file system without locks cannot tell, and loses nothing else.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn gone(outcome: std::io::Result<()>, path: &Path) -> Result<()> {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Write { path: path.into(), source: error })
        }
        _ => Ok(()),
    }
}
