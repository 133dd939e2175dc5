use crate::{Encoder, Error, Result};
use av_ops::{Linear, Mode, Scope, dropout, relu};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of an [`Mlp`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlpConfig {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Share of the input columns that dropout removes.
    pub input_dropout: f64,
    /// Share of the hidden units that dropout removes.
    pub dropout: f64,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self { hidden: 128, input_dropout: 0.5, dropout: 0.5 }
    }
}

/// One hidden layer on a vector: functionals or a row of a feature table.
///
/// Definition: `W2 dropout(relu(W1 dropout(x) + b1)) + b2`.
///
/// Shapes: `(B, D)` to `(B, K)`.
#[derive(Debug)]
pub struct Mlp {
    hidden: Linear,
    embedding: Linear,
    config: MlpConfig,
    out_dim: usize,
}

impl Mlp {
    /// Builds the network for `in_dim` columns and `out_dim` embedding dimensions.
    ///
    /// Errors: a dropout fraction outside `[0, 1)`, a width of 0.
    pub fn new(
        scope: &mut Scope,
        in_dim: usize,
        out_dim: usize,
        config: &MlpConfig,
    ) -> Result<Self> {
        for (name, fraction) in
            [("mlp.input_dropout", config.input_dropout), ("mlp.dropout", config.dropout)]
        {
            check_fraction(name, fraction)?;
        }
        if config.hidden == 0 {
            return Err(Error::Setting {
                name: "mlp.hidden",
                actual: "0".into(),
                expected: "at least 1",
            });
        }
        Ok(Self {
            hidden: Linear::new(&mut scope.scope("hidden"), in_dim, config.hidden)?,
            embedding: Linear::new(&mut scope.scope("embedding"), config.hidden, out_dim)?,
            config: config.clone(),
            out_dim,
        })
    }
}

impl Encoder for Mlp {
    fn encode(&self, x: &Tensor, mode: &mut Mode) -> Result<Tensor> {
        let x = dropout(x, self.config.input_dropout, mode)?;
        let hidden = relu(&self.hidden.forward(&x)?)?;
        let hidden = dropout(&hidden, self.config.dropout, mode)?;
        Ok(self.embedding.forward(&hidden)?)
    }

    fn out_dim(&self) -> usize {
        self.out_dim
    }
}

/// A dropout fraction must leave something.
pub(crate) fn check_fraction(name: &'static str, fraction: f64) -> Result<()> {
    if (0.0..1.0).contains(&fraction) {
        return Ok(());
    }
    Err(Error::Setting { name, actual: fraction.to_string(), expected: "in [0, 1)" })
}
