//! A corpus as a list of clips.

use crate::{Clip, Table};
use std::path::PathBuf;

/// The clips of a corpus, with what did not belong.
///
/// Made by [`CorpusConfig::index`](crate::CorpusConfig::index); feature tables are added with [`join`](Self::join).
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// Name of the corpus.
    pub name: String,
    /// Names of the classes that at least one clip has.
    pub classes: Vec<String>,
    /// The clips, sorted by [`Clip::id`].
    pub clips: Vec<Clip>,
    /// The feature tables that clips refer to.
    pub tables: Vec<Table>,
    /// What was found and not used, clips that a table does not know, and recordings that are two clips.
    pub problems: Vec<Problem>,
    /// Columns of tables that say what the clips are: no features, in whatever table they stand.
    pub metadata: Vec<MetadataColumn>,
}

/// A column that says what the clips are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataColumn {
    /// Its name.
    pub name: String,
    /// What it says, in words: "names the clip".
    pub role: &'static str,
}

impl MetadataColumn {
    /// What the columns of a description say, where it has them.
    pub(crate) fn all(
        [clip, subject, label, fold]: [Option<&String>; 4],
    ) -> impl Iterator<Item = Self> {
        let roles = [
            (clip, "names the clip"),
            (subject, "names the subject"),
            (label, "is the label"),
            (fold, "names the fold"),
        ];
        let column = |(name, role): (Option<&String>, _)| Some(Self { name: name?.clone(), role });
        roles.map(column).into_iter().flatten()
    }
}

/// A file or a row that does not belong. The others are used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// Whether nobody can say what is in it, so that a clip may be missing: it cannot be opened, is no
    /// ordinary file, or has a name that is not UTF-8.
    pub unreadable: bool,
}

impl Problem {
    pub(crate) fn new(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into(), unreadable: false }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}
