//! Every number of a small experiment, written down: what no relation between numbers would notice (a mask that is the same
//! at each step, a rate that stays, a clip that trains without its turn) moves one of them.
//!
//! After a change of numbers on purpose: `GOLDEN=write cargo test -p av-train --test golden`.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

mod support;

use av_train::Record;
use std::collections::BTreeMap;
use std::path::Path;
use support::Corpus;

/// Largest difference between machines, measured between the vector instructions of AVX-512, AVX2 and none: f32 sums in another
/// order, grown over 40 steps.
const BETWEEN_MACHINES: f64 = 2e-4;

/// Settings that all act: clipping, decay, masks of dropout, hidden labels, smoothing, unlike weights, early stopping with
/// training again, an outlier that is clamped, missing values.
const SETTINGS: [&str; 11] = [
    "seeds=[3, 4]",
    "protocol.test_folds=[1]",
    "training.epochs=10",
    "training.patience=3",
    "training.labelled=0.6",
    "training.clip_norm=0.5",
    "training.weight_decay=0.3",
    "training.warmup=0.3",
    "objective.label_smoothing=0.1",
    "objective.audio_label=0.1",
    "model.fusion_dropout=0.4",
];

fn record(refit: &str) -> Record {
    let mut corpus = Corpus::new();
    for (index, clip) in corpus.clips.iter_mut().enumerate() {
        clip.unlabelled = index % 10 == 4;
        if index % 27 == 5 {
            clip.audio[1] = 60.0;
        }
    }
    corpus.clips[3].video.clear();
    corpus.run(&[&SETTINGS[..], &[refit, "bad_clips=0.1"]].concat())
}

/// All numbers by name.
fn numbers(record: &Record) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    for run in &record.runs {
        let name = format!("{}/{}", run.system, run.seed);
        let mut put = |key: &str, value: f64| numbers.insert(format!("{name}/{key}"), value);
        put("best_epoch", run.best_epoch as f64);
        for (metric, value) in &run.scores {
            put(metric, *value);
        }
        for epoch in &run.curve {
            let key = |what: &str| format!("{:02}/{what}", epoch.epoch);
            put(&key("validation_loss"), epoch.validation_loss.unwrap());
            for (term, value) in &epoch.train {
                put(&key(term), *value);
            }
        }
        if let Some(common) = &run.common_information {
            for (mode, sigma) in common.sigma.iter().enumerate() {
                put(&format!("sigma/{mode}"), *sigma);
                put(&format!("shuffled/{mode}"), common.shuffled[mode]);
            }
        }
    }
    for row in &record.predictions {
        for (class, p) in row.probabilities.iter().enumerate() {
            numbers.insert(format!("{}/{}/{}/p_{class}", row.system, row.seed, row.clip), *p);
        }
    }
    numbers
}

#[test]
fn every_number_is_as_written_down() {
    let mut found = BTreeMap::new();
    // Without training again the weights of the best epoch are those that are judged.
    for refit in ["training.refit=true", "training.refit=false"] {
        let numbers = numbers(&record(refit)).into_iter();
        found.extend(numbers.map(|(name, value)| (format!("{refit}/{name}"), value)));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden.json");
    if std::env::var("GOLDEN").is_ok_and(|what| what == "write") {
        // Six digits: fewer than f64 has, more than machines agree on.
        let rounded: BTreeMap<&String, f64> =
            found.iter().map(|(name, value)| (name, (value * 1e6).round() / 1e6)).collect();
        let text = serde_json::to_string_pretty(&rounded).unwrap() + "\n";
        av_train::write_atomic(&path, text.as_bytes()).unwrap();
    }
    let golden: BTreeMap<String, f64> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>());
    let (name, difference) = found
        .iter()
        .map(|(name, value)| (name, (value - golden[name]).abs()))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .unwrap();
    println!("largest difference {difference:e}, of {name}");
    assert!(
        difference < BETWEEN_MACHINES,
        "{name}: {} is written down, {} was found",
        golden[name],
        found[name]
    );
}
