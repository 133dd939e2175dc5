//! Differences between systems over the same folds and seeds.

use super::predictions::PredictionRow;
use super::summary::by_system;
use super::{Record, RunRecord, label};
use crate::experiment::Comparison;
use crate::{Error, Result};
use av_eval::{Metric, corrected_resampled_t, mean};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How much higher a score of system `a` is than that of system `b`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// The system that is compared.
    pub a: String,
    /// The system it is compared with.
    pub b: String,
    /// Name of the metric: `uar`, `accuracy`, ...
    pub metric: String,
    /// Mean of a - b over folds and seeds.
    pub difference: f64,
    /// Lower end of the 95 % interval; none with fewer than two pairs.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval; none with fewer than two pairs.
    pub high: Option<f64>,
}

/// A system's runs under the name that is printed.
struct Side<'a> {
    name: String,
    runs: Vec<&'a RunRecord>,
}

/// The wanted differences within each variant.
pub(super) fn differences(
    runs: &[RunRecord],
    variants: &[Option<String>],
    wanted: &[Comparison],
) -> Vec<PairedDifference> {
    let by_system: BTreeMap<String, Vec<&RunRecord>> = by_system(runs).into_iter().collect();
    let side = |system: &str, variant: &Option<String>| {
        let name = label(system, variant.as_deref());
        Some(Side { runs: by_system.get(&name)?.clone(), name })
    };
    let mut paired = vec![];
    for variant in variants {
        for Comparison { a, b } in wanted {
            if let (Some(a), Some(b)) = (side(a, variant), side(b, variant)) {
                paired.extend(between(&a, &b));
            }
        }
    }
    paired
}

/// a - b over the folds and seeds that both have, for each metric; none without any.
fn between(a: &Side, b: &Side) -> Vec<PairedDifference> {
    let twins: Vec<(&RunRecord, &RunRecord)> = a
        .runs
        .iter()
        .filter_map(|run| {
            let twin = b.runs.iter().find(|twin| twin.fold == run.fold && twin.seed == run.seed);
            Some((*run, *twin?))
        })
        .collect();
    let overlap: Vec<f64> = twins
        .iter()
        .map(|(RunRecord { clips: [train, validation, test], .. }, _)| {
            *test as f64 / (train + validation) as f64
        })
        .collect();
    let difference = |metric: Metric| {
        let differences: Vec<f64> = twins
            .iter()
            .map(|(run, twin)| Some(score(run, metric)? - score(twin, metric)?))
            .collect::<Option<_>>()?;
        let estimate = corrected_resampled_t(&differences, mean(&overlap));
        Some(PairedDifference {
            a: a.name.clone(),
            b: b.name.clone(),
            metric: metric.name().into(),
            difference: estimate.value,
            low: estimate.interval.map(|ends| ends.low),
            high: estimate.interval.map(|ends| ends.high),
        })
    };
    if twins.is_empty() { vec![] } else { Metric::ALL.into_iter().filter_map(difference).collect() }
}

/// A score of a run; a record of format 1 has four, in fields of their own.
fn score(run: &RunRecord, metric: Metric) -> Option<f64> {
    let name = metric.name();
    let fields = [
        ("uar", run.uar),
        ("accuracy", run.accuracy),
        ("macro_f1", run.macro_f1),
        ("log_loss", run.log_loss),
    ];
    let field = fields.into_iter().find(|(field, _)| *field == name).map(|(_, value)| value);
    field.or_else(|| run.scores.get(name).copied())
}

/// Differences between the systems of two records: each system of `a` with the system of the same name and variant of
/// `b`, over the folds and seeds that both have.
///
/// # Errors
///
/// Records of different data, or whose folds are not the same sets of clips; a difference would mean nothing.
pub fn compare_records(a: &Record, b: &Record) -> Result<Vec<PairedDifference>> {
    let other = || Error::OtherData { a: a.name.clone(), b: b.name.clone() };
    if a.data.manifest_hash != b.data.manifest_hash || !same_folds(a, b) {
        return Err(other());
    }
    // Two records of one name are distinguished by their place.
    let names = if a.name == b.name {
        [format!("{} (first)", a.name), format!("{} (second)", b.name)]
    } else {
        [a.name.clone(), b.name.clone()]
    };
    let second: BTreeMap<String, Vec<&RunRecord>> = by_system(&b.runs).into_iter().collect();
    let mut paired = vec![];
    for (system, runs) in by_system(&a.runs) {
        let Some(others) = second.get(&system) else { continue };
        let [first, second] = &names;
        let first = Side { name: format!("{first}/{system}"), runs };
        let second = Side { name: format!("{second}/{system}"), runs: others.clone() };
        paired.extend(between(&first, &second));
    }
    Ok(paired)
}

/// Whether folds of one name hold the same clips, as far as the records know; else whether they are of one size.
fn same_folds(a: &Record, b: &Record) -> bool {
    fn clips(rows: &[PredictionRow]) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut folds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in rows {
            folds.entry(&row.fold).or_default().insert(&row.clip);
        }
        folds
    }
    fn sizes(runs: &[RunRecord]) -> BTreeMap<&str, BTreeSet<usize>> {
        let mut folds: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for run in runs {
            folds.entry(&run.fold).or_default().insert(run.clips[2]);
        }
        folds
    }
    fn agree<V: PartialEq>(a: &BTreeMap<&str, V>, b: &BTreeMap<&str, V>) -> bool {
        a.iter().all(|(fold, clips)| b.get(fold).is_none_or(|other| other == clips))
    }
    let known = !a.predictions.is_empty() && !b.predictions.is_empty();
    agree(&sizes(&a.runs), &sizes(&b.runs))
        && (!known || agree(&clips(&a.predictions), &clips(&b.predictions)))
}
