//! The program as its users meet it: what bad input is answered with, and that nothing is lost.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use av_features::{ClipFormat, write_clip};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FORM: ClipFormat = ClipFormat { width: 64, height: 64, fps: 20, sample_rate_hz: 16_000 };

/// Eight clips of four subjects and two classes in the layout of RAVDESS, and an experiment on them.
struct Corpus(tempfile::TempDir);

impl Corpus {
    fn new() -> Self {
        let corpus = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(corpus.data()).unwrap();
        for actor in 1..=4 {
            for emotion in [3, 4] {
                let path = corpus.clip(emotion, actor);
                write(&path, 16 + actor, emotion as usize);
            }
        }
        corpus.experiment("");
        corpus
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn clip(&self, emotion: u8, actor: usize) -> PathBuf {
        self.data().join(format!("01-01-{emotion:02}-01-01-01-{actor:02}.mp4"))
    }

    fn experiment(&self, more: &str) {
        let text = format!("{EXPERIMENT}\n{more}");
        av_train::write_atomic(&self.0.path().join("experiment.toml"), text.as_bytes()).unwrap();
    }

    fn run(&self, more: &[&str]) -> Output {
        let path = |name: &str| self.0.path().join(name);
        Command::new(env!("CARGO_BIN_EXE_av-bench"))
            .arg("run")
            .arg(path("experiment.toml"))
            .args(["--data".as_ref(), self.data().as_os_str()])
            .args(["--out".as_ref(), path("out").as_os_str()])
            .args(["--cache".as_ref(), path("cache").as_os_str()])
            .args(more)
            .output()
            .unwrap()
    }

    /// Runs, expects exit code 2 and gives the error, which must be one line.
    #[track_caller]
    fn refuse(&self, more: &[&str]) -> String {
        let output = self.run(more);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(lines.len(), 1, "{errors}");
        lines[0].to_string()
    }
}

fn write(path: &Path, frames: usize, shade: usize) {
    let picture = vec![(shade * 40) as u8; 64 * 64 * 3];
    let samples: Vec<f32> =
        (0..frames * 800).map(|i| 0.3 * ((i * shade) as f32 * 0.05).sin()).collect();
    write_clip(path, &FORM, std::iter::repeat_n(picture, frames), &samples).unwrap();
}

fn create(path: &Path, bytes: &[u8]) {
    av_train::write_atomic(path, bytes).unwrap();
}

const EXPERIMENT: &str = r#"
    name = "bad-input"
    seeds = [1]
    systems = ["fusion_hgr"]
    dataset = { kind = "ravdess" }
    audio = { kind = "functionals" }
    video = { kind = "face-hog" }
    protocol = { kind = "leave-one-subject-out" }
    training = { epochs = 2, validation = 0.0 }
"#;

#[test]
fn a_good_corpus_gives_a_record_and_a_report() {
    let corpus = Corpus::new();
    let output = corpus.run(&[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = corpus.0.path().join("out");
    let record = std::fs::read_to_string(out.join("record.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["data"]["clips"], 8);
    assert!(std::fs::read_to_string(out.join("report.html")).unwrap().contains("<svg"));
    // A second call does not overwrite it.
    assert!(corpus.refuse(&[]).contains("--replace"));
}

#[test]
fn an_empty_folder_says_what_was_expected() {
    let corpus = Corpus::new();
    std::fs::remove_dir_all(corpus.data()).unwrap();
    std::fs::create_dir(corpus.data()).unwrap();
    let error = corpus.refuse(&[]);
    assert!(error.contains("data") && error.contains("01-01-"), "{error}");
}

#[test]
fn a_wrong_layout_says_what_was_expected() {
    let corpus = Corpus::new();
    for entry in std::fs::read_dir(corpus.data()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::rename(&path, path.with_extension("mp4.part")).unwrap();
    }
    assert!(corpus.refuse(&[]).contains("01-01-"));
}

#[test]
fn each_bad_clip_is_named_with_its_fault() {
    let corpus = Corpus::new();
    let truncated = std::fs::read(corpus.clip(3, 1)).unwrap();
    create(&corpus.clip(3, 1), &truncated[..truncated.len() / 3]);
    create(&corpus.clip(4, 1), b"this is a text file");
    write_clip(&corpus.clip(3, 2), &FORM, std::iter::repeat_n(vec![9; 64 * 64 * 3], 20), &[])
        .unwrap();
    write_clip(&corpus.clip(4, 2), &FORM, std::iter::empty(), &[0.1; 16_000]).unwrap();
    write(&corpus.clip(3, 3), 4, 3);
    // Two faults of one clip: neither sound nor enough pictures.
    write_clip(&corpus.clip(4, 3), &FORM, std::iter::repeat_n(vec![9; 64 * 64 * 3], 2), &[])
        .unwrap();
    let error = corpus.refuse(&[]);
    for (emotion, actor) in [(3, 1), (4, 1), (3, 2), (4, 2), (3, 3), (4, 3)] {
        let name = corpus.clip(emotion, actor);
        let name = name.file_name().unwrap().to_string_lossy().into_owned();
        assert!(error.contains(&name), "{name} is not in: {error}");
    }
    assert!(error.contains("0.20 s"), "{error}");
    assert!(error.contains("Invalid data found"), "{error}");
    assert!(error.contains("no sound") && error.contains("no video"), "{error}");
    assert!(error.contains("6 of 8 clips") && error.contains("bad_clips"), "{error}");
    assert_eq!(error.matches("Invalid data found").count(), 2, "{error}");
}

#[test]
fn an_unknown_key_is_named_with_file_and_line() {
    let corpus = Corpus::new();
    corpus.experiment("[objective]\naudio_vidoe = 1.0");
    let error = corpus.refuse(&[]);
    assert!(error.contains("experiment.toml") && error.contains("audio_vidoe"), "{error}");
    assert!(error.contains("line"), "{error}");
}

#[test]
fn a_class_with_one_subject_is_named() {
    let corpus = Corpus::new();
    for actor in 2..=4 {
        std::fs::remove_file(corpus.clip(4, actor)).unwrap();
    }
    let error = corpus.refuse(&[]);
    assert!(error.contains("sad") && error.contains("01"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf_8_is_refused_and_counts_as_a_bad_clip() {
    use std::os::unix::ffi::OsStrExt;
    let corpus = Corpus::new();
    let name = std::ffi::OsStr::from_bytes(b"01-01-03-01-01-01-0\xff.mp4");
    std::fs::copy(corpus.clip(3, 1), corpus.data().join(name)).unwrap();
    let error = corpus.refuse(&[]);
    assert!(error.contains("01-01-03-01-01-01-0") && error.contains("UTF-8; rename it"), "{error}");
    // It is one of nine: neither of eight, nor refused where the share is just above it.
    assert!(corpus.refuse(&["--set", "bad_clips=0.11"]).contains("1 of 9 clips"));
    let output = corpus.run(&["--set", "bad_clips=0.12"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let record = std::fs::read_to_string(corpus.0.path().join("out/record.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["data"]["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn a_damaged_cache_entry_is_computed_anew() {
    let corpus = Corpus::new();
    assert!(corpus.run(&[]).status.success());
    let mut entries = vec![];
    collect(&corpus.0.path().join("cache"), &mut entries);
    assert_eq!(entries.len(), 16);
    let good = std::fs::read(&entries[5]).unwrap();
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    create(&entries[5], &damaged);
    let output = corpus.run(&["--replace"]);
    assert!(output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("damaged cache entry"), "{errors}");
    assert_eq!(std::fs::read(&entries[5]).unwrap(), good);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
    files.sort();
}
