//! Batches of segments.

use crate::experiment::{System, TrainingConfig};
use crate::normaliser::{Normaliser, Scale};
use crate::part::{Item, Part};
use crate::{AudioVisual, Result};
use av_features::augment::SpecAugment;
use av_features::{Features, Values};
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

/// A segment of a clip: index into the items of a part, position in the clip in `[0, 1)`, whether its
/// picture is turned from left to right, and the masks over its log-mel patch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    pub item: usize,
    pub position: f64,
    pub mirrored: bool,
    pub masks: Option<Masks>,
}

/// Masks and the seed that places them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Masks {
    pub config: SpecAugment,
    pub seed: u64,
}

impl Masks {
    /// Covers parts of a normalised log-mel patch by 0, the mean of the training clips.
    fn apply(&self, shape: &[usize], patch: &mut [f32]) -> Result<()> {
        if let [_, channels, bands, frames] = *shape {
            self.config.apply(patch, [channels, bands, frames], 0.0, self.seed)?;
        }
        Ok(())
    }
}

/// The batches of one epoch: from each clip some random segments, shuffled, split into batches of
/// nearly equal size (a rest of one or two rows would spoil batch statistics).
pub(crate) fn epoch_batches(
    part: &Part,
    streams: &Streams,
    epoch: usize,
    config: &TrainingConfig,
    augmentation: Option<SpecAugment>,
) -> Vec<Vec<Segment>> {
    let TrainingConfig { segments, batch, mirror, .. } = *config;
    let mut draws = streams.rng(&format!("segments/{epoch}"));
    let mut seeds = streams.rng(&format!("masks/{epoch}"));
    let mut all: Vec<Segment> = (0..part.items.len())
        .flat_map(|item| (0..segments).map(move |_| item))
        .map(|item| {
            let (position, side) = (draws.uniform(), draws.uniform());
            let masks = augmentation.map(|config| Masks { config, seed: seeds.below(u64::MAX) });
            Segment { item, position, mirrored: mirror && side < 0.5, masks }
        })
        .collect();
    streams.rng(&format!("shuffle/{epoch}")).shuffle(&mut all);
    let batches = ((all.len() as f64 / batch as f64).round() as usize).max(1);
    (0..batches)
        .map(|index| all[index * all.len() / batches..(index + 1) * all.len() / batches].to_vec())
        .collect()
}

/// `count` segments of a clip as they are, evenly spaced; fewer where the clip has fewer.
pub(crate) fn even_segments(item: usize, features: &Item, count: usize) -> Vec<Segment> {
    let longest = features.features.map(|side| side.map_or(0, segments_of));
    let count = count.min(longest.audio.max(longest.video)).max(1);
    (0..count)
        .map(|index| Segment {
            item,
            position: (index as f64 + 0.5) / count as f64,
            mirrored: false,
            masks: None,
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
            let start = values.len();
            scale.push(features, index, segment.mirrored, &mut values);
            if let (Some(masks), Values::F32(_)) = (segment.masks, &features.values) {
                masks.apply(&features.shape, &mut values[start..])?;
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normaliser::fit_normaliser;
    use crate::part::Item;

    const SHAPE: [usize; 4] = [5, 3, 8, 10];

    fn features(clip: usize) -> Features {
        let mut rng = Streams::new(9).rng(&format!("clip/{clip}"));
        let values = (0..SHAPE.iter().product::<usize>()).map(|_| rng.normal() as f32).collect();
        Features {
            shape: SHAPE.to_vec(),
            values: Values::F32(values),
            times_s: vec![],
            names: vec![],
            faces: None,
            warnings: vec![],
        }
    }

    fn part(clips: &[Features]) -> Part<'_> {
        let item = |features| Item {
            id: "clip",
            label: Some(0),
            features: AudioVisual { audio: Some(features), video: None },
        };
        Part { items: clips.iter().map(item).collect() }
    }

    fn values(part: &Part, segments: &[Segment]) -> Vec<f32> {
        let normaliser = fit_normaliser(part);
        let batch = Batch::new(part, segments, &normaliser, System::Audio, &Device::Cpu).unwrap();
        let rows = batch.inputs.audio.unwrap().features;
        rows.flatten_all().unwrap().to_vec1().unwrap()
    }

    const MASKS: SpecAugment =
        SpecAugment { time_masks: 2, time_width: 4, frequency_masks: 1, frequency_width: 3 };

    #[test]
    fn masks_cover_training_segments_alone_and_change_no_other_draw() {
        let clips: Vec<Features> = (0..6).map(features).collect();
        let part = part(&clips);
        let (streams, config) = (Streams::new(3), TrainingConfig::default());
        let epoch = |epoch, masks| epoch_batches(&part, &streams, epoch, &config, masks).concat();
        let plain = epoch(1, None);
        let masked = epoch(1, Some(MASKS));
        for (a, b) in plain.iter().zip(&masked) {
            assert_eq!(*a, Segment { masks: None, ..*b });
        }
        let (plain, seen) = (values(&part, &plain), values(&part, &masked));
        let covered = plain.iter().zip(&seen).filter(|(a, b)| a != b).count();
        assert!(covered > plain.len() / 20, "{covered} of {} are covered", plain.len());
        // What is not covered is as it was.
        assert!(plain.iter().zip(&seen).all(|(a, b)| a == b || *b == 0.0));
        assert_eq!(values(&part, &epoch(1, Some(MASKS))), seen, "the same epoch again");
        assert_ne!(epoch(2, Some(MASKS))[0].masks, masked[0].masks);
        for (item, features) in part.items.iter().enumerate() {
            let even = even_segments(item, features, 4);
            assert!(even.iter().all(|segment| segment.masks.is_none()));
        }
    }
}
