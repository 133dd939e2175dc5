//! Classification of the labelled rows.

use super::{Term, TermValue, check_weight, scalar};
use crate::data::Batch;
use crate::model::Outputs;
use crate::{Error, Result};
use av_ops::cross_entropy;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Mean cross-entropy of the labelled rows, in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrossEntropyConfig {
    /// Weight in the objective.
    pub weight: f64,
    /// Fraction of the target probability that is spread evenly over the classes.
    pub smoothing: f64,
}

impl Default for CrossEntropyConfig {
    fn default() -> Self {
        Self { weight: 1.0, smoothing: 0.0 }
    }
}

impl Term for CrossEntropyConfig {
    fn value(&self, outputs: &Outputs, batch: &Batch) -> Result<Option<TermValue>> {
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
        let config = av_ops::CrossEntropyConfig { smoothing: self.smoothing, weights: None };
        let loss = cross_entropy(&logits, &labels, &config)?;
        let parts = vec![(String::new(), scalar(&loss)?)];
        // A product with 1 would change no bit and cost a node.
        let loss = if self.weight == 1.0 { loss } else { (loss * self.weight)? };
        Ok(Some(TermValue { loss, parts }))
    }

    fn uses_unlabelled(&self) -> bool {
        false
    }

    fn check(&self, key: &str) -> Result<()> {
        check_weight(&format!("{key}.weight"), self.weight)?;
        let fits = (0.0..1.0).contains(&self.smoothing);
        Error::check(&format!("{key}.smoothing"), self.smoothing, fits, "in [0, 1)")
    }
}
