//! From segments to a prediction for the clip.

use crate::Result;
use crate::data::{Batch, Normaliser, Segment, Subset, even_segments};
use crate::model::{DEVICE, Model};
use av_datasets::Modalities;
use av_eval::ClassDecisions;
use av_ops::Mode;
use candle_core::{DType, Tensor};

/// Segments that are evaluated at once; bounds memory.
const BATCH: usize = 256;

/// What a model says of a clip.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Name of the clip.
    pub id: String,
    /// Name of the person; empty: not known.
    pub subject: String,
    /// True class, where known.
    pub label: Option<usize>,
    /// Probability of each class: the log-probabilities of the segments are averaged, then made to sum
    /// to 1.
    pub probabilities: Vec<f64>,
    /// Probabilities of each segment, with its position in the clip in `[0, 1)`.
    pub timeline: Vec<(f64, Vec<f64>)>,
    /// f(x), g(y), ... of each modality, means over the segments.
    pub embeddings: Modalities<Option<Vec<f64>>>,
}

impl Prediction {
    /// The most probable class, the first of equals.
    pub fn class(&self) -> usize {
        av_eval::argmax(&self.probabilities)
    }
}

/// Predicts every clip of a subset by up to `segments` evenly spaced segments each.
pub fn predict<Purpose>(
    model: &Model,
    normaliser: &Normaliser,
    subset: &Subset<Purpose>,
    segments: usize,
) -> Result<Vec<Prediction>> {
    let examples = subset.examples();
    let all: Vec<Segment> = examples
        .iter()
        .enumerate()
        .flat_map(|(index, example)| even_segments(index, example, model.modalities(), segments))
        .collect();
    let mut clips: Vec<Sums> = examples.iter().map(|_| Sums::default()).collect();
    for chunk in all.chunks(BATCH) {
        let batch = Batch::gather(subset, chunk, normaliser, model.modalities(), &DEVICE)?;
        let outputs = model.forward(&batch, &mut Mode::Eval)?;
        let logits = rows(&outputs.logits)?;
        let embeddings =
            outputs.embeddings.as_ref().try_map(|_, it| it.as_ref().map(rows).transpose())?;
        for (row, segment) in chunk.iter().enumerate() {
            let clip = &mut clips[segment.example];
            clip.timeline.push((segment.position, log_softmax(&logits[row])));
            for (modality, rows) in embeddings.iter() {
                let present = batch.inputs[modality].as_ref().is_some_and(|it| it.present[row]);
                if let (true, Some(rows)) = (present, rows) {
                    add(&mut clip.embeddings[modality], &rows[row]);
                    clip.shown[modality] += 1;
                }
            }
        }
    }
    let clips = examples.iter().zip(clips);
    Ok(clips.map(|(it, sums)| sums.prediction(it.id, it.subject, it.label)).collect())
}

/// True classes and probabilities of the labelled clips, for scores.
pub fn decisions(predictions: &[Prediction], classes: usize) -> Result<ClassDecisions> {
    let labelled = predictions.iter().filter_map(|it| Some((it.label?, &it.probabilities)));
    let (truth, probabilities): (Vec<usize>, Vec<&Vec<f64>>) = labelled.unzip();
    let probabilities = probabilities.into_iter().flatten().copied().collect();
    Ok(ClassDecisions::new(classes, truth, probabilities)?)
}

/// What is added up over the segments of a clip.
#[derive(Default)]
struct Sums {
    timeline: Vec<(f64, Vec<f64>)>,
    embeddings: Modalities<Vec<f64>>,
    /// Segments that show each modality.
    shown: Modalities<usize>,
}

impl Sums {
    fn prediction(self, id: &str, subject: &str, label: Option<usize>) -> Prediction {
        let count = self.timeline.len() as f64;
        let mut log = vec![];
        self.timeline.iter().for_each(|(_, segment)| add(&mut log, segment));
        log.iter_mut().for_each(|value| *value /= count);
        let average = |(sum, shown): (Vec<f64>, usize)| {
            (shown > 0).then(|| sum.iter().map(|value| value / shown as f64).collect())
        };
        Prediction {
            id: id.into(),
            subject: subject.into(),
            label,
            probabilities: exponentials(&log),
            timeline: self.timeline.iter().map(|(at, log)| (*at, exponentials(log))).collect(),
            embeddings: self.embeddings.zip(self.shown).map(average),
        }
    }
}

/// Log-probabilities from the scores before the softmax.
fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let constant = largest + sum.ln();
    logits.iter().map(|logit| logit - constant).collect()
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
    fn a_clip_is_predicted_by_the_mean_of_log_probabilities() {
        let segments = [[0.9f64, 0.1], [0.4, 0.6], [0.4, 0.6]];
        let timeline =
            segments.iter().map(|row| (0.5, row.iter().map(|p| p.ln()).collect())).collect();
        let sums = Sums { timeline, ..Sums::default() };
        let prediction = sums.prediction("a", "somebody", Some(0));
        // Geometric means 0.9^(1/3) 0.4^(2/3) and 0.1^(1/3) 0.6^(2/3), made to sum to 1.
        let (first, second) = (0.144f64.cbrt(), 0.036f64.cbrt());
        assert!((prediction.probabilities[0] - first / (first + second)).abs() < 1e-12);
        assert_eq!(prediction.class(), 0);
    }

    #[test]
    fn log_probabilities_are_those_of_scores_of_any_size() {
        // softmax(0, ln 3) = (1/4, 3/4).
        for offset in [0.0, -1000.0, 1e6] {
            let found = log_softmax(&[offset, offset + 3.0f64.ln()]);
            for (found, expected) in found.iter().zip([0.25f64.ln(), 0.75f64.ln()]) {
                assert!((found - expected).abs() < 1e-9, "{offset}: {found}");
            }
        }
        assert_eq!(log_softmax(&[0.0, -2000.0]), [0.0, -2000.0]);
    }
}
