//! The arithmetic of records on runs made by hand.

use super::*;
use crate::experiment::Comparison;

/// A run of 2 classes with the given counts.
fn run(system: &str, fold: &str, seed: u64, counts: [[u64; 2]; 2]) -> RunRecord {
    let mut truth = vec![];
    let mut probabilities = vec![];
    for (class, row) in counts.iter().enumerate() {
        for (decided, &clips) in row.iter().enumerate() {
            for _ in 0..clips {
                truth.push(class);
                probabilities.extend(if decided == 0 { [0.75, 0.25] } else { [0.25, 0.75] });
            }
        }
    }
    let mut record = RunRecord {
        system: system.into(),
        variant: None,
        fold: fold.into(),
        seed,
        clips: [20, 4, truth.len()],
        uar: 0.0,
        accuracy: 0.0,
        macro_f1: 0.0,
        log_loss: 0.0,
        scores: BTreeMap::new(),
        confusion: Confusion::new(2),
        best_epoch: 1,
        curve: vec![],
        common_information: None,
    };
    record.score(&ClassDecisions::new(2, truth, probabilities).unwrap());
    record
}

/// Two systems, two folds of unlike classes, two seeds; `b` in another order.
fn runs() -> Vec<RunRecord> {
    vec![
        run("a", "0", 1, [[4, 0], [0, 2]]),
        run("a", "0", 2, [[3, 1], [1, 1]]),
        run("a", "1", 1, [[1, 1], [2, 2]]),
        run("a", "1", 2, [[2, 0], [4, 0]]),
        run("b", "1", 2, [[1, 1], [0, 4]]),
        run("b", "1", 1, [[0, 2], [0, 4]]),
        run("b", "0", 2, [[4, 0], [2, 0]]),
        run("b", "0", 1, [[2, 2], [0, 2]]),
    ]
}

fn record(runs: Vec<RunRecord>) -> Record {
    let experiment = crate::Experiment::parse(
        r#"
        name = "hand"
        seeds = [1, 2]
        dataset = { kind = "ravdess" }
        audio = { kind = "functionals" }
        protocol = { kind = "leave-one-subject-out" }
        systems = [{ name = "b" }, { name = "a" }]
        "#,
        &[],
    )
    .unwrap();
    let mut record = Record {
        format: FORMAT,
        name: "hand".into(),
        version: "0".into(),
        device: "cpu".into(),
        experiment,
        data: DataSummary {
            name: "hand".into(),
            classes: vec!["x".into(), "y".into()],
            clips: 12,
            clips_per_class: BTreeMap::new(),
            unlabelled: 0,
            subjects: 2,
            manifest_hash: "hash".into(),
            faces: Faces { frames: 0, found: 0 },
            faces_share: None,
            problems: vec![],
        },
        variants: vec![],
        summary: vec![],
        paired: vec![],
        common_information: BTreeMap::new(),
        confusion: BTreeMap::new(),
        runs,
        files: BTreeMap::new(),
        times: BTreeMap::new(),
        predictions: vec![],
    };
    record.summarise();
    record
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-14, "{a} {b}");
}

#[test]
fn a_summary_is_the_mean_over_runs_and_pools_the_folds_of_each_seed() {
    let record = record(runs());
    let a = &record.summary[0];
    assert_eq!(a.system, "a");
    // UAR of the runs of a: 1, (.75 + .5)/2, (.5 + .5)/2, (1 + 0)/2.
    close(a.uar_mean, (1.0 + 0.625 + 0.5 + 0.5) / 4.0);
    close(a.accuracy_mean, (1.0 + 4.0 / 6.0 + 0.5 + 2.0 / 6.0) / 4.0);
    // Seed 1: recalls 5/6 and 4/6; seed 2: 5/6 and 1/6. Both seeds at once would give the same mean, but for
    // classes that occur unlike often.
    close(a.uar_pooled, (0.75 + 0.5) / 2.0);
    assert_eq!(record.confusion["a"].rows(), [[10, 2], [7, 5]]);
    close(a.scores["uar"].mean, a.uar_mean);
    let deviation = |mean: f64| [1.0f64, 0.625, 0.5, 0.5].map(|uar| (uar - mean).powi(2));
    let variance = deviation(a.uar_mean).iter().sum::<f64>() / 3.0;
    close(a.uar_sd.unwrap(), variance.sqrt());
    // 15 of 24 decisions are right, each with a probability of .75.
    let log_loss = -(15.0 * 0.75f64.ln() + 9.0 * 0.25f64.ln());
    close(a.log_loss_mean, log_loss / 24.0);
}

#[test]
fn seeds_are_pooled_one_by_one() {
    // One seed has a class that the other lacks.
    let runs = vec![run("a", "0", 1, [[1, 1], [0, 0]]), run("a", "0", 2, [[2, 0], [0, 4]])];
    // UAR .5 and 1; all clips at once would give (3/4 + 1)/2.
    close(record(runs).summary[0].uar_pooled, 0.75);
}

#[test]
fn a_difference_is_of_twins_of_one_fold_and_seed_and_a_minus_b() {
    let record = record(runs());
    // By default each system with the first one of the experiment, which is b.
    assert_eq!(record.experiment.compare, [Comparison { a: "a".into(), b: "b".into() }]);
    let uar = record.paired.iter().find(|pair| pair.metric == "uar").unwrap();
    assert_eq!((uar.a.as_str(), uar.b.as_str()), ("a", "b"));
    let differences = [1.0 - 0.75, 0.625 - 0.5, 0.5 - 0.5, 0.5 - 0.75];
    close(uar.difference, differences.iter().sum::<f64>() / 4.0);
    // Six test clips over 24 clips of training and validation.
    let expected = av_eval::corrected_resampled_t(&differences, 0.25).interval.unwrap();
    close(uar.low.unwrap(), expected.low);
    close(uar.high.unwrap(), expected.high);
    // A run without a twin takes no part.
    let mut fewer = record.runs.clone();
    fewer.truncate(7);
    let fewer = self::record(fewer);
    let uar = fewer.paired.iter().find(|pair| pair.metric == "uar").unwrap();
    close(uar.difference, differences[1..].iter().sum::<f64>() / 3.0);
}

#[test]
fn records_of_other_clips_or_other_folds_are_not_compared() {
    let first = record(runs());
    let same = compare_records(&first, &first).unwrap();
    assert!(same.iter().all(|pair| pair.difference == 0.0));
    assert_eq!((same[0].a.as_str(), same[0].b.as_str()), ("hand (first)/a", "hand (second)/a"));

    let mut other = first.clone();
    other.data.manifest_hash = "another".into();
    assert!(matches!(compare_records(&first, &other), Err(Error::OtherData { .. })));

    let mut sizes = first.clone();
    sizes.runs[0].clips[2] += 1;
    assert!(compare_records(&first, &sizes).is_err(), "a fold of another size");

    let row = |clip: &str, fold: &str| PredictionRow {
        clip: clip.into(),
        subject: String::new(),
        fold: fold.into(),
        seed: 1,
        system: "a".into(),
        variant: None,
        truth: 0,
        probabilities: vec![1.0, 0.0],
    };
    let mut first = first;
    first.predictions = vec![row("p", "0"), row("q", "1")];
    let mut swapped = first.clone();
    assert!(compare_records(&first, &swapped).is_ok());
    swapped.predictions = vec![row("q", "0"), row("p", "1")];
    assert!(compare_records(&first, &swapped).is_err(), "folds of the same names and sizes");
}

#[test]
fn what_lies_beside_a_record_is_read_with_it_and_must_be_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = record(runs());
    written.predictions = vec![];
    for run in &mut written.runs {
        let epoch = |epoch, loss| Epoch {
            epoch,
            train: BTreeMap::from([("classification".into(), loss)]),
            validation_loss: (epoch == 1).then_some(0.1),
            validation_uar: None,
        };
        run.curve = vec![epoch(1, 0.3), epoch(2, 1.0 / 3.0)];
    }
    written.runs[2].curve.clear();
    written.write(folder.path()).unwrap();
    let path = folder.path().join(RECORD);
    let read = Record::read(&path).unwrap();
    assert_eq!(read.runs, written.runs);

    let curves = folder.path().join(CURVES);
    let text = std::fs::read_to_string(&curves).unwrap();
    write_atomic(&curves, text.replace("0.3,", "0.4,").replace(",0.3", ",0.4").as_bytes()).unwrap();
    let error = Record::read(&path).unwrap_err();
    assert!(matches!(error, Error::OtherFile { .. }), "{error}");
    // A record alone can be read.
    std::fs::remove_file(&curves).unwrap();
    assert!(Record::read(&path).unwrap().runs[0].curve.is_empty());
}

#[test]
fn scores_are_those_of_the_kept_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = record(vec![run("a", "0", 1, [[4, 0], [0, 2]])]);
    let row = |clip: usize, truth, right: bool| PredictionRow {
        clip: format!("clip{clip}"),
        subject: "s".into(),
        fold: "0".into(),
        seed: 1,
        system: "a".into(),
        variant: None,
        truth,
        probabilities: if right == (truth == 0) { vec![0.75, 0.25] } else { vec![0.25, 0.75] },
    };
    // Other decisions than the record's own scores: those count.
    written.predictions = (0..4).map(|clip| row(clip, clip % 2, clip != 0)).collect();
    written.write(folder.path()).unwrap();
    let read = Record::read(&folder.path().join(RECORD)).unwrap();
    assert_eq!(read.predictions, written.predictions);
    close(read.runs[0].uar, 0.75);
    close(read.summary[0].uar_mean, 0.75);
    assert_eq!(read.confusion["a"].rows(), [[1, 1], [0, 2]]);
}

#[test]
fn a_record_of_format_1_is_read() {
    let text = include_str!("format1.json");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RECORD);
    write_atomic(&path, text.as_bytes()).unwrap();
    let record = Record::read(&path).unwrap();
    assert_eq!(record.format, 1);
    let names: Vec<&str> = record.experiment.systems.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["audio", "video", "fusion", "fusion_hgr"]);
    let hgr = record.experiment.system("fusion_hgr").unwrap();
    assert_eq!(hgr.model.embedding, 6);
    assert_eq!(hgr.objective.len(), 2);
    assert!(!record.experiment.training.horizontal_flip, "it was called mirror");
    let run = &record.runs[3];
    assert_eq!((run.system.as_str(), run.curve.len()), ("fusion_hgr", 2));
    assert!(run.curve[0].train.contains_key("audio_video"));
    assert_eq!(record.summary[0].scores.len(), 0);
    // Differences are computed of the four scores that it has.
    let same = compare_records(&record, &record).unwrap();
    assert_eq!(same.len(), 4 * 4);
}
