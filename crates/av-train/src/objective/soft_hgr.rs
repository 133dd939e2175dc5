//! HGR correlation among the modalities and the label, as Soft-HGR.

use super::views::{View, is_pair, pair_name};
use super::{Term, TermValue, check_weight};
use crate::data::Batch;
use crate::model::Outputs;
use crate::{Error, Result};
use av_datasets::Modality;
use candle_core::Tensor;
use hgr_corr::{Loss, SoftHgr, label_hgr};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `- sum of w(pair) S(pair)` over the pairs of what the system reads and the label.
///
/// Labelled and unlabelled rows share one term for each pair of modalities; pairs with the label use the labelled rows; a
/// row without a modality drops out of its pairs; a pair of fewer than two rows has no term. S is the Soft-HGR score of the
/// batch: no evidence of common information, which is measured on held-out clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SoftHgrConfig {
    /// Weight of each pair that is not in `pairs`.
    pub weight: f64,
    /// Weights of single pairs, such as `audio_video` or `audio_label`.
    pub pairs: BTreeMap<String, f64>,
}

impl Default for SoftHgrConfig {
    fn default() -> Self {
        Self { weight: 0.3, pairs: BTreeMap::new() }
    }
}

impl SoftHgrConfig {
    fn weight_of(&self, a: View, b: View) -> f64 {
        self.pairs.get(&pair_name(a, b)).copied().unwrap_or(self.weight)
    }
}

impl Term for SoftHgrConfig {
    fn value(&self, outputs: &Outputs, batch: &Batch) -> Result<Option<TermValue>> {
        let mut sum: Option<Tensor> = None;
        let mut parts = vec![];
        for (a, b) in View::pairs() {
            let weight = self.weight_of(a, b);
            let loss = match (a, b) {
                _ if weight == 0.0 => None,
                (View::Of(a), View::Of(b)) => of_modalities(a, b, outputs, batch)?,
                (View::Of(modality), View::Label) => of_label(modality, outputs, batch)?,
                (View::Label, _) => None, // the label is the second of its pairs
            };
            let Some(Loss { value, cross, penalty }) = loss else { continue };
            parts.push((pair_name(a, b), cross - penalty));
            let weighted = (value * weight)?;
            sum = Some(match sum {
                Some(sum) => (sum + weighted)?,
                None => weighted,
            });
        }
        Ok(sum.map(|loss| TermValue { loss, parts }))
    }

    fn uses_unlabelled(&self) -> bool {
        true
    }

    fn check(&self, key: &str) -> Result<()> {
        check_weight(&format!("{key}.weight"), self.weight)?;
        for (pair, weight) in &self.pairs {
            let key = format!("{key}.pairs.{pair}");
            Error::check(&key, weight, is_pair(pair), "a pair such as audio_video or video_label")?;
            check_weight(&key, *weight)?;
        }
        Ok(())
    }
}

/// The loss of two modalities over the rows that have both.
fn of_modalities(
    a: Modality,
    b: Modality,
    outputs: &Outputs,
    batch: &Batch,
) -> Result<Option<Loss>> {
    let (Some(f), Some(g)) = (&outputs.embeddings[a], &outputs.embeddings[b]) else {
        return Ok(None);
    };
    let rows = rows(batch, |row| has(batch, a, row) && has(batch, b, row));
    let Some(rows) = rows else { return Ok(None) };
    Ok(Some(SoftHgr::default().loss(&select(f, &rows, batch)?, &select(g, &rows, batch)?)?))
}

/// The loss of a modality and the label over the labelled rows that have the modality.
fn of_label(modality: Modality, outputs: &Outputs, batch: &Batch) -> Result<Option<Loss>> {
    let Some(f) = &outputs.embeddings[modality] else { return Ok(None) };
    let rows = rows(batch, |row| has(batch, modality, row) && batch.labels[row].is_some());
    let Some(rows) = rows else { return Ok(None) };
    let labels = rows.iter().filter_map(|&row| batch.labels[row as usize]);
    let labels: Vec<u32> = labels.map(|label| label as u32).collect();
    Ok(Some(label_hgr(&select(f, &rows, batch)?, &labels, &outputs.label_table)?))
}

fn has(batch: &Batch, modality: Modality, row: usize) -> bool {
    batch.inputs[modality].as_ref().is_some_and(|rows| rows.present[row])
}

/// The rows for which `keep` holds; none where there are fewer than the two that a covariance needs.
fn rows(batch: &Batch, keep: impl Fn(usize) -> bool) -> Option<Vec<u32>> {
    let rows: Vec<u32> = (0u32..).take(batch.len()).filter(|&row| keep(row as usize)).collect();
    (rows.len() > 1).then_some(rows)
}

fn select(view: &Tensor, rows: &[u32], batch: &Batch) -> Result<Tensor> {
    if rows.len() == batch.len() {
        return Ok(view.clone());
    }
    Ok(view.index_select(&Tensor::new(rows, view.device())?, 0)?)
}
