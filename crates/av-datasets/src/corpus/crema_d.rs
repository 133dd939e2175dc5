//! The Crowd-sourced Emotional Multimodal Actors Dataset.

use super::files::{self, Layout, Recognised, Recording};
use super::labels::Labels;
use super::media::media;
use crate::table::CsvFile;
use crate::{Dataset, Expected, Result, Tracks};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Emotions by code; the crowd's votes are the first letters of the codes.
const EMOTIONS: [(&str, &str); 6] = [
    ("ANG", "anger"),
    ("DIS", "disgust"),
    ("FEA", "fear"),
    ("HAP", "happiness"),
    ("NEU", "neutral"),
    ("SAD", "sadness"),
];

const SENTENCES: [&str; 12] =
    ["DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI"];

/// One file is released with a single X.
const LEVELS: [&str; 5] = ["LO", "MD", "HI", "XX", "X"];

/// Clips whose sound or picture is broken in the release.
const BROKEN: [&str; 4] =
    ["1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX"];

/// CREMA-D: 91 actors speak twelve sentences in six emotions, some of them at three levels.
///
/// A file name is `actor_sentence_emotion_level`, for example `1001_DFA_ANG_XX.flv`; folders do not matter
/// (`VideoFlash/`, `AudioWAV/`). Files of one name are one clip: a wav file gives the sound, else the video does. The mp3 files
/// of the release hold the same sound and are left out.
///
/// Source: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, IEEE Transactions on Affective
/// Computing 5(4):377-390, 2014.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CremaD {
    /// Whose labels to take. Default `intended`.
    #[serde(default)]
    pub label: Rater,
    /// The table of the crowd's votes, relative to the data folder; not read for intended labels.
    #[serde(default = "votes")]
    pub votes: PathBuf,
    /// Whether to take the four clips whose sound or picture is broken in the release. Default: no.
    #[serde(default)]
    pub broken: bool,
    /// Class of each emotion code (`ANG`, `DIS`, `FEA`, `HAP`, `NEU`, `SAD`). Default: the six emotions.
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

/// Who says what emotion a clip of CREMA-D shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rater {
    /// The actor: what the file name says.
    #[default]
    Intended,
    /// Most of those who heard the voice alone. Where two emotions have as many votes, the clip is unlabelled.
    Voice,
    /// Most of those who saw the face alone.
    Face,
    /// Most of those who saw and heard.
    Both,
}

impl Rater {
    /// The column of the table of votes.
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Intended => None,
            Self::Voice => Some("VoiceVote"),
            Self::Face => Some("FaceVote"),
            Self::Both => Some("MultiModalVote"),
        }
    }
}

fn votes() -> PathBuf {
    "processedResults/summaryTable.csv".into()
}

fn standard() -> BTreeMap<String, String> {
    EMOTIONS.map(|(code, emotion)| (code.into(), emotion.into())).into()
}

impl Default for CremaD {
    fn default() -> Self {
        Self {
            label: Rater::default(),
            votes: votes(),
            broken: false,
            labels: standard(),
            unlabelled: vec![],
            excluded: vec![],
            expected: None,
        }
    }
}

impl CremaD {
    /// Lists the clips below a folder.
    ///
    /// Errors: an unreadable folder, a folder without any clip, codes with two meanings; for the crowd's labels an
    /// unreadable table of votes or one without the column.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let extensions = media();
        let labels = Labels {
            classes: &self.labels,
            unlabelled: &self.unlabelled,
            excluded: &self.excluded,
            order: &[],
        }
        .check()?;
        let votes = self.label.column().map(|column| read_votes(&root.join(&self.votes), column));
        let votes = votes.transpose()?;
        let layout = Layout {
            corpus: "crema-d",
            expected: "files named actor_sentence_emotion_level, in any folders".into(),
            example: "VideoFlash/1001_DFA_ANG_XX.flv",
            extensions: &extensions,
            labels,
        };
        files::index(root, &layout, |path, tracks| self.recognise(path, tracks, votes.as_ref()))
    }

    fn recognise(&self, path: &str, tracks: Tracks, votes: Option<&Votes>) -> Recognised {
        let name = path.rsplit('/').next().unwrap_or(path);
        let id = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let Name { actor, emotion } = Name::parse(id)?;
        let is_copy = name.to_lowercase().ends_with(".mp3");
        if is_copy || BROKEN.contains(&id) && !self.broken {
            return Ok(None);
        }
        let label = match votes {
            None => emotion.into(),
            Some(votes) => votes.get(id).ok_or("the table of votes has no row for it")?.clone(),
        };
        let (id, subject) = (id.into(), actor.into());
        Ok(Some(Recording { id, subject, label, fold: None, turn: None, tracks }))
    }
}

/// The emotion code of each clip; empty where the crowd is of two minds.
type Votes = BTreeMap<String, String>;

fn read_votes(path: &Path, column: &str) -> Result<Votes> {
    let mut file = CsvFile::open(path)?;
    let (name, vote) = (file.column("FileName")?, file.column(column)?);
    let mut votes = Votes::new();
    while let Some(row) = file.next_row()? {
        // The emotions with most votes, separated by colons.
        let code = EMOTIONS.iter().find(|(code, _)| code.get(..1) == Some(row.cell(vote)));
        let code = code.map_or("", |(code, _)| *code);
        votes.insert(row.cell(name).into(), code.into());
    }
    Ok(votes)
}

/// The parts of a file name that are used.
struct Name<'a> {
    actor: &'a str,
    emotion: &'a str,
}

impl<'a> Name<'a> {
    /// Errors: the reason why this is not a CREMA-D name.
    fn parse(stem: &'a str) -> std::result::Result<Self, String> {
        let parts: Vec<&str> = stem.split('_').collect();
        let &[actor, sentence, emotion, level] = parts.as_slice() else {
            return Err("the name is not four parts such as 1001_DFA_ANG_XX".into());
        };
        let known = |what: &str, part: &str, all: &[&str]| match all.contains(&part) {
            true => Ok(()),
            false => Err(format!("{what} `{part}` is none of {}", all.join(", "))),
        };
        if !actor.parse().is_ok_and(|actor: u16| (1001..=1091).contains(&actor)) {
            return Err(format!("actor `{actor}` is not a number from 1001 to 1091"));
        }
        known("sentence", sentence, &SENTENCES)?;
        known("emotion", emotion, &EMOTIONS.map(|(code, _)| code))?;
        known("level", level, &LEVELS)?;
        Ok(Self { actor, emotion })
    }
}
