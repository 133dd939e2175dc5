//! Subtitles of web pages (WebVTT).

use super::{Line, one_line, time_stamp};
use crate::markup::escape;

/// A cue for each stretch.
pub fn text(line: &Line) -> String {
    let cue = |it: &super::Interval| {
        let [start, end] = [it.start_ms, it.end_ms].map(|ms| time_stamp(ms, '.'));
        let (emotion, probability) = (escape(&one_line(it.emotion)), it.probability);
        format!("\n{start} --> {end}\n{emotion} {probability:.2}\n")
    };
    let cues: String = line.intervals.iter().map(cue).collect();
    format!("WEBVTT\n{cues}")
}

#[cfg(test)]
mod tests {
    use crate::forms::{Form, testing::*};

    #[test]
    fn a_stretch_is_a_cue() {
        assert_eq!(text(Form::Vtt, 0), "WEBVTT\n");
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nhappy 0.75\n";
        assert_eq!(text(Form::Vtt, 2), expected);
    }

    #[test]
    fn letters_of_marks_are_escaped() {
        let expected = "WEBVTT\n\n\
            00:00:00.000 --> 01:01:01.003\njoy &amp; &quot;&lt;wonder&gt;&quot; 0.75\n\n\
            01:01:01.003 --> 02:02:02.006\nWut, Ärger 0.88\n";
        assert_eq!(odd_text(Form::Vtt), expected);
    }
}
