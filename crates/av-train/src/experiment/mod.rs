//! The experiment file: what is trained on what, and how it is judged.

mod check;
mod file;
mod kind;
mod overrides;
mod sweep;
mod system;
mod terms;
#[cfg(test)]
mod tests;

pub use sweep::{Sweep, Variant};
pub use system::{Comparison, System};

use crate::data::InputConfig;
use crate::train::TrainingConfig;
use crate::{Error, Result};
use av_datasets::{CorpusConfig, Modalities, Protocol};
use av_features::augment::SpecAugment;
use file::ExperimentFile;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::Path;

/// An experiment file larger than this is something else.
const MAX_BYTES: u64 = 1 << 20;

/// An experiment, as read from a TOML file, with every default filled in. Unknown keys are errors.
///
/// # Keys
///
/// | key | what | default |
/// |---|---|---|
/// | `name` | name of the experiment and of its folder | |
/// | `seeds` | one training run per fold, system and seed | |
/// | `[dataset]` | the corpus | |
/// | `[inputs.audio]`, `[inputs.video]`, short `[audio]`, `[video]` | features of each modality; one that no system reads may be left out | |
/// | `[protocol]` | how subjects are split into training and test | |
/// | `systems` | a list of names of the paper's systems, or tables `[[systems]]`: [`System`] | audio, video, fusion, fusion_hgr |
/// | `[[compare]]` | pairs `a`, `b` of systems whose scores are compared | each with the first |
/// | `[sweep]` | `"key" = [values]`: the experiment once for each combination | |
/// | `[model]` | what the networks of all systems share: [`ModelConfig`](crate::model::ModelConfig) | |
/// | `[objective]` | terms by name, for the systems that have them: [`TermConfig`](crate::objective::TermConfig) | |
/// | `[training]` | the optimiser and its schedule: [`TrainingConfig`] | |
/// | `[augmentation]` | masks over log-mel patches | none |
/// | `bad_clips` | fraction of clips with a problem that is accepted | 0 |
///
/// A table of `[[systems]]` has a `name` and, where it differs from `[model]` and the rest of the file, `modalities`,
/// `embedding`, `encoders`, `fusion`, `head` and `objective`; in the last, a term is a table with a `kind`, or `true` (as in
/// `[objective]`), or `false` (not at all). `fusion`, `head` and `classifier` are tables with a `kind`, or the kind alone. A
/// system with another `classifier` than `network` has nothing of what belongs to networks:
/// [`ClassifierConfig`](crate::model::classifier::ClassifierConfig).
///
/// ```
/// let experiment = av_train::Experiment::parse(
///     r#"
///     name = "ravdess"
///     seeds = [1, 2, 3]
///     dataset = { kind = "ravdess" }
///     inputs.audio = { kind = "log-mel" }
///     inputs.video = { kind = "face-crops", size = 48 }
///     protocol = { kind = "subject-folds", k = 4 }
///
///     [[systems]]
///     name = "fusion"
///     [[systems]]
///     name = "strong"
///     objective.correlation = { kind = "soft-hgr", weight = 1.0 }
///     "#,
///     &["training.epochs=5".into()],
/// )?;
/// assert_eq!(experiment.training.epochs, 5);
/// assert_eq!(experiment.compare[0].a, "strong");
/// # Ok::<(), av_train::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Experiment {
    /// Name of the experiment and of its folder under `runs/`.
    pub name: String,
    /// One training run per fold, system and seed.
    pub seeds: Vec<u64>,
    /// The systems to train.
    pub systems: Vec<System>,
    /// The systems whose scores are compared.
    pub compare: Vec<Comparison>,
    /// Values of keys, each combination a variant.
    #[serde(skip_serializing_if = "Sweep::is_empty")]
    pub sweep: Sweep,
    /// The corpus.
    pub dataset: CorpusConfig,
    /// Features of each modality.
    pub inputs: Modalities<Option<InputConfig>>,
    /// How subjects are split into training and test.
    pub protocol: Protocol,
    /// The optimiser and its schedule.
    pub training: TrainingConfig,
    /// Masks over the log-mel patches of training segments, other ones each time; by default none. Segments
    /// by which a clip is decided, in validation and in the test, are never masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<SpecAugment>,
    /// Largest fraction of clips with a problem (unreadable, without sound or picture, with a name that is
    /// not UTF-8) that is still accepted. Such clips are listed in the record. Default 0: the first one
    /// stops the run.
    pub bad_clips: f64,
    /// The experiments of a sweep; none where nothing is swept.
    #[serde(skip)]
    pub variants: Vec<Variant>,
}

impl<'de> Deserialize<'de> for Experiment {
    /// Without the variants of a sweep.
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        ExperimentFile::deserialize(input)?.resolve().map_err(serde::de::Error::custom)
    }
}

impl Experiment {
    /// Reads an experiment file and applies `key=value` settings. Files that it names are looked for from its folder.
    ///
    /// # Errors
    ///
    /// An unreadable file, an unknown or missing key, a value out of range; each names the
    /// file, and the line where there is one.
    pub fn read(path: &Path, settings: &[String]) -> Result<Self> {
        let read = |source| Error::Read { path: path.into(), source };
        let metadata = std::fs::metadata(path).map_err(read)?;
        // A pipe would be waited for without end.
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err(Error::NoExperiment { path: path.into(), limit: MAX_BYTES });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let mut experiment =
            Self::parse(&text, settings).map_err(|error| error.in_experiment(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        experiment.resolve(folder)?;
        for variant in &mut experiment.variants {
            variant.experiment.resolve(folder)?;
        }
        Ok(experiment)
    }

    /// Takes the files that it names as relative to `folder`.
    fn resolve(&mut self, folder: &Path) -> Result<()> {
        self.dataset = self.dataset.clone().resolve(folder)?;
        self.resolve_inputs(folder);
        Ok(())
    }

    /// Takes the files that its inputs name as relative to `folder`.
    pub(crate) fn resolve_inputs(&mut self, folder: &Path) {
        for (_, input) in self.inputs.as_mut() {
            if let Some(input) = input {
                input.resolve(folder);
            }
        }
    }

    /// Parses the text of an experiment file and applies `key=value` settings, where the key is a dotted path
    /// (`protocol.test_folds=["4"]`, `systems.fusion.embedding=16`) and the value is TOML, or else a word; several values with
    /// commas between them are a sweep.
    ///
    /// # Errors
    ///
    /// As [`Experiment::read`].
    pub fn parse(text: &str, settings: &[String]) -> Result<Self> {
        let mut table: toml::Table = toml::from_str(text).map_err(Error::experiment)?;
        let mut experiment = if settings.is_empty() {
            // Parsed from the text itself, so that an error names the line.
            let file: ExperimentFile = toml::from_str(text).map_err(Error::experiment)?;
            checked(file)?
        } else {
            for setting in settings {
                overrides::apply(&mut table, setting)?;
            }
            parse_table(table.clone())?
        };
        experiment.variants = sweep::variants(&table, &experiment.sweep)?;
        Ok(experiment)
    }

    /// The experiments to run: its variants, or itself.
    pub(crate) fn variants(&self) -> Vec<(Option<&str>, &Self)> {
        if self.variants.is_empty() {
            return vec![(None, self)];
        }
        let named = self.variants.iter();
        named.map(|variant| (Some(variant.name.as_str()), &variant.experiment)).collect()
    }

    /// The system of that name.
    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.iter().find(|system| system.name == name)
    }
}

/// An experiment from its keys, without the variants of a sweep.
fn parse_table(table: toml::Table) -> Result<Experiment> {
    checked(table.try_into().map_err(Error::experiment)?)
}

fn checked(file: ExperimentFile) -> Result<Experiment> {
    let experiment = file.resolve()?;
    experiment.check()?;
    Ok(experiment)
}
