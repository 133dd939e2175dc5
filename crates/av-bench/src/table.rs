//! Tables on the terminal.

use av_train::{AudioInput, Paired, Record, Summary, VideoInput};

/// The scores of a record, its paired differences and what they rest on.
pub fn record(record: &Record) -> String {
    let data = &record.data;
    let mut text = format!("{}, manifest {}\n", rests_on(record), hash(record));
    if let Some(share) = data.faces_share {
        let (found, frames) = (data.faces.found, data.faces.frames);
        text.push_str(&format!(
            "faces found in {found} of {frames} frames ({:.1} %)\n",
            share * 100.0
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

fn audio(input: &AudioInput) -> String {
    match input {
        AudioInput::LogMel(_) => "log-mel patches".into(),
        AudioInput::Mfcc(_) => "MFCC patches".into(),
        AudioInput::Functionals(_) => "functionals".into(),
        AudioInput::Table(table) => format!("the table {}", table.path.display()),
    }
}

fn video(input: &VideoInput) -> String {
    match input {
        VideoInput::FaceCrops(_) => "face crops".into(),
        VideoInput::FaceHog(_) => "histograms of oriented gradients of the face".into(),
        VideoInput::FaceMotion(_) => "movements of the face".into(),
        VideoInput::Table(table) => format!("the table {}", table.path.display()),
    }
}

/// The scores and the paired differences in UAR as Markdown.
pub fn markdown(record: &Record) -> String {
    let mut text = format!(
        "{}; manifest `{}`. Audio: {}. Video: {}.\n\n\
         | system | UAR | accuracy | UAR pooled |\n|---|---|---|---|\n",
        rests_on(record),
        hash(record),
        audio(&record.experiment.audio),
        video(&record.experiment.video)
    );
    for row in &record.summary {
        text.push_str(&format!(
            "| {} | {} | {} | {:.3} |\n",
            row.system,
            with_sd(row.uar_mean, row.uar_sd),
            with_sd(row.accuracy_mean, row.accuracy_sd),
            row.uar_pooled
        ));
    }
    text.push_str("\n| paired difference in UAR | mean | 95 % interval |\n|---|---|---|\n");
    for pair in record.paired.iter().filter(|pair| pair.metric == "uar") {
        text.push_str(&format!(
            "| {} − {} | {:+.3} | {} |\n",
            pair.a,
            pair.b,
            pair.difference,
            ends(pair)
        ));
    }
    text
}

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
    record.runs.iter().map(|run| &run.fold).collect::<std::collections::BTreeSet<_>>().len()
}

/// One line a system.
pub fn scores(summary: &[Summary]) -> String {
    let mut text = format!(
        "{:<24}{:>16}{:>16}{:>12}{:>10}{:>10}\n",
        "system", "UAR", "accuracy", "UAR pooled", "macro-F1", "log loss"
    );
    for row in summary {
        text.push_str(&format!(
            "{:<24}{:>16}{:>16}{:>12.3}{:>10.3}{:>10.3}\n",
            row.system,
            with_sd(row.uar_mean, row.uar_sd),
            with_sd(row.accuracy_mean, row.accuracy_sd),
            row.uar_pooled,
            row.macro_f1_mean,
            row.log_loss_mean
        ));
    }
    text
}

/// One line a pair of systems and metric.
pub fn differences(paired: &[Paired]) -> String {
    let mut text =
        String::from("paired differences over the same folds and seeds, 95 % interval\n");
    for pair in paired {
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

/// `[low, high]`, or a dash where there is no interval.
pub fn ends(pair: &Paired) -> String {
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
