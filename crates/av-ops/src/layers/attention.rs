//! Self-attention together with its linear maps.

use candle_core::Tensor;

use super::Linear;
use crate::attention::{AttentionMask, HeadLayout, attend};
use crate::parameters::Scope;
use crate::{Error, Result};

/// Multi-head self-attention: linear maps of a sequence to queries, keys and values,
/// [`attention`](fn@crate::attention) in each head, and a linear map of all heads together.
#[derive(Debug, Clone)]
pub struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
}

impl Attention {
    /// Creates the maps `query`, `key`, `value` and `output`, each as [`Linear::new`] from `width`
    /// to `width` elements; a head has `width / heads` of them.
    ///
    /// Errors: a width that is not a multiple of the number of heads, names that exist already.
    pub fn new(scope: &mut Scope<'_>, width: usize, heads: usize) -> Result<Self> {
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(Error::Argument {
                operator: "Attention",
                name: "heads",
                expected: "at least 1 and a divisor of the width",
                actual: format!("{heads} for a width of {width}"),
            });
        }
        let mut linear = |name: &str| Linear::new(&mut scope.scope(name), width, width);
        Ok(Self {
            query: linear("query")?,
            key: linear("key")?,
            value: linear("value")?,
            output: linear("output")?,
            heads,
        })
    }

    /// Lets each step of `x` (B, T, width) look at the steps of its sequence that the mask shows.
    ///
    /// Errors: as [`attention`](fn@crate::attention) and [`linear`](fn@crate::linear).
    pub fn forward(&self, x: &Tensor, mask: Option<AttentionMask<'_>>) -> Result<Tensor> {
        let heads = |map: &Linear| -> Result<Tensor> {
            let y = map.forward(x)?;
            let (batch, steps, width) = y.dims3()?;
            Ok(y.reshape((batch, steps, self.heads, width / self.heads))?)
        };
        let (q, k, v) = (heads(&self.query)?, heads(&self.key)?, heads(&self.value)?);
        let y = attend([&q, &k, &v], mask, HeadLayout::HeadsInside)?;
        self.output.forward(&y.flatten_from(2)?)
    }
}
