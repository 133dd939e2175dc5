//! Counts of instructions: decision 17.
//!
//! The program runs on the synthetic processor of valgrind, which counts what it executes and shows the same vector
//! instructions on every machine that has AVX2. Counted is [`super::worker`]'s function `timed` alone, with all that it
//! calls.

use super::fixtures::Fixtures;
use super::measurements::{Machine, Measure, Measurement, Measurements};
use super::task::Task;
use super::{program, progress, run};
use crate::failure::{Failure, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The function whose instructions are counted, by its path in the program.
const COUNTED: &str = "*bench::worker::timed*";

/// A later count may be larger by so many times the spread of the counts of one program.
const SPREADS: f64 = 4.0;

/// But by so much at least: what a change elsewhere moves in the layout of the program.
const SMALLEST_TOLERANCE: f64 = 0.01;

/// Counts each task so many times; with two counts or more, the tolerance comes from their spread. Every second time one
/// processor is kept busy, as nobody knows what else the machine of a later count has to do.
pub fn count(tasks: &[&Task], fixtures: &Fixtures, repeats: usize) -> Result<Measurements> {
    let counter = version()?;
    let mut counts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut machine = None;
    for round in 0..repeats {
        let _busy = (round % 2 == 1).then(Busy::start);
        for task in tasks {
            progress(task, round, repeats);
            let file = fixtures.folder().join("counts");
            let report = run(counting(&file)?, task, task.calls, fixtures)?;
            counts.entry(task.name).or_default().push(total(&file)? / task.calls as u64);
            machine = Some(Machine::here(report.vectors, report.libraries, Some(counter.clone())));
        }
    }
    let tasks = counts.into_iter().map(|(name, counts)| (name.into(), measurement(&counts)));
    let machine = machine.ok_or_else(|| Failure::Internal("no task was counted".into()))?;
    Ok(Measurements::new(Measure::Instructions, machine, tasks.collect()))
}

/// The least of the counts, as what disturbs adds to them.
fn measurement(counts: &[u64]) -> Measurement {
    let least = counts.iter().min().copied().unwrap_or(0);
    let most = counts.iter().max().copied().unwrap_or(0);
    let spread = (most - least) as f64 / least.max(1) as f64;
    // In tenths of a percent, upwards.
    let tolerance = (SMALLEST_TOLERANCE.max(SPREADS * spread) * 1000.0).ceil() / 1000.0;
    let several = counts.len() > 1;
    Measurement {
        value: least,
        tolerance: several.then_some(tolerance),
        spread: several.then_some(spread),
    }
}

/// Version of the counter, such as `valgrind-3.19.0`.
fn version() -> Result<String> {
    let missing = |_| {
        let message = "valgrind, which counts the instructions, is missing: install it, or leave out --instructions";
        Failure::Input(message.into())
    };
    let output = Command::new("valgrind").arg("--version").output().map_err(missing)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// This program under the counter, which writes into `file`.
fn counting(file: &Path) -> Result<Command> {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind", "--cache-sim=no"]);
    command.arg(format!("--toggle-collect={COUNTED}"));
    command.arg(format!("--callgrind-out-file={}", file.display()));
    command.arg(program()?);
    Ok(command)
}

/// The number of instructions in a file of the counter.
fn total(file: &Path) -> Result<u64> {
    let failed = |what: &dyn std::fmt::Display| {
        Failure::Internal(format!("cannot read the counts of valgrind: {what}"))
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"));
    let total = line.ok_or_else(|| failed(&"no total"))?.trim().parse();
    match total.map_err(|error| failed(&error))? {
        0 => {
            Err(failed(&format!("the program has no function {COUNTED}; is it stripped of names?")))
        }
        total => Ok(total),
    }
}

/// A thread that keeps a processor busy until this is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let is_done = Arc::clone(&done);
        std::thread::spawn(move || {
            while !is_done.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        Self(done)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tolerance_is_four_spreads_and_a_percent_at_least() {
        let tolerance = |counts: &[u64]| measurement(counts).tolerance;
        assert_eq!(measurement(&[1005, 1000, 1001]).value, 1000);
        assert_eq!(tolerance(&[1005, 1000, 1001]), Some(0.02));
        assert_eq!(tolerance(&[100_501, 100_000]), Some(0.021));
        assert_eq!(tolerance(&[1000, 1001]), Some(0.01));
        assert_eq!(tolerance(&[1000]), None);
        let spread = |counts: &[u64]| measurement(counts).spread;
        assert_eq!((spread(&[1005, 1000]), spread(&[1000])), (Some(0.005), None));
    }

    #[test]
    fn a_program_without_names_is_not_taken_for_a_fast_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("counts");
        let total = |text: &str| {
            av_train::write_atomic(&file, text.as_bytes()).unwrap();
            total(&file)
        };
        assert_eq!(total("events: Ir\ntotals: 1234\n").unwrap(), 1234);
        assert!(total("totals: 0\n").unwrap_err().to_string().contains("timed"));
        assert!(total("events: Ir\n").is_err());
    }
}
