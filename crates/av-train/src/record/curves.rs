//! `curves.csv`: the learning curves.

use super::RunRecord;
use crate::train::Epoch;
use std::collections::BTreeSet;

/// Names of the columns before the terms of the objective.
const COLUMNS: [&str; 7] =
    ["system", "variant", "fold", "seed", "epoch", "validation_loss", "validation_uar"];

/// One line per training run and epoch: the validation scores, and the terms of the objective by name. A cell is empty where
/// there is nothing. Numbers are written with as many digits as give the same bits again.
pub(super) fn text(runs: &[RunRecord]) -> Result<Vec<u8>, String> {
    let terms: BTreeSet<&String> =
        runs.iter().flat_map(|run| &run.curve).flat_map(|epoch| epoch.train.keys()).collect();
    let mut writer = csv::Writer::from_writer(vec![]);
    let header = COLUMNS.iter().copied().chain(terms.iter().map(|name| name.as_str()));
    writer.write_record(header).map_err(|error| error.to_string())?;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for run in runs {
        for epoch in &run.curve {
            let words = [
                run.system.clone(),
                run.variant.clone().unwrap_or_default(),
                run.fold.clone(),
                run.seed.to_string(),
                epoch.epoch.to_string(),
                number(epoch.validation_loss),
                number(epoch.validation_uar),
            ];
            let terms = terms.iter().map(|&name| number(epoch.train.get(name).copied()));
            writer
                .write_record(words.into_iter().chain(terms))
                .map_err(|error| error.to_string())?;
        }
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// Gives each run its curve, from what [`text`] wrote for the same runs.
pub(super) fn parse(bytes: &[u8], runs: &mut [RunRecord]) -> Result<(), String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let names: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().skip(COLUMNS.len()).map(String::from).collect(),
        Err(error) => return Err(error.to_string()),
    };
    let mut run = 0;
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| error.to_string())?;
        let broken = || format!("line {line} is not an epoch of the record's runs");
        let is_of = |run: &RunRecord| {
            let seed = run.seed.to_string();
            let variant = run.variant.as_deref().unwrap_or_default();
            [&run.system, variant, &run.fold, &seed].into_iter().eq(record.iter().take(4))
        };
        // Lines are in the order of the runs.
        while !runs.get(run).map(is_of).ok_or_else(broken)? {
            run += 1;
        }
        let epoch = epoch(&record, &names).ok_or_else(broken)?;
        if let Some(run) = runs.get_mut(run) {
            run.curve.push(epoch);
        }
    }
    Ok(())
}

fn epoch(record: &csv::StringRecord, names: &[String]) -> Option<Epoch> {
    let number = |cell: &str| match cell {
        "" => Some(None),
        cell => cell.parse::<f64>().ok().map(Some),
    };
    let mut train = crate::objective::Terms::new();
    for (name, cell) in names.iter().zip(record.iter().skip(COLUMNS.len())) {
        if let Some(value) = number(cell)? {
            train.insert(name.clone(), value);
        }
    }
    Some(Epoch {
        epoch: record.get(4)?.parse().ok()?,
        train,
        validation_loss: number(record.get(5)?)?,
        validation_uar: number(record.get(6)?)?,
    })
}
