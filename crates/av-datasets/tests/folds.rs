//! Protocols: what must hold of any split, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

use av_datasets::{Clip, Dataset, Fold, Modalities, Protocol, folds};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const LOSO: Protocol = Protocol::LeaveOneSubjectOut { test_folds: None };
const COLUMN: Protocol = Protocol::Column { test_folds: None, shared_subjects: false };
const SHARED: Protocol = Protocol::Column { test_folds: None, shared_subjects: true };

fn subject_folds(k: usize) -> Protocol {
    Protocol::SubjectFolds { k, test_folds: None }
}

/// Clips from `(subject, emotion, fold)`.
fn dataset(clips: &[(&str, Option<usize>, Option<&str>)]) -> Dataset {
    let clip =
        |(index, &(subject, emotion, fold)): (usize, &(&str, Option<usize>, Option<&str>))| Clip {
            id: format!("{index:03}"),
            subject: subject.into(),
            emotion,
            fold: fold.map(String::from),
            turn: None,
            affect: vec![],
            sources: Modalities::default(),
        };
    Dataset {
        classes: vec!["calm".into(), "angry".into()],
        clips: clips.iter().enumerate().map(clip).collect(),
        ..Dataset::default()
    }
}

fn subjects(dataset: &Dataset, clips: &[usize]) -> BTreeSet<String> {
    clips.iter().map(|&clip| dataset.clips[clip].subject.clone()).collect()
}

/// Ids on the test side of each fold.
fn tested(dataset: &Dataset, folds: &[Fold]) -> BTreeMap<String, BTreeSet<String>> {
    let ids = |fold: &Fold| {
        fold.test.clips().iter().map(|&clip| dataset.clips[clip].id.clone()).collect()
    };
    folds.iter().map(|fold| (fold.name.clone(), ids(fold))).collect()
}

/// Subjects of uneven size; the first clips of each have both classes, so that no class is ever lost.
fn any_dataset() -> impl Strategy<Value = Dataset> {
    let emotions = proptest::collection::vec(proptest::option::of(0_usize..2), 0..7);
    proptest::collection::vec(emotions, 2..9).prop_map(|subjects| {
        let names: Vec<String> = (0..subjects.len()).map(|index| format!("s{index}")).collect();
        let mut clips = vec![];
        for (name, emotions) in names.iter().zip(&subjects) {
            clips.extend([(name.as_str(), Some(0), None), (name.as_str(), Some(1), None)]);
            clips.extend(emotions.iter().map(|&emotion| (name.as_str(), emotion, None)));
        }
        dataset(&clips)
    })
}

proptest! {
    #[test]
    fn subjects_are_disjoint_and_every_clip_is_tested_once(data in any_dataset(), seed: u64, k in 2_usize..9) {
        let people = subjects(&data, &(0..data.clips.len()).collect::<Vec<_>>()).len();
        for protocol in [LOSO, subject_folds(k.min(people))] {
            let folds = folds(&data, &protocol, seed).unwrap();
            let mut tests = vec![0; data.clips.len()];
            for fold in &folds {
                let (train, test) = (fold.train.clips(), fold.test.clips());
                prop_assert!(subjects(&data, train).is_disjoint(&subjects(&data, test)));
                prop_assert_eq!(train.len() + test.len(), data.clips.len());
                prop_assert!(!test.is_empty() && train.is_sorted() && test.is_sorted());
                test.iter().for_each(|&clip| tests[clip] += 1);
            }
            prop_assert!(tests.iter().all(|&times| times == 1));
        }
    }

    #[test]
    fn folds_depend_on_the_seed_and_not_on_the_order_of_clips(data in any_dataset(), seed: u64) {
        let mut reversed = data.clone();
        reversed.clips.reverse();
        let first = tested(&data, &folds(&data, &subject_folds(2), seed).unwrap());
        let again = tested(&data, &folds(&data, &subject_folds(2), seed).unwrap());
        let other = tested(&reversed, &folds(&reversed, &subject_folds(2), seed).unwrap());
        prop_assert_eq!(&first, &again);
        prop_assert_eq!(first, other);
    }

    #[test]
    fn a_validation_split_is_by_subject_and_keeps_the_classes(
        data in any_dataset(), seed: u64, share in 0.01..0.99_f64,
    ) {
        let whole = Fold::whole(&data);
        let people = subjects(&data, whole.train.clips()).len();
        let (fit, validation) = whole.train.split_validation(&data, share, seed).unwrap();
        let (fitted, held_out) = (subjects(&data, fit.clips()), subjects(&data, validation.clips()));
        prop_assert!(fitted.is_disjoint(&held_out));
        prop_assert_eq!(fit.clips().len() + validation.clips().len(), data.clips.len());
        let wanted = ((share * people as f64).round() as usize).clamp(1, people - 1);
        prop_assert_eq!(held_out.len(), wanted);
        let again = whole.train.split_validation(&data, share, seed).unwrap();
        prop_assert_eq!(again, (fit, validation));
    }
}

#[test]
fn equal_subjects_are_spread_evenly_and_the_seed_moves_them() {
    let names: Vec<String> = (0..22).map(|index| format!("s{index:02}")).collect();
    let clips: Vec<_> = names
        .iter()
        .flat_map(|name| [(name.as_str(), Some(0), None), (name.as_str(), Some(1), None)])
        .collect();
    let data = dataset(&clips);
    let drawn: BTreeSet<_> = (0..20)
        .map(|seed| {
            let folds = folds(&data, &subject_folds(5), seed).unwrap();
            let names: Vec<&str> = folds.iter().map(|fold| fold.name.as_str()).collect();
            assert_eq!(names, ["0", "1", "2", "3", "4"]);
            let mut sizes: Vec<usize> = folds.iter().map(|fold| fold.test.clips().len()).collect();
            sizes.sort_unstable();
            assert_eq!(sizes, [8, 8, 8, 10, 10]);
            tested(&data, &folds)
        })
        .collect();
    assert_eq!(drawn.len(), 20);
}

#[test]
fn a_rare_class_is_spread_over_the_folds() {
    // Two of ten subjects have an angry clip: in one fold, that fold could not be trained. All have two
    // clips, so that their size does not part the two.
    let names: Vec<String> = (0..10).map(|index| format!("s{index}")).collect();
    let second = |name: &str| usize::from(name == "s3" || name == "s7");
    let clips: Vec<_> = names
        .iter()
        .flat_map(|name| [(name.as_str(), Some(0), None), (name, Some(second(name)), None)])
        .collect();
    for seed in 0..50 {
        assert_eq!(folds(&dataset(&clips), &subject_folds(2), seed).unwrap().len(), 2);
    }
}

#[test]
fn folds_of_a_column_have_its_names_and_clips_without_a_fold_take_no_part() {
    let data = dataset(&[
        ("a", Some(0), Some("east")),
        ("a", Some(1), Some("east")),
        ("b", Some(0), Some("west")),
        ("b", Some(1), Some("west")),
        ("c", Some(1), None),
    ]);
    let folds = folds(&data, &COLUMN, 0).unwrap();
    assert_eq!(folds[0].name, "east");
    assert_eq!(
        (folds[0].train.clips(), folds[0].test.clips()),
        ([2, 3].as_slice(), [0, 1].as_slice())
    );
    assert_eq!(folds.len(), 2);
}

#[test]
fn a_subject_is_in_two_folds_of_a_column_only_where_it_is_said() {
    let data = dataset(&[("a", Some(0), Some("x")), ("a", Some(0), Some("y"))]);
    assert_eq!(folds(&data, &SHARED, 0).unwrap().len(), 2);
    // What says so is in the record; what does not say so reads as before.
    assert_eq!(toml::to_string(&SHARED).unwrap(), "kind = \"column\"\nshared_subjects = true\n");
    assert_eq!(toml::to_string(&COLUMN).unwrap(), "kind = \"column\"\n");
    assert_eq!(toml::from_str::<Protocol>("kind = 'column'").unwrap(), COLUMN);
}

#[test]
fn test_folds_restricts_what_is_run_and_all_others_are_trained_on() {
    let names = ["a", "b", "c"];
    let data = dataset(&names.map(|name| (name, Some(0), None)));
    let only = |names: &[&str]| Protocol::LeaveOneSubjectOut {
        test_folds: Some(names.iter().map(|name| name.to_string()).collect()),
    };
    let run = folds(&data, &only(&["c", "a"]), 0).unwrap();
    let names: Vec<&str> = run.iter().map(|fold| fold.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(run[1].train.clips(), [0, 1]);
    let error = folds(&data, &only(&["d"]), 0).unwrap_err().to_string();
    assert!(error.contains("no fold `d`; the folds are: a, b, c"), "{error}");
    assert!(folds(&data, &only(&[]), 0).unwrap_err().to_string().contains("an empty list"));
}

#[test]
fn a_split_that_cannot_be_judged_is_refused() {
    let lone = dataset(&[("a", Some(0), None), ("b", Some(0), None), ("b", Some(1), None)]);
    let shared = dataset(&[("a", Some(0), Some("0")), ("a", Some(0), Some("1"))]);
    let nameless = dataset(&[("a", Some(0), None), ("", Some(0), None)]);
    let single = dataset(&[("a", Some(0), None)]);
    for (data, protocol, message) in [
        (
            &lone,
            LOSO,
            "class `angry` has clips of one subject only (`b`), so the training part of fold `b` lacks it",
        ),
        (&lone, subject_folds(2), "class `angry` has clips of one subject only (`b`)"),
        (&lone, subject_folds(1), "protocol.k: 1 is not at least 2"),
        (&lone, subject_folds(3), "needs at least 3 subjects, but there are 2"),
        (&lone, COLUMN, "needs at least 2 folds, but there are 0"),
        (
            &shared,
            COLUMN,
            "subject `a` is in fold `0` and in fold `1`; a subject must be in one: mend the folds, or, where the split of the \
             corpus is meant to be like that, set shared_subjects = true",
        ),
        (&nameless, LOSO, "clip `001` has no subject"),
        (&single, LOSO, "needs at least 2 folds, but there are 1"),
    ] {
        let error = folds(data, &protocol, 0).unwrap_err().to_string();
        assert!(error.contains(message), "{protocol:?}: {error}");
    }
    // Where the lone subject is never tested, nothing is wrong.
    let protocol = Protocol::LeaveOneSubjectOut { test_folds: Some(vec!["a".into()]) };
    assert_eq!(folds(&lone, &protocol, 0).unwrap().len(), 1);
}

#[test]
fn a_validation_split_spares_the_last_subject_of_a_class() {
    let data = dataset(&[
        ("a", Some(0), None),
        ("b", Some(0), None),
        ("c", Some(1), None),
        ("d", None, None),
    ]);
    let train = Fold::whole(&data).train;
    for seed in 0..30 {
        let (fit, validation) = train.split_validation(&data, 0.25, seed).unwrap();
        let held_out = subjects(&data, validation.clips());
        assert!(held_out == ["a".into()].into() || held_out == ["b".into()].into(), "{held_out:?}");
        assert_eq!(fit.clips().len(), 3);
    }
    let pair = dataset(&[("a", Some(0), None), ("b", Some(1), None)]);
    let (fit, validation) = Fold::whole(&pair).train.split_validation(&pair, 0.5, 0).unwrap();
    assert_eq!((fit.clips().len(), validation.clips().len()), (1, 1), "spared if possible only");
    for share in [0.0, 1.0, f64::NAN] {
        assert!(train.split_validation(&data, share, 0).is_err());
    }
    let lone = dataset(&[("a", Some(0), None)]);
    assert!(Fold::whole(&lone).train.split_validation(&lone, 0.5, 0).is_err());
}
