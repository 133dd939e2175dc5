//! `predictions.csv`: what was said of every test clip.

use std::collections::BTreeMap;

/// What one training run said of one test clip: a line of `predictions.csv`, with the columns `clip`, `subject`, `fold`,
/// `seed`, `system`, `variant`, `truth`, `decision` and `p_1` to `p_C`, in the order of the record's classes.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionRow {
    /// Name of the clip.
    pub clip: String,
    /// Name of the person.
    pub subject: String,
    /// Name of the fold in which it was tested.
    pub fold: String,
    /// Seed of the training run.
    pub seed: u64,
    /// Name of the system.
    pub system: String,
    /// Name of the variant; none where nothing was swept.
    pub variant: Option<String>,
    /// True class.
    pub truth: usize,
    /// Probability of each class; the decision is the most probable one, the first of equals.
    pub probabilities: Vec<f64>,
}

/// Names of the columns before the probabilities.
const COLUMNS: [&str; 8] =
    ["clip", "subject", "fold", "seed", "system", "variant", "truth", "decision"];

/// The whole file. Numbers are written with as many digits as give the same bits again.
pub(super) fn text(rows: &[PredictionRow], classes: &[String]) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(vec![]);
    let probabilities = (1..=classes.len()).map(|class| format!("p_{class}"));
    let header = COLUMNS.iter().map(|&name| name.to_owned()).chain(probabilities);
    writer.write_record(header).map_err(|error| error.to_string())?;
    let name = |class: usize| classes.get(class).map_or("", String::as_str).to_owned();
    for row in rows {
        let decision = av_eval::argmax(&row.probabilities);
        let words = [
            row.clip.clone(),
            row.subject.clone(),
            row.fold.clone(),
            row.seed.to_string(),
            row.system.clone(),
            row.variant.clone().unwrap_or_default(),
            name(row.truth),
            name(decision),
        ];
        let numbers = row.probabilities.iter().map(f64::to_string);
        writer.write_record(words.into_iter().chain(numbers)).map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// Reads what [`text`] wrote.
pub(super) fn parse(bytes: &[u8], classes: &[String]) -> Result<Vec<PredictionRow>, String> {
    let index: BTreeMap<&str, usize> =
        classes.iter().enumerate().map(|(index, class)| (class.as_str(), index)).collect();
    let mut reader = csv::Reader::from_reader(bytes);
    let mut rows = vec![];
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| error.to_string())?;
        rows.push(row(&record, &index).ok_or_else(|| format!("line {line} is not a prediction"))?);
    }
    Ok(rows)
}

fn row(record: &csv::StringRecord, classes: &BTreeMap<&str, usize>) -> Option<PredictionRow> {
    let numbers = record.iter().skip(COLUMNS.len()).map(|cell| cell.parse().ok());
    let probabilities: Vec<f64> = numbers.collect::<Option<_>>()?;
    let variant = record.get(5)?;
    (probabilities.len() == classes.len()).then_some(PredictionRow {
        clip: record.get(0)?.into(),
        subject: record.get(1)?.into(),
        fold: record.get(2)?.into(),
        seed: record.get(3)?.parse().ok()?,
        system: record.get(4)?.into(),
        variant: (!variant.is_empty()).then(|| variant.into()),
        truth: *classes.get(record.get(6)?)?,
        probabilities,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_to_the_bit() {
        let classes = ["calm", "a,b \"c\""].map(String::from);
        let row = |clip: &str, variant: Option<&str>, p: f64| PredictionRow {
            clip: clip.into(),
            subject: "s,1".into(),
            fold: "0".into(),
            seed: u64::MAX,
            system: "fusion".into(),
            variant: variant.map(String::from),
            truth: 1,
            probabilities: vec![p, 1.0 - p],
        };
        let rows = [row("x\ny", None, 1e-300), row("é", Some("a=1,b=2"), 1.0 / 3.0)];
        let bytes = text(&rows, &classes).unwrap();
        let head = "clip,subject,fold,seed,system,variant,truth,decision,p_1,p_2\n";
        assert!(bytes.starts_with(head.as_bytes()));
        assert_eq!(parse(&bytes, &classes).unwrap(), rows);
        let error = parse(&bytes, &classes[..1]).unwrap_err();
        assert_eq!(error, "line 2 is not a prediction");
    }
}
