//! An experiment as it stands in a file, before its defaults are filled in.

use super::kind::Kind;
use super::system::{Comparison, PAPER, Shared, SystemEntry, default_comparisons};
use super::terms::ObjectiveTable;
use super::{Experiment, Sweep};
use crate::data::InputConfig;
use crate::model::ModelConfig;
use crate::model::fusion::{ConcatConfig, FusionConfig};
use crate::model::head::HeadConfig;
use crate::train::TrainingConfig;
use crate::{Error, Result};
use av_datasets::{CorpusConfig, Modalities, Modality, Protocol};
use av_encoders::NetworkConfig;
use av_features::augment::SpecAugment;
use serde::Deserialize;

/// The keys of an experiment file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExperimentFile {
    name: String,
    seeds: Vec<u64>,
    systems: Option<Vec<SystemEntry>>,
    compare: Option<Vec<Comparison>>,
    #[serde(default)]
    sweep: Sweep,
    dataset: CorpusConfig,
    #[serde(default)]
    inputs: Modalities<Option<InputConfig>>,
    /// Short for `inputs.audio`.
    audio: Option<InputConfig>,
    /// Short for `inputs.video`.
    video: Option<InputConfig>,
    protocol: Protocol,
    #[serde(default)]
    model: ModelTable,
    #[serde(default)]
    objective: ObjectiveTable,
    #[serde(default)]
    training: TrainingConfig,
    augmentation: Option<SpecAugment>,
    #[serde(default)]
    bad_clips: f64,
}

/// `[model]`: what all systems share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ModelTable {
    embedding: usize,
    encoders: Modalities<Option<NetworkConfig>>,
    fusion: Option<Kind<FusionConfig>>,
    head: Option<Kind<HeadConfig>>,
    /// Short for `fusion.hidden` of a concatenation.
    fusion_hidden: Option<usize>,
    /// Short for `fusion.dropout` of a concatenation.
    fusion_dropout: Option<f64>,
    /// Short for `encoders.audio`.
    audio: Option<NetworkConfig>,
    /// Short for `encoders.video`.
    video: Option<NetworkConfig>,
}

impl Default for ModelTable {
    fn default() -> Self {
        Self {
            embedding: ModelConfig::default().embedding,
            encoders: Modalities::default(),
            fusion: None,
            head: None,
            fusion_hidden: None,
            fusion_dropout: None,
            audio: None,
            video: None,
        }
    }
}

/// Puts what is given by a short key where its long key puts it.
fn put<T>(place: &mut Option<T>, long: &str, short: &str, value: Option<T>) -> Result<()> {
    match (&place, value) {
        (_, None) => Ok(()),
        (Some(_), Some(_)) => Err(Error::Setting {
            key: short.into(),
            actual: format!("given together with {long}"),
            expected: "given once",
        }),
        (None, value) => {
            *place = value;
            Ok(())
        }
    }
}

impl ModelTable {
    fn resolve(mut self) -> Result<ModelConfig> {
        for (modality, short, value) in [
            (Modality::Audio, "model.audio", self.audio.take()),
            (Modality::Video, "model.video", self.video.take()),
        ] {
            put(&mut self.encoders[modality], &format!("model.encoders.{modality}"), short, value)?;
        }
        let concat = (self.fusion_hidden.is_some() || self.fusion_dropout.is_some()).then(|| {
            let default = ConcatConfig::default();
            Kind(FusionConfig::Concat(ConcatConfig {
                hidden: self.fusion_hidden.unwrap_or(default.hidden),
                dropout: self.fusion_dropout.unwrap_or(default.dropout),
            }))
        });
        put(
            &mut self.fusion,
            "model.fusion",
            "model.fusion_hidden or model.fusion_dropout",
            concat,
        )?;
        Ok(ModelConfig {
            modalities: vec![], // each system has its own
            embedding: self.embedding,
            encoders: self.encoders.map(Option::unwrap_or_default),
            fusion: self.fusion.map(|Kind(it)| it).unwrap_or_default(),
            head: self.head.map(|Kind(it)| it).unwrap_or_default(),
            ..ModelConfig::default()
        })
    }
}

impl ExperimentFile {
    /// Fills in every default.
    ///
    /// # Errors
    ///
    /// A setting that is given twice, a system or term that is not known.
    pub fn resolve(self) -> Result<Experiment> {
        let mut inputs = self.inputs;
        put(&mut inputs[Modality::Audio], "inputs.audio", "audio", self.audio)?;
        put(&mut inputs[Modality::Video], "inputs.video", "video", self.video)?;
        let available: Vec<Modality> =
            inputs.iter().filter(|(_, input)| input.is_some()).map(|(it, _)| it).collect();
        let shared = Shared { model: self.model.resolve()?, terms: self.objective.terms()? };
        let entries = self.systems.unwrap_or_else(|| {
            let here =
                PAPER.iter().filter(|(_, reads, _)| reads.iter().all(|it| available.contains(it)));
            here.map(|(name, ..)| SystemEntry::Name((*name).into())).collect()
        });
        let systems: Vec<_> = entries
            .iter()
            .map(|entry| entry.resolve(&shared, &available))
            .collect::<Result<_>>()?;
        Ok(Experiment {
            name: self.name,
            seeds: self.seeds,
            compare: self.compare.unwrap_or_else(|| default_comparisons(&systems)),
            systems,
            sweep: self.sweep,
            dataset: self.dataset,
            inputs,
            protocol: self.protocol,
            training: self.training,
            augmentation: self.augmentation,
            bad_clips: self.bad_clips,
            variants: vec![],
        })
    }
}
