//! An annotation of Praat, in its long text form.

use super::{Line, one_line, seconds};

/// A tier of intervals over the whole time, as Praat demands; where nothing is said of a time, the text is empty.
pub fn text(line: &Line) -> String {
    let end = seconds(line.intervals.last().map_or(0, |last| last.end_ms));
    let mut labels = vec![];
    let mut reached = 0;
    for it in &line.intervals {
        if it.start_ms > reached {
            labels.push((reached, it.start_ms, ""));
        }
        labels.push((it.start_ms, it.end_ms, it.emotion));
        reached = it.end_ms;
    }
    let count = labels.len();
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n\
         xmin = 0\nxmax = {end}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n        \
         class = \"IntervalTier\"\n        name = \"emotion\"\n        xmin = 0\n        xmax = {end}\n        \
         intervals: size = {count}\n"
    );
    for (index, (start, end, label)) in labels.into_iter().enumerate() {
        let (number, label) = (index + 1, one_line(label).replace('"', "\"\""));
        let [start, end] = [start, end].map(seconds);
        text.push_str(&format!(
            "        intervals [{number}]:\n            xmin = {start}\n            xmax = {end}\n            \
             text = \"{label}\"\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::forms::{Form, testing::*};

    fn grid(end: &str, intervals: &[[&str; 3]]) -> String {
        let mut lines = vec![
            "File type = \"ooTextFile\"".to_owned(),
            "Object class = \"TextGrid\"".into(),
            String::new(),
            "xmin = 0".into(),
            format!("xmax = {end}"),
            "tiers? <exists>".into(),
            "size = 1".into(),
            "item []:".into(),
            "    item [1]:".into(),
            "        class = \"IntervalTier\"".into(),
            "        name = \"emotion\"".into(),
            "        xmin = 0".into(),
            format!("        xmax = {end}"),
            format!("        intervals: size = {}", intervals.len()),
        ];
        for (index, [start, end, text]) in intervals.iter().enumerate() {
            lines.push(format!("        intervals [{}]:", index + 1));
            lines.push(format!("            xmin = {start}"));
            lines.push(format!("            xmax = {end}"));
            lines.push(format!("            text = \"{text}\""));
        }
        lines.join("\n") + "\n"
    }

    #[test]
    fn a_stretch_is_an_interval() {
        assert_eq!(text(Form::Textgrid, 0), grid("0.000", &[]));
        assert_eq!(text(Form::Textgrid, 2), grid("2.000", &[["0.000", "2.000", "happy"]]));
    }

    #[test]
    fn quotes_are_doubled() {
        let first = ["0.000", "3661.003", "joy & \"\"<wonder>\"\""];
        let expected = grid("7322.006", &[first, ["3661.003", "7322.006", "Wut, Ärger"]]);
        assert_eq!(odd_text(Form::Textgrid), expected);
    }

    #[test]
    fn what_nothing_is_said_of_has_an_empty_text() {
        let (mut report, classes) = odd();
        report.timeline[0].time_s = 1.25;
        report.timeline[1].time_s = 1.75;
        let text = Form::Textgrid.text(&report, &classes).unwrap();
        let labels = [
            ["0.000", "1.000", ""],
            ["1.000", "1.500", "joy & \"\"<wonder>\"\""],
            ["1.500", "2.000", "Wut, Ärger"],
        ];
        assert_eq!(text, grid("2.000", &labels));
    }
}
