//! The clips that a step may see, each subset with what it is for in its type.

use super::features::FeatureSet;
use av_datasets::{Dataset, Modalities, TestView, TrainView};
use av_features::Features;
use std::marker::PhantomData;

/// What is fitted to: networks, normalisers, everything.
#[derive(Clone, Debug)]
pub enum Fit {}

/// What early stopping looks at: clips of the training view that nothing else is fitted to.
#[derive(Clone, Debug)]
pub enum Validation {}

/// What a system is judged by.
#[derive(Clone, Debug)]
pub enum Test {}

/// Some clips with their features and labels, for one purpose.
///
/// A function that is given a `Subset<Fit>` can see no other clip, and no `Subset<Test>` can be passed for it: one is made of
/// a [`TrainView`], the other of a [`TestView`].
#[derive(Clone, Debug)]
pub struct Subset<'a, Purpose> {
    examples: Vec<Example<'a>>,
    purpose: PhantomData<Purpose>,
}

/// One clip.
#[derive(Clone, Debug)]
pub struct Example<'a> {
    /// Name of the clip.
    pub id: &'a str,
    /// Name of the person; empty: not known.
    pub subject: &'a str,
    /// Class index; none: unlabelled.
    pub label: Option<usize>,
    /// What was extracted; none: the clip lacks the modality.
    pub features: Modalities<Option<&'a Features>>,
}

impl<'a, Purpose> Subset<'a, Purpose> {
    /// Clips that were gathered by hand. The caller vouches for their purpose.
    pub fn of(examples: Vec<Example<'a>>) -> Self {
        Self { examples, purpose: PhantomData }
    }

    /// The given clips of a data set, without those that have no features at all.
    fn gather(dataset: &'a Dataset, features: &'a FeatureSet, clips: &[usize]) -> Self {
        let examples = clips.iter().filter_map(|&clip| {
            let features = features.clips.get(clip)?.as_ref().map(Option::as_ref);
            let clip = dataset.clips.get(clip)?;
            let usable = features.iter().any(|(_, features)| features.is_some());
            usable.then_some(Example {
                id: &clip.id,
                subject: &clip.subject,
                label: clip.emotion,
                features,
            })
        });
        Self::of(examples.collect())
    }

    /// The clips, in the order of the data set.
    pub fn examples(&self) -> &[Example<'a>] {
        &self.examples
    }

    /// The clips with a label.
    pub fn labelled(&self) -> Self {
        Self::of(self.examples.iter().filter(|it| it.label.is_some()).cloned().collect())
    }

    /// Takes the labels of all clips but those that `keep` holds for, by their place.
    pub(crate) fn hide_labels(&mut self, keep: impl Fn(usize) -> bool) {
        for (index, example) in self.examples.iter_mut().enumerate() {
            if !keep(index) {
                example.label = None;
            }
        }
    }
}

impl<'a> Subset<'a, Fit> {
    /// The clips of a training view.
    pub fn fit(dataset: &'a Dataset, features: &'a FeatureSet, view: &TrainView) -> Self {
        Self::gather(dataset, features, view.clips())
    }

    /// These clips and then those of validation, for training again after early stopping.
    pub(crate) fn with(&self, validation: &Subset<'a, Validation>) -> Self {
        Self::of([&self.examples[..], &validation.examples].concat())
    }
}

impl<'a> Subset<'a, Validation> {
    /// The labelled clips of the part of a training view that is held out for early stopping.
    pub fn validation(dataset: &'a Dataset, features: &'a FeatureSet, view: &TrainView) -> Self {
        Self::gather(dataset, features, view.clips()).labelled()
    }
}

impl<'a> Subset<'a, Test> {
    /// The labelled clips of a test view.
    pub fn test(dataset: &'a Dataset, features: &'a FeatureSet, view: &TestView) -> Self {
        Self::gather(dataset, features, view.clips()).labelled()
    }
}
