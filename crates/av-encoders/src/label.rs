use crate::Result;
use av_ops::{Init, Scope};
use candle_core::Tensor;

/// The label network h: a linear map of the one-hot label, that is one row of `K` numbers a class.
#[derive(Debug)]
pub struct LabelTable {
    table: Tensor,
}

impl LabelTable {
    /// A table of `classes` rows and `out_dim` columns.
    pub fn new(scope: &mut Scope, classes: usize, out_dim: usize) -> Result<Self> {
        let table = scope.weight("table", (classes, out_dim), Init::Normal { deviation: 1.0 })?;
        Ok(Self { table })
    }

    /// The rows of the given classes.
    ///
    /// Shapes: `(B)` of class indices (u32) to `(B, K)`.
    pub fn rows(&self, labels: &Tensor) -> Result<Tensor> {
        Ok(self.table.index_select(labels, 0)?)
    }

    /// The whole table `(C, K)`.
    pub fn table(&self) -> &Tensor {
        &self.table
    }
}
