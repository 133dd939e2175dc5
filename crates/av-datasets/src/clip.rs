//! One labelled recording and where its modalities are found.

use crate::{Affect, Modalities, Modality};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A labelled recording of one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Name of the clip, unique in its data set.
    pub id: String,
    /// Name of the person recorded; empty: not known.
    pub subject: String,
    /// Index into [`Dataset::classes`](crate::Dataset::classes); none: unlabelled.
    pub emotion: Option<usize>,
    /// Name of the fold in which the clip is tested, where the corpus or a table gives one.
    pub fold: Option<String>,
    /// Its place in a conversation, where the corpus is one of conversations.
    pub turn: Option<Turn>,
    /// The targets of each frame, by the number of the frame; none: not annotated. Empty: the corpus has no such
    /// targets.
    pub affect: Vec<Option<Affect>>,
    /// Where each modality is; none: the clip lacks it.
    pub sources: Modalities<Option<Source>>,
}

/// Which utterance of which conversation a clip is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Name of the dialogue, unique in its data set.
    pub dialogue: String,
    /// Number of the utterance in it: ascending in time, from 0, with gaps where utterances are lacking.
    pub number: usize,
}

/// Where one modality of a clip is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A media file.
    Media(PathBuf),
    /// A row of a feature table.
    Row {
        /// Index into [`Dataset::tables`](crate::Dataset::tables).
        table: usize,
        /// Index into [`Table::rows`](crate::Table::rows).
        row: usize,
    },
}

/// What a media file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tracks {
    /// Sound alone.
    Audio,
    /// Picture alone.
    Video,
    /// Sound and picture.
    Both,
}

impl Tracks {
    /// Whether such a file holds the modality.
    pub fn hold(self, modality: Modality) -> bool {
        match self {
            Self::Audio => modality == Modality::Audio,
            Self::Video => modality == Modality::Video,
            Self::Both => matches!(modality, Modality::Audio | Modality::Video),
        }
    }
}
