//! Embeddings next to each other, and one hidden layer.

use super::Fusion;
use crate::{Error, Result};
use av_datasets::Modalities;
use av_ops::{Linear, Mode, Scope, dropout, relu};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of the fusion by concatenation. A reconstruction: the paper gives no size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConcatConfig {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Fraction of the hidden units that dropout removes.
    pub dropout: f64,
}

impl Default for ConcatConfig {
    fn default() -> Self {
        Self { hidden: 64, dropout: 0.5 }
    }
}

/// `dropout(relu(W relu([f; g; ...]) + b))`.
#[derive(Debug)]
pub(super) struct Concat {
    hidden: Linear,
    config: ConcatConfig,
}

impl ConcatConfig {
    pub(super) fn build(
        &self,
        scope: &mut Scope,
        modalities: usize,
        width: usize,
    ) -> Result<Concat> {
        Error::check("fusion.hidden", self.hidden, self.hidden > 0, "at least 1")?;
        let fits = (0.0..1.0).contains(&self.dropout);
        Error::check("fusion.dropout", self.dropout, fits, "in [0, 1)")?;
        let hidden = Linear::new(&mut scope.scope("hidden"), modalities * width, self.hidden)?;
        Ok(Concat { hidden, config: self.clone() })
    }
}

impl Fusion for Concat {
    fn fuse(&self, embeddings: &Modalities<Option<Tensor>>, mode: &mut Mode) -> Result<Tensor> {
        let side_by_side: Vec<&Tensor> =
            embeddings.iter().filter_map(|(_, it)| it.as_ref()).collect();
        let features = relu(&Tensor::cat(&side_by_side, 1)?)?;
        let hidden = relu(&self.hidden.forward(&features)?)?;
        Ok(dropout(&hidden, self.config.dropout, mode)?)
    }

    fn out_dim(&self) -> usize {
        self.config.hidden
    }
}
