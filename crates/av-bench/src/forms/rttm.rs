//! Speaker turns of diarisation (Rich Transcription Time Marked, NIST 2009), with emotions for speakers.

use super::{Line, seconds};
use std::path::Path;

/// A line of ten fields for each stretch: the type, the file, the channel, begin and duration in seconds, two fields of
/// other types, the emotion, its mean probability as confidence, and a field of another type. The file is its name
/// without extension, as diarisation names recordings.
pub fn text(line: &Line) -> String {
    let stem = Path::new(line.file).file_stem().unwrap_or_default().to_string_lossy();
    let file = field(&stem);
    let turn = |it: &super::Interval| {
        let (start, duration) = (seconds(it.start_ms), seconds(it.end_ms - it.start_ms));
        let (emotion, probability) = (field(it.emotion), it.probability);
        format!("SPEAKER {file} 1 {start} {duration} <NA> <NA> {emotion} {probability:.6} <NA>\n")
    };
    line.intervals.iter().map(turn).collect()
}

/// A text as one field: fields are separated by spaces, and cannot be quoted.
fn field(text: &str) -> String {
    text.chars().map(|it| if it.is_whitespace() || it.is_control() { '_' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use crate::forms::{Form, testing::*};

    #[test]
    fn a_stretch_is_a_turn() {
        assert_eq!(text(Form::Rttm, 0), "");
        let expected = "SPEAKER a_b 1 0.000 2.000 <NA> <NA> happy 0.750000 <NA>\n";
        assert_eq!(text(Form::Rttm, 2), expected);
    }

    #[test]
    fn a_field_holds_no_space() {
        let expected = "SPEAKER b,_\"c\"_<d>_&_é 1 0.000 3661.003 <NA> <NA> joy_&_\"<wonder>\" 0.750000 <NA>\n\
                        SPEAKER b,_\"c\"_<d>_&_é 1 3661.003 3661.003 <NA> <NA> Wut,_Ärger 0.875000 <NA>\n";
        assert_eq!(odd_text(Form::Rttm), expected);
    }
}
