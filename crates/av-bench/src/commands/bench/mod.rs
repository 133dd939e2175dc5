//! `av-bench bench`: fixed work, measured, and compared with earlier measurements.

mod comparison;
mod fixtures;
mod instructions;
mod measurements;
mod task;
mod tasks;
mod worker;

use crate::cli::BenchArgs;
use crate::failure::{Failure, Result};
use crate::terminal::{print, warn};
use comparison::Comparison;
use fixtures::Fixtures;
use measurements::{Machine, Measure, Measurement, Measurements};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use task::{Needs, TASKS, Task};
use worker::Report;

/// Processes in each of which the wall time of a task is measured: each has another layout of memory.
const PROCESSES: usize = 3;

/// Times the calls that a counter of instructions gets, for wall times: clocks are less steady than counts.
const CALLS: usize = 5;

/// `av-bench bench`.
pub fn bench(arguments: &BenchArgs) -> Result<()> {
    let tasks = chosen(&arguments.only)?;
    if let (Some(folder), [task]) = (&arguments.worker, tasks.as_slice()) {
        return worker::work(
            task,
            arguments.calls.unwrap_or(task.calls),
            &Fixtures::within(folder),
        );
    }
    let measure = match arguments.instructions {
        true => Measure::Instructions,
        false => Measure::Nanoseconds,
    };
    let before = arguments.against.as_deref().map(Measurements::read).transpose()?;
    if let Some(before) = &before {
        comparison::check_measure(before.measure, measure)?;
    }
    let folder =
        tempfile::tempdir().map_err(|error| Failure::write(&std::env::temp_dir(), error))?;
    let with_model = tasks.iter().any(|task| task.needs == Needs::Model);
    let fixtures = Fixtures::write(folder.path(), with_model)?;
    let repeats = usize::from(arguments.repeats);
    let now = match measure {
        Measure::Instructions => instructions::count(&tasks, &fixtures, repeats)?,
        Measure::Nanoseconds => wall_times(&tasks, &fixtures, repeats)?,
    };
    if let Some(path) = &arguments.out {
        now.write(path)?;
    }
    let Some(before) = before else {
        return print(comparison::listed(&now));
    };
    let comparison = Comparison::new(&before, &now, arguments.only.is_empty())?;
    print(comparison.table())?;
    comparison.judge()
}

/// The tasks of these names; all without names.
fn chosen(names: &[String]) -> Result<Vec<&'static Task>> {
    if let Some(name) = names.iter().find(|name| TASKS.iter().all(|task| task.name != **name)) {
        let known = TASKS.each_ref().map(|task| task.name).join(", ");
        return Err(Failure::Input(format!("there is no task {name}; there are {known}")));
    }
    let wanted = |task: &&Task| names.is_empty() || names.iter().any(|name| name == task.name);
    Ok(TASKS.iter().filter(wanted).collect())
}

/// This program.
fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| Failure::Internal(error.to_string()))
}

/// Lets a process do the work of a task; `command` is this program, or a counter before it.
fn run(mut command: Command, task: &Task, calls: usize, fixtures: &Fixtures) -> Result<Report> {
    let failed = |what: &dyn std::fmt::Display| {
        Failure::Internal(format!("the task {} failed: {what}", task.name))
    };
    command.args(["bench", "--only", task.name, "--calls", &calls.to_string(), "--worker"]);
    command.arg(fixtures.folder());
    // candle counts threads by this variable.
    let output = command.env("RAYON_NUM_THREADS", "1").output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(&error))
}

/// The median of all calls of all processes; the tasks take turns, so that a busy minute is not that of one task.
fn wall_times(tasks: &[&Task], fixtures: &Fixtures, repeats: usize) -> Result<Measurements> {
    let mut times: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut machine = None;
    for round in 0..PROCESSES * repeats {
        for task in tasks {
            progress(task, round, PROCESSES * repeats);
            let calls = task.calls * CALLS;
            let report = run(Command::new(program()?), task, calls, fixtures)?;
            times.entry(task.name).or_default().extend(report.nanoseconds);
            machine = Some(Machine::here(report.vectors, report.libraries, None));
        }
    }
    let median = |mut times: Vec<u64>| {
        times.sort_unstable();
        Measurement {
            value: times.get(times.len() / 2).copied().unwrap_or(0),
            tolerance: None,
            spread: None,
        }
    };
    let tasks = times.into_iter().map(|(name, times)| (name.into(), median(times))).collect();
    let machine = machine.ok_or_else(|| Failure::Internal("no task was measured".into()))?;
    Ok(Measurements::new(Measure::Nanoseconds, machine, tasks))
}

/// A line for who waits.
fn progress(task: &Task, round: usize, rounds: usize) {
    warn(format_args!("{} ({} of {rounds})", task.name, round + 1));
}
