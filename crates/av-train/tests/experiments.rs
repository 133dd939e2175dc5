//! Whole experiments on small tables: what a record must not depend on, and what survives a stop.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_train::{Error, Event, IfExists, Observer, Record, RunOptions, RunPaths, run};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use support::{Corpus, OVERWRITE, assert_same};

const RESUME: RunOptions = RunOptions { if_exists: IfExists::Resume, embeddings: false };

#[test]
fn a_poisoned_test_fold_changes_no_training_bit() {
    let clean = Corpus::new();
    let mut poisoned = Corpus::new();
    for clip in poisoned.clips.iter_mut().filter(|clip| clip.fold == 1) {
        clip.label = (clip.label + 1) % Corpus::CLASSES;
        clip.audio.iter_mut().chain(&mut clip.video).for_each(|value| *value = *value * 7.0 - 1e3);
    }
    let settings = ["protocol.test_folds=[1]", "training.refit=true"];
    let [(clean, kept), (poisoned, kept_of_poisoned)] =
        [clean, poisoned].map(|corpus| (corpus.run(&settings), corpus.model()));
    assert_eq!(clean.runs.len(), 8);
    // The model that is kept is trained on all clips.
    assert_ne!(kept, kept_of_poisoned);
    for (a, b) in clean.runs.iter().zip(&poisoned.runs) {
        assert_eq!(a.curve, b.curve, "{:?} learned from the test fold", a.system);
        assert_eq!(a.best_epoch, b.best_epoch);
    }
    let scores = |record: &Record| record.runs.iter().map(|run| run.uar).collect::<Vec<_>>();
    assert_ne!(scores(&clean), scores(&poisoned), "the poison reached the test");
}

#[test]
fn a_poisoned_training_fold_is_noticed() {
    let clean = Corpus::new();
    let mut poisoned = Corpus::new();
    for clip in poisoned.clips.iter_mut().filter(|clip| clip.fold == 2) {
        clip.label = (clip.label + 1) % Corpus::CLASSES;
    }
    let [clean, poisoned] =
        [clean, poisoned].map(|corpus| corpus.run(&["protocol.test_folds=[1]"]));
    assert_ne!(clean.runs[0].curve, poisoned.runs[0].curve);
}

#[test]
fn the_same_experiment_gives_the_same_record() {
    let [first, second] = [(), ()].map(|()| Corpus::new().run(&[]));
    assert_same(&first, &second);
}

#[test]
fn every_fold_trains_validates_and_tests_on_clips_of_its_own() {
    let corpus = Corpus::new();
    let record = corpus.run(&["training.validation=0.2", "seeds=[1]", "systems=[\"fusion\"]"]);
    assert_eq!(record.runs.len(), 3);
    for run in &record.runs {
        let [train, validation, test] = run.clips;
        // One of six subjects of twelve clips is held out.
        assert_eq!([train, validation, test], [60, 12, 36], "fold {}", run.fold);
        assert_eq!(run.confusion.rows().iter().flatten().sum::<u64>(), 36);
        assert!(run.curve.iter().all(|epoch| epoch.validation_loss.is_some()));
    }
    let curves: Vec<_> = record.runs.iter().map(|run| &run.curve).collect();
    assert!(curves[0] != curves[1] && curves[1] != curves[2] && curves[0] != curves[2]);
    let without = corpus.run(&["training.validation=0.0", "seeds=[1]", "systems=[\"fusion\"]"]);
    assert_eq!(without.runs[0].clips, [72, 0, 36]);
    assert!(without.runs[0].curve.iter().all(|epoch| epoch.validation_loss.is_none()));
}

#[test]
fn a_stopped_run_goes_on_to_the_same_record() {
    let whole = Corpus::new().run(&[]);
    let corpus = Corpus::new();
    let experiment = corpus.experiment(&[]);
    for epochs in [3, 25] {
        let (stop, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
        let event = |event: Event<'_>| {
            if matches!(event, Event::Epoch { .. })
                && seen.fetch_add(1, Ordering::Relaxed) + 1 == epochs
            {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let observer = Observer { event: &event, stop: &stop };
        let outcome = run(&experiment, &corpus.paths(), RESUME, observer);
        assert!(matches!(outcome, Err(Error::Interrupted)));
    }
    let resumed = run(&experiment, &corpus.paths(), RESUME, Observer::SILENT).unwrap();
    assert_same(&resumed, &whole);
    // What is finished is not trained again.
    let trained = std::sync::Mutex::new(vec![]);
    let event = |event: Event<'_>| {
        if let Event::Epoch { unit, .. } = event {
            trained.lock().unwrap().push(unit.to_owned());
        }
    };
    let observer = Observer { event: &event, stop: &AtomicBool::new(false) };
    let again = run(&experiment, &corpus.paths(), RESUME, observer).unwrap();
    assert_same(&again, &whole);
    let trained = trained.into_inner().unwrap();
    assert!(trained.iter().all(|unit| unit.starts_with("final model")), "{trained:?}");
}

#[test]
fn an_earlier_run_is_not_overwritten() {
    let mut corpus = Corpus::new();
    corpus.run(&[]);
    let run_again = |corpus: &Corpus, options, settings: &[&str]| {
        run(&corpus.experiment(settings), &corpus.paths(), options, Observer::SILENT)
    };
    let again = |options, settings: &[&str]| run_again(&corpus, options, settings);
    let message = again(RunOptions::default(), &[]).unwrap_err().to_string();
    assert!(message.contains("resume it, overwrite it, or write elsewhere"), "{message}");
    // It is told before anything is extracted, which may take hours.
    let paths = RunPaths { data: "nowhere".into(), ..corpus.paths() };
    let refused = run(&corpus.experiment(&[]), &paths, RunOptions::default(), Observer::SILENT);
    assert_eq!(refused.unwrap_err().to_string(), message);
    let message = again(RESUME, &["training.batch=9"]).unwrap_err().to_string();
    assert!(message.contains("another experiment"), "{message}");
    assert!(again(OVERWRITE, &["training.batch=9"]).is_ok());
    corpus.clips[0].label = (corpus.clips[0].label + 1) % Corpus::CLASSES;
    let refused = run_again(&corpus, RESUME, &["training.batch=9"]).unwrap_err();
    assert!(refused.to_string().contains("a run of other data"), "{refused}");
}

#[test]
fn both_sides_together_are_better_than_each_alone() {
    let record = Corpus::new().run(&["training.epochs=40", "training.patience=40"]);
    let uar = |system: &str| {
        record.summary.iter().find(|row| row.system == system).map(|row| row.uar_mean).unwrap()
    };
    // Each side of the corpus tells two pairs of classes apart, but not the classes of a pair.
    assert!(uar("fusion") > uar("audio") + 0.2, "{:?}", record.summary);
    assert!(uar("fusion_hgr") > uar("video") + 0.2, "{:?}", record.summary);
    let spectrum = &record.common_information["fusion_hgr"];
    assert!(spectrum.sigma[0] > 0.5 && spectrum.shuffled[0].abs() < 0.3, "{spectrum:?}");
}

#[test]
fn clips_without_a_label_or_a_side_train_too() {
    let mut corpus = Corpus::new();
    for (index, clip) in corpus.clips.iter_mut().enumerate() {
        clip.unlabelled = index % 4 == 0;
        if index % 7 == 3 {
            clip.video.clear();
        }
    }
    // One clip has neither; it is among the labelled ones.
    corpus.clips[10].audio.clear();
    corpus.clips[10].video.clear();
    let refused = corpus.try_run(&[]).unwrap_err().to_string();
    assert!(refused.contains("the clip has no picture"), "{refused}");
    let record = corpus.run(&["bad_clips=0.2"]);
    assert!(record.data.unlabelled > 0 && !record.data.problems.is_empty());
    assert!(record.runs.iter().all(|run| run.log_loss.is_finite()));
    // Every labelled clip but that one is tested once by each system and seed.
    let tested: usize = record.runs.iter().map(|run| run.clips[2]).sum();
    assert_eq!(tested, 2 * record.experiment.systems.len() * (81 - 1));
    let hidden = corpus.run(&["bad_clips=0.2", "training.labelled=0.5"]);
    assert_ne!(hidden.runs[0].curve, record.runs[0].curve);
}

#[test]
fn what_cannot_be_split_or_told_apart_stops_before_the_extraction() {
    let mut corpus = Corpus::new();
    // One clip without its sound would stop the extraction.
    corpus.clips[0].audio.clear();
    corpus.clips[5].fold = (corpus.clips[5].fold + 1) % 3;
    let shared = corpus.try_run(&[]).unwrap_err().to_string();
    assert!(shared.contains("shared_subjects"), "{shared}");
    corpus.clips.iter_mut().for_each(|clip| clip.label = 0);
    let same = corpus.try_run(&[]).unwrap_err().to_string();
    assert!(same.contains("[\"class0\"], and two at least are needed"), "{same}");
}

#[test]
fn validation_without_a_label_is_an_error_and_not_no_validation() {
    let mut corpus = Corpus::new();
    // Subjects 0 and 1 alone have labels, and those of fold 1, which is tested; of the others one is kept for validation.
    for (index, clip) in corpus.clips.iter_mut().enumerate() {
        clip.unlabelled = index >= 24 && clip.fold != 1;
    }
    let settings = ["training.validation=0.2", "protocol.test_folds=['1']", "systems=['fusion']"];
    let error = corpus.try_run(&settings).unwrap_err().to_string();
    assert!(
        error.contains("the validation part holds no labelled clip")
            && error.contains("training.validation"),
        "{error}"
    );
    assert!(corpus.try_run(&["training.validation=0", settings[1], settings[2]]).is_ok());
}
