//! Progress of a training run, in memory and on disk.

use crate::files::write_atomic;
use crate::model::DEVICE;
use crate::trainer::Epoch;
use crate::{Error, Result};
use av_ops::{AdamW, AdamWState, Parameters, Snapshot};
use candle_core::Tensor;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Seconds of work that a crash may cost.
const INTERVAL: Duration = Duration::from_secs(20);

/// The learning curve so far and the best weights on it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    curve: Vec<Epoch>,
    /// Weights of the best epoch; none without validation, where the last epoch counts.
    best: Option<Snapshot>,
}

impl Progress {
    pub fn epochs(&self) -> usize {
        self.curve.len()
    }

    /// The epoch with the lowest validation loss, the first of equals; without validation the last.
    pub fn best_epoch(&self) -> usize {
        let mut best: Option<(f64, usize)> = None;
        for entry in &self.curve {
            if let Some(loss) = entry.validation_loss
                && best.is_none_or(|(lowest, _)| loss < lowest)
            {
                best = Some((loss, entry.epoch));
            }
        }
        best.map_or(self.curve.len(), |(_, epoch)| epoch)
    }

    /// Whether the last `patience` epochs brought nothing better.
    pub fn stopped(&self, patience: usize) -> bool {
        self.epochs() - self.best_epoch() >= patience
    }

    /// Appends an epoch and keeps the weights if it is the best so far.
    pub fn push(&mut self, entry: Epoch, parameters: &Parameters) -> Result<()> {
        let validated = entry.validation_loss.is_some();
        self.curve.push(entry);
        if validated && self.best_epoch() == self.epochs() {
            self.best = Some(parameters.snapshot()?);
        }
        Ok(())
    }

    /// Puts the best weights into the model and gives the learning curve.
    pub fn restore_best(self, parameters: &mut Parameters) -> Result<Vec<Epoch>> {
        if let Some(best) = &self.best {
            parameters.restore(best)?;
        }
        Ok(self.curve)
    }
}

/// A file with the progress of one training run.
pub(crate) struct Checkpoint {
    path: PathBuf,
    written: Instant,
}

/// What a checkpoint file holds.
pub(crate) struct Saved {
    path: PathBuf,
    curve: Vec<Epoch>,
    step: u64,
    tensors: HashMap<String, Tensor>,
}

/// Name under which the learning curve lies in the file's metadata.
const CURVE: &str = "curve";

/// Name under which the optimiser's step count lies in the file's metadata.
const STEPS: &str = "steps";

impl Checkpoint {
    pub fn new(path: PathBuf) -> Self {
        Self { path, written: Instant::now() }
    }

    /// Writes if the last write is long ago, or `now`.
    pub fn save(
        &mut self,
        progress: &Progress,
        parameters: &Parameters,
        optimiser: &AdamW,
        now: bool,
    ) -> Result<()> {
        if !now && self.written.elapsed() < INTERVAL {
            return Ok(());
        }
        self.written = Instant::now();
        let state = optimiser.state()?;
        let mut tensors = BTreeMap::new();
        let mut put = |kind: &str, group: &BTreeMap<String, Tensor>| {
            for (name, tensor) in group {
                tensors.insert(format!("{kind}/{name}"), tensor.clone());
            }
        };
        put("now", parameters.snapshot()?.tensors());
        put("moments", &state.moments);
        if let Some(best) = &progress.best {
            put("best", best.tensors());
        }
        let curve = serde_json::to_string(&progress.curve).map_err(|error| self.damaged(error))?;
        let metadata =
            HashMap::from([(CURVE.into(), curve), (STEPS.into(), state.step.to_string())]);
        let bytes = safetensors::serialize(&tensors, Some(metadata))
            .map_err(|error| self.damaged(error))?;
        write_atomic(&self.path, &bytes)
    }

    /// What an earlier call left; none if it left nothing.
    ///
    /// A damaged file is an error: a checkpoint is written whole or not at all, so damage has a cause
    /// that the user should know.
    pub fn load(&self) -> Result<Option<Saved>> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path: self.path.clone(), source }),
        };
        let (_, header) =
            safetensors::SafeTensors::read_metadata(&bytes).map_err(|error| self.damaged(error))?;
        let entry = |key| {
            let metadata = header.metadata().as_ref().and_then(|entries| entries.get(key));
            metadata.ok_or_else(|| self.damaged(format!("the header has no {key}")))
        };
        Ok(Some(Saved {
            path: self.path.clone(),
            curve: serde_json::from_str(entry(CURVE)?).map_err(|error| self.damaged(error))?,
            step: entry(STEPS)?.parse().map_err(|error| self.damaged(error))?,
            tensors: candle_core::safetensors::load_buffer(&bytes, &DEVICE)?,
        }))
    }

    fn damaged(&self, error: impl std::fmt::Display) -> Error {
        Error::Damaged { path: self.path.clone(), message: error.to_string() }
    }
}

impl Saved {
    /// Puts weights and optimiser back to where they were.
    pub fn apply(self, parameters: &mut Parameters, optimiser: &mut AdamW) -> Result<Progress> {
        let group = |kind: &str| -> BTreeMap<String, Tensor> {
            let prefix = format!("{kind}/");
            let named = self.tensors.iter();
            named
                .filter_map(|(name, tensor)| {
                    Some((name.strip_prefix(&prefix)?.to_string(), tensor.clone()))
                })
                .collect()
        };
        let damaged = |error: av_ops::Error| Error::Damaged {
            path: self.path.clone(),
            message: error.to_string(),
        };
        parameters.restore(&Snapshot::from(group("now"))).map_err(damaged)?;
        optimiser
            .restore(&AdamWState { step: self.step, moments: group("moments") })
            .map_err(damaged)?;
        let best = group("best");
        Ok(Progress { curve: self.curve, best: (!best.is_empty()).then(|| best.into()) })
    }
}
