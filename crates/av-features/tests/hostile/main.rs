//! Malformed and odd files: whatever a file holds, reading it ends, in little memory, with what can be read or with an error
//! or a warning that names the file.
//!
//! Each file is read by a process of its own, so that its time and its peak of memory are its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "video")]

mod channels;
mod coded;
mod damaged;
mod limits;
mod names;
mod sounds;
#[path = "../support/mod.rs"]
mod support;
mod videos;

use std::ffi::OsString;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use av_features::{Extractor as _, FaceCrops, Frames, LogMel, read_sound};

/// Longest time for one file, in a process that others slow down.
const LIMIT: Duration = Duration::from_secs(10);

/// Largest peak of memory of a process that reads one file.
const MEMORY_KB: u64 = 300 * 1024;

/// Names the file to the process that reads it.
const FILE: &str = "AV_FEATURES_HOSTILE_FILE";

/// What is to come of the sound or of the frames of a file.
pub enum Expected {
    /// An error with these words and the file's name.
    Fails(&'static str),
    /// So many samples at 16 kHz, or frames, without a warning.
    Gives(RangeInclusive<usize>),
    /// So many, with a warning that has these words.
    Warns(RangeInclusive<usize>, &'static str),
    /// Either of the three.
    Ends,
}

/// One file.
pub struct Case {
    /// What is odd about it; where it once did harm, which.
    pub name: String,
    /// Its name.
    pub file: OsString,
    /// Puts the file at a path; `false` and a printed reason where that is not possible here.
    pub place: Box<dyn Fn(&Path) -> bool>,
    /// What comes of its sound.
    pub sound: Expected,
    /// What comes of its frames.
    pub frames: Expected,
}

impl Case {
    /// A file with these bytes.
    pub fn new(
        name: impl Into<String>,
        file: impl Into<OsString>,
        bytes: Vec<u8>,
        sound: Expected,
        frames: Expected,
    ) -> Self {
        let place = Box::new(move |path: &Path| {
            support::write(path, &bytes);
            true
        });
        Self { name: name.into(), file: file.into(), place, sound, frames }
    }
}

/// What is neither sound nor film, in the words of the error.
pub const NO_MEDIA: &str = "is not a readable media file";

/// One outcome of a child: `sound` or `frames`, whether it was read, how much, and every message.
#[derive(Debug, Clone, Default)]
struct Outcome {
    read: bool,
    count: usize,
    messages: String,
}

/// What a child reports.
#[derive(Debug, Default)]
struct Report {
    sound: Option<Outcome>,
    frames: Option<Outcome>,
    peak_kb: u64,
    took: Duration,
}

#[test]
fn every_file_ends_soon_in_little_memory_with_its_name_in_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = [sounds::cases(), videos::cases(), names::cases(), damaged::cases()]
        .into_iter()
        .flatten()
        .collect();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = Vec::new();
    let (mut slowest, mut largest) = (Duration::ZERO, 0);
    for (index, case) in cases.iter().enumerate() {
        let place = folder.path().join(index.to_string());
        std::fs::create_dir(&place).unwrap();
        let path = place.join(&case.file);
        if !(case.place)(&path) {
            println!("skipped: {}", case.name);
            continue;
        }
        let report = match read_apart(&path) {
            Ok(report) => report,
            Err(reason) => {
                wrong.push(format!("{}: {reason}", case.name));
                continue;
            }
        };
        println!(
            "{}: {:?}, {} MB: {:?}; {:?}",
            case.name,
            report.took,
            report.peak_kb / 1024,
            report.sound,
            report.frames
        );
        (slowest, largest) = (slowest.max(report.took), largest.max(report.peak_kb));
        if report.peak_kb > MEMORY_KB {
            wrong.push(format!("{}: {} MB", case.name, report.peak_kb / 1024));
        }
        let named = escaped(&path.display().to_string());
        for (what, expected, outcome) in
            [("sound", &case.sound, report.sound), ("frames", &case.frames, report.frames)]
        {
            let outcome = outcome.unwrap_or_default();
            if let Some(reason) = difference(expected, &outcome, &named) {
                wrong.push(format!("{}, {what}: {reason}", case.name));
            }
        }
        // Names that take space are gone before the next file.
        let _ = std::fs::remove_dir_all(&place);
    }
    println!("{} files, slowest {slowest:?}, largest {} MB", cases.len(), largest / 1024);
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Why an outcome is not what was expected.
fn difference(expected: &Expected, outcome: &Outcome, named: &str) -> Option<String> {
    if !outcome.read && !outcome.messages.contains(named) {
        return Some(format!("the message does not name the file: {}", outcome.messages));
    }
    let silent = outcome.messages.is_empty();
    let fits = match expected {
        Expected::Fails(words) => !outcome.read && outcome.messages.contains(words),
        Expected::Gives(counts) => outcome.read && silent && counts.contains(&outcome.count),
        Expected::Warns(counts, words) => {
            outcome.read && outcome.messages.contains(words) && counts.contains(&outcome.count)
        }
        Expected::Ends => true,
    };
    (!fits).then(|| format!("{outcome:?}"))
}

/// Reads a file in another process.
fn read_apart(path: &Path) -> Result<Report, String> {
    let start = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_file_of_another_process", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What it prints fits into the pipes, so that it need not be read while it runs.
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() > LIMIT => {
                child.kill().unwrap();
                child.wait().unwrap();
                return Err(format!("not done after {LIMIT:?}"));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let took = start.elapsed();
    let (mut printed, mut complaints) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    if !status.success() {
        return Err(format!("{status}: {printed} {complaints}"));
    }
    let mut report = Report { took, ..Report::default() };
    for line in printed.lines() {
        let Some((_, line)) = line.split_once("outcome\t") else { continue };
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["peak", kb] => report.peak_kb = kb.parse().unwrap(),
            [what, read, count, messages] => {
                let outcome = Some(Outcome {
                    read: *read == "true",
                    count: count.parse().unwrap(),
                    messages: messages.to_string(),
                });
                if *what == "sound" { report.sound = outcome } else { report.frames = outcome }
            }
            _ => return Err(format!("not understood: {line}")),
        }
    }
    Ok(report)
}

/// The other process. Without a file in its environment it has nothing to do.
#[test]
fn one_file_of_another_process() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let path = Path::new(&path);
    let tell = |what: &str, read: bool, count: usize, messages: &str| {
        println!("\noutcome\t{what}\t{read}\t{count}\t{}", escaped(messages));
    };
    match read_sound(path, 16_000) {
        Ok(sound) => {
            assert!(sound.samples.iter().all(|sample| sample.is_finite()));
            tell("sound", true, sound.samples.len(), &sound.warnings.join("; "));
        }
        Err(error) => tell("sound", false, 0, &error.to_string()),
    }
    let mut count = 0;
    let read = Frames::open(path).and_then(|mut frames| {
        for frame in frames.by_ref() {
            let frame = frame?;
            assert_eq!(frame.rgb.len(), 3 * frame.width * frame.height);
            assert!(frame.time_s.is_finite() && frame.width > 0 && frame.height > 0);
            count += 1;
        }
        Ok(frames.warnings())
    });
    match read {
        Ok(warnings) => tell("frames", true, count, &warnings.join("; ")),
        Err(error) => tell("frames", false, count, &error.to_string()),
    }
    // What stands on top of the readers must not fall either, whatever it says.
    for features in [LogMel::default().extract(path), FaceCrops::default().extract(path)] {
        assert!(features.is_err() || features.is_ok_and(|features| !features.values.is_empty()));
    }
    println!("\noutcome\tpeak\t{}", peak_kb());
}

/// The largest memory that this process has had, where the system tells.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// One line.
fn escaped(text: &str) -> String {
    text.escape_debug().to_string()
}
