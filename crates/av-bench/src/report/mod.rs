//! The HTML page: one file, nothing loaded from elsewhere. And what is drawn on its own.

mod modes;
mod plots;

pub use modes::mode_curves;

use crate::failure::Result;
use crate::markup::escape;
use crate::output::{ends, folds, with_sd};
use av_train::{ClipProblem, Record};
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;\
color:#1a1a1a}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}table{border-collapse:collapse;\
margin:.6rem 0}th,td{padding:.25rem .8rem;text-align:right;border-bottom:1px solid #ddd}th:first-child,\
td:first-child{text-align:left}.plots{display:flex;flex-wrap:wrap;gap:1rem}.note{color:#555;font-size:.9rem}\
svg{max-width:100%;height:auto}pre{background:#f6f6f6;padding:1rem;overflow:auto;font-size:.8rem}";

/// Metrics whose differences are on the page; the record has all.
const SHOWN: [&str; 3] = ["uar", "accuracy", "log_loss"];

/// The page of one or more records.
pub fn page(records: &[&Record]) -> Result<String> {
    let title = records.iter().map(|record| record.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{0}</h1>\n",
        escape(&title)
    );
    for record in records {
        section(&mut html, record)?;
    }
    html.push_str("</body></html>\n");
    Ok(html)
}

fn section(html: &mut String, record: &Record) -> Result<()> {
    if record.experiment.name != record.name {
        let _ = writeln!(html, "<h2>{}</h2>", escape(&record.name));
    }
    data(html, record);
    scores(html, record);
    differences(html, record);
    figures(html, "Common information on held-out clips", &plots::spectra(record)?);
    html.push_str(
        "<p class=\"note\">Correlation of each pair of modes of the audio and video embeddings: fitted on the \
         training clips, measured on the test clips, mean over folds and seeds. Shuffled: the same with the \
         test clips of one modality in random order.</p>\n",
    );
    figures(html, "Confusion matrices", &plots::confusions(record)?);
    html.push_str(
        "<p class=\"note\">Rows: true class; columns: decided class; fraction of the row.</p>\n",
    );
    figures(html, "Learning curves", &plots::curves(record)?);
    html.push_str(
        "<p class=\"note\">Mean over folds and seeds of the runs that reached the epoch. Training: \
         cross-entropy of the batches with dropout; validation: loss of clip decisions.</p>\n",
    );
    problems(html, &record.data.problems);
    let experiment = serde_json::to_string_pretty(&record.experiment).unwrap_or_default();
    let _ = writeln!(html, "<h2>Experiment</h2><pre>{}</pre>", escape(&experiment));
    Ok(())
}

fn data(html: &mut String, record: &Record) {
    let data = &record.data;
    let _ = writeln!(
        html,
        "<p>{} clips of {} ({} unlabelled), {} subjects, {} classes; {} folds &times; {} seeds; manifest \
         <code>{}</code>; version {} on {}.</p>",
        data.clips,
        escape(&data.name),
        data.unlabelled,
        data.subjects,
        data.classes.len(),
        folds(record),
        record.experiment.seeds.len(),
        data.manifest_hash,
        record.version,
        record.device
    );
    if let Some(fraction) = data.faces_share {
        let (found, frames) = (data.faces.found, data.faces.frames);
        let _ = writeln!(
            html,
            "<p>A face was found in {found} of {frames} frames ({:.1} %).</p>",
            fraction * 100.0
        );
    }
}

fn scores(html: &mut String, record: &Record) {
    html.push_str(
        "<h2>Scores</h2><table><tr><th>system</th><th>UAR</th><th>accuracy</th><th>UAR pooled</th>\
         <th>macro-F1</th><th>log loss</th></tr>\n",
    );
    for row in &record.summary {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.3}</td><td>{:.3}</td><td>{:.3}</td></tr>",
            escape(&row.label()),
            with_sd(row.uar_mean, row.uar_sd),
            with_sd(row.accuracy_mean, row.accuracy_sd),
            row.uar_pooled,
            row.macro_f1_mean,
            row.log_loss_mean
        );
    }
    html.push_str(
        "</table><p class=\"note\">Mean &plusmn; standard deviation over folds and seeds.</p>\n",
    );
}

fn differences(html: &mut String, record: &Record) {
    html.push_str(
        "<h2>Paired differences</h2><table><tr><th>systems</th><th>metric</th><th>difference</th>\
         <th>95 % interval</th></tr>\n",
    );
    for pair in record.paired.iter().filter(|pair| SHOWN.contains(&pair.metric.as_str())) {
        let _ = writeln!(
            html,
            "<tr><td>{} &minus; {}</td><td>{}</td><td>{:+.3}</td><td>{}</td></tr>",
            escape(&pair.a),
            escape(&pair.b),
            pair.metric,
            pair.difference,
            ends(pair)
        );
    }
    html.push_str(
        "</table><p class=\"note\">Over the same folds and seeds; the interval allows for training sets that \
         overlap between folds (Nadeau and Bengio 2003).</p>\n",
    );
}

fn figures(html: &mut String, title: &str, plots: &[String]) {
    let _ = writeln!(html, "<h2>{title}</h2><div class=\"plots\">{}</div>", plots.concat());
}

fn problems(html: &mut String, problems: &[ClipProblem]) {
    if problems.is_empty() {
        return;
    }
    html.push_str("<h2>Files and clips with problems</h2><table>\n");
    for problem in problems {
        let (clip, reason) = (escape(&problem.clip), escape(&problem.reason));
        let _ = writeln!(html, "<tr><td>{clip}</td><td>{reason}</td></tr>");
    }
    html.push_str("</table>\n");
}
