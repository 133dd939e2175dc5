use crate::{ConvNet, ConvNetConfig, Encoder, Error, Mlp, MlpConfig, Result};
use av_ops::{Mode, Scope};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of a [`Network`]: those of the kind that the input asks for are used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// For vectors.
    pub mlp: MlpConfig,
    /// For pictures and log-mel patches.
    pub convnet: ConvNetConfig,
}

/// The encoder of one modality, chosen by the shape of its features.
#[derive(Debug)]
pub enum Network {
    /// For vectors `(D)`.
    Mlp(Mlp),
    /// For pictures `(C, H, W)`.
    ConvNet(ConvNet),
}

impl Network {
    /// Builds the network for segments of the given shape.
    ///
    /// Errors: a shape that is neither `(D)` nor `(C, H, W)`, a setting out of range.
    pub fn new(
        scope: &mut Scope,
        segment: &[usize],
        out_dim: usize,
        config: &NetworkConfig,
    ) -> Result<Self> {
        match *segment {
            [columns] => Ok(Self::Mlp(Mlp::new(scope, columns, out_dim, &config.mlp)?)),
            [channels, _, _] => {
                Ok(Self::ConvNet(ConvNet::new(scope, channels, out_dim, &config.convnet)?))
            }
            _ => Err(Error::InputShape { shape: segment.to_vec() }),
        }
    }
}

impl Encoder for Network {
    fn encode(&self, x: &Tensor, mode: &mut Mode) -> Result<Tensor> {
        match self {
            Self::Mlp(network) => network.encode(x, mode),
            Self::ConvNet(network) => network.encode(x, mode),
        }
    }

    fn out_dim(&self) -> usize {
        match self {
            Self::Mlp(network) => network.out_dim(),
            Self::ConvNet(network) => network.out_dim(),
        }
    }
}
