//! HGR correlation among the modalities and the label, as Soft-HGR.

use super::views::{View, is_pair, pair_name};
use super::{Term, TermValue, check_weight};
use crate::data::Batch;
use crate::model::Outputs;
use crate::{Error, Result};
use candle_core::Tensor;
use hgr_corr::{Mask, Missing, PairWeights, soft_hgr_views};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `- sum of w(pair) S(pair)` over the pairs of what the system reads and the label.
///
/// Labelled and unlabelled rows share one term for each pair of modalities; pairs with the label use the labelled rows; a
/// row without a modality drops out of its pairs. S is the Soft-HGR score of the batch: no evidence of common information,
/// which is measured on held-out clips.
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
        let mut views = vec![];
        for (modality, embedding) in outputs.embeddings.iter() {
            if let (Some(embedding), Some(rows)) = (embedding, &batch.inputs[modality]) {
                views.push((View::Of(modality), embedding.clone(), rows.present.clone()));
            }
        }
        if views.len() < 2 {
            return Ok(None);
        }
        let classes: Vec<u32> =
            batch.labels.iter().map(|label| label.unwrap_or(0) as u32).collect();
        let classes = Tensor::from_vec(classes, batch.len(), outputs.logits.device())?;
        let labelled = batch.labels.iter().map(Option::is_some).collect();
        views.push((View::Label, outputs.label_table.index_select(&classes, 0)?, labelled));

        let count = views.len();
        let mask = (0..batch.len()).flat_map(|row| views.iter().map(move |(.., has)| has[row]));
        let mask = Mask::new(mask.collect(), batch.len(), count)?;
        let weight = |i: usize, j: usize| match (views.get(i), views.get(j)) {
            (Some((a, ..)), Some((b, ..))) if i != j => self.weight_of(*a.min(b), *a.max(b)),
            _ => 0.0,
        };
        let weights = (0..count).flat_map(|i| (0..count).map(move |j| (i, j)));
        let weights = PairWeights::new(weights.map(|(i, j)| weight(i, j)).collect(), count)?;
        let tensors: Vec<Tensor> = views.iter().map(|(_, tensor, _)| tensor.clone()).collect();
        let loss = soft_hgr_views(&tensors, Some(&mask), Some(&weights), Missing::Pairwise)?;
        let parts = loss
            .pairs
            .iter()
            .map(|pair| (pair_name(views[pair.i].0, views[pair.j].0), pair.cross - pair.penalty));
        Ok(Some(TermValue { parts: parts.collect(), loss: loss.value }))
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
