//! JSON lines.

use crate::failure::{Failure, Result};
use av_train::ClipReport;

/// All that is known of a clip, in one line.
pub fn text(report: &ClipReport) -> Result<String> {
    let line = serde_json::to_string(report);
    line.map(|line| line + "\n").map_err(|error| Failure::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::forms::{Form, testing::*};

    #[test]
    fn a_clip_is_a_line() {
        let expected = concat!(
            r#"{"clip":"/clips/a b.wav","emotion":"happy","probabilities":{"happy":0.75,"sad":0.25},"#,
            r#""timeline":[{"time_s":0.5,"probabilities":{"happy":0.75,"sad":0.25}}],"faces":null,"warnings":[]}"#,
            "\n"
        );
        assert_eq!(text(Form::Jsonl, 1), expected);
    }
}
