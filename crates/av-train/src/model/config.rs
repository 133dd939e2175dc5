//! The networks of a system, as an experiment file says them.

use super::{FusionConfig, HeadConfig};
use av_datasets::{Modalities, Modality};
use av_encoders::NetworkConfig;
use serde::{Deserialize, Serialize};

/// The networks of one system. Sizes are a reconstruction: the paper gives none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// What the system reads, each once, in the order of [`Modality::ALL`].
    pub modalities: Vec<Modality>,
    /// Dimensions `K` of each embedding.
    pub embedding: usize,
    /// The encoder of each modality.
    pub encoders: Modalities<NetworkConfig>,
    /// The fusion network; that of a single modality is its one hidden layer.
    pub fusion: FusionConfig,
    /// The last layers.
    pub head: HeadConfig,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            modalities: Modality::ALL.to_vec(),
            embedding: 32,
            encoders: Modalities::default(),
            fusion: FusionConfig::default(),
            head: HeadConfig::default(),
        }
    }
}
