//! Subtitles.

use super::{Line, one_line, time_stamp};

/// A numbered subtitle for each stretch.
pub fn text(line: &Line) -> String {
    let subtitle = |(index, it): (usize, &super::Interval)| {
        let [start, end] = [it.start_ms, it.end_ms].map(|ms| time_stamp(ms, ','));
        let (number, emotion, probability) = (index + 1, one_line(it.emotion), it.probability);
        format!("{number}\n{start} --> {end}\n{emotion} {probability:.2}\n\n")
    };
    line.intervals.iter().enumerate().map(subtitle).collect()
}

#[cfg(test)]
mod tests {
    use crate::forms::{Form, testing::*};

    #[test]
    fn a_stretch_is_a_subtitle() {
        assert_eq!(text(Form::Srt, 0), "");
        assert_eq!(text(Form::Srt, 2), "1\n00:00:00,000 --> 00:00:02,000\nhappy 0.75\n\n");
    }

    #[test]
    fn times_go_beyond_an_hour() {
        let expected = "1\n00:00:00,000 --> 01:01:01,003\njoy & \"<wonder>\" 0.75\n\n\
                        2\n01:01:01,003 --> 02:02:02,006\nWut, Ärger 0.88\n\n";
        assert_eq!(odd_text(Form::Srt), expected);
    }
}
