//! Names and folders of the clips.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::emotion::Emotion;

/// How the clips of a corpus are named and put into folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layout {
    /// `Actor_07/01-01-03-01-02-01-07.mp4`: modality, channel, emotion, intensity, statement,
    /// repetition, actor.
    Ravdess,
}

/// Which clip of a person it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take {
    /// The person, from 1.
    pub subject: u8,
    /// The label.
    pub emotion: Emotion,
    /// 1 or 2. It tells clips apart; what is said is drawn anew for each.
    pub statement: u8,
    /// 1 or 2.
    pub repetition: u8,
}

impl Layout {
    /// The name of a clip, without folder and extension.
    ///
    /// ```
    /// use av_synth::{Emotion, Layout, Take};
    ///
    /// let take = Take { subject: 7, emotion: Emotion::Happy, statement: 2, repetition: 1 };
    /// assert_eq!(Layout::Ravdess.id(&take), "01-01-03-01-02-01-07");
    /// ```
    pub fn id(self, take: &Take) -> String {
        match self {
            Self::Ravdess => format!(
                "01-01-{:02}-01-{:02}-{:02}-{:02}",
                take.emotion.code(),
                take.statement,
                take.repetition,
                take.subject
            ),
        }
    }

    /// The file of a clip, relative to the folder of the corpus.
    pub fn path(self, take: &Take) -> PathBuf {
        match self {
            Self::Ravdess => {
                PathBuf::from(format!("Actor_{:02}/{}.mp4", take.subject, self.id(take)))
            }
        }
    }
}
