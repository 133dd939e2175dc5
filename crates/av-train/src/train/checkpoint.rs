//! Progress of a training run on disk.

use super::curve::Epoch;
use super::early_stopping::Progress;
use crate::files::write_atomic;
use crate::model::DEVICE;
use crate::{Error, Result};
use av_ops::{AdamW, AdamWState, Parameters, Snapshot};
use candle_core::Tensor;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Seconds of work that a crash may cost.
const INTERVAL: Duration = Duration::from_secs(20);

/// A file with the progress of one training run.
pub(super) struct Checkpoint {
    path: PathBuf,
    written: Instant,
}

/// What a checkpoint file holds.
pub(super) struct Saved {
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
        Error::DamagedState { path: self.path.clone(), message: error.to_string() }
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
        let damaged = |error: av_ops::Error| Error::DamagedState {
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
