//! Networks that turn features into embeddings: audio, visual and tabular.
//!
//! Each network reads one segment of one modality and gives `K` numbers, the maximal-correlation
//! functions f(x) and g(y) of the joint objective. The layer sizes are a reconstruction: the
//! paper this project follows publishes none.
//!
//! | input | network |
//! |---|---|
//! | pictures and log-mel patches `(B, C, H, W)` | [`ConvNet`] |
//! | vectors: functionals, feature tables `(B, D)` | [`Mlp`] |
//!
//! [`Network`] chooses between the first two by the shape of the input.
//!
//! What is not here: fusion and losses (`av-train`), operators (`av-ops`).
//!
//! ```
//! use av_encoders::{Encoder, Network, NetworkConfig};
//! use av_ops::{Mode, Parameters, Streams};
//! use candle_core::{DType, Device, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut parameters = Parameters::new(Streams::new(7), DType::F32, &Device::Cpu);
//! let config = NetworkConfig::default();
//! let network = Network::new(&mut parameters.scope("audio"), &[3, 64, 64], 32, &config)?;
//! let patches = Tensor::zeros((5, 3, 64, 64), DType::F32, &Device::Cpu)?;
//! let embeddings = network.encode(&patches, &mut Mode::Eval)?;
//! assert_eq!(embeddings.dims(), &[5, 32]);
//! # Ok(())
//! # }
//! ```

mod convnet;
mod error;
mod mlp;
mod network;

pub use convnet::{ConvNet, ConvNetConfig};
pub use error::{Error, Result};
pub use mlp::{Mlp, MlpConfig};
pub use network::{Network, NetworkConfig};

use av_ops::Mode;
use candle_core::Tensor;

/// A network from the features of segments to embeddings.
pub trait Encoder {
    /// Embeds a batch.
    ///
    /// Shapes: `(B, ...)` as the network was built for, to `(B, K)` with `K` = [`Encoder::out_dim`].
    fn encode(&self, x: &Tensor, mode: &mut Mode) -> Result<Tensor>;

    /// The number of embedding dimensions `K`.
    fn out_dim(&self) -> usize;
}
