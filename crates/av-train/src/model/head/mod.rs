//! What the fused features say of a clip.
//!
//! A further kind is a file with a config and a [`Head`], and a variant of [`HeadConfig`].

mod linear;

pub use linear::LinearConfig;

use crate::Result;
use av_ops::Scope;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The last layers of a system.
pub trait Head: std::fmt::Debug + Send + Sync {
    /// Class scores before the softmax.
    ///
    /// # Shapes
    ///
    /// `(B, D)` to `(B, C)`.
    fn logits(&self, fused: &Tensor) -> Result<Tensor>;
}

/// Which head, with its settings: `head` of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum HeadConfig {
    /// One linear layer.
    Linear(LinearConfig),
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self::Linear(LinearConfig {})
    }
}

impl HeadConfig {
    /// Builds the head for `width` fused features.
    pub(crate) fn build(
        &self,
        scope: &mut Scope,
        width: usize,
        classes: usize,
    ) -> Result<Box<dyn Head>> {
        match self {
            Self::Linear(config) => Ok(Box::new(config.build(scope, width, classes)?)),
        }
    }
}
