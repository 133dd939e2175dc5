//! A system is a value: what it reads, its networks, and what it minimises.

use super::kind::Kind;
use super::terms::{CLASSIFICATION, CORRELATION, TermEntry};
use crate::model::ModelConfig;
use crate::model::classifier::ClassifierConfig;
use crate::model::fusion::FusionConfig;
use crate::model::head::HeadConfig;
use crate::objective::ObjectiveConfig;
use crate::{Error, Result};
use av_datasets::{Modalities, Modality};
use av_encoders::NetworkConfig;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Deserialize as DeserializeDerive, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A system that is trained and judged: an entry of `systems` in an experiment file, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct System {
    /// Name in records and tables.
    pub name: String,
    /// Its networks, or its classifier of columns.
    #[serde(flatten)]
    pub model: ModelConfig,
    /// What its networks minimise.
    pub objective: ObjectiveConfig,
}

/// Two systems whose scores are compared: an entry of `compare`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, DeserializeDerive)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The system that is compared.
    pub a: String,
    /// The system it is compared with.
    pub b: String,
}

/// The systems of the paper: what is trained where a file names no systems, and what a name alone stands for. `fusion` and
/// `fusion_hgr` are twins: the same initial weights and the same batches.
pub(super) const PAPER: [(&str, &[Modality], &[&str]); 4] = [
    ("audio", &[Modality::Audio], &[CLASSIFICATION]),
    ("video", &[Modality::Video], &[CLASSIFICATION]),
    ("fusion", &[Modality::Audio, Modality::Video], &[CLASSIFICATION]),
    ("fusion_hgr", &[Modality::Audio, Modality::Video], &[CLASSIFICATION, CORRELATION]),
];

/// The comparisons among the systems of the paper.
const PAPER_COMPARISONS: [(&str, &str); 5] = [
    ("fusion_hgr", "fusion"),
    ("fusion", "audio"),
    ("fusion", "video"),
    ("fusion_hgr", "audio"),
    ("fusion_hgr", "video"),
];

/// What is compared where a file does not say so: among systems of the paper the usual pairs, else each system with the
/// first one.
pub(super) fn default_comparisons(systems: &[System]) -> Vec<Comparison> {
    let names: Vec<&str> = systems.iter().map(|system| system.name.as_str()).collect();
    let of = |(a, b): (&str, &str)| Comparison { a: a.into(), b: b.into() };
    if names.iter().all(|name| PAPER.iter().any(|(known, ..)| known == name)) {
        let here = PAPER_COMPARISONS.iter().filter(|(a, b)| names.contains(a) && names.contains(b));
        return here.copied().map(of).collect();
    }
    let Some((first, others)) = names.split_first() else { return vec![] };
    others.iter().map(|name| of((name, first))).collect()
}

/// What all systems of a file share unless they say otherwise: `[model]` and `[objective]`.
pub(super) struct Shared {
    pub model: ModelConfig,
    pub terms: ObjectiveConfig,
}

/// An entry of `systems` as it stands in a file.
#[derive(Clone, Debug)]
pub(super) enum SystemEntry {
    /// One of the paper's.
    Name(String),
    /// A table.
    Table(Box<SystemTable>),
}

/// A table of `[[systems]]`. Under a name of the paper's, what is left out is as there; else all inputs are read and the
/// networks classify.
#[derive(Clone, Debug, DeserializeDerive)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemTable {
    pub name: String,
    modalities: Option<Vec<Modality>>,
    embedding: Option<usize>,
    #[serde(default)]
    encoders: Modalities<Option<NetworkConfig>>,
    fusion: Option<Kind<FusionConfig>>,
    head: Option<Kind<HeadConfig>>,
    classifier: Option<Kind<ClassifierConfig>>,
    #[serde(default)]
    objective: BTreeMap<String, TermEntry>,
}

impl SystemEntry {
    /// # Errors
    ///
    /// A name that is none of the paper's, a term that `[objective]` does not describe.
    pub fn resolve(&self, shared: &Shared, available: &[Modality]) -> Result<System> {
        let name = match self {
            Self::Name(name) => name,
            Self::Table(table) => &table.name,
        };
        let known = PAPER.iter().find(|(known, ..)| known == name);
        let (modalities, terms) = match (known, self) {
            (Some((_, modalities, terms)), _) => (modalities.to_vec(), terms.to_vec()),
            (None, Self::Table(_)) => (available.to_vec(), vec![CLASSIFICATION]),
            (None, Self::Name(_)) => {
                return Err(Error::Setting {
                    key: "systems".into(),
                    actual: name.clone(),
                    expected: "audio, video, fusion or fusion_hgr, or a table [[systems]] that says what it is",
                });
            }
        };
        let mut system = System {
            name: name.clone(),
            model: ModelConfig { modalities, ..shared.model.clone() },
            objective: ObjectiveConfig::new(),
        };
        if let Self::Table(table) = self
            && let Some(Kind(classifier)) = &table.classifier
        {
            system.model.classifier = classifier.clone();
        }
        if system.model.classifier.of_columns().is_none() {
            for term in terms {
                system.add_shared(term, shared)?;
            }
        }
        if let Self::Table(table) = self {
            table.fill(&mut system, shared)?;
        }
        Ok(system)
    }
}

impl SystemTable {
    /// # Errors
    ///
    /// Settings of networks for a classifier that is none, a term that `[objective]` does not describe.
    fn fill(&self, system: &mut System, shared: &Shared) -> Result<()> {
        let model = &mut system.model;
        if model.classifier.of_columns().is_some() {
            self.has_no_networks()?;
        }
        if let Some(modalities) = &self.modalities {
            model.modalities = modalities.clone();
        }
        model.embedding = self.embedding.unwrap_or(model.embedding);
        for (modality, encoder) in self.encoders.iter() {
            if let Some(encoder) = encoder {
                model.encoders[modality] = encoder.clone();
            }
        }
        if let Some(Kind(fusion)) = &self.fusion {
            model.fusion = fusion.clone();
        }
        if let Some(Kind(head)) = &self.head {
            model.head = head.clone();
        }
        for (name, term) in &self.objective {
            match term {
                TermEntry::Wanted(true) => system.add_shared(name, shared)?,
                TermEntry::Wanted(false) => drop(system.objective.remove(name)),
                TermEntry::Table(term) => drop(system.objective.insert(name.clone(), term.clone())),
            }
        }
        Ok(())
    }
}

impl SystemTable {
    fn has_no_networks(&self) -> Result<()> {
        let given = [
            ("embedding", self.embedding.is_some()),
            ("encoders", self.encoders.iter().any(|(_, encoder)| encoder.is_some())),
            ("fusion", self.fusion.is_some()),
            ("head", self.head.is_some()),
            ("objective", !self.objective.is_empty()),
        ];
        for (key, given) in given {
            Error::check(
                &format!("systems.{}.{key}", self.name),
                "given",
                !given,
                "left out: it is of networks, and the classifier of this system is none",
            )?;
        }
        Ok(())
    }
}

impl System {
    fn add_shared(&mut self, term: &str, shared: &Shared) -> Result<()> {
        let config = shared.terms.get(term).ok_or_else(|| Error::Setting {
            key: format!("systems.{}.objective.{term}", self.name),
            actual: "true".into(),
            expected: "a table with a `kind`, as [objective] has no term of this name",
        })?;
        self.objective.insert(term.into(), config.clone());
        Ok(())
    }

    /// Whether the system reads a modality.
    pub fn uses(&self, modality: Modality) -> bool {
        self.model.modalities.contains(&modality)
    }

    /// The first two modalities that it embeds, whose common information is measured; none where it embeds only one or none.
    pub(crate) fn first_pair(&self) -> Option<[Modality; 2]> {
        let networks = self.model.classifier.of_columns().is_none();
        self.model.modalities.first_chunk().copied().filter(|_| networks)
    }

    /// # Errors
    ///
    /// A setting out of range.
    pub(super) fn check(&self) -> Result<()> {
        let of = |key: &str| format!("systems.{}.{key}", self.name);
        let named = !self.name.is_empty()
            && self.name.chars().all(|c| c.is_ascii_alphanumeric() || "_-+.".contains(c));
        Error::check(
            "systems.name",
            &self.name,
            named,
            "of letters, digits, and the signs _ - + .",
        )?;
        let read: Vec<&str> = self.model.modalities.iter().map(|it| it.name()).collect();
        let ordered = self.model.modalities.is_sorted_by(|a, b| a < b) && !read.is_empty();
        Error::check(
            &of("modalities"),
            format!("{read:?}"),
            ordered,
            "a list without repetition, audio first",
        )?;
        Error::check(
            "model.embedding",
            self.model.embedding,
            self.model.embedding > 0,
            "at least 1",
        )?;
        if let Some(classifier) = self.model.classifier.of_columns() {
            return classifier.check(&of("classifier"));
        }
        let terms = self.objective.len();
        Error::check(&of("objective (number of terms)"), terms, terms > 0, "at least 1")?;
        for (name, term) in &self.objective {
            term.check(&of(&format!("objective.{name}")))?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for SystemEntry {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = SystemEntry;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("the name of a system or a table [[systems]]")
            }

            fn visit_str<E: serde::de::Error>(
                self,
                name: &str,
            ) -> std::result::Result<SystemEntry, E> {
                let names = PAPER.map(|(name, ..)| name);
                if names.contains(&name) {
                    return Ok(SystemEntry::Name(name.into()));
                }
                let names = names.join(", ");
                Err(E::custom(format!(
                    "unknown system `{name}`: expected one of {names}, or a table [[systems]] that says what it is"
                )))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<SystemEntry, A::Error> {
                let table = SystemTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(SystemEntry::Table(Box::new(table)))
            }
        }
        input.deserialize_any(Entry)
    }
}
