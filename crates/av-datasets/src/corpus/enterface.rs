//! The eNTERFACE'05 audio-visual emotion database.

use super::files::{self, Layout, Recognised, Recording};
use super::labels::Labels;
use super::media::media;
use crate::{Dataset, Expected, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Emotions by their code in file names; folders have the names.
const EMOTIONS: [(&str, &str); 6] = [
    ("an", "anger"),
    ("di", "disgust"),
    ("fe", "fear"),
    ("ha", "happiness"),
    ("sa", "sadness"),
    ("su", "surprise"),
];

/// The last subject.
const SUBJECTS: u8 = 44;

/// Sentences of each emotion.
const SENTENCES: u8 = 5;

/// The recordings of this subject were never cut into sentences.
const UNCUT: u8 = 6;

/// The files in the folder of this subject have the number of the next one in their names.
const RENUMBERED: u8 = 11;

/// eNTERFACE'05: 42 subjects speak five English sentences in each of six emotions.
///
/// A file is `subject N/EMOTION/sentence K/NAME.avi`, in any folders. The folders say what it is, as names are
/// irregular (`s_3_an_1.avi`, `s16_su_3avi.avi`, `s12_` in the folder of subject 11). A name that contradicts its folders
/// is a problem. The recordings of subject 6, which were never cut into sentences, are left out.
///
/// Source: O. Martin, I. Kotsia, B. Macq and I. Pitas, "The eNTERFACE'05 Audio-Visual Emotion Database", ICDE
/// Workshops, 2006.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enterface {
    /// Class of each emotion code (`an`, `di`, `fe`, `ha`, `sa`, `su`). Default: the six emotions.
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

fn standard() -> BTreeMap<String, String> {
    EMOTIONS.map(|(code, emotion)| (code.into(), emotion.into())).into()
}

impl Default for Enterface {
    fn default() -> Self {
        Self { labels: standard(), unlabelled: vec![], excluded: vec![], expected: None }
    }
}

impl Enterface {
    /// Lists the clips below a folder.
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
            corpus: "enterface05",
            expected: "files in folders subject N/EMOTION/sentence K".into(),
            example: "subject 1/anger/sentence 1/s1_an_1.avi",
            extensions: &extensions,
            labels,
        };
        files::index(root, &layout, |path, tracks| {
            let Some(Place { subject, code, sentence }) = Place::parse(path)? else {
                return Ok(None);
            };
            let id = format!("s{subject:02}_{code}_{sentence}");
            let (subject, label) = (format!("{subject:02}"), code.into());
            Ok(Some(Recording { id, subject, label, fold: None, turn: None, tracks })) as Recognised
        })
    }
}

/// What the folders of a file say.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    subject: u8,
    code: &'static str,
    sentence: u8,
}

impl Place {
    /// None for a recording that was never cut. Errors: the reason why the file is not one of the corpus.
    fn parse(path: &str) -> std::result::Result<Option<Self>, String> {
        let parts: Vec<&str> = path.split('/').collect();
        if let [.., subject, emotion, _] = *parts
            && numbered("subject", subject) == Some(UNCUT)
            && code_of(emotion).is_some()
        {
            return Ok(None);
        }
        let [.., subject, emotion, sentence, name] = *parts else {
            return Err("is not in folders subject N/EMOTION/sentence K".into());
        };
        let within = |folder: &str, word: &str, last: u8| {
            let number = numbered(word, folder).filter(|number| (1..=last).contains(number));
            number.ok_or_else(|| format!("folder `{folder}` is not `{word} 1` to `{word} {last}`"))
        };
        let place = Self {
            subject: within(subject, "subject", SUBJECTS)?,
            code: code_of(emotion).ok_or_else(|| {
                let known = EMOTIONS.map(|(_, emotion)| emotion).join(", ");
                format!("folder `{emotion}` is none of {known}")
            })?,
            sentence: within(sentence, "sentence", SENTENCES)?,
        };
        place.check(name)?;
        Ok(Some(place))
    }

    /// Compares with the name of the file, whose parts are subject (in one part or two), emotion and sentence.
    fn check(&self, name: &str) -> std::result::Result<(), String> {
        let stem = name.split('.').next().unwrap_or(name).to_lowercase();
        let stem = stem.strip_suffix("avi").unwrap_or(&stem);
        let words: Vec<&str> = stem.split('_').collect();
        let [subject @ .., code, sentence] = words.as_slice() else {
            return Err(format!("`{name}` is not a name such as s1_an_1.avi"));
        };
        let named = subject.concat().strip_prefix('s').and_then(|number| number.parse().ok());
        let subject = if self.subject == RENUMBERED { RENUMBERED + 1 } else { self.subject };
        let agrees = [Some(self.subject), Some(subject)].contains(&named)
            && *code == self.code
            && sentence.parse() == Ok(self.sentence);
        if agrees {
            return Ok(());
        }
        let Self { subject, code, sentence } = self;
        Err(format!(
            "the name says otherwise than its folders (subject {subject}, {code}, sentence {sentence}); move or rename it"
        ))
    }
}

/// The number behind a word.
fn numbered(word: &str, folder: &str) -> Option<u8> {
    folder.to_lowercase().strip_prefix(word)?.trim_matches([' ', '-', '_']).parse().ok()
}

fn code_of(emotion: &str) -> Option<&'static str> {
    let known = EMOTIONS.iter().find(|(_, known)| *known == emotion.to_lowercase());
    known.map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_say_what_a_file_is_and_irregular_names_agree() {
        for (path, subject, code, sentence) in [
            ("subject 1/anger/sentence 1/s1_an_1.avi", 1, "an", 1),
            ("x/y/Subject 43/Surprise/Sentence 5/s43_su_5.avi", 43, "su", 5),
            ("subject-2/fear/sentence_2/s2_fe_2.avi", 2, "fe", 2),
            ("subject 3/disgust/sentence 4/s_3_di_4.avi", 3, "di", 4),
            ("subject 16/surprise/sentence 3/s16_su_3avi.avi", 16, "su", 3),
            ("subject 11/sadness/sentence 2/s12_sa_2.avi", 11, "sa", 2),
        ] {
            assert_eq!(Place::parse(path), Ok(Some(Place { subject, code, sentence })), "{path}");
        }
        assert_eq!(Place::parse("subject 6/anger/s6_an.avi"), Ok(None));
    }

    #[test]
    fn what_contradicts_itself_is_told() {
        for (path, reason) in [
            ("subject 1/anger/s1_an_1.avi", "subject N/EMOTION/sentence K"),
            ("s1_an_1.avi", "subject N/EMOTION/sentence K"),
            ("subject 45/anger/sentence 1/s45_an_1.avi", "folder `subject 45`"),
            ("subject 1/joy/sentence 1/s1_ha_1.avi", "folder `joy` is none of anger"),
            ("subject 1/anger/sentence 6/s1_an_6.avi", "folder `sentence 6`"),
            ("subject 1/anger/sentence 1/s1_di_1.avi", "otherwise than its folders"),
            ("subject 1/anger/sentence 1/s1_an_2.avi", "otherwise than its folders"),
            ("subject 1/anger/sentence 1/s2_an_1.avi", "otherwise than its folders"),
            ("subject 12/anger/sentence 1/s11_an_1.avi", "otherwise than its folders"),
            ("subject 1/anger/sentence 1/holiday.avi", "not a name such as"),
        ] {
            let error = Place::parse(path).unwrap_err();
            assert!(error.contains(reason), "{path}: {error}");
        }
    }
}
