//! How the embeddings of several modalities become one vector.
//!
//! A further kind is a file with a config and a [`Fusion`], and a variant of [`FusionConfig`].

mod concat;

pub use concat::ConcatConfig;

use crate::Result;
use av_datasets::Modalities;
use av_ops::{Mode, Scope};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// A fusion network.
pub trait Fusion: std::fmt::Debug + Send + Sync {
    /// Fuses the embeddings of a batch.
    ///
    /// # Shapes
    ///
    /// `(B, K)` for each modality that the system uses, 0 in rows that lack it, to `(B, D)` with `D` =
    /// [`Fusion::out_dim`]. The modalities of the system are given in the order of
    /// [`Modality::ALL`](av_datasets::Modality::ALL).
    fn fuse(&self, embeddings: &Modalities<Option<Tensor>>, mode: &mut Mode) -> Result<Tensor>;

    /// The number `D` of fused features.
    fn out_dim(&self) -> usize;
}

/// Which fusion network, with its settings: `fusion` of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FusionConfig {
    /// Embeddings next to each other, and one hidden layer.
    Concat(ConcatConfig),
}

impl Default for FusionConfig {
    fn default() -> Self {
        Self::Concat(ConcatConfig::default())
    }
}

impl FusionConfig {
    /// Builds the network for `modalities` embeddings of `width` numbers each.
    ///
    /// # Errors
    ///
    /// A setting out of range.
    pub(crate) fn build(
        &self,
        scope: &mut Scope,
        modalities: usize,
        width: usize,
    ) -> Result<Box<dyn Fusion>> {
        match self {
            Self::Concat(config) => Ok(Box::new(config.build(scope, modalities, width)?)),
        }
    }
}
