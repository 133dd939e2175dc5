//! Systems as values: every kind of part trains, and what is spelled out is what the short forms mean.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

mod support;

use av_train::{Event, Experiment, Observer, Record, run};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use support::{Corpus, OVERWRITE};

/// A table for each kind of part; `systems` of an experiment.
const PARTS: [&str; 4] = [
    r#"{ name = "part", fusion = { kind = "concat", hidden = 5 } }"#,
    r#"{ name = "part", head = { kind = "linear" } }"#,
    r#"{ name = "part", objective.classification = { kind = "cross-entropy", weight = 0.5 } }"#,
    r#"{ name = "part", objective.correlation = { kind = "soft-hgr", weight = 0.1 } }"#,
];

#[test]
fn every_kind_of_part_trains_and_differs_from_nothing_said() {
    let corpus = Corpus::new();
    let plain = corpus.run(&["seeds=[1]", "systems=[{ name = \"part\" }]"]);
    let mut seen = BTreeSet::from([losses(&plain)]);
    for part in PARTS {
        let record = corpus.run(&["seeds=[1]", &format!("systems=[{part}]")]);
        assert!(record.runs.iter().all(|run| run.log_loss.is_finite()), "{part}");
        let new = seen.insert(losses(&record));
        // The linear head is what is taken where nothing is said.
        assert_eq!(new, !part.contains("linear"), "{part}");
    }
}

#[test]
fn a_discriminant_is_judged_like_any_system() {
    let mut corpus = Corpus::new();
    for (index, clip) in corpus.clips.iter_mut().enumerate() {
        clip.unlabelled = index % 7 == 3;
        if index % 10 == 4 {
            clip.video = vec![];
        }
    }
    let systems = "systems=['fusion', { name = 'lda', classifier = 'lda' },
        { name = 'deaf', classifier = 'lda', modalities = ['video'] }]";
    let record = corpus.run(&["seeds=[1]", "bad_clips=0.2", systems]);
    let uar = |system: &str| record.summary.iter().find(|it| it.system == system).unwrap().uar_mean;
    // Both bits are linear in both tables; the picture shows one of them.
    assert!(uar("lda") > 0.9, "{}", uar("lda"));
    assert!((0.4..0.65).contains(&uar("deaf")), "{}", uar("deaf"));
    for run in record.runs.iter().filter(|run| run.system != "fusion") {
        assert!(run.curve.is_empty() && run.best_epoch == 0 && run.common_information.is_none());
    }
    let decided = |system: &str| record.predictions.iter().filter(|it| it.system == system).count();
    assert_eq!(decided("lda"), decided("fusion"));
    assert!(record.paired.iter().any(|it| it.a == "lda" && it.b == "fusion"));

    let few = corpus.run(&["seeds=[1]", "bad_clips=0.2", systems, "training.labelled=0.2"]);
    let losses = |record: &Record| record.runs.iter().map(|run| run.log_loss).collect::<Vec<_>>();
    assert_ne!(losses(&few), losses(&record));
}

fn losses(record: &Record) -> String {
    record.runs.iter().map(|run| format!("{:?} ", run.log_loss)).collect()
}

#[test]
fn a_system_that_is_spelled_out_has_the_numbers_of_its_short_name() {
    let corpus = Corpus::new();
    let short = corpus.run(&["objective.audio_label=0.1", "objective.label_smoothing=0.1"]);
    let long = corpus.run(&[
        "objective.classification={ kind = \"cross-entropy\", smoothing = 0.1 }",
        r#"systems=[
            { name = "a", modalities = ["audio"] },
            { name = "v", modalities = ["video"] },
            { name = "f", modalities = ["audio", "video"], embedding = 6, head = { kind = "linear" },
              fusion = { kind = "concat", hidden = 16, dropout = 0.2 },
              encoders.audio.mlp = { hidden = 16, input_dropout = 0.0, dropout = 0.2 } },
            { name = "h", objective.classification = true,
              objective.correlation = { kind = "soft-hgr", weight = 0.3, pairs = { audio_label = 0.1 } } },
        ]"#,
    ]);
    assert_eq!(short.runs.len(), long.runs.len());
    for (short, long) in short.runs.iter().zip(&long.runs) {
        assert_ne!(short.system, long.system);
        assert_eq!(short.curve, long.curve, "{} {}", short.system, long.system);
        assert_eq!(short.scores, long.scores);
    }
    // Among other names each is compared with the first one.
    let pairs: Vec<_> = long.experiment.compare.iter().map(|pair| (&*pair.a, &*pair.b)).collect();
    assert_eq!(pairs, [("v", "a"), ("f", "a"), ("h", "a")]);
    assert_eq!(short.experiment.compare.len(), 5);
    // What is written into the record is read again as the same experiment.
    for record in [&short, &long] {
        let text = serde_json::to_string(&record.experiment).unwrap();
        let again: Experiment = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }
}

#[test]
fn an_input_that_no_system_reads_may_be_left_out() {
    let corpus = Corpus::new();
    let without = "[model]\nembedding = 6\n[inputs.audio]\nkind = \"table\"\npath = \"audio.csv\"\nkey = \"id\"\n";
    let text = format!("{}{without}", Corpus::HEAD);
    corpus.write();
    let experiment = Experiment::parse(&text, &[]).unwrap();
    assert_eq!(experiment.systems.len(), 1, "of the paper's systems, the one that it can feed");
    let record = run(&experiment, &corpus.paths(), OVERWRITE, Observer::SILENT).unwrap();
    assert_eq!(record.summary[0].system, "audio");
    let error = Experiment::parse(&text, &["systems=[\"fusion\"]".into()]).unwrap_err().to_string();
    assert!(error.starts_with("inputs.video is left out: it must be given"), "{error}");
}

#[test]
fn a_sweep_is_the_experiments_that_it_names() {
    let corpus = Corpus::new();
    let common = ["seeds=[1]", "systems=[\"fusion\", \"fusion_hgr\"]"];
    let swept = [&common[..], &["objective.correlation.weight=0.1,1.0"]].concat();
    let trained = Mutex::new(BTreeSet::new());
    let event = |event: Event<'_>| {
        if let Event::Trained { unit, .. } = event {
            trained.lock().unwrap().insert(unit.to_owned());
        }
    };
    let observer = Observer { event: &event, stop: &AtomicBool::new(false) };
    let record = run(&corpus.experiment(&swept), &corpus.paths(), OVERWRITE, observer).unwrap();
    // Three folds: the twin without the term is trained once, not once per weight.
    assert_eq!(trained.into_inner().unwrap().len(), 3 + 3 + 3);
    assert_eq!(record.runs.len(), 12);
    assert!(!corpus.paths().out.join("model/model.json").exists(), "nobody said which to keep");
    let labels: Vec<String> = record.summary.iter().map(|row| row.label()).collect();
    let weights = ["0.1", "1.0"];
    assert_eq!(labels[1], format!("fusion_hgr [objective.correlation.weight={}]", weights[0]));
    for (variant, weight) in weights.iter().enumerate() {
        let alone = format!("objective.correlation.weight={weight}");
        let alone = corpus.run(&[&common[..], &[&alone]].concat());
        let runs: Vec<_> = record.runs[6 * variant..6 * (variant + 1)].to_vec();
        for (run, alone) in runs.iter().zip(&alone.runs) {
            assert_eq!(run.variant.as_deref(), Some(&*record.variants[variant].name));
            assert_eq!((&run.system, &run.curve), (&alone.system, &alone.curve));
            assert_eq!(run.scores, alone.scores);
        }
        let pair = &record.paired.iter().filter(|it| it.metric == "uar").nth(variant).unwrap();
        let other = alone.paired.iter().find(|it| it.metric == "uar").unwrap();
        assert_eq!((pair.difference, pair.low), (other.difference, other.low));
    }
}

#[test]
fn a_sweep_may_change_the_clips_and_the_folds() {
    let corpus = Corpus::new();
    let record = corpus.run(&[
        "seeds=[1]",
        "systems=[\"audio\"]",
        "sweep={ \"protocol.test_folds\" = [[0], [1, 2]], \"audio.include\" = [[\"a\"], [\"a\", \"b\"]] }",
    ]);
    let folds: Vec<usize> = record
        .variants
        .iter()
        .map(|variant| {
            record.runs.iter().filter(|run| run.variant.as_ref() == Some(&variant.name)).count()
        })
        .collect();
    assert_eq!(folds, [1, 2, 1, 2]);
    let hashes: Vec<_> = record
        .variants
        .iter()
        .map(|it| it.data.as_ref().unwrap_or(&record.data).manifest_hash.clone())
        .collect();
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2], "another column, other data");
}

#[test]
fn predictions_and_embeddings_are_kept_for_every_test_clip() {
    let corpus = Corpus::new();
    let experiment = corpus.experiment(&[]);
    let options = av_train::RunOptions { embeddings: true, ..OVERWRITE };
    let record = run(&experiment, &corpus.paths(), options, Observer::SILENT).unwrap();
    let out = corpus.paths().out;
    let read = Record::read(&out.join("record.json")).unwrap();
    assert_eq!(read.predictions, record.predictions);
    assert_eq!(read.runs, record.runs);
    assert_eq!(read.summary, record.summary);
    assert_eq!(read.paired, record.paired);
    // Each of 108 clips once per system and seed, in the fold of its own.
    assert_eq!(record.predictions.len(), 108 * 4 * 2);
    let of = |system: &str| {
        let rows = record.predictions.iter().filter(|row| row.system == system && row.seed == 2);
        rows.map(|row| row.clip.as_str()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(["audio", "video", "fusion", "fusion_hgr"].map(of), [108; 4]);
    let arrays = candle_core::npy::NpzTensors::new(out.join("embeddings.npz")).unwrap();
    let names: BTreeSet<&str> = arrays.names().into_iter().map(String::as_str).collect();
    // Two systems of one modality and two of two, three folds, two seeds.
    assert_eq!(names.len(), (1 + 1 + 2 + 2) * 3 * 2);
    let f = arrays.get("fusion/0/1/audio").unwrap().unwrap();
    assert_eq!(f.dims(), [36, 6]);
    assert!(read.files.contains_key("embeddings.npz"));
}

#[test]
fn a_folder_in_use_is_not_written_into() {
    let corpus = Corpus::new();
    let experiment = corpus.experiment(&["training.epochs=1"]);
    let outcome = Mutex::new(None);
    let event = |event: Event<'_>| {
        let mut outcome = outcome.lock().unwrap();
        if matches!(event, Event::Trained { .. }) && outcome.is_none() {
            let second = run(&experiment, &corpus.paths(), OVERWRITE, Observer::SILENT);
            *outcome = Some(second.unwrap_err().to_string());
        }
    };
    let observer = Observer { event: &event, stop: &AtomicBool::new(false) };
    run(&experiment, &corpus.paths(), OVERWRITE, observer).unwrap();
    let error = outcome.into_inner().unwrap().unwrap();
    assert!(error.contains("another run is under way in this folder"), "{error}");
}
