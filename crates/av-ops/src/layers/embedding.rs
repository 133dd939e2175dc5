//! A table of learned rows.

use candle_core::Tensor;

use crate::Result;
use crate::embedding::embedding;
use crate::init::Init;
use crate::parameters::Scope;

/// A learned row for each index; see [`embedding`](fn@embedding).
#[derive(Debug, Clone)]
pub struct Embedding {
    weight: Tensor,
}

impl Embedding {
    /// Creates `weight` (rows, width), normal with variance 1.
    ///
    /// Errors: names that exist already.
    pub fn new(scope: &mut Scope<'_>, rows: usize, width: usize) -> Result<Self> {
        let init = Init::Normal { deviation: 1.0 };
        Ok(Self { weight: scope.weight("weight", (rows, width), init)? })
    }

    /// The rows that `indices` of any shape name, in a new last dimension.
    ///
    /// Errors: as [`embedding`](fn@embedding).
    pub fn forward(&self, indices: &Tensor) -> Result<Tensor> {
        embedding(&self.weight, indices)
    }
}
