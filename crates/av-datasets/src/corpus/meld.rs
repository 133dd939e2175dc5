//! The Multimodal EmotionLines Dataset.

use super::annotation::number;
use super::files::Layout;
use super::labels::Labels;
use super::listed::{Named, Row, Rows};
use super::media::media;
use super::walk::Files;
use crate::table::CsvFile;
use crate::{Dataset, Error, Expected, Result, Turn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The splits with the beginnings of the names of their folders, and their tables.
const SPLITS: [(&str, &[&str], &str); 3] = [
    ("train", &["train_splits"], "train_sent_emo.csv"),
    ("dev", &["dev_splits"], "dev_sent_emo.csv"),
    ("test", &["test_splits", "output_repeated_splits_test"], "test_sent_emo.csv"),
];

const EMOTIONS: [&str; 7] = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"];

const SENTIMENTS: [&str; 3] = ["negative", "neutral", "positive"];

/// Rows whose video is lacking (dev) or broken (train) in the release.
const BROKEN: [&str; 2] = ["dev/dia110_utt7", "train/dia125_utt3"];

/// Videos of the release that no row names.
const UNNAMED: [&str; 5] =
    ["dev/dia49_utt4", "dev/dia49_utt5", "dev/dia66_utt10", "dev/dia66_utt9", "test/dia108_utt2"];

/// MELD: 1,432 dialogues of a television series in 13,708 utterances, with emotion and sentiment, split by dialogue.
///
/// The three tables `train_sent_emo.csv`, `dev_sent_emo.csv` and `test_sent_emo.csv` lie anywhere below the data folder.
/// A clip is `diaD_uttU.mp4`; dialogues are numbered again in each split, so a folder above it says which split it is of:
/// `train_splits`, `dev_splits_complete`, `output_repeated_splits_test`, or `train`, `dev`, `test`. Clips are named
/// `train/dia0_utt0`; the subject is the speaker, the fold the split, and [`Clip::turn`](crate::Clip::turn) the place in
/// the dialogue.
///
/// The main characters speak in all three splits: `protocol = { kind = "column" }` needs `shared_subjects = true`.
///
/// Source: S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria and R. Mihalcea, ACL 2019, pages 527-536.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meld {
    /// Which label to take. Default `emotion`.
    #[serde(default)]
    pub label: Annotation,
    /// Whether to take the two clips whose video is lacking or broken in the release, as those do who mended them.
    /// Default: no.
    #[serde(default)]
    pub broken: bool,
    /// Class of each label code. Default: every emotion, or every sentiment, is a class.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Codes of clips that are used without a label. Default: none.
    #[serde(default)]
    pub unlabelled: Vec<String>,
    /// Codes of clips that are left out. Default: none.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// Counts of the complete corpus, for `verify`.
    #[serde(default)]
    pub expected: Option<Expected>,
}

/// Which of the two annotations of MELD gives the labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Annotation {
    /// `anger`, `disgust`, `fear`, `joy`, `neutral`, `sadness` or `surprise`.
    #[default]
    Emotion,
    /// `negative`, `neutral` or `positive`.
    Sentiment,
}

impl Annotation {
    fn column(self) -> &'static str {
        match self {
            Self::Emotion => "Emotion",
            Self::Sentiment => "Sentiment",
        }
    }

    fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Emotion => &EMOTIONS,
            Self::Sentiment => &SENTIMENTS,
        }
    }
}

impl Meld {
    /// Lists the clips below a folder.
    ///
    /// A row without a file and a file without a row are problems, but for what is known of the release: the rows of the
    /// two broken clips, five videos without a row and the files named `final_videos_test...` are left out.
    ///
    /// Errors: an unreadable folder or table, a table that is not there, a missing column, a folder without any clip,
    /// codes with two meanings.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let standard = self.label.codes().iter().map(|&code| (code.into(), code.into())).collect();
        let labels = Labels {
            classes: if self.labels.is_empty() { &standard } else { &self.labels },
            unlabelled: &self.unlabelled,
            excluded: &self.excluded,
            order: &[],
        }
        .check()?;
        let extensions = media();
        let layout = Layout {
            corpus: "meld",
            expected: "files named diaD_uttU.mp4 in folders train_splits, dev_splits_complete and \
                       output_repeated_splits_test, or train, dev and test"
                .into(),
            example: "train_splits/dia0_utt0.mp4",
            extensions: &extensions,
            labels,
        };
        self.rows(root)?.index(root, &layout, |rows, path| self.name(rows, path))
    }

    /// The rows of the three tables.
    fn rows(&self, root: &Path) -> Result<Rows> {
        let files = Files::below(root)?;
        let mut rows = Rows::default();
        for (split, _, table) in SPLITS {
            let named = |path: &&String| path.rsplit('/').next() == Some(table);
            let mut tables = files.relative.iter().filter(named);
            let Some(path) = tables.next() else {
                return Err(Error::NoTable { root: root.into(), table });
            };
            self.read(split, &root.join(path), &mut rows)?;
            for other in tables {
                let reason = format!("is not read: {path} has the same name; remove one");
                rows.problem(&root.join(other), reason);
            }
        }
        Ok(rows)
    }

    fn read(&self, split: &str, path: &Path, rows: &mut Rows) -> Result<()> {
        let mut file = CsvFile::open(path)?;
        let [dialogue, utterance] = [file.column("Dialogue_ID")?, file.column("Utterance_ID")?];
        let [speaker, label] = [file.column("Speaker")?, file.column(self.label.column())?];
        while let Some(row) = file.next_row()? {
            let [dialogue, utterance] = [row.cell(dialogue), row.cell(utterance)];
            let (Some(dialogue), Some(utterance)) = (number(dialogue), number(utterance)) else {
                let reason = format!("`{dialogue}` and `{utterance}` are not two numbers");
                rows.report(path, row.line, reason);
                continue;
            };
            let id = format!("{split}/dia{dialogue}_utt{utterance}");
            if !self.takes(&id) {
                continue;
            }
            let row = Row {
                path: path.into(),
                line: row.line,
                subject: row.cell(speaker).into(),
                label: row.cell(label).into(),
                fold: Some(split.into()),
                turn: Some(Turn { dialogue: format!("{split}/dia{dialogue}"), number: utterance }),
            };
            rows.add(id, row);
        }
        Ok(())
    }

    fn name(&self, rows: &BTreeMap<String, Row>, path: &str) -> Named {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.starts_with("final_videos_test") {
            return Ok(None);
        }
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let numbers = stem.strip_prefix("dia").and_then(|rest| rest.split_once("_utt"));
        let numbers = numbers.and_then(|(dia, utt)| Some((number(dia)?, number(utt)?)));
        let (dialogue, utterance) = numbers.ok_or("the name is not such as dia0_utt0.mp4")?;
        let split = folders.rsplit('/').find_map(split);
        let split = split.ok_or("no folder above it says whether it is of train, dev or test")?;
        let id = format!("{split}/dia{dialogue}_utt{utterance}");
        let unnamed = UNNAMED.contains(&id.as_str()) && !rows.contains_key(&id);
        Ok(Some(id).filter(|id| self.takes(id) && !unnamed))
    }

    fn takes(&self, id: &str) -> bool {
        self.broken || !BROKEN.contains(&id)
    }
}

/// The split that a folder is of.
fn split(folder: &str) -> Option<&'static str> {
    let of = |(split, beginnings, _): &&(&str, &[&str], _)| {
        folder == *split || beginnings.iter().any(|beginning| folder.starts_with(beginning))
    };
    SPLITS.iter().find(of).map(|(split, ..)| *split)
}
