//! The networks of a system, as an experiment file says them.

use super::classifier::ClassifierConfig;
use super::fusion::FusionConfig;
use super::head::HeadConfig;
use av_datasets::{Modalities, Modality};
use av_encoders::NetworkConfig;
use serde::{Serialize, Serializer};

/// What decides in one system. Sizes of networks are a reconstruction: the paper gives none.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// What the system reads, each once, in the order of [`Modality::ALL`].
    pub modalities: Vec<Modality>,
    /// Networks, or a classifier of columns, which has none of what follows.
    pub classifier: ClassifierConfig,
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
            classifier: ClassifierConfig::default(),
            embedding: 32,
            encoders: Modalities::default(),
            fusion: FusionConfig::default(),
            head: HeadConfig::default(),
        }
    }
}

/// With the networks left out where the classifier is none.
impl Serialize for ModelConfig {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            modalities: &'a [Modality],
            classifier: &'a ClassifierConfig,
            #[serde(flatten)]
            networks: Option<Networks<'a>>,
        }
        #[derive(Serialize)]
        struct Networks<'a> {
            embedding: usize,
            encoders: &'a Modalities<NetworkConfig>,
            fusion: &'a FusionConfig,
            head: &'a HeadConfig,
        }
        let Self { modalities, classifier, embedding, encoders, fusion, head } = self;
        let networks = Networks { embedding: *embedding, encoders, fusion, head };
        let networks = classifier.of_columns().is_none().then_some(networks);
        Fields { modalities, classifier, networks }.serialize(output)
    }
}
