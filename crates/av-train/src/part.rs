//! The clips that a step may see.

use crate::{AudioVisual, Inputs};
use av_datasets::Dataset;
use av_features::Features;

/// Some clips with their features and labels. A function that is given a `Part` can see no other clip.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The clips, in the order of the data set.
    pub items: Vec<Item<'a>>,
}

/// One clip.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Name of the clip.
    pub id: &'a str,
    /// Class index; none: unlabelled.
    pub label: Option<usize>,
    /// What was extracted; none: the clip lacks the modality.
    pub features: AudioVisual<Option<&'a Features>>,
}

impl<'a> Part<'a> {
    /// The given clips of a data set, without those that have neither sound nor picture.
    pub fn new(dataset: &'a Dataset, inputs: &'a Inputs, clips: &[usize]) -> Self {
        let items = clips.iter().filter_map(|&clip| {
            let features = inputs.clips.get(clip)?.as_ref().map(Option::as_ref);
            let clip = dataset.clips.get(clip)?;
            let usable = features.audio.is_some() || features.video.is_some();
            usable.then_some(Item { id: &clip.id, label: clip.emotion, features })
        });
        Self { items: items.collect() }
    }

    /// The clips with a label.
    pub fn labelled(&self) -> Self {
        self.filter(|item| item.label.is_some())
    }

    /// The clips for which `keep` holds.
    pub fn filter(&self, keep: impl Fn(&Item) -> bool) -> Self {
        Self { items: self.items.iter().filter(|item| keep(item)).cloned().collect() }
    }
}
