//! Segments gathered into tensors.

use super::normaliser::{Normaliser, Scaling};
use super::segment::Segment;
use super::subset::Subset;
use super::timeline::Timeline;
use crate::Result;
use av_datasets::{Modalities, Modality};
use av_features::Values;
use candle_core::{DType, Device, Tensor};

/// Segments of clips. Row i of each modality comes from the same clip and time.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What each network reads; none: no row has the modality, or the system does not use it.
    pub inputs: Modalities<Option<BatchRows>>,
    /// Class index of each row; none: unlabelled.
    pub labels: Vec<Option<usize>>,
}

/// The rows of a batch that have a modality.
#[derive(Clone, Debug)]
pub struct BatchRows {
    /// Their features `(P, ...)`, P <= B.
    pub features: Tensor,
    /// For each of the B rows of the batch whether it has the modality: its clip does, at its moment.
    pub present: Vec<bool>,
}

impl Batch {
    /// Gathers and normalises the given modalities of some segments.
    pub(crate) fn gather<Purpose>(
        subset: &Subset<Purpose>,
        segments: &[Segment],
        normaliser: &Normaliser,
        modalities: &[Modality],
        device: &Device,
    ) -> Result<Self> {
        let lines = segments
            .iter()
            .map(|segment| Timeline::of(&subset.examples()[segment.example].features, modalities));
        let moments: Vec<_> = segments.iter().zip(lines).collect();
        let inputs = normaliser.as_ref().try_map(|modality, scaling| {
            match scaling.as_ref().filter(|_| modalities.contains(&modality)) {
                Some(scaling) => BatchRows::gather(subset, &moments, modality, scaling, device),
                None => Ok(None),
            }
        })?;
        let labels = segments.iter().map(|segment| subset.examples()[segment.example].label);
        Ok(Self { inputs, labels: labels.collect() })
    }

    /// The given modalities, each of so many columns, next to each other `(B, D)`; 0, the mean, where a row lacks one.
    pub(crate) fn columns(&self, widths: &[(Modality, usize)], dtype: DType) -> Result<Tensor> {
        let parts = widths.iter().map(|&(modality, width)| match &self.inputs[modality] {
            Some(rows) => rows.in_place(&rows.features.flatten_from(1)?.to_dtype(dtype)?),
            None => Ok(Tensor::zeros((self.len(), width), dtype, &Device::Cpu)?),
        });
        Ok(Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)?)
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

impl BatchRows {
    /// Puts what was made of the rows `(P, ...)` back to their positions in the batch `(B, ...)`, 0 elsewhere.
    pub(crate) fn in_place(&self, made: &Tensor) -> Result<Tensor> {
        if self.present.iter().all(|&present| present) {
            return Ok(made.clone());
        }
        let count = made.dim(0)?;
        let nothing = made.narrow(0, 0, 1)?.zeros_like()?;
        let mut next = 0;
        let positions = self.present.iter().map(|&present| {
            if !present {
                return count as u32;
            }
            next += 1;
            next - 1
        });
        let positions = Tensor::from_iter(positions, made.device())?;
        Ok(Tensor::cat(&[made, &nothing], 0)?.index_select(&positions, 0)?)
    }

    /// None when no row has the modality.
    fn gather<Purpose>(
        subset: &Subset<Purpose>,
        moments: &[(&Segment, Timeline)],
        modality: Modality,
        scaling: &Scaling,
        device: &Device,
    ) -> Result<Option<Self>> {
        let of = |segment: &Segment| subset.examples()[segment.example].features[modality];
        let first = moments.iter().find_map(|(segment, _)| of(segment));
        let row = first.map_or(0, |first| first.shape[1..].iter().product());
        let mut values = Vec::with_capacity(moments.len() * row);
        let mut shape = vec![0];
        let mut present = Vec::with_capacity(moments.len());
        for (segment, line) in moments {
            let part = of(segment).and_then(|it| Some((it, line.segment(it, segment.position)?)));
            present.push(part.is_some());
            let Some((features, index)) = part else { continue };
            let start = values.len();
            scaling.push(features, index, segment.flipped, &mut values);
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
    use crate::data::segment::{Sampling, epoch_batches, even_segments};
    use crate::data::{Example, Fit, fit_normaliser};
    use av_features::Features;
    use av_features::augment::SpecAugment;
    use av_ops::Streams;

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

    fn subset(clips: &[Features]) -> Subset<'_, Fit> {
        let example = |features| Example {
            id: "clip",
            subject: "somebody",
            label: Some(0),
            features: Modalities::from_fn(|it| (it == Modality::Audio).then_some(features)),
        };
        Subset::of(clips.iter().map(example).collect())
    }

    fn values(subset: &Subset<Fit>, segments: &[Segment]) -> Vec<f32> {
        let normaliser = fit_normaliser(subset);
        let audio = Modality::Audio;
        let batch = Batch::gather(subset, segments, &normaliser, &[audio], &Device::Cpu).unwrap();
        let rows = batch.inputs[audio].as_ref().unwrap().features.clone();
        rows.flatten_all().unwrap().to_vec1().unwrap()
    }

    const MASKS: SpecAugment =
        SpecAugment { time_masks: 2, time_width: 4, frequency_masks: 1, frequency_width: 3 };

    #[test]
    fn masks_cover_training_segments_alone_and_change_no_other_draw() {
        let clips: Vec<Features> = (0..6).map(features).collect();
        let subset = subset(&clips);
        let streams = Streams::new(3);
        let sampling = Sampling { segments: 1, batch: 64, horizontal_flip: true, masks: None };
        let epoch = |epoch, masks| {
            epoch_batches(
                &subset,
                &[Modality::Audio],
                &streams,
                epoch,
                &Sampling { masks, ..sampling },
            )
            .concat()
        };
        let plain = epoch(1, None);
        let masked = epoch(1, Some(MASKS));
        for (a, b) in plain.iter().zip(&masked) {
            assert_eq!(*a, Segment { masks: None, ..*b });
        }
        let (plain, seen) = (values(&subset, &plain), values(&subset, &masked));
        let covered = plain.iter().zip(&seen).filter(|(a, b)| a != b).count();
        assert!(covered > plain.len() / 20, "{covered} of {} are covered", plain.len());
        // What is not covered is as it was.
        assert!(plain.iter().zip(&seen).all(|(a, b)| a == b || *b == 0.0));
        assert_eq!(values(&subset, &epoch(1, Some(MASKS))), seen, "the same epoch again");
        assert_ne!(epoch(2, Some(MASKS))[0].masks, masked[0].masks);
        for (index, example) in subset.examples().iter().enumerate() {
            let even = even_segments(index, example, &[Modality::Audio], 4);
            assert!(even.iter().all(|segment| segment.masks.is_none()));
        }
    }
}
