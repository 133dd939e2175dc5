//! The classes, and where each of them lies in the two expression spaces.

use serde::{Deserialize, Serialize};

use crate::latent::Expression;

/// The eight emotions of RAVDESS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emotion {
    /// Code 01.
    Neutral,
    /// Code 02.
    Calm,
    /// Code 03.
    Happy,
    /// Code 04.
    Sad,
    /// Code 05.
    Angry,
    /// Code 06.
    Fearful,
    /// Code 07.
    Disgust,
    /// Code 08.
    Surprised,
}

impl Emotion {
    /// The two digits of the emotion in a RAVDESS file name.
    ///
    /// ```
    /// assert_eq!(av_synth::Emotion::Surprised.code(), 8);
    /// ```
    pub fn code(self) -> u8 {
        match self {
            Self::Neutral => 1,
            Self::Calm => 2,
            Self::Happy => 3,
            Self::Sad => 4,
            Self::Angry => 5,
            Self::Fearful => 6,
            Self::Disgust => 7,
            Self::Surprised => 8,
        }
    }

    /// The English name in lower case, as in configurations and in `truth.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Calm => "calm",
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Angry => "angry",
            Self::Fearful => "fearful",
            Self::Disgust => "disgust",
            Self::Surprised => "surprised",
        }
    }

    /// Mean voice of the class: arousal, brightness, tempo.
    ///
    /// Happy, angry and surprised voices lie close together, and so do sad and fearful ones.
    pub fn voice(self) -> Expression {
        match self {
            Self::Neutral => [0.1, -0.5, -0.1],
            Self::Calm => [-0.6, -0.9, -0.9],
            Self::Happy => [1.6, 0.9, -0.5],
            Self::Sad => [-1.8, -1.2, -1.2],
            Self::Angry => [2.3, 0.0, 1.0],
            Self::Fearful => [-1.3, 0.1, 0.3],
            Self::Disgust => [0.3, -1.2, -0.6],
            Self::Surprised => [1.2, 2.0, 0.6],
        }
    }

    /// Mean face of the class: brows, eyes, mouth.
    ///
    /// Fearful and surprised faces lie close together, and so do neutral, sad and angry ones.
    pub fn face(self) -> Expression {
        match self {
            Self::Neutral => [-0.1, -0.1, 0.2],
            Self::Calm => [0.2, -0.6, 0.6],
            Self::Happy => [0.2, -0.5, 2.1],
            Self::Sad => [0.3, -0.9, -1.2],
            Self::Angry => [-1.5, 0.2, -0.6],
            Self::Fearful => [1.5, 1.4, -0.8],
            Self::Disgust => [-1.2, -1.2, -0.5],
            Self::Surprised => [1.9, 1.9, 0.3],
        }
    }
}
