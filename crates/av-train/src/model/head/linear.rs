//! One linear layer.

use super::Head;
use crate::Result;
use av_ops::{Linear, Scope};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The linear head has no setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearConfig {}

/// `W x + b`, one row of `W` per class.
#[derive(Debug)]
pub(super) struct LinearHead {
    classes: Linear,
}

impl LinearConfig {
    pub(super) fn build(
        &self,
        scope: &mut Scope,
        width: usize,
        classes: usize,
    ) -> Result<LinearHead> {
        Ok(LinearHead { classes: Linear::new(&mut scope.scope("classes"), width, classes)? })
    }
}

impl Head for LinearHead {
    fn logits(&self, fused: &Tensor) -> Result<Tensor> {
        Ok(self.classes.forward(fused)?)
    }
}
