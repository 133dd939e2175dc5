//! The terms of objectives as they stand in an experiment file.

use crate::objective::{CrossEntropyConfig, ObjectiveConfig, SoftHgrConfig, TermConfig, is_pair};
use crate::{Error, Result};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Name of the term that classifies, which every system has unless it says otherwise.
pub(super) const CLASSIFICATION: &str = "classification";

/// Name of the correlation term of `fusion_hgr`.
pub(super) const CORRELATION: &str = "correlation";

/// A term of a system as it stands in a file.
#[derive(Clone, Debug)]
pub(super) enum TermEntry {
    /// `true`: as in `[objective]`; `false`: not at all.
    Wanted(bool),
    /// A table.
    Table(TermConfig),
}

impl<'de> Deserialize<'de> for TermEntry {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = TermEntry;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("true, false, or a table with a `kind`")
            }

            fn visit_bool<E: serde::de::Error>(
                self,
                wanted: bool,
            ) -> std::result::Result<TermEntry, E> {
                Ok(TermEntry::Wanted(wanted))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<TermEntry, A::Error> {
                TermConfig::deserialize(MapAccessDeserializer::new(map)).map(TermEntry::Table)
            }
        }
        input.deserialize_any(Entry)
    }
}

/// `[objective]`: terms by name, and the short keys of the paper's systems.
#[derive(Clone, Debug, Default)]
pub(super) struct ObjectiveTable {
    terms: ObjectiveConfig,
    /// `audio_video = 0.3` and the like: weights of single pairs of the correlation.
    pairs: BTreeMap<String, f64>,
    label_smoothing: Option<f64>,
}

impl ObjectiveTable {
    /// The terms, with those of the paper's systems.
    ///
    /// # Errors
    ///
    /// A setting that is given twice, by its short key and in its term.
    pub fn terms(mut self) -> Result<ObjectiveConfig> {
        let twice = |key: String, term: &str| Error::Setting {
            key,
            actual: format!("given together with objective.{term}"),
            expected: "given once, in the table of the term",
        };
        let correlation = SoftHgrConfig { pairs: self.pairs, ..Default::default() };
        match self.terms.get(CORRELATION) {
            None => drop(self.terms.insert(CORRELATION.into(), TermConfig::SoftHgr(correlation))),
            Some(_) => {
                if let Some(pair) = correlation.pairs.keys().next() {
                    return Err(twice(format!("objective.{pair}"), CORRELATION));
                }
            }
        }
        match (self.terms.get(CLASSIFICATION), self.label_smoothing) {
            (Some(_), Some(_)) => Err(twice("objective.label_smoothing".into(), CLASSIFICATION)),
            (Some(_), None) => Ok(self.terms),
            (None, smoothing) => {
                let smoothing = smoothing.unwrap_or_default();
                let config = CrossEntropyConfig { smoothing, ..Default::default() };
                self.terms.insert(CLASSIFICATION.into(), TermConfig::CrossEntropy(config));
                Ok(self.terms)
            }
        }
    }
}

/// A value of `[objective]`.
enum ObjectiveValue {
    Number(f64),
    Term(TermConfig),
}

impl<'de> Deserialize<'de> for ObjectiveValue {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = ObjectiveValue;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number or a table with a `kind`")
            }

            fn visit_f64<E: serde::de::Error>(
                self,
                value: f64,
            ) -> std::result::Result<ObjectiveValue, E> {
                Ok(ObjectiveValue::Number(value))
            }

            fn visit_i64<E: serde::de::Error>(
                self,
                value: i64,
            ) -> std::result::Result<ObjectiveValue, E> {
                Ok(ObjectiveValue::Number(value as f64))
            }

            fn visit_u64<E: serde::de::Error>(
                self,
                value: u64,
            ) -> std::result::Result<ObjectiveValue, E> {
                Ok(ObjectiveValue::Number(value as f64))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<ObjectiveValue, A::Error> {
                TermConfig::deserialize(MapAccessDeserializer::new(map)).map(ObjectiveValue::Term)
            }
        }
        input.deserialize_any(Value)
    }
}

impl<'de> Deserialize<'de> for ObjectiveTable {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        let mut table = Self::default();
        for (key, value) in BTreeMap::<String, ObjectiveValue>::deserialize(input)? {
            match value {
                ObjectiveValue::Term(term) => drop(table.terms.insert(key, term)),
                ObjectiveValue::Number(value) if key == "label_smoothing" => {
                    table.label_smoothing = Some(value);
                }
                ObjectiveValue::Number(value) if is_pair(&key) => {
                    table.pairs.insert(key, value);
                }
                ObjectiveValue::Number(_) => {
                    return Err(D::Error::custom(format!(
                        "unknown field `{key}`: expected label_smoothing, a pair such as audio_video or video_label, or a term: a \
                         table with a `kind`"
                    )));
                }
            }
        }
        Ok(table)
    }
}
