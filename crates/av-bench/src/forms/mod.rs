//! What a model says of a clip, in the forms of other programs: one file each.

mod csv;
mod elan;
mod interval;
mod jsonl;
mod rttm;
mod srt;
#[cfg(test)]
mod testing;
mod textgrid;
mod vtt;

use crate::failure::Result;
use av_train::ClipReport;
use clap::ValueEnum;
use interval::{Interval, intervals};

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A line of JSON a clip: everything that is known
    Jsonl,
    /// A table with a row for each stretch of one emotion
    Csv,
    /// Subtitles
    Srt,
    /// Subtitles of web pages
    Vtt,
    /// An annotation of ELAN
    Elan,
    /// Speaker turns of diarisation, with emotions for speakers
    Rttm,
    /// An annotation of Praat
    Textgrid,
}

/// A clip as a sequence of stretches of one emotion.
#[derive(Debug)]
struct Line<'a> {
    /// The media file.
    file: &'a str,
    /// In the order of time, without overlap.
    intervals: Vec<Interval<'a>>,
}

impl Form {
    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Elan => "eaf",
            Self::Rttm => "rttm",
            Self::Textgrid => "TextGrid",
        }
    }

    /// Whether a file of this form is of one clip.
    pub fn is_of_one_clip(self) -> bool {
        match self {
            Self::Jsonl | Self::Csv | Self::Rttm => false,
            Self::Srt | Self::Vtt | Self::Elan | Self::Textgrid => true,
        }
    }

    /// What stands once at the beginning, before the first clip; mostly nothing.
    pub fn head(self, classes: &[String]) -> Result<String> {
        match self {
            Self::Csv => csv::head(classes),
            Self::Jsonl | Self::Rttm | Self::Srt | Self::Vtt | Self::Elan | Self::Textgrid => {
                Ok(String::new())
            }
        }
    }

    /// The text of a clip, with a newline at its end. `classes` are in the order of the model's outputs.
    pub fn text(self, report: &ClipReport, classes: &[String]) -> Result<String> {
        let line = || Line { file: &report.clip, intervals: intervals(report, classes) };
        match self {
            Self::Jsonl => jsonl::text(report),
            Self::Csv => csv::rows(&line()),
            Self::Srt => Ok(srt::text(&line())),
            Self::Vtt => Ok(vtt::text(&line())),
            Self::Elan => Ok(elan::text(&line())),
            Self::Rttm => Ok(rttm::text(&line())),
            Self::Textgrid => Ok(textgrid::text(&line())),
        }
    }
}

/// `01:02:03,004` with the comma given.
fn time_stamp(ms: u64, comma: char) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}{comma}{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

/// Seconds with three digits after the point.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// A text for where a line ends the text: with spaces for line ends and other control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
