//! A table with a row for each stretch.

use super::{Line, seconds};
use crate::failure::{Failure, Result};

/// The names of the columns: `file,start,end,emotion,p_happy,...`, times in seconds.
pub fn head(classes: &[String]) -> Result<String> {
    let fixed = ["file", "start", "end", "emotion"].map(String::from);
    let classes = classes.iter().map(|class| format!("p_{class}"));
    text([fixed.into_iter().chain(classes).collect()])
}

/// The rows of a clip.
pub fn rows(line: &Line) -> Result<String> {
    text(line.intervals.iter().map(|it| {
        let fixed = [line.file.into(), seconds(it.start_ms), seconds(it.end_ms), it.emotion.into()];
        fixed.into_iter().chain(it.probabilities.iter().map(f64::to_string)).collect()
    }))
}

fn text(rows: impl IntoIterator<Item = Vec<String>>) -> Result<String> {
    let broken = |error: &dyn std::fmt::Display| Failure::Internal(format!("a table: {error}"));
    let mut writer = csv::Writer::from_writer(vec![]);
    for row in rows {
        writer.write_record(row).map_err(|error| broken(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| broken(&error))?;
    String::from_utf8(bytes).map_err(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use crate::forms::{Form, testing::*};

    #[test]
    fn a_stretch_is_a_row() {
        let head = "file,start,end,emotion,p_happy,p_sad\n";
        assert_eq!(text(Form::Csv, 0), head);
        assert_eq!(
            text(Form::Csv, 1),
            format!("{head}/clips/a b.wav,0.000,1.000,happy,0.75,0.25\n")
        );
    }

    #[test]
    fn commas_and_quotes_are_quoted() {
        let expected = r#"file,start,end,emotion,"p_joy & ""<wonder>""","p_Wut, Ärger"
"/clips/b, ""c"" <d> & é.mp4",0.000,3661.003,"joy & ""<wonder>""",0.75,0.25
"/clips/b, ""c"" <d> & é.mp4",3661.003,7322.006,"Wut, Ärger",0.125,0.875
"#;
        assert_eq!(odd_text(Form::Csv), expected);
    }
}
