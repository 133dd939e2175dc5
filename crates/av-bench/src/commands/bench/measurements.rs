//! The file of measurements: what was measured, on which machine.

use crate::failure::{Failure, Result};
use av_train::write_atomic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What a file of this form begins with; another form has another number.
const FORMAT: &str = "av-bench bench 1";

/// A larger file is something else.
const MAX_BYTES: u64 = 1 << 20;

/// Measurements of one program on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurements {
    format: String,
    /// What the values are.
    pub measure: Measure,
    /// Where they were measured.
    pub machine: Machine,
    /// Per task.
    pub tasks: BTreeMap<String, Measurement>,
}

/// What is measured of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Instructions of a call: the same on every machine with the same vector instructions and system libraries.
    Instructions,
    /// Median wall time of a call in nanoseconds: one machine's, on one day.
    Nanoseconds,
}

/// One task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Of a call.
    pub value: u64,
    /// By which fraction a later value may be larger; absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// By which fraction of the least of several counts the largest was above it; absent where it was counted once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
}

/// Where something was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Name of the processor, where the system reports it.
    pub processor: String,
    /// Processors that the program may use; each task has one.
    pub cores: usize,
    /// Operating system and architecture.
    pub system: String,
    /// Vector instructions that kernels had.
    pub vectors: String,
    /// `checked` with the assertions of a development build, else `unchecked`.
    pub build: String,
    /// FFmpeg's libraries.
    pub libraries: Vec<String>,
    /// The counter of instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<String>,
}

impl Measurements {
    /// Measurements in the form of this program.
    pub fn new(measure: Measure, machine: Machine, tasks: BTreeMap<String, Measurement>) -> Self {
        Self { format: FORMAT.into(), measure, machine, tasks }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |what: &dyn std::fmt::Display| {
            Failure::Input(format!("cannot read {}: {what}", path.display()))
        };
        let metadata = std::fs::metadata(path).map_err(|error| failed(&error))?;
        let other = || {
            Failure::Input(format!(
                "{} holds no measurements of the form `{FORMAT}`: measure again, with `av-bench bench --out FILE`",
                path.display()
            ))
        };
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err(other());
        }
        let text = std::fs::read(path).map_err(|error| failed(&error))?;
        let found: Self = serde_json::from_slice(&text).map_err(|_| other())?;
        if found.format == FORMAT { Ok(found) } else { Err(other()) }
    }

    /// Writes a file, one field a line.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(write_atomic(path, format!("{text}\n").as_bytes())?)
    }
}

impl Machine {
    /// This one, as a worker saw it.
    pub fn here(vectors: String, libraries: Vec<String>, counter: Option<String>) -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        Self {
            processor: name.map_or("unknown", |name| name.trim_matches([' ', '\t', ':'])).into(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            vectors,
            build: if cfg!(debug_assertions) { "checked" } else { "unchecked" }.into(),
            libraries,
            counter,
        }
    }
}
