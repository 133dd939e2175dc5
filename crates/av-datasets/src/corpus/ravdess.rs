//! The Ryerson Audio-Visual Database of Emotional Speech and Song.

use super::files::{self, Layout, Recognised, Recording};
use super::labels::Labels;
use super::media::media;
use crate::{Dataset, Expected, Result, Tracks};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Emotions by code.
const EMOTIONS: [(&str, &str); 8] = [
    ("01", "neutral"),
    ("02", "calm"),
    ("03", "happy"),
    ("04", "sad"),
    ("05", "angry"),
    ("06", "fearful"),
    ("07", "disgust"),
    ("08", "surprised"),
];

/// RAVDESS: 24 actors, eight emotions, audio-visual, video-only and audio-only files.
///
/// A file name has seven numbers, `modality-channel-emotion-intensity-statement-repetition-actor`, for
/// example `01-01-06-01-02-01-12.mp4`. Files that differ in the modality alone are one clip, whose name is
/// the last six numbers: audio-visual (01) gives sound and picture, audio-only (03) the sound, video-only
/// (02) the picture; where two files give the same side, the one of that side alone is taken. Folders
/// do not matter: `Actor_12/`, nested or flat.
///
/// Source: S. R. Livingstone and F. A. Russo, PLoS ONE 13(5):e0196391, 2018.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ravdess {
    /// Which recordings to take. Default `speech`.
    #[serde(default)]
    pub channel: Channel,
    /// Class of each emotion code. Default: the eight emotions. Two codes of one class merge
    /// (`01 = "calm"`).
    #[serde(default = "standard")]
    pub labels: BTreeMap<String, String>,
    /// Emotion codes of clips that are used without a label. Default: none.
    #[serde(default)]
    pub unlabelled: Vec<String>,
    /// Emotion codes of clips that are left out. Default: none.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// Counts of the complete corpus, for `verify`.
    #[serde(default)]
    pub expected: Option<Expected>,
}

/// What RAVDESS calls the vocal channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Spoken sentences (channel 01).
    #[default]
    Speech,
    /// Sung sentences (channel 02): six emotions, no actor 18.
    Song,
    /// Both.
    Both,
}

fn standard() -> BTreeMap<String, String> {
    EMOTIONS.map(|(code, emotion)| (code.into(), emotion.into())).into()
}

impl Default for Ravdess {
    fn default() -> Self {
        Self {
            channel: Channel::default(),
            labels: standard(),
            unlabelled: vec![],
            excluded: vec![],
            expected: None,
        }
    }
}

impl Ravdess {
    /// Lists the clips below a folder.
    ///
    /// Errors: an unreadable folder, a folder without any RAVDESS file, codes with two meanings.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let extensions = media();
        let labels = Labels {
            classes: &self.labels,
            unlabelled: &self.unlabelled,
            excluded: &self.excluded,
            order: &[],
        }
        .check()?;
        let channel = match self.channel {
            Channel::Speech => "speech files",
            Channel::Song => "song files",
            Channel::Both => "files",
        };
        let layout = Layout {
            corpus: "ravdess",
            expected: format!(
                "{channel} named modality-channel-emotion-intensity-statement-repetition-actor, \
                 in any folders"
            ),
            example: match self.channel {
                Channel::Speech | Channel::Both => "Actor_12/01-01-06-01-02-01-12.mp4",
                Channel::Song => "Actor_12/01-02-06-01-02-01-12.mp4",
            },
            extensions: &extensions,
            labels,
        };
        files::index(root, &layout, |path, holds| self.recognise(path, holds))
    }

    fn recognise(&self, path: &str, holds: Tracks) -> Recognised {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let Name { tracks, channel, emotion, actor, performance } = Name::parse(stem)?;
        if (tracks == Tracks::Audio) != (holds == Tracks::Audio) {
            return Err(
                "the extension does not go with the first number of the name (01 audio-visual, \
                 02 video, 03 audio)"
                    .into(),
            );
        }
        let wanted = match self.channel {
            Channel::Speech => channel == "01",
            Channel::Song => channel == "02",
            Channel::Both => true,
        };
        if !wanted {
            return Ok(None);
        }
        let (id, subject, label) = (performance.into(), actor.into(), emotion.into());
        Ok(Some(Recording { id, subject, label, fold: None, turn: None, tracks }))
    }
}

/// The clip name of a RAVDESS file name without extension, whatever its modality.
pub(crate) fn performance(stem: &str) -> Option<&str> {
    Name::parse(stem).ok().map(|name| name.performance)
}

/// The numbers of a file name.
struct Name<'a> {
    tracks: Tracks,
    channel: &'a str,
    emotion: &'a str,
    actor: &'a str,
    /// All numbers but the modality.
    performance: &'a str,
}

impl<'a> Name<'a> {
    /// Errors: the reason why this is not a RAVDESS name.
    fn parse(stem: &'a str) -> std::result::Result<Self, String> {
        let numbers: Vec<&str> = stem.split('-').collect();
        let &[modality, channel, emotion, intensity, statement, repetition, actor] =
            numbers.as_slice()
        else {
            return Err("the name is not seven numbers such as 01-01-06-01-02-01-12".into());
        };
        let fields = [
            ("modality", modality, 3),
            ("channel", channel, 2),
            ("emotion", emotion, 8),
            ("intensity", intensity, 2),
            ("statement", statement, 2),
            ("repetition", repetition, 2),
            ("actor", actor, 24),
        ];
        for (field, number, largest) in fields {
            let digits = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
            let value: u8 = number.parse().unwrap_or(0);
            if !digits || value == 0 || value > largest {
                return Err(format!("{field} `{number}` is not a number from 01 to {largest:02}"));
            }
        }
        if emotion == "01" && intensity == "02" {
            return Err("intensity `02` does not exist for neutral (emotion 01)".into());
        }
        let tracks = match modality {
            "01" => Tracks::Both,
            "02" => Tracks::Video,
            _ => Tracks::Audio,
        };
        let performance = stem.get(3..).unwrap_or_default();
        Ok(Self { tracks, channel, emotion, actor, performance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_checked() {
        assert_eq!(performance("03-01-06-01-02-01-12"), Some("01-06-01-02-01-12"));
        for (stem, reason) in [
            ("01-01-06-01-02-01", "seven numbers"),
            ("01-01-06-01-02-01-12-1", "seven numbers"),
            ("04-01-06-01-02-01-12", "modality `04`"),
            ("01-00-06-01-02-01-12", "channel `00`"),
            ("01-01-09-01-02-01-12", "emotion `09`"),
            ("01-01-06-03-02-01-12", "intensity `03`"),
            ("01-01-06-01-2-01-12", "statement `2`"),
            ("01-01-06-01-02-+1-12", "repetition `+1`"),
            ("01-01-06-01-02-01-25", "actor `25`"),
            ("01-01-01-02-02-01-12", "neutral"),
            ("._01-01-06-01-02-01-12", "modality `._01`"),
        ] {
            let error = Name::parse(stem).err().unwrap_or_default();
            assert!(error.contains(reason), "{stem}: {error}");
        }
    }
}
