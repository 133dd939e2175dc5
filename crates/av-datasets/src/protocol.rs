//! How subjects are split into training and test.

use crate::error::listed;
use crate::order::shuffled;
use crate::{Dataset, Error, Result, TestView, TrainView};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a data set is split: the `[protocol]` section of an experiment file.
///
/// No protocol puts clips of one subject on both sides, unless `shared_subjects` says so. `test_folds` names the folds to run; each is
/// trained on all the others. Default: all.
///
/// ```
/// use av_datasets::Protocol;
/// let protocol: Protocol = toml::from_str("kind = 'subject-folds'\nk = 5\ntest_folds = [4]")?;
/// assert_eq!(protocol, Protocol::SubjectFolds { k: 5, test_folds: Some(vec!["4".into()]) });
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Protocol {
    /// One fold a subject, with the subject's name.
    LeaveOneSubjectOut {
        /// The folds to run.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "names")]
        test_folds: Option<Vec<String>>,
    },
    /// `k` folds of whole subjects named `0`, `1`, ...; drawn with the seed so that classes and clips are
    /// spread evenly.
    SubjectFolds {
        /// Number of folds, 2 up to the number of subjects.
        k: usize,
        /// The folds to run.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "names")]
        test_folds: Option<Vec<String>>,
    },
    /// The folds that the clips name: the `fold` column of a table, group of a pattern or part of a corpus. Clips
    /// without a fold take no part.
    Column {
        /// The folds to run.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "names")]
        test_folds: Option<Vec<String>>,
        /// Whether a subject may have clips in two folds, as in corpora whose published split is by dialogue (MELD). A
        /// score then rests on known faces and voices. Default: no, it is an error.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared_subjects: bool,
    },
}

/// Names of folds; a number, as fold columns have, stands for its digits.
fn names<'de, D: Deserializer<'de>>(
    input: D,
) -> std::result::Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Name {
        Number(i64),
        Text(String),
    }
    let names: Option<Vec<Name>> = Option::deserialize(input)?;
    let text = |name| match name {
        Name::Number(number) => number.to_string(),
        Name::Text(text) => text,
    };
    Ok(names.map(|names| names.into_iter().map(text).collect()))
}

impl Protocol {
    fn test_folds(&self) -> Option<&[String]> {
        match self {
            Self::LeaveOneSubjectOut { test_folds }
            | Self::SubjectFolds { test_folds, .. }
            | Self::Column { test_folds, .. } => test_folds.as_deref(),
        }
    }
}

/// One split into training and test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Name of the fold.
    pub name: String,
    /// All that may be fitted to.
    pub train: TrainView,
    /// What it is judged by.
    pub test: TestView,
}

impl Fold {
    /// All clips for training and none for test: for the model that is kept.
    pub fn whole(dataset: &Dataset) -> Self {
        let clips = (0..dataset.clips.len()).collect();
        Self { name: "whole".into(), train: TrainView::new(clips), test: TestView::new(vec![]) }
    }
}

/// Clips of each group of subjects that is tested together, by name, in the order of the folds.
type Groups = Vec<(String, Vec<usize>)>;

/// Splits a data set. The same data set, protocol and seed give the same folds; the order of the clips does
/// not matter.
///
/// Errors: clips without a subject; fewer than two folds, or fewer subjects than `k`; an unknown name in
/// `test_folds`; a subject in two folds of a column without `shared_subjects`; a training part that lacks a class of its test part.
pub fn folds(dataset: &Dataset, protocol: &Protocol, seed: u64) -> Result<Vec<Fold>> {
    let subjects = subjects(dataset)?;
    let groups = match protocol {
        Protocol::LeaveOneSubjectOut { .. } => {
            subjects.into_iter().map(|(name, clips)| (name.into(), clips)).collect()
        }
        Protocol::SubjectFolds { k, .. } => balanced(dataset, &subjects, *k, seed)?,
        Protocol::Column { shared_subjects, .. } => given(dataset, *shared_subjects)?,
    };
    if groups.len() < 2 {
        let (what, unit) = ("a split into training and test", "folds");
        return Err(Error::TooFew { what, unit, expected: 2, actual: groups.len() });
    }
    let wanted = wanted(&groups, protocol.test_folds())?;
    let fold = |(index, (name, test)): (usize, &(String, Vec<usize>))| {
        let others = groups.iter().enumerate().filter(|(other, _)| *other != index);
        let mut train: Vec<usize> = others.flat_map(|(_, (_, clips))| clips).copied().collect();
        train.sort_unstable();
        check_classes(dataset, name, &train, test)?;
        let (train, test) = (TrainView::new(train), TestView::new(test.clone()));
        Ok(Fold { name: name.clone(), train, test })
    };
    groups
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| wanted.contains(name.as_str()))
        .map(fold)
        .collect()
}

/// Clips of each subject, ascending.
fn subjects(dataset: &Dataset) -> Result<BTreeMap<&str, Vec<usize>>> {
    let mut subjects: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, clip) in dataset.clips.iter().enumerate() {
        if clip.subject.is_empty() {
            return Err(Error::NoSubject { clip: clip.id.clone() });
        }
        subjects.entry(&clip.subject).or_default().push(index);
    }
    Ok(subjects)
}

/// Puts each subject, in random order and large ones first, into the fold that has least of its classes.
fn balanced(
    dataset: &Dataset,
    subjects: &BTreeMap<&str, Vec<usize>>,
    k: usize,
    seed: u64,
) -> Result<Groups> {
    if k < 2 {
        let expected = "at least 2".into();
        return Err(Error::Setting { key: "protocol.k", expected, actual: k.to_string() });
    }
    if subjects.len() < k {
        let (what, unit) = ("subject-folds", "subjects");
        return Err(Error::TooFew { what, unit, expected: k, actual: subjects.len() });
    }
    // Unlabelled clips count as one class more.
    let unlabelled = dataset.classes.len();
    let count = |clips: &[usize]| {
        let mut counts = vec![0.0; unlabelled + 1];
        for clip in clips.iter().filter_map(|&index| dataset.clips.get(index)) {
            if let Some(count) = counts.get_mut(clip.emotion.unwrap_or(unlabelled)) {
                *count += 1.0;
            }
        }
        counts
    };
    let all: Vec<usize> = (0..dataset.clips.len()).collect();
    let total = count(&all);
    let mut order = shuffled(subjects.keys().copied(), seed, "folds");
    order.sort_by_key(|subject| std::cmp::Reverse(subjects.get(subject).map_or(0, Vec::len)));

    let mut groups = vec![(vec![0.0; unlabelled + 1], Vec::new()); k];
    for subject in order {
        let Some(clips) = subjects.get(subject) else { continue };
        let own = count(clips);
        // How much of the subject's classes a fold has: sum over classes of the product of the two shares.
        let overlap = |counts: &[f64]| -> f64 {
            let classes = counts.iter().zip(&own).zip(&total).filter(|(_, total)| **total > 0.0);
            classes.map(|((count, own), total)| count * own / (total * total)).sum()
        };
        let least = groups.iter_mut().min_by(|(a, in_a), (b, in_b)| {
            overlap(a).total_cmp(&overlap(b)).then(in_a.len().cmp(&in_b.len()))
        });
        if let Some((counts, members)) = least {
            counts.iter_mut().zip(&own).for_each(|(count, own)| *count += own);
            members.extend(clips);
        }
    }
    let named = groups.into_iter().enumerate().map(|(index, (_, mut clips))| {
        clips.sort_unstable();
        (index.to_string(), clips)
    });
    Ok(named.collect())
}

/// The folds that the clips name.
fn given(dataset: &Dataset, shared_subjects: bool) -> Result<Groups> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut fold_of: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, clip) in dataset.clips.iter().enumerate() {
        let Some(fold) = clip.fold.as_deref() else { continue };
        let first = fold_of.entry(&clip.subject).or_insert(fold);
        if *first != fold && !shared_subjects {
            return Err(Error::SharedSubject {
                subject: clip.subject.clone(),
                first: (*first).into(),
                second: fold.into(),
            });
        }
        groups.entry(fold).or_default().push(index);
    }
    Ok(groups.into_iter().map(|(name, clips)| (name.into(), clips)).collect())
}

/// The names of the folds to run.
fn wanted<'g>(groups: &'g Groups, test_folds: Option<&'g [String]>) -> Result<BTreeSet<&'g str>> {
    let names: BTreeSet<&str> = groups.iter().map(|(name, _)| name.as_str()).collect();
    let Some(test_folds) = test_folds else { return Ok(names) };
    if test_folds.is_empty() {
        return Err(Error::Setting {
            key: "protocol.test_folds",
            expected: "at least one fold; without the key all folds are run".into(),
            actual: "an empty list".into(),
        });
    }
    match test_folds.iter().find(|name| !names.contains(name.as_str())) {
        None => Ok(test_folds.iter().map(String::as_str).collect()),
        Some(name) => {
            let available: Vec<&str> = groups.iter().map(|(name, _)| name.as_str()).collect();
            Err(Error::UnknownFold { name: name.clone(), available: listed(&available) })
        }
    }
}

/// A class that is tested must be trained.
fn check_classes(dataset: &Dataset, fold: &str, train: &[usize], test: &[usize]) -> Result<()> {
    let labelled = |clips: &[usize]| -> BTreeMap<usize, BTreeSet<String>> {
        let mut classes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for clip in clips.iter().filter_map(|&index| dataset.clips.get(index)) {
            if let Some(emotion) = clip.emotion {
                classes.entry(emotion).or_default().insert(clip.subject.clone());
            }
        }
        classes
    };
    let trained = labelled(train);
    let Some((class, subjects)) =
        labelled(test).into_iter().find(|(class, _)| !trained.contains_key(class))
    else {
        return Ok(());
    };
    let names: Vec<String> = subjects.into_iter().collect();
    let subjects = match names.as_slice() {
        [name] => format!("one subject only (`{name}`)"),
        names => format!("subjects of this fold only (`{}`)", names.join("`, `")),
    };
    let class = dataset.classes.get(class).cloned().unwrap_or_else(|| class.to_string());
    Err(Error::LostClass { class, subjects, fold: fold.into() })
}
