//! `av-bench predict` as its users meet it: on files, folders and patterns.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use av_features::{ClipFormat, write_clip};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FORM: ClipFormat = ClipFormat { width: 16, height: 16, fps: 20, sample_rate_hz: 16_000 };

const EXPERIMENT: &str = r#"
    name = "tones"
    seeds = [1]
    systems = ["audio"]
    audio = { kind = "log-mel", segments = 4 }
    protocol = { kind = "leave-one-subject-out" }
    training = { epochs = 2, validation = 0.0 }

    [dataset]
    kind = "pattern"
    name = "tones"
    pattern = '(?<subject>s\d)_(?<label>low|high)\.mp4'
    example = "s1_low.mp4"
"#;

/// Tones of two people and a model that was trained on them.
struct Tones(tempfile::TempDir);

impl Tones {
    fn new() -> Self {
        let tones = Self(tempfile::tempdir().unwrap());
        for (index, name) in ["s1_low", "s1_high", "s2_low", "s2_high"].iter().enumerate() {
            tone(&tones.path(&format!("data/{name}.mp4")), 20 + index);
        }
        av_train::write_atomic(&tones.path("experiment.toml"), EXPERIMENT.as_bytes()).unwrap();
        let mut run = tones.command("run");
        run.arg(tones.path("experiment.toml")).arg("--data").arg(tones.path("data"));
        let output = run.arg("--out").arg(tones.path("out")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        tones
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_av-bench"));
        command.arg(name).arg("--cache").arg(self.path("cache")).current_dir(self.0.path());
        command
    }

    fn predict(&self, more: &[&str]) -> Output {
        self.command("predict").arg("out/model").args(more).output().unwrap()
    }
}

/// A second of a tone, and a grey picture.
fn tone(path: &Path, pitch: usize) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let samples: Vec<f32> = (0..16_000).map(|i| 0.3 * ((i * pitch) as f32 * 2e-3).sin()).collect();
    write_clip(path, &FORM, std::iter::repeat_n(vec![90; 16 * 16 * 3], 20), &samples).unwrap();
}

/// The clips of JSON lines, in their order.
fn clips(output: &Output) -> Vec<String> {
    let name = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["timeline"].as_array().unwrap().len(), 4);
        line["clip"].as_str().unwrap().to_owned()
    };
    std::str::from_utf8(&output.stdout).unwrap().lines().map(name).collect()
}

#[test]
fn folders_and_patterns_stand_for_their_media_files() {
    let tones = Tones::new();
    tone(&tones.path("data/inner/x.mp4"), 30);
    for name in ["._s1_low.mp4", ".DS_Store", "notes.txt", "__MACOSX/s1_low.mp4"] {
        av_train::write_atomic(&tones.path("data").join(name), b"no media").unwrap();
    }
    let output = tones.predict(&["data", "data/s?_low.mp4"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = ["inner/x", "s1_high", "s1_low", "s2_high", "s2_low"];
    let expected: Vec<_> =
        folder.iter().chain(&["s1_low", "s2_low"]).map(|it| format!("data/{it}.mp4")).collect();
    assert_eq!(clips(&output), expected);
}

#[test]
fn what_cannot_be_read_is_said_after_all_others_are_done() {
    let tones = Tones::new();
    av_train::write_atomic(&tones.path("data/bad.mp4"), b"no media").unwrap();
    std::fs::create_dir(tones.path("empty")).unwrap();
    let output = tones.predict(&["absent.mp4", "empty", "no*.mp4", "data"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(clips(&output).len(), 4);
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 5, "{errors}");
    for (line, part) in lines.iter().zip(["empty holds no", "no*.mp4", "absent.mp4", "bad.mp4"]) {
        assert!(line.starts_with("error: ") && line.contains(part), "{line}");
    }
    assert_eq!(lines[4], "error: 4 of 8 clips could not be classified");
}

#[test]
fn a_folder_of_results_has_one_file_for_each_clip() {
    let tones = Tones::new();
    tone(&tones.path("data/inner/x.mp4"), 30);
    let output = tones.predict(&["data", "--format", "csv", "-o", "results/csv"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = ["inner/x", "s1_high", "s1_low", "s2_high", "s2_low"];
    let written: String = names.map(|name| format!("results/csv/{name}.csv\n")).concat();
    assert_eq!(String::from_utf8_lossy(&output.stdout), written);
    let text = std::fs::read_to_string(tones.path("results/csv/inner/x.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "file,start,end,emotion,p_high,p_low");
    assert!(lines[1].starts_with("data/inner/x.mp4,0.000,"), "{text}");
    // The four segments divide the clip; the last stretch ends with it, to the length of its last packet of sound.
    let end: f64 = lines[lines.len() - 1].split(',').nth(2).unwrap().parse().unwrap();
    assert!((1.0..1.1).contains(&end), "{text}");
}

#[test]
fn the_terminal_shows_a_table_with_one_head_and_documents_one_at_a_time() {
    let tones = Tones::new();
    let output = tones.predict(&["data", "--format", "csv"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("file,start").count(), 1, "{text}");
    assert_eq!(text.matches(",0.000,").count(), 4, "{text}");

    let output = tones.predict(&["data/s1_low.mp4", "--format", "vtt"]);
    assert!(output.stdout.starts_with(b"WEBVTT\n\n00:00:00.000 --> "));

    let output = tones.predict(&["data", "--format", "vtt"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("4 clips") && error.contains("--out DIR"), "{error}");
}

#[test]
fn results_that_cannot_be_written_say_where() {
    let tones = Tones::new();
    av_train::write_atomic(&tones.path("taken"), b"a file").unwrap();
    let output = tones.predict(&["data", "--format", "srt", "--out", "taken"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.starts_with("error: cannot write taken: ") && !error.contains("resume"),
        "{error}"
    );
}

#[test]
fn predictions_that_nobody_reads_are_a_quiet_end() {
    let tones = Tones::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = tones.command("predict");
    command.args(["out/model", "data"]).stdout(writer).stderr(std::process::Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*errors), (Some(141), ""));
}
