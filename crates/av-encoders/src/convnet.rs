use crate::mlp::check_share;
use crate::{Encoder, Error, Result};
use av_ops::{
    BatchNorm, Conv2d, Conv2dConfig, Linear, Mode, Scope, channels_last, dropout, global_avg_pool,
};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of a [`ConvNet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvNetConfig {
    /// Output channels of each block; each block halves height and width.
    pub channels: Vec<usize>,
    /// Share of the pooled channels that dropout removes.
    pub dropout: f64,
}

impl Default for ConvNetConfig {
    fn default() -> Self {
        Self { channels: vec![16, 32, 64, 64], dropout: 0.3 }
    }
}

/// Blocks of 3 x 3 convolution with stride 2, batch normalisation and ReLU, then the mean over the
/// picture and a linear layer.
///
/// Used for face crops (three colours) and for log-mel patches (static, delta, delta-delta).
///
/// Shapes: `(B, C, H, W)` to `(B, K)`; any height and width.
#[derive(Debug)]
pub struct ConvNet {
    blocks: Vec<Block>,
    embedding: Linear,
    dropout: f64,
    out_dim: usize,
}

impl ConvNet {
    /// Builds the network for `in_channels` and `out_dim` embedding dimensions.
    ///
    /// Errors: no block, a block without channels, a dropout share outside `[0, 1)`.
    pub fn new(
        scope: &mut Scope,
        in_channels: usize,
        out_dim: usize,
        config: &ConvNetConfig,
    ) -> Result<Self> {
        check_share("convnet.dropout", config.dropout)?;
        if config.channels.is_empty() || config.channels.contains(&0) {
            return Err(Error::Setting {
                name: "convnet.channels",
                actual: format!("{:?}", config.channels),
                expected: "a list of one or more numbers, each at least 1",
            });
        }
        let mut blocks = Vec::with_capacity(config.channels.len());
        let mut width = in_channels;
        for (index, &channels) in config.channels.iter().enumerate() {
            blocks.push(Block::new(&mut scope.scope(&format!("block{index}")), width, channels)?);
            width = channels;
        }
        Ok(Self {
            blocks,
            embedding: Linear::new(&mut scope.scope("embedding"), width, out_dim)?,
            dropout: config.dropout,
            out_dim,
        })
    }
}

impl Encoder for ConvNet {
    fn encode(&self, x: &Tensor, mode: &mut Mode) -> Result<Tensor> {
        let mut x = channels_last(x)?;
        for block in &self.blocks {
            x = block.forward(&x, mode)?;
        }
        let pooled = dropout(&global_avg_pool(&x)?, self.dropout, mode)?;
        Ok(self.embedding.forward(&pooled)?)
    }

    fn out_dim(&self) -> usize {
        self.out_dim
    }
}

#[derive(Debug)]
struct Block {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Block {
    fn new(scope: &mut Scope, in_channels: usize, out_channels: usize) -> Result<Self> {
        let config = Conv2dConfig::square(2, 1);
        Ok(Self {
            conv: Conv2d::without_bias(
                &mut scope.scope("conv"),
                in_channels,
                out_channels,
                3,
                config,
            )?,
            norm: BatchNorm::new(&mut scope.scope("norm"), out_channels)?,
        })
    }

    fn forward(&self, x: &Tensor, mode: &Mode) -> Result<Tensor> {
        Ok(self.conv.forward_norm_relu(&self.norm, x, mode)?)
    }
}
