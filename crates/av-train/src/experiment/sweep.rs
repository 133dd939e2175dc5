//! The same experiment with several values of some keys.

use super::overrides::set;
use super::{Experiment, parse_table};
use crate::{Error, Result};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Values of keys: `[sweep]` of an experiment file, such as `"training.epochs" = [50, 100]`. Every combination is a variant.
pub type Sweep = BTreeMap<String, Vec<Value>>;

/// An experiment with one combination of the swept values.
#[derive(Clone, Debug)]
pub struct Variant {
    /// `key=value` for each swept key, with commas between them.
    pub name: String,
    /// The experiment that it is, without a sweep.
    pub experiment: Experiment,
}

/// More variants are a mistake, or a job for several files.
const MAX_VARIANTS: usize = 10_000;

/// Every combination of the swept values, the last key's running fastest.
///
/// # Errors
///
/// A key without values, too many combinations, what is invalid about one of them, with its name.
pub(super) fn variants(table: &Table, sweep: &Sweep) -> Result<Vec<Variant>> {
    if sweep.is_empty() {
        return Ok(vec![]);
    }
    let mut table = table.clone();
    table.remove("sweep");
    let mut combinations: Vec<Vec<(&str, &Value)>> = vec![vec![]];
    for (key, values) in sweep {
        Error::check(
            &format!("sweep.{key} (number of values)"),
            values.len(),
            !values.is_empty(),
            "at least 1",
        )?;
        let count = combinations.len().saturating_mul(values.len());
        Error::check("sweep (number of variants)", count, count <= MAX_VARIANTS, "at most 10000")?;
        combinations = combinations
            .iter()
            .flat_map(|left| {
                values.iter().map(move |value| [&left[..], &[(key.as_str(), value)]].concat())
            })
            .collect();
    }
    combinations.iter().map(|settings| variant(&table, settings)).collect()
}

fn variant(table: &Table, settings: &[(&str, &Value)]) -> Result<Variant> {
    let words: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let name = words.join(",");
    let mut table = table.clone();
    for (key, value) in settings {
        set(&mut table, key, (*value).clone()).map_err(|expected| Error::Setting {
            key: format!("sweep.{key}"),
            actual: value.to_string(),
            expected,
        })?;
    }
    let experiment = parse_table(table).map_err(|error| error.in_step(format!("sweep, {name}")))?;
    Ok(Variant { name, experiment })
}
