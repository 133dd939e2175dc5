use crate::mlp::check_fraction;
use crate::{Encoder, Error, Result};
use av_ops::{
    BatchNorm, Conv2d, Conv2dConfig, Linear, Mode, Scope, by_rows, channels_last, dropout,
    global_avg_pool,
};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Elements of pictures that go through the blocks together in evaluation: with what the blocks give for them, the
/// second-level cache holds them.
const CACHED: usize = 1 << 17;

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
    /// Errors: no block, a block without channels, a dropout fraction outside `[0, 1)`.
    pub fn new(
        scope: &mut Scope,
        in_channels: usize,
        out_dim: usize,
        config: &ConvNetConfig,
    ) -> Result<Self> {
        check_fraction("convnet.dropout", config.dropout)?;
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

impl ConvNet {
    /// The mean over the picture of the last block's result, in training.
    fn train(&self, x: &Tensor, mode: &Mode) -> Result<Tensor> {
        let mut x = channels_last(x)?;
        for Block { conv, norm } in &self.blocks {
            x = norm.forward_relu(&conv.forward(&x)?, mode)?;
        }
        Ok(global_avg_pool(&x)?)
    }

    /// The same in evaluation: a few pictures go through all blocks before the next ones do.
    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let blocks = self.blocks.iter().map(|Block { conv, norm }| conv.with_norm_relu(norm));
        let blocks = blocks.collect::<av_ops::Result<Vec<_>>>()?;
        let (_, channels, height, width) = x.dims4()?;
        let pictures = CACHED / (channels * height * width).max(1);
        Ok(by_rows(x, pictures, |x| {
            let mut x = channels_last(x)?;
            for block in &blocks {
                x = block.forward(&x)?;
            }
            global_avg_pool(&x)
        })?)
    }
}

impl Encoder for ConvNet {
    fn encode(&self, x: &Tensor, mode: &mut Mode) -> Result<Tensor> {
        let pooled = if mode.is_train() { self.train(x, mode)? } else { self.evaluate(x)? };
        Ok(self.embedding.forward(&dropout(&pooled, self.dropout, mode)?)?)
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
}
