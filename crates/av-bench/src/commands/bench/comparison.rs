//! Measurements beside earlier ones: a table, and the verdict.

use super::measurements::{Machine, Measure, Measurements};
use super::task::{Needs, TASKS};
use crate::failure::{Failure, Result};

/// By which share a count may be larger where the earlier file does not say it.
const TOLERANCE: f64 = 0.03;

/// What is said of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Within the tolerance.
    Ok,
    /// More than it: this fails.
    Slower,
    /// Less than the tolerance below: a new baseline would hold it.
    Faster,
    /// A wall time, or work of a library of another version: nothing is judged.
    Told,
    /// Not in the earlier file.
    New,
}

/// One line of the table.
struct Row {
    name: String,
    before: Option<u64>,
    now: u64,
    tolerance: f64,
    verdict: Verdict,
}

/// All lines.
pub struct Comparison {
    measure: Measure,
    rows: Vec<Row>,
}

/// Makes sure that both files hold the same kind of values.
pub fn check_measure(before: Measure, now: Measure) -> Result<()> {
    let kind = |measure| match measure {
        Measure::Instructions => "counts of instructions (--instructions)",
        Measure::Nanoseconds => "wall times (without --instructions)",
    };
    if before == now {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "the earlier file holds {}, and these are {}: measure the same",
        kind(before),
        kind(now)
    )))
}

impl Comparison {
    /// Compares; with `all`, tasks of the earlier file that there are no more are an error.
    pub fn new(before: &Measurements, now: &Measurements, all: bool) -> Result<Self> {
        check_measure(before.measure, now.measure)?;
        if now.measure == Measure::Instructions {
            check_machines(&before.machine, &now.machine)?;
        }
        let gone = before.tasks.keys().find(|name| !now.tasks.contains_key(*name));
        if let (true, Some(name)) = (all, gone) {
            return Err(Failure::Input(format!(
                "the earlier file has the task {name}, which is not known here: write a new one with --out"
            )));
        }
        let order = |name: &str| TASKS.iter().position(|task| task.name == name);
        let mut names: Vec<&String> = now.tasks.keys().collect();
        names.sort_by_key(|name| order(name));
        let same_libraries = before.machine.libraries == now.machine.libraries;
        let row = |name: &String| {
            let earlier = before.tasks.get(name);
            let before = earlier.map(|task| task.value);
            let tolerance = earlier.and_then(|task| task.tolerance).unwrap_or(TOLERANCE);
            let now_value = now.tasks.get(name).map_or(0, |task| task.value);
            let foreign = TASKS.iter().any(|t| t.name == name && t.needs == Needs::Ffmpeg);
            let told = now.measure == Measure::Nanoseconds || (foreign && !same_libraries);
            let verdict = verdict(before, now_value, tolerance, told);
            Row { name: name.clone(), before, now: now_value, tolerance, verdict }
        };
        Ok(Self { measure: now.measure, rows: names.into_iter().map(row).collect() })
    }

    /// A Markdown table, which is read on a terminal too.
    pub fn table(&self) -> String {
        let unit = unit(self.measure);
        let mut text = format!(
            "| {:<13} | {:>16} | {:>16} | {:>6} | {:>7} | {:<7} |\n|{}|{}:|{}:|{}:|{}:|{}|\n",
            "task",
            format!("before, {unit}"),
            format!("now, {unit}"),
            "ratio",
            "allowed",
            "verdict",
            "-".repeat(15),
            "-".repeat(17),
            "-".repeat(17),
            "-".repeat(7),
            "-".repeat(8),
            "-".repeat(9),
        );
        for row in &self.rows {
            let (before, ratio) = match row.before {
                Some(before) => (thousands(before), format!("{:.3}", ratio(before, row.now))),
                None => ("-".into(), "-".into()),
            };
            let allowed = match row.verdict {
                Verdict::Told | Verdict::New => "-".into(),
                Verdict::Ok | Verdict::Slower | Verdict::Faster => {
                    format!("{:.3}", 1.0 + row.tolerance)
                }
            };
            let verdict = match row.verdict {
                Verdict::Ok => "ok",
                Verdict::Slower => "SLOWER",
                Verdict::Faster => "faster",
                Verdict::Told => "told",
                Verdict::New => "new",
            };
            let now = thousands(row.now);
            text.push_str(&format!(
                "| {:<13} | {before:>16} | {now:>16} | {ratio:>6} | {allowed:>7} | {verdict:<7} |\n",
                row.name
            ));
        }
        text
    }

    /// An error that names the tasks that are slower, if there is one.
    pub fn judge(&self) -> Result<()> {
        let slower: Vec<&str> = self
            .rows
            .iter()
            .filter(|row| row.verdict == Verdict::Slower)
            .map(|row| row.name.as_str())
            .collect();
        if slower.is_empty() {
            return Ok(());
        }
        Err(Failure::Input(format!("slower than allowed: {}", slower.join(", "))))
    }
}

/// The values, without anything to compare them with.
pub fn listed(now: &Measurements) -> String {
    let unit = unit(now.measure);
    let mut text =
        format!("| {:<13} | {:>16} |\n|{}|{}:|\n", "task", unit, "-".repeat(15), "-".repeat(17));
    for task in &TASKS {
        if let Some(found) = now.tasks.get(task.name) {
            text.push_str(&format!("| {:<13} | {:>16} |\n", task.name, thousands(found.value)));
        }
    }
    text
}

fn verdict(before: Option<u64>, now: u64, tolerance: f64, told: bool) -> Verdict {
    let Some(before) = before else { return Verdict::New };
    match ratio(before, now) {
        _ if told => Verdict::Told,
        ratio if ratio > 1.0 + tolerance => Verdict::Slower,
        ratio if ratio < 1.0 - tolerance => Verdict::Faster,
        _ => Verdict::Ok,
    }
}

fn ratio(before: u64, now: u64) -> f64 {
    now as f64 / before.max(1) as f64
}

/// Counts depend on what the compiler and the kernels chose.
fn check_machines(before: &Machine, now: &Machine) -> Result<()> {
    let what = |machine: &Machine| {
        let Machine { system, vectors, build, .. } = machine;
        format!("{system} with the vector instructions {vectors}, {build}")
    };
    if what(before) == what(now) {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "the earlier file was counted on {}, and this is {}: write one of your own with --out",
        what(before),
        what(now)
    )))
}

fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::Instructions => "instr.",
        Measure::Nanoseconds => "ns",
    }
}

/// `1234567` as `1,234,567`.
fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let group = |(index, digit): (usize, char)| {
        let comma = index > 0 && (digits.len() - index).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}
