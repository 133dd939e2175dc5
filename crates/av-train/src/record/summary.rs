//! Scores of systems over folds and seeds.

use super::RunRecord;
use crate::evaluate::{CommonInformation, mean_spectrum};
use av_eval::{Confusion, mean, sd};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Scores of one system over folds and seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the system.
    pub system: String,
    /// Name of the variant; none where nothing was swept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Unweighted average recall: mean over folds and seeds.
    pub uar_mean: f64,
    /// Standard deviation (n - 1) over folds and seeds; none with a single run.
    pub uar_sd: Option<f64>,
    /// Fraction of clips decided rightly: mean over folds and seeds.
    pub accuracy_mean: f64,
    /// Standard deviation (n - 1) over folds and seeds; none with a single run.
    pub accuracy_sd: Option<f64>,
    /// Unweighted average recall over the clips of all folds together, mean over seeds.
    pub uar_pooled: f64,
    /// Mean F1 of the classes: mean over folds and seeds.
    pub macro_f1_mean: f64,
    /// Mean negative log-probability of the true class: mean over folds and seeds.
    pub log_loss_mean: f64,
    /// Every score, by the name of its metric.
    #[serde(default)]
    pub scores: BTreeMap<String, ScoreSummary>,
}

/// A score over folds and seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreSummary {
    /// Mean over folds and seeds.
    pub mean: f64,
    /// Standard deviation (n - 1) over folds and seeds; none with a single run.
    pub sd: Option<f64>,
}

impl Summary {
    /// [`label`](super::label) of its system.
    pub fn label(&self) -> String {
        super::label(&self.system, self.variant.as_deref())
    }
}

/// Scores of each system that has runs, in the order of the runs.
pub(super) fn summarise(runs: &[RunRecord], classes: usize) -> Vec<Summary> {
    let systems = by_system(runs);
    systems.into_iter().map(|(_, runs)| summary(&runs, classes)).collect()
}

fn summary(runs: &[&RunRecord], classes: usize) -> Summary {
    let of = |pick: fn(&RunRecord) -> f64| runs.iter().map(|run| pick(run)).collect::<Vec<_>>();
    let (uar, accuracy) = (of(|run| run.uar), of(|run| run.accuracy));
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
    let of_seed = |seed| runs.iter().copied().filter(move |run| run.seed == seed);
    let pooled: Vec<f64> = seeds.iter().map(|&seed| pool(of_seed(seed), classes).uar()).collect();
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.scores.keys()).collect();
    let scores = names.into_iter().map(|name| {
        let values: Vec<f64> =
            runs.iter().filter_map(|run| run.scores.get(name).copied()).collect();
        (name.clone(), ScoreSummary { mean: mean(&values), sd: sd(&values) })
    });
    Summary {
        system: runs[0].system.clone(),
        variant: runs[0].variant.clone(),
        uar_mean: mean(&uar),
        uar_sd: sd(&uar),
        accuracy_mean: mean(&accuracy),
        accuracy_sd: sd(&accuracy),
        uar_pooled: mean(&pooled),
        macro_f1_mean: mean(&of(|run| run.macro_f1)),
        log_loss_mean: mean(&of(|run| run.log_loss)),
        scores: scores.collect(),
    }
}

/// Confusion matrix of each system over all its runs.
pub(super) fn confusions(runs: &[RunRecord], classes: usize) -> BTreeMap<String, Confusion> {
    let systems = by_system(runs).into_iter();
    systems.map(|(label, runs)| (label, pool(runs.into_iter(), classes))).collect()
}

/// Mean held-out spectrum of each system that has one.
pub(super) fn spectra(runs: &[RunRecord]) -> BTreeMap<String, CommonInformation> {
    by_system(runs)
        .into_iter()
        .filter_map(|(label, runs)| {
            let spectra: Vec<&CommonInformation> =
                runs.iter().filter_map(|run| run.common_information.as_ref()).collect();
            Some((label, mean_spectrum(&spectra)?))
        })
        .collect()
}

/// Runs of each system under its label, in the order in which they come first. None is empty.
pub(super) fn by_system(runs: &[RunRecord]) -> Vec<(String, Vec<&RunRecord>)> {
    let mut groups: Vec<(String, Vec<&RunRecord>)> = vec![];
    let mut places = BTreeMap::new();
    for run in runs {
        let place = *places.entry(run.label()).or_insert_with_key(|label| {
            groups.push((label.clone(), vec![]));
            groups.len() - 1
        });
        groups[place].1.push(run);
    }
    groups
}

fn pool<'a>(runs: impl Iterator<Item = &'a RunRecord>, classes: usize) -> Confusion {
    runs.fold(Confusion::new(classes), |mut sum, run| {
        sum.merge(&run.confusion);
        sum
    })
}
