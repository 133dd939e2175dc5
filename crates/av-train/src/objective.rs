//! The joint objective: classification + HGR correlation among audio, video and label.

use crate::batch::Batch;
use crate::experiment::{ObjectiveConfig, System};
use crate::model::Outputs;
use crate::{Error, Result};
use av_ops::{CrossEntropyConfig, cross_entropy};
use candle_core::Tensor;
use hgr_corr::{Mask, Missing, PairWeights, soft_hgr_views};
use serde::{Deserialize, Serialize};

/// The value to be minimised and its terms.
#[derive(Clone, Debug)]
pub struct JointLoss {
    /// Scalar with gradient.
    pub total: Tensor,
    /// The terms as numbers, for logs.
    pub terms: Terms,
}

/// The terms of a [`JointLoss`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Mean cross-entropy of the labelled rows, in nats.
    pub classification: f64,
    /// Soft-HGR score S(f, g) of audio and video on the batch; not evidence of common information,
    /// which is measured on held-out clips.
    pub audio_video: f64,
    /// Soft-HGR score S(f, h) of audio and label.
    pub audio_label: f64,
    /// Soft-HGR score S(g, h) of video and label.
    pub video_label: f64,
}

impl Terms {
    /// Adds the terms of a batch with a weight.
    pub(crate) fn add(&mut self, other: &Self, weight: f64) {
        self.classification += weight * other.classification;
        self.audio_video += weight * other.audio_video;
        self.audio_label += weight * other.audio_label;
        self.video_label += weight * other.video_label;
    }
}

/// The joint objective of a batch.
///
/// Definition: `CE(logits) - sum of w(pair) S(pair)` over the pairs audio-video, audio-label and
/// video-label. Labelled and unlabelled rows share one audio-video term; label pairs use the labelled
/// rows; a row without a modality drops out of its pairs. Only [`System::FusionHgr`] has the second sum.
///
/// Errors: [`Error::NonFinite`] names the term.
pub fn joint_loss(
    outputs: &Outputs,
    batch: &Batch,
    system: System,
    config: &ObjectiveConfig,
) -> Result<JointLoss> {
    let mut terms = Terms::default();
    let mut total = classification(outputs, batch, config.label_smoothing)?;
    if let Some(loss) = &total {
        terms.classification = finite("classification", scalar(loss)?)?;
    }
    if system == System::FusionHgr
        && let Some(correlation) = correlation(outputs, batch, config, &mut terms)?
    {
        total = Some(match total {
            Some(loss) => (loss + correlation)?,
            None => correlation,
        });
    }
    match total {
        Some(total) => Ok(JointLoss { total, terms }),
        None => Ok(JointLoss { total: (outputs.logits.sum_all()? * 0.0)?, terms }),
    }
}

/// Cross-entropy of the labelled rows; none without any.
fn classification(outputs: &Outputs, batch: &Batch, smoothing: f64) -> Result<Option<Tensor>> {
    let labelled =
        batch.labels.iter().zip(0u32..).filter_map(|(label, row)| Some((row, (*label)?)));
    let (rows, labels): (Vec<u32>, Vec<u32>) =
        labelled.map(|(row, label)| (row, label as u32)).unzip();
    if rows.is_empty() {
        return Ok(None);
    }
    let logits = if rows.len() == batch.len() {
        outputs.logits.clone()
    } else {
        outputs.logits.index_select(&Tensor::new(rows, outputs.logits.device())?, 0)?
    };
    let config = CrossEntropyConfig { smoothing, weights: None };
    Ok(Some(cross_entropy(&logits, &labels, &config)?))
}

/// The weighted HGR terms; none where audio or video is absent from the whole batch.
fn correlation(
    outputs: &Outputs,
    batch: &Batch,
    config: &ObjectiveConfig,
    terms: &mut Terms,
) -> Result<Option<Tensor>> {
    let (Some(f), Some(g)) = (&outputs.embeddings.audio, &outputs.embeddings.video) else {
        return Ok(None);
    };
    let present = |rows: &Option<crate::batch::Rows>, row: usize| {
        rows.as_ref().is_some_and(|rows| rows.present[row])
    };
    let mask: Vec<bool> = (0..batch.len())
        .flat_map(|row| {
            [
                present(&batch.inputs.audio, row),
                present(&batch.inputs.video, row),
                batch.labels[row].is_some(),
            ]
        })
        .collect();
    let mask = Mask::new(mask, batch.len(), 3)?;
    let (fg, fh, gh) = (config.audio_video, config.audio_label, config.video_label);
    let weights = PairWeights::new(vec![0.0, fg, fh, fg, 0.0, gh, fh, gh, 0.0], 3)?;
    let views = [f.clone(), g.clone(), outputs.label.clone()];
    let loss = soft_hgr_views(&views, Some(&mask), Some(&weights), Missing::Pairwise)?;
    for pair in &loss.pairs {
        let (name, term) = match (pair.i, pair.j) {
            (0, 1) => ("audio_video", &mut terms.audio_video),
            (0, _) => ("audio_label", &mut terms.audio_label),
            _ => ("video_label", &mut terms.video_label),
        };
        *term = finite(name, pair.cross - pair.penalty)?;
    }
    Ok(Some(loss.value))
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(tensor.to_dtype(candle_core::DType::F64)?.to_scalar()?)
}

fn finite(term: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() { Ok(value) } else { Err(Error::NonFinite { term, value }) }
}
