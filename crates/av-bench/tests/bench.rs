//! `av-bench bench` as its users meet it: the file, the verdicts and what is rejected.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// Two tasks that need neither a model nor FFmpeg and take milliseconds.
const SHORT: &str = "resample,soft_hgr";

fn bench(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_av-bench"))
        .current_dir(folder)
        .arg("bench")
        .args(arguments)
        .output()
        .unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The lines of the table without its head, as cells.
fn rows(output: &Output) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|it| it.trim().into()).collect();
    text.lines().skip(2).map(cells).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn write(path: &Path, value: &Value) {
    av_train::write_atomic(path, value.to_string().as_bytes()).unwrap();
}

fn multiply(value: &mut Value, factor: f64) {
    *value = json!((value.as_f64().unwrap() * factor) as u64);
}

#[test]
fn wall_times_are_written_with_their_machine_and_never_judged() {
    let folder = tempfile::tempdir().unwrap();
    let output = bench(folder.path(), &["--only", SHORT, "--out", "a.json"]);
    assert!(output.status.success(), "{}", errors(&output));
    let file = read(&folder.path().join("a.json"));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&file), ["format", "machine", "measure", "tasks"]);
    assert_eq!(file["format"], "av-bench bench 1");
    assert_eq!(file["measure"], "nanoseconds");
    assert_eq!(
        keys(&file["machine"]),
        ["build", "cores", "libraries", "processor", "system", "vectors"]
    );
    assert_eq!(keys(&file["tasks"]), ["resample", "soft_hgr"]);
    assert_eq!(keys(&file["tasks"]["resample"]), ["value"]);
    // A second of sound takes longer than a microsecond, and shorter than itself.
    let value = file["tasks"]["resample"]["value"].as_u64().unwrap();
    assert!((1_000..1_000_000_000).contains(&value), "{value}");

    let mut faster = file.clone();
    multiply(&mut faster["tasks"]["soft_hgr"]["value"], 0.001);
    write(&folder.path().join("b.json"), &faster);
    let output = bench(folder.path(), &["--only", "soft_hgr", "--against", "b.json"]);
    assert!(output.status.success(), "{}", errors(&output));
    let rows = rows(&output);
    assert_eq!(rows.len(), 1);
    assert_eq!([&rows[0][0], &rows[0][5]], ["soft_hgr", "not judged"]);
    let ratio: f64 = rows[0][3].parse().unwrap();
    assert!(ratio > 100.0, "{ratio}");
}

/// Passed over where there is no valgrind; `scripts/gate-speed` installs it.
#[test]
fn counts_are_repeatable_and_judged() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let count = |more: &[&str]| {
        bench(folder.path(), &[&["--instructions", "--only", SHORT], more].concat())
    };
    let output = count(&["--repeats", "2", "--out", "counts.json"]);
    assert!(output.status.success(), "{}", errors(&output));
    let file = read(&path("counts.json"));
    assert_eq!(file["measure"], "instructions");
    assert!(file["machine"]["counter"].as_str().unwrap().starts_with("valgrind-"));
    // 48,000 samples into 16,000: tens of instructions each.
    let value = file["tasks"]["resample"]["value"].as_u64().unwrap();
    assert!((480_000..48_000_000).contains(&value), "{value}");
    for task in file["tasks"].as_object().unwrap().values() {
        let tolerance = task["tolerance"].as_f64().unwrap();
        assert!((0.01..0.05).contains(&tolerance), "{tolerance}");
    }

    let verdicts = |output: &Output| -> Vec<String> {
        rows(output).into_iter().map(|row| row[5].clone()).collect()
    };
    // As if one task had been faster before, and the other slower.
    let mut other = file.clone();
    for (name, factor) in [("soft_hgr", 1.0 / 1.15), ("resample", 1.15)] {
        multiply(&mut other["tasks"][name]["value"], factor);
    }
    write(&path("other.json"), &other);
    let output = count(&["--against", "other.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(verdicts(&output), ["SLOWER", "faster"]);
    assert!(errors(&output).ends_with("error: slower than allowed: soft_hgr\n"));

    let output = count(&["--against", "counts.json"]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(verdicts(&output), ["ok", "ok"]);
}

/// Before anything is measured.
#[test]
fn what_cannot_be_compared_is_rejected_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |arguments: &[&str], words: &[&str]| {
        let output = bench(folder.path(), arguments);
        let error = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("error: "), "{error}");
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
        assert!(output.stdout.is_empty());
    };
    let file = |name: &str, value: &Value| write(&folder.path().join(name), value);
    refuse(&["--only", "resampling"], &["no task resampling", "soft_hgr", "prediction"]);
    refuse(&["--against", "none.json"], &["cannot read none.json"]);
    let form = ["record.json", "no measurements of the form `av-bench bench 1`", "--out"];
    file("record.json", &json!({"format": 1, "name": "demo"}));
    refuse(&["--against", "record.json"], &form);
    std::fs::remove_file(folder.path().join("record.json")).unwrap();
    std::fs::create_dir(folder.path().join("record.json")).unwrap();
    refuse(&["--against", "record.json"], &form);

    let machine = json!({"processor": "?", "cores": 1, "system": "?", "vectors": "?", "build": "?",
        "libraries": []});
    let mut counts = json!({"format": "av-bench bench 1", "measure": "instructions",
        "machine": machine, "tasks": {}});
    file("counts.json", &counts);
    refuse(&["--against", "counts.json"], &["counts of instructions", "wall times"]);
    counts["format"] = json!("av-bench bench 2");
    file("later.json", &counts);
    refuse(&["--against", "later.json"], &["later.json", form[1]]);
}
