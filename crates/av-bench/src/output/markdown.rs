//! Tables as the README and docs/results have them.

use super::{ends, hash, rests_on, with_sd};
use av_train::Record;

/// The scores and the paired differences in UAR as Markdown.
pub fn markdown(record: &Record) -> String {
    let mut text = format!(
        "{}; manifest `{}`.{}\n\n\
         | system | UAR | accuracy | UAR pooled |\n|---|---|---|---|\n",
        rests_on(record),
        hash(record),
        inputs(record)
    );
    for row in &record.summary {
        text.push_str(&format!(
            "| {} | {} | {} | {:.3} |\n",
            row.label(),
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

/// ` Audio: log-mel patches. Video: face crops.`
fn inputs(record: &Record) -> String {
    let inputs = record.experiment.inputs.iter();
    let sentences = inputs.filter_map(|(modality, input)| {
        let name = modality.name();
        let (first, rest) = name.split_at_checked(1)?;
        Some(format!(" {}{rest}: {}.", first.to_uppercase(), input.as_ref()?.describe()))
    });
    sentences.collect()
}
