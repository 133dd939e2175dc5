//! From segments to a decision about the clip.

use crate::batch::{Batch, Segment, even_segments};
use crate::experiment::System;
use crate::metrics::{Confusion, mean};
use crate::model::{DEVICE, Model};
use crate::normaliser::Normaliser;
use crate::part::Part;
use crate::{AudioVisual, Result};
use av_ops::Mode;
use candle_core::{DType, Tensor};

/// Segments that are evaluated at once; bounds memory.
const BATCH: usize = 256;

/// What a model says of a clip.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Name of the clip.
    pub id: String,
    /// True class, where known.
    pub label: Option<usize>,
    /// Probability of each class: the log-probabilities of the segments are averaged, then made to sum
    /// to 1.
    pub probabilities: Vec<f64>,
    /// Probabilities of each segment, with its position in the clip in `[0, 1)`.
    pub timeline: Vec<(f64, Vec<f64>)>,
    /// f(x) and g(y), means over the segments.
    pub embeddings: AudioVisual<Option<Vec<f64>>>,
}

impl Decision {
    /// The most probable class, the first of equals.
    pub fn class(&self) -> usize {
        let mut best = 0;
        for (class, probability) in self.probabilities.iter().enumerate() {
            if *probability > self.probabilities[best] {
                best = class;
            }
        }
        best
    }
}

/// Decides every clip of a part by `segments` evenly spaced segments each.
pub fn decide(
    model: &Model,
    normaliser: &Normaliser,
    system: System,
    part: &Part,
    segments: usize,
) -> Result<Vec<Decision>> {
    let all: Vec<Segment> = part
        .items
        .iter()
        .enumerate()
        .flat_map(|(item, features)| even_segments(item, features, segments))
        .collect();
    let mut clips: Vec<Sums> = part.items.iter().map(|_| Sums::default()).collect();
    for chunk in all.chunks(BATCH) {
        let batch = Batch::new(part, chunk, normaliser, system, &DEVICE)?;
        let outputs = model.forward(&batch, &mut Mode::Eval)?;
        let log_probabilities = rows(&candle_nn::ops::log_softmax(&outputs.logits, 1)?)?;
        let embeddings =
            outputs.embeddings.as_ref().try_map(|side| side.as_ref().map(rows).transpose())?;
        for (row, segment) in chunk.iter().enumerate() {
            let clip = &mut clips[segment.item];
            clip.timeline.push((segment.position, log_probabilities[row].clone()));
            let present = part.items[segment.item].features;
            if let (Some(_), Some(rows)) = (present.audio, &embeddings.audio) {
                add(&mut clip.audio, &rows[row]);
            }
            if let (Some(_), Some(rows)) = (present.video, &embeddings.video) {
                add(&mut clip.video, &rows[row]);
            }
        }
    }
    let clips = part.items.iter().zip(clips);
    Ok(clips.map(|(item, sums)| sums.decision(item.id, item.label)).collect())
}

/// Mean negative log-probability of the true class over labelled clips.
pub fn log_loss(decisions: &[Decision]) -> f64 {
    let losses: Vec<f64> = decisions
        .iter()
        .filter_map(|decision| Some(-decision.probabilities[decision.label?].ln()))
        .collect();
    mean(&losses)
}

/// Counts of true and decided classes over labelled clips.
pub fn confusion(decisions: &[Decision], classes: usize) -> Confusion {
    let mut counts = Confusion::new(classes);
    for decision in decisions {
        if let Some(label) = decision.label {
            counts.add(label, decision.class());
        }
    }
    counts
}

/// What is added up over the segments of a clip.
#[derive(Default)]
struct Sums {
    timeline: Vec<(f64, Vec<f64>)>,
    audio: Vec<f64>,
    video: Vec<f64>,
}

impl Sums {
    fn decision(self, id: &str, label: Option<usize>) -> Decision {
        let count = self.timeline.len() as f64;
        let mut log = vec![];
        self.timeline.iter().for_each(|(_, segment)| add(&mut log, segment));
        log.iter_mut().for_each(|value| *value /= count);
        let average = |sum: Vec<f64>| {
            (!sum.is_empty()).then(|| sum.iter().map(|value| value / count).collect())
        };
        Decision {
            id: id.into(),
            label,
            probabilities: exponentials(&log),
            timeline: self.timeline.iter().map(|(at, log)| (*at, exponentials(log))).collect(),
            embeddings: AudioVisual { audio: average(self.audio), video: average(self.video) },
        }
    }
}

/// Probabilities from log-probabilities up to a constant.
fn exponentials(log: &[f64]) -> Vec<f64> {
    let largest = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = log.iter().map(|value| (value - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

fn add(sum: &mut Vec<f64>, values: &[f64]) {
    sum.resize(values.len(), 0.0);
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

fn rows(tensor: &Tensor) -> candle_core::Result<Vec<Vec<f64>>> {
    tensor.to_dtype(DType::F64)?.to_vec2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_decided_by_the_mean_of_log_probabilities() {
        let segments = [[0.9f64, 0.1], [0.4, 0.6], [0.4, 0.6]];
        let timeline =
            segments.iter().map(|row| (0.5, row.iter().map(|p| p.ln()).collect())).collect();
        let decision = Sums { timeline, ..Sums::default() }.decision("a", Some(0));
        // Geometric means 0.9^(1/3) 0.4^(2/3) and 0.1^(1/3) 0.6^(2/3), made to sum to 1.
        let (first, second) = (0.144f64.cbrt(), 0.036f64.cbrt());
        assert!((decision.probabilities[0] - first / (first + second)).abs() < 1e-12);
        assert_eq!(decision.class(), 0);
    }
}
