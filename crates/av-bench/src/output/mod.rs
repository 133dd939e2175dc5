//! Tables of records and lists of problems: for the terminal and as Markdown.

mod markdown;
mod problems;
mod terminal;

pub use markdown::markdown;
pub use problems::{of_file, problems};
pub use terminal::{differences, record};

use av_train::{Record, record::PairedDifference};
use std::collections::BTreeSet;

/// What the scores of a record rest on.
fn rests_on(record: &Record) -> String {
    let data = &record.data;
    format!(
        "{}: {} clips, {} subjects, {} classes, {} folds x {} seeds",
        record.name,
        data.clips,
        data.subjects,
        data.classes.len(),
        folds(record),
        record.experiment.seeds.len()
    )
}

/// The beginning of the manifest hash.
fn hash(record: &Record) -> &str {
    let hash = &record.data.manifest_hash;
    hash.get(..12).unwrap_or(hash)
}

/// Number of folds with runs.
pub fn folds(record: &Record) -> usize {
    record.runs.iter().map(|run| &run.fold).collect::<BTreeSet<_>>().len()
}

/// `[low, high]`, or a dash where there is no interval.
pub fn ends(pair: &PairedDifference) -> String {
    match (pair.low, pair.high) {
        (Some(low), Some(high)) => format!("[{low:+.3}, {high:+.3}]"),
        _ => "-".into(),
    }
}

/// Mean and standard deviation.
pub fn with_sd(mean: f64, sd: Option<f64>) -> String {
    match sd {
        Some(sd) => format!("{mean:.3} ± {sd:.3}"),
        None => format!("{mean:.3}"),
    }
}
