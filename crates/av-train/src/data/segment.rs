//! Which moments of which clips a batch is made of.

use super::subset::{Example, Fit, Subset};
use super::timeline::{Timeline, segments_of};
use crate::Result;
use av_datasets::Modality;
use av_features::augment::SpecAugment;
use av_ops::Streams;

/// A segment of a clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    /// Place of the clip in its subset.
    pub example: usize,
    /// Position on the time line of the clip in `[0, 1)`.
    pub position: f64,
    /// Whether its picture is turned from left to right.
    pub flipped: bool,
    /// Masks over its log-mel patch.
    pub masks: Option<Masks>,
}

impl Segment {
    /// Whether a modality of its clip has anything at its moment, on the time line of the given modalities.
    pub fn shows(&self, example: &Example, modalities: &[Modality], modality: Modality) -> bool {
        let line = Timeline::of(&example.features, modalities);
        let features = example.features[modality];
        features.is_some_and(|features| line.segment(features, self.position).is_some())
    }

    /// Whether any of them has: of tracks that do not overlap, none has what lies between them.
    fn shows_any(&self, example: &Example, modalities: &[Modality]) -> bool {
        let apart = Timeline::of(&example.features, modalities).is_apart();
        !apart || modalities.iter().any(|&it| self.shows(example, modalities, it))
    }
}

/// Masks and the seed that places them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Masks {
    pub config: SpecAugment,
    pub seed: u64,
}

impl Masks {
    /// Covers parts of a normalised log-mel patch by 0, the mean of the training clips.
    pub fn apply(&self, shape: &[usize], patch: &mut [f32]) -> Result<()> {
        if let [_, channels, bands, frames] = *shape {
            self.config.apply(patch, [channels, bands, frames], 0.0, self.seed)?;
        }
        Ok(())
    }
}

/// How an epoch is cut into batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampling {
    /// Segments drawn from each clip.
    pub segments: usize,
    /// Segments per batch.
    pub batch: usize,
    /// Whether every other picture, drawn at random, is turned from left to right.
    pub horizontal_flip: bool,
    /// Masks over log-mel patches.
    pub masks: Option<SpecAugment>,
}

/// The batches of one epoch: from each clip some random segments, shuffled, split into batches of
/// nearly equal size (a rest of one or two rows would spoil batch statistics).
pub(crate) fn epoch_batches(
    subset: &Subset<Fit>,
    modalities: &[Modality],
    streams: &Streams,
    epoch: usize,
    sampling: &Sampling,
) -> Vec<Vec<Segment>> {
    let Sampling { segments, batch, horizontal_flip, masks } = *sampling;
    let mut draws = streams.rng(&format!("segments/{epoch}"));
    let mut seeds = streams.rng(&format!("masks/{epoch}"));
    let mut all: Vec<Segment> = (0..subset.examples().len())
        .flat_map(|example| (0..segments).map(move |_| example))
        .map(|example| {
            let (position, side) = (draws.uniform(), draws.uniform());
            let masks = masks.map(|config| Masks { config, seed: seeds.below(u64::MAX) });
            Segment { example, position, flipped: horizontal_flip && side < 0.5, masks }
        })
        .filter(|it| it.shows_any(&subset.examples()[it.example], modalities))
        .collect();
    streams.rng(&format!("shuffle/{epoch}")).shuffle(&mut all);
    let batches = ((all.len() as f64 / batch as f64).round() as usize).max(1);
    (0..batches)
        .map(|index| all[index * all.len() / batches..(index + 1) * all.len() / batches].to_vec())
        .collect()
}

/// `count` segments of a clip as they are, evenly spaced; fewer where none of the given modalities has as many.
pub(crate) fn even_segments(
    index: usize,
    example: &Example,
    modalities: &[Modality],
    count: usize,
) -> Vec<Segment> {
    let lengths = modalities.iter().map(|&it| example.features[it].map_or(0, segments_of));
    let count = count.min(lengths.max().unwrap_or(0)).max(1);
    (0..count)
        .map(|segment| Segment {
            example: index,
            position: (segment as f64 + 0.5) / count as f64,
            flipped: false,
            masks: None,
        })
        .filter(|segment| segment.shows_any(example, modalities))
        .collect()
}
