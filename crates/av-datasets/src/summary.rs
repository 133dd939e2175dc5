//! Counts of clips per class and subject, and what they should be.

use crate::{AffectSummary, Dataset, Modalities};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How many clips a data set has, per class and subject. Its `Display` is a table for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// All clips.
    pub clips: usize,
    /// Clips without a label.
    pub unlabelled: usize,
    /// Clips without each modality.
    pub without: Modalities<usize>,
    /// Clips and subjects of each class, in the order of the classes.
    pub classes: Vec<ClassCount>,
    /// Clips of each subject.
    pub subjects: BTreeMap<String, usize>,
    /// Valence and arousal of the frames, where the corpus has such targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affect: Option<AffectSummary>,
    /// Files and rows that do not belong.
    pub problems: usize,
}

/// How many clips a class has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Name of the class.
    pub class: String,
    /// Its clips.
    pub clips: usize,
    /// The subjects that have such a clip.
    pub subjects: usize,
}

/// How many clips the complete corpus has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// All clips.
    pub clips: usize,
    /// All subjects, where their number is known.
    #[serde(default)]
    pub subjects: Option<usize>,
    /// Clips of each class.
    #[serde(default)]
    pub classes: BTreeMap<String, usize>,
}

/// A count that is not that of the complete corpus. Its `Display` is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is counted, in words: `clips`, `subjects`, ``clips of class `happy` ``.
    pub what: String,
    /// How many the complete corpus has.
    pub expected: usize,
    /// How many there are.
    pub actual: usize,
}

impl Difference {
    /// Whether there are more than expected, and not fewer.
    pub fn is_surplus(&self) -> bool {
        self.actual > self.expected
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { what, expected, actual } = self;
        let word = if self.is_surplus() { "too many" } else { "lacking" };
        let count = expected.abs_diff(*actual);
        write!(f, "{expected} {what} are expected, {actual} were found: {count} are {word}")
    }
}

impl Dataset {
    /// Counts the clips per class and subject.
    pub fn summary(&self) -> Summary {
        let classes = self.classes.iter().enumerate().map(|(index, class)| {
            let clips = || self.clips.iter().filter(move |clip| clip.emotion == Some(index));
            let subjects: BTreeSet<_> = clips().map(|clip| &clip.subject).collect();
            ClassCount { class: class.clone(), clips: clips().count(), subjects: subjects.len() }
        });
        let mut subjects = BTreeMap::new();
        for clip in &self.clips {
            *subjects.entry(clip.subject.clone()).or_default() += 1;
        }
        Summary {
            clips: self.clips.len(),
            unlabelled: self.clips.iter().filter(|clip| clip.emotion.is_none()).count(),
            without: Modalities::from_fn(|modality| {
                self.clips.iter().filter(|clip| clip.sources[modality].is_none()).count()
            }),
            classes: classes.collect(),
            subjects,
            affect: AffectSummary::of(self.clips.iter().flat_map(|clip| &clip.affect)),
            problems: self.problems.len(),
        }
    }
}

impl Summary {
    /// How many clips lack what, in words: "0 without sound, 3 without picture".
    pub fn lacking(&self) -> String {
        let counts = self.without.iter();
        let words =
            counts.map(|(modality, clips)| format!("{clips} without {}", modality.medium()));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The counts that differ from those of the complete corpus; empty: all agree.
    ///
    /// ```
    /// use av_datasets::{Dataset, Expected};
    /// let expected = Expected { clips: 192, subjects: None, classes: Default::default() };
    /// let differences = Dataset::default().summary().differences(&expected);
    /// assert_eq!(differences[0].to_string(), "192 clips are expected, 0 were found: 192 are lacking");
    /// ```
    pub fn differences(&self, expected: &Expected) -> Vec<Difference> {
        let mut differences = vec![];
        let mut compare = |what: &str, expected: usize, actual: usize| {
            if expected != actual {
                differences.push(Difference { what: what.into(), expected, actual });
            }
        };
        compare("clips", expected.clips, self.clips);
        if let Some(subjects) = expected.subjects {
            compare("subjects", subjects, self.subjects.len());
        }
        let found: BTreeMap<_, _> = self.classes.iter().map(|c| (&c.class, c.clips)).collect();
        let names: BTreeSet<_> = found.keys().copied().chain(expected.classes.keys()).collect();
        for class in names {
            let what = format!("clips of class `{class}`");
            let count = |counts: Option<&usize>| counts.copied().unwrap_or_default();
            compare(&what, count(expected.classes.get(class)), count(found.get(class)));
        }
        differences
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{} clips of {} subjects; {} unlabelled, {}; {} problems",
            self.clips,
            self.subjects.len(),
            self.unlabelled,
            self.lacking(),
            self.problems
        )?;
        let width = self.classes.iter().map(|c| c.class.chars().count()).max().unwrap_or(0).max(5);
        if let Some(affect) = &self.affect {
            writeln!(f, "{affect}")?;
        }
        writeln!(f, "{:width$}  clips  subjects", "class")?;
        for ClassCount { class, clips, subjects } in &self.classes {
            writeln!(f, "{class:width$}  {clips:>5}  {subjects:>8}")?;
        }
        Ok(())
    }
}
