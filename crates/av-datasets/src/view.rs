//! Parts of a data set that cannot be taken for each other.

use crate::order::shuffled;
use crate::{Dataset, Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The clips that may be fitted to: networks, normalisers, early stopping, everything.
///
/// It can be had from [`folds`](crate::folds) and [`Fold::whole`](crate::Fold::whole) alone, so that a
/// function whose argument is a `TrainView` cannot be given a test clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainView {
    clips: Vec<usize>,
}

/// The clips that a fold is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestView {
    clips: Vec<usize>,
}

impl TestView {
    pub(crate) fn new(clips: Vec<usize>) -> Self {
        Self { clips }
    }

    /// Indices into [`Dataset::clips`], ascending.
    pub fn clips(&self) -> &[usize] {
        &self.clips
    }
}

impl TrainView {
    pub(crate) fn new(clips: Vec<usize>) -> Self {
        Self { clips }
    }

    /// Indices into [`Dataset::clips`], ascending.
    pub fn clips(&self) -> &[usize] {
        &self.clips
    }

    /// Holds out subjects for early stopping and the like: `(fit, validation)`, with no subject in both.
    ///
    /// `fraction` of the subjects is held out, rounded, at least one and not all. Which ones depends on the
    /// seed and the subjects' names. Fewer are held out where the fit part would otherwise lose its last
    /// clip of a class; where that happens with every single subject, one is held out all the same.
    /// Subjects with labelled clips are held out before those without any.
    ///
    /// Errors: fewer than two subjects; a fraction that is not between 0 and 1.
    pub fn split_validation(
        &self,
        dataset: &Dataset,
        fraction: f64,
        seed: u64,
    ) -> Result<(Self, Self)> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(Error::Setting {
                key: "fraction of validation subjects",
                expected: "between 0 and 1".into(),
                actual: fraction.to_string(),
            });
        }
        let subjects = self.subjects(dataset);
        let count = subjects.len();
        if count < 2 {
            let (what, unit) = ("a validation split", "training subjects");
            return Err(Error::TooFew { what, unit, expected: 2, actual: count });
        }
        // Between 0 and the number of subjects, so the cast loses nothing but the fraction.
        let wanted = ((fraction * count as f64).round() as usize).clamp(1, count - 1);
        let held_out = hold_out(&subjects, wanted, seed);
        let (validation, fit) = self.clips.iter().partition(|&&index| {
            dataset.clips.get(index).is_some_and(|clip| held_out.contains(clip.subject.as_str()))
        });
        Ok((Self::new(fit), Self::new(validation)))
    }

    /// How many clips of each class every subject has.
    fn subjects<'d>(&self, dataset: &'d Dataset) -> Subjects<'d> {
        let mut subjects = Subjects::new();
        for clip in self.clips.iter().filter_map(|&index| dataset.clips.get(index)) {
            let classes = subjects.entry(&clip.subject).or_default();
            if let Some(emotion) = clip.emotion {
                *classes.entry(emotion).or_default() += 1;
            }
        }
        subjects
    }
}

/// Clips of each class of every subject.
type Subjects<'d> = BTreeMap<&'d str, BTreeMap<usize, usize>>;

fn hold_out<'d>(subjects: &Subjects<'d>, wanted: usize, seed: u64) -> BTreeSet<&'d str> {
    let mut order = shuffled(subjects.keys().copied(), seed, "validation");
    order.sort_by_key(|subject| subjects.get(subject).is_none_or(BTreeMap::is_empty));
    let mut left: BTreeMap<usize, usize> = BTreeMap::new();
    for (&class, &clips) in subjects.values().flatten() {
        *left.entry(class).or_default() += clips;
    }
    let mut held_out = BTreeSet::new();
    for subject in &order {
        let Some(classes) = subjects.get(subject) else { continue };
        let spared = classes.iter().all(|(class, clips)| left.get(class) > Some(clips));
        if spared && held_out.len() < wanted {
            held_out.insert(*subject);
            for (class, clips) in classes {
                left.entry(*class).and_modify(|left| *left -= clips);
            }
        }
    }
    if held_out.is_empty() {
        held_out.extend(order.first());
    }
    held_out
}
