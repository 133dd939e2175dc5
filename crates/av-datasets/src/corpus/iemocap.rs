//! The Interactive Emotional Dyadic Motion Capture database.

use super::annotation::{self, number};
use super::files::Layout;
use super::labels::Labels;
use super::listed::{NO_ROW, Named, Row, Rows};
use super::media::media;
use super::walk::Files;
use crate::{Dataset, Expected, Result, Turn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Emotions by code.
const EMOTIONS: [(&str, &str); 9] = [
    ("ang", "anger"),
    ("dis", "disgust"),
    ("exc", "excitement"),
    ("fea", "fear"),
    ("fru", "frustration"),
    ("hap", "happiness"),
    ("neu", "neutral"),
    ("sad", "sadness"),
    ("sur", "surprise"),
];

/// No two raters agree, and an emotion that has no name here.
const UNNAMED: [&str; 2] = ["oth", "xxx"];

/// IEMOCAP: ten actors in five sessions of two, 151 dialogues in 10,039 turns.
///
/// The turns are the lines `[start - end] TURN emotion [v, a, d]` of `Session1/dialog/EmoEvaluation/DIALOGUE.txt`, their sound
/// is `Session1/sentences/wav/DIALOGUE/TURN.wav`. A clip has the name of its turn, `Ses01F_impro01_M003`; the subject is session
/// and speaker (`Ses01_M`: the letter behind the session is who wore the markers, the one behind the dialogue who speaks), the fold
/// the session, and [`Clip::turn`](crate::Clip::turn) the place in the dialogue by time.
///
/// The videos are of whole dialogues and show both actors. The script `datasets/iemocap/cut` makes a file of each turn of them,
/// `Session1/sentences/avi/DIALOGUE/TURN.avi`; without such files the clips have no picture.
///
/// Source: C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee and S. S. Narayanan,
/// Language Resources and Evaluation 42:335-359, 2008.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iemocap {
    /// Class of each emotion code (`ang`, `dis`, `exc`, `fea`, `fru`, `hap`, `neu`, `sad`, `sur`). Default: the nine
    /// emotions. Two codes of one class merge (`exc = "happiness"`).
    #[serde(default = "standard")]
    pub labels: BTreeMap<String, String>,
    /// Emotion codes of clips that are used without a label. Default: none.
    #[serde(default)]
    pub unlabelled: Vec<String>,
    /// Emotion codes of clips that are left out. Default: `oth` and `xxx`, where no emotion of these has most votes.
    #[serde(default = "unnamed")]
    pub excluded: Vec<String>,
    /// Counts of the complete corpus, for `verify`.
    #[serde(default)]
    pub expected: Option<Expected>,
}

fn standard() -> BTreeMap<String, String> {
    EMOTIONS.map(|(code, emotion)| (code.into(), emotion.into())).into()
}

fn unnamed() -> Vec<String> {
    UNNAMED.map(String::from).into()
}

impl Default for Iemocap {
    fn default() -> Self {
        Self { labels: standard(), unlabelled: vec![], excluded: unnamed(), expected: None }
    }
}

impl Iemocap {
    /// Lists the clips below a folder.
    ///
    /// A turn without a file and a file without a turn are problems. The sound and the videos of whole dialogues
    /// (in a folder `dialog`) are left out.
    ///
    /// Errors: an unreadable folder, a folder without any clip, codes with two meanings.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let extensions = media();
        let labels = Labels {
            classes: &self.labels,
            unlabelled: &self.unlabelled,
            excluded: &self.excluded,
            order: &[],
        }
        .check()?;
        let layout = Layout {
            corpus: "iemocap",
            expected: "wav files of the turns of Session1/dialog/EmoEvaluation/Ses01F_impro01.txt and so on"
                .into(),
            example: "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
            extensions: &extensions,
            labels,
        };
        rows(root)?.index(root, &layout, name)
    }
}

/// The turns of all dialogues.
fn rows(root: &Path) -> Result<Rows> {
    let mut rows = Rows::default();
    for path in Files::below(root)?.relative {
        // The folders next to these files hold what single raters said.
        let mut parts = path.rsplit('/');
        let (Some(name), Some("EmoEvaluation")) = (parts.next(), parts.next()) else { continue };
        let Some(dialogue) = name.strip_suffix(".txt") else { continue };
        let path = root.join(&path);
        match annotation::text(&path) {
            Ok(text) => read(dialogue, &path, &text, &mut rows),
            Err(reason) => rows.problem(&path, reason),
        }
    }
    Ok(rows)
}

fn read(dialogue: &str, path: &Path, text: &str, rows: &mut Rows) {
    let mut turns = vec![];
    for (index, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with('[')) {
        let line_number = index as u64 + 1;
        match turn(dialogue, line) {
            Ok(turn) => turns.push((turn, line_number)),
            Err(reason) => rows.report(path, line_number, reason),
        }
    }
    turns.sort_by(|(a, _), (b, _)| a.start.total_cmp(&b.start));
    for (number, (turn, line)) in turns.into_iter().enumerate() {
        let Spoken { name, session, speaker, emotion, .. } = turn;
        let row = Row {
            path: path.into(),
            line,
            subject: format!("Ses{session:02}_{speaker}"),
            label: emotion.into(),
            fold: Some(session.to_string()),
            turn: Some(Turn { dialogue: dialogue.into(), number }),
        };
        rows.add(name.into(), row);
    }
}

/// A line of an evaluation.
struct Spoken<'a> {
    /// Seconds from the beginning of the dialogue.
    start: f64,
    name: &'a str,
    session: usize,
    /// `F` or `M`.
    speaker: &'a str,
    emotion: &'a str,
}

/// Errors: the reason why the line is no turn of the dialogue.
fn turn<'a>(dialogue: &str, line: &'a str) -> std::result::Result<Spoken<'a>, String> {
    let mut cells = line.split('\t').map(str::trim);
    let (Some(times), Some(name), Some(emotion)) = (cells.next(), cells.next(), cells.next())
    else {
        return Err("is not `[start - end]`, turn and emotion with tabs between them".into());
    };
    let start = times.strip_prefix('[').and_then(|times| times.split_once(" - "));
    let start = start.and_then(|(start, _)| start.trim().parse().ok());
    let start = start.filter(|start: &f64| start.is_finite());
    let start = start.ok_or_else(|| format!("`{times}` is not `[start - end]` in seconds"))?;
    let unknown = || format!("turn `{name}` is not such as {dialogue}_F000");
    let spoken = name.strip_prefix(dialogue).and_then(|rest| rest.strip_prefix('_'));
    let speaker = spoken.and_then(|spoken| spoken.get(..1)).filter(|s| ["F", "M"].contains(s));
    let session = dialogue.strip_prefix("Ses").and_then(|rest| number(rest.get(..2)?));
    let session = session.filter(|session| (1..=5).contains(session));
    let session = session.ok_or("the name of the file does not begin with Ses01 to Ses05")?;
    Ok(Spoken { start, name, session, speaker: speaker.ok_or_else(unknown)?, emotion })
}

fn name(rows: &BTreeMap<String, Row>, path: &str) -> Named {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    if folders.split('/').any(|folder| folder == "dialog") {
        return Ok(None);
    }
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    rows.contains_key(stem).then(|| Some(stem.to_owned())).ok_or_else(|| NO_ROW.into())
}
