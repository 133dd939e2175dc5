//! Measurements next to earlier ones: a table, and the verdict.

use super::measurements::{Machine, Measure, Measurements};
use super::task::{Needs, TASKS};
use crate::failure::{Failure, Result};

/// By which fraction a count may be larger where the earlier file does not say it.
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
    NotJudged,
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
            let no_verdict = now.measure == Measure::Nanoseconds || (foreign && !same_libraries);
            let verdict = verdict(before, now_value, tolerance, no_verdict);
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
                Verdict::NotJudged | Verdict::New => "-".into(),
                Verdict::Ok | Verdict::Slower | Verdict::Faster => {
                    format!("{:.3}", 1.0 + row.tolerance)
                }
            };
            let verdict = match row.verdict {
                Verdict::Ok => "ok",
                Verdict::Slower => "SLOWER",
                Verdict::Faster => "faster",
                Verdict::NotJudged => "not judged",
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

fn verdict(before: Option<u64>, now: u64, tolerance: f64, no_verdict: bool) -> Verdict {
    let Some(before) = before else { return Verdict::New };
    match ratio(before, now) {
        _ if no_verdict => Verdict::NotJudged,
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

#[cfg(test)]
mod tests {
    use super::super::measurements::Measurement;
    use super::*;

    fn counts(libraries: &[&str], tasks: &[(&str, u64, Option<f64>)]) -> Measurements {
        let machine = Machine {
            processor: "any".into(),
            cores: 2,
            system: "linux x86_64".into(),
            vectors: "avx2".into(),
            build: "checked".into(),
            libraries: libraries.iter().map(|&name| name.into()).collect(),
            counter: None,
        };
        let tasks = tasks.iter().map(|&(name, value, tolerance)| {
            (name.to_owned(), Measurement { value, tolerance, spread: None })
        });
        Measurements::new(Measure::Instructions, machine, tasks.collect())
    }

    fn verdicts(before: &Measurements, now: &Measurements) -> Vec<(String, Verdict)> {
        let rows = Comparison::new(before, now, true).unwrap().rows;
        rows.into_iter().map(|row| (row.name, row.verdict)).collect()
    }

    #[test]
    fn a_task_is_slower_beyond_its_tolerance_and_faster_below_it() {
        for (tolerance, more, less) in [(None, 1030, 970), (Some(0.01), 1010, 990)] {
            let before = counts(&[], &[("lstm", 1000, tolerance)]);
            let verdict = |now| verdicts(&before, &counts(&[], &[("lstm", now, None)]))[0].1;
            assert_eq!([verdict(more), verdict(less)], [Verdict::Ok; 2]);
            assert_eq!(verdict(more + 1), Verdict::Slower);
            assert_eq!(verdict(less - 1), Verdict::Faster);
        }
    }

    #[test]
    fn slower_tasks_are_named_in_the_order_of_the_list() {
        let before =
            counts(&[], &[("hgr", 100, None), ("lstm", 100, None), ("resample", 100, None)]);
        let now = counts(&[], &[("hgr", 115, None), ("lstm", 115, None), ("resample", 90, None)]);
        let comparison = Comparison::new(&before, &now, true).unwrap();
        let error = comparison.judge().unwrap_err().to_string();
        assert_eq!(error, "slower than allowed: hgr, lstm");
        assert!(Comparison::new(&before, &before, true).unwrap().judge().is_ok());
        let line = comparison.table().lines().nth(2).unwrap().to_owned();
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(cells, ["", "hgr", "100", "115", "1.150", "1.030", "SLOWER", ""]);
    }

    #[test]
    fn the_work_of_another_ffmpeg_is_not_judged_and_other_work_is() {
        let tasks = |value| [("decode", value, None), ("lstm", value, None)];
        let before = counts(&["libavcodec.so.59.37.100"], &tasks(100));
        let verdict = |libraries: &[&str]| {
            let now = counts(libraries, &tasks(150));
            verdicts(&before, &now).into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>()
        };
        assert_eq!(verdict(&["libavcodec.so.59.37.100"]), [Verdict::Slower; 2]);
        assert_eq!(verdict(&["libavcodec.so.60.31.102"]), [Verdict::NotJudged, Verdict::Slower]);
    }

    #[test]
    fn a_new_task_is_shown_and_a_missing_one_is_an_error() {
        let [one, two] = [&[("hgr", 1, None)][..], &[("hgr", 1, None), ("lstm", 1, None)]]
            .map(|tasks| counts(&[], tasks));
        assert_eq!(verdicts(&one, &two)[1], ("lstm".into(), Verdict::New));
        assert!(Comparison::new(&two, &one, false).is_ok());
        let error = Comparison::new(&two, &one, true).err().unwrap().to_string();
        assert!(error.contains("the task lstm"), "{error}");
    }

    #[test]
    fn counts_of_other_vector_instructions_are_rejected() {
        let before = counts(&[], &[("hgr", 1, None)]);
        let mut now = before.clone();
        now.machine.processor = "another".into();
        assert!(Comparison::new(&before, &now, true).is_ok());
        now.machine.vectors = "portable".into();
        let error = Comparison::new(&before, &now, true).err().unwrap().to_string();
        assert!(error.contains("avx2") && error.contains("portable"), "{error}");
    }

    #[test]
    fn digits_are_in_groups_of_three() {
        let expected = ["0", "999", "1,000", "12,345", "123,456", "1,234,567"];
        assert_eq!([0, 999, 1000, 12_345, 123_456, 1_234_567].map(thousands), expected);
    }
}
