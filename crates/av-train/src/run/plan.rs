//! Which training runs an experiment is made of.

use crate::Result;
use crate::experiment::{Experiment, System};
use serde::Serialize;
use std::collections::BTreeMap;

/// One training run: a system in a fold with a seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrainingRun<'a> {
    /// Place among the variants.
    pub variant: usize,
    /// Name of the variant; none where nothing is swept.
    pub variant_name: Option<&'a str>,
    pub experiment: &'a Experiment,
    pub system: &'a System,
    /// Place among the data sets.
    pub data: usize,
    /// Place among the folds of the data set.
    pub fold: usize,
    pub seed: u64,
}

impl TrainingRun<'_> {
    /// Name of its file.
    pub fn stem(&self) -> String {
        let Self { variant, fold, seed, .. } = self;
        let run = format!("{fold:03}-{seed}-{}", self.system.name);
        if self.variant_name.is_some() { format!("{variant:04}-{run}") } else { run }
    }

    /// Everything that decides its numbers: runs of which this is equal are trained once.
    fn key(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Key<'a> {
            data: usize,
            fold: usize,
            seed: u64,
            model: &'a crate::model::ModelConfig,
            objective: &'a crate::objective::ObjectiveConfig,
            training: &'a crate::train::TrainingConfig,
            masks: Option<av_features::augment::SpecAugment>,
        }
        let key = Key {
            data: self.data,
            fold: self.fold,
            seed: self.seed,
            model: &self.system.model,
            objective: &self.system.objective,
            training: &self.experiment.training,
            masks: self.experiment.augmentation,
        };
        crate::files::json(&key)
    }
}

/// The training runs of an experiment in the order variant, fold, seed, system, each with the place of the first one that has
/// the same numbers. `data[v]` is the data set of variant v and `folds[d]` the number of folds of data set d.
pub(super) fn plan<'a>(
    variants: &[(Option<&'a str>, &'a Experiment)],
    data: &[usize],
    folds: &[usize],
) -> Result<Vec<(TrainingRun<'a>, usize)>> {
    let mut runs = vec![];
    let mut first = BTreeMap::new();
    for (variant, (&(variant_name, experiment), &data)) in variants.iter().zip(data).enumerate() {
        for fold in 0..folds[data] {
            for &seed in &experiment.seeds {
                for system in &experiment.systems {
                    let run =
                        TrainingRun { variant, variant_name, experiment, system, data, fold, seed };
                    let place = *first.entry(run.key()?).or_insert(runs.len());
                    runs.push((run, place));
                }
            }
        }
    }
    Ok(runs)
}
