//! Batches of segments.

use crate::experiment::{System, TrainingConfig};
use crate::normaliser::{Normaliser, Scale};
use crate::part::{Item, Part};
use crate::{AudioVisual, Result};
use av_features::Features;
use av_ops::Streams;
use candle_core::{Device, Tensor};

/// Segments of clips, side by side. The i-th row of each modality comes from the same clip and time.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What each network reads.
    pub inputs: AudioVisual<Option<Rows>>,
    /// Class index of each row; none: unlabelled.
    pub labels: Vec<Option<usize>>,
}

/// The rows of a batch that have a modality.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Their features `(P, ...)`, P <= B.
    pub features: Tensor,
    /// For each of the B rows of the batch whether it has the modality.
    pub present: Vec<bool>,
}

/// A segment of a clip: index into the items of a part, position in the clip in `[0, 1)`, and whether its
/// picture is turned from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    pub item: usize,
    pub position: f64,
    pub mirrored: bool,
}

/// The batches of one epoch: from each clip some random segments, shuffled, split into batches of
/// nearly equal size (a rest of one or two rows would spoil batch statistics).
pub(crate) fn epoch_batches(
    part: &Part,
    streams: &Streams,
    epoch: usize,
    config: &TrainingConfig,
) -> Vec<Vec<Segment>> {
    let TrainingConfig { segments, batch, mirror, .. } = *config;
    let mut draws = streams.rng(&format!("segments/{epoch}"));
    let mut all: Vec<Segment> = (0..part.items.len())
        .flat_map(|item| (0..segments).map(move |_| item))
        .map(|item| {
            let (position, side) = (draws.uniform(), draws.uniform());
            Segment { item, position, mirrored: mirror && side < 0.5 }
        })
        .collect();
    streams.rng(&format!("shuffle/{epoch}")).shuffle(&mut all);
    let batches = ((all.len() as f64 / batch as f64).round() as usize).max(1);
    (0..batches)
        .map(|index| all[index * all.len() / batches..(index + 1) * all.len() / batches].to_vec())
        .collect()
}

/// `count` segments of a clip, evenly spaced; fewer where the clip has fewer.
pub(crate) fn even_segments(item: usize, features: &Item, count: usize) -> Vec<Segment> {
    let longest = features.features.map(|side| side.map_or(0, segments_of));
    let count = count.min(longest.audio.max(longest.video)).max(1);
    (0..count)
        .map(|index| Segment {
            item,
            position: (index as f64 + 0.5) / count as f64,
            mirrored: false,
        })
        .collect()
}

pub(crate) fn segments_of(features: &Features) -> usize {
    features.shape.first().copied().unwrap_or(0)
}

/// The features of one modality of a clip.
type Pick = for<'a> fn(&Item<'a>) -> Option<&'a Features>;

impl Batch {
    /// Gathers and normalises what `system` reads of the given segments.
    pub(crate) fn new(
        part: &Part,
        segments: &[Segment],
        normaliser: &Normaliser,
        system: System,
        device: &Device,
    ) -> Result<Self> {
        let audio = normaliser.audio.as_ref().filter(|_| system.hears());
        let video = normaliser.video.as_ref().filter(|_| system.sees());
        let rows = |scale: Option<&Scale>, pick: Pick| match scale {
            Some(scale) => Rows::new(part, segments, scale, pick, device),
            None => Ok(None),
        };
        Ok(Self {
            inputs: AudioVisual {
                audio: rows(audio, |item| item.features.audio)?,
                video: rows(video, |item| item.features.video)?,
            },
            labels: segments.iter().map(|segment| part.items[segment.item].label).collect(),
        })
    }

    /// Number of rows `B`.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

impl Rows {
    /// None when no row has the modality.
    fn new(
        part: &Part,
        segments: &[Segment],
        scale: &Scale,
        pick: Pick,
        device: &Device,
    ) -> Result<Option<Self>> {
        let mut values = vec![];
        let mut shape = vec![0];
        let mut present = Vec::with_capacity(segments.len());
        for segment in segments {
            let features = pick(&part.items[segment.item]);
            present.push(features.is_some());
            let Some(features) = features else { continue };
            let count = segments_of(features);
            let index = ((segment.position * count as f64) as usize).min(count.saturating_sub(1));
            scale.push(features, index, segment.mirrored, &mut values);
            shape.truncate(1);
            shape.extend_from_slice(&features.shape[1..]);
            shape[0] += 1;
        }
        if shape[0] == 0 {
            return Ok(None);
        }
        Ok(Some(Self { features: Tensor::from_vec(values, shape, device)?, present }))
    }
}
