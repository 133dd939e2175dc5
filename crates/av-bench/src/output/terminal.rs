//! Tables on the terminal.

use super::{ends, hash, problems, rests_on, with_sd};
use av_train::{
    Record,
    record::{PairedDifference, Summary},
};

/// Metrics whose differences are printed; the record has all.
const SHOWN: [&str; 2] = ["uar", "accuracy"];

/// The scores of a record, its paired differences and what they rest on.
pub fn record(record: &Record) -> String {
    let data = &record.data;
    let mut text = format!("{}, manifest {}\n", rests_on(record), hash(record));
    let named = data.problems.iter().map(|problem| (problem.clip.clone(), problem.reason.as_str()));
    text.push_str(&problems(named));
    if let Some(fraction) = data.faces_share {
        let (found, frames) = (data.faces.found, data.faces.frames);
        text.push_str(&format!(
            "faces found in {found} of {frames} frames ({:.1} %)\n",
            fraction * 100.0
        ));
    }
    text.push('\n');
    text.push_str(&scores(&record.summary));
    text.push('\n');
    text.push_str(&differences(&record.paired));
    for (system, spectrum) in &record.common_information {
        let first = |values: &[f64]| {
            values.iter().take(3).map(|v| format!("{v:6.3}")).collect::<Vec<_>>().join(" ")
        };
        text.push_str(&format!(
            "held-out HGR spectrum {system:<10} {}   shuffled pairs {}\n",
            first(&spectrum.sigma),
            first(&spectrum.shuffled)
        ));
    }
    text
}

/// One line per system.
fn scores(summary: &[Summary]) -> String {
    let mut text = format!(
        "{:<24}{:>16}{:>16}{:>12}{:>10}{:>10}\n",
        "system", "UAR", "accuracy", "UAR pooled", "macro-F1", "log loss"
    );
    for row in summary {
        text.push_str(&format!(
            "{:<24}{:>16}{:>16}{:>12.3}{:>10.3}{:>10.3}\n",
            row.label(),
            with_sd(row.uar_mean, row.uar_sd),
            with_sd(row.accuracy_mean, row.accuracy_sd),
            row.uar_pooled,
            row.macro_f1_mean,
            row.log_loss_mean
        ));
    }
    text
}

/// One line per pair of systems and metric.
pub fn differences(paired: &[PairedDifference]) -> String {
    let mut text =
        String::from("paired differences over the same folds and seeds, 95 % interval\n");
    for pair in paired.iter().filter(|pair| SHOWN.contains(&pair.metric.as_str())) {
        text.push_str(&format!(
            "{:<50} {:<10}{:>+8.3}  {}\n",
            format!("{} - {}", pair.a, pair.b),
            pair.metric,
            pair.difference,
            ends(pair)
        ));
    }
    text
}
