//! A corpus without media: the rows of a table.

use super::labels::{Label, Labels};
use crate::dataset::MetadataColumn;
use crate::name::composed;
use crate::table::TextTable;
use crate::{Clip, Dataset, Error, Expected, Modalities, Problem, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A corpus whose clips are the rows of a CSV table: for who has feature tables and no media.
///
/// The clips have neither sound nor picture until tables are joined to them; the table that lists the
/// clips may be one of those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The table, relative to the data folder.
    pub path: PathBuf,
    /// Name of the corpus. Default: the name of the file.
    #[serde(default)]
    pub name: Option<String>,
    /// Column of the clips' names.
    pub id: String,
    /// Column of the subjects.
    pub subject: String,
    /// Column of the label codes. Default: all clips are unlabelled. An empty cell is an unlabelled clip.
    #[serde(default)]
    pub label: Option<String>,
    /// Column of the folds in which clips are tested. Default: no folds are given.
    #[serde(default)]
    pub fold: Option<String>,
    /// Class of each label code. Default: every code is the name of its class.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Codes of clips that are used without a label. Default: none.
    #[serde(default)]
    pub unlabelled: Vec<String>,
    /// Codes of clips that are left out. Default: none.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// All classes in the order that confusion matrices should have. Default: the order of the codes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Counts of the complete corpus, for `verify`.
    #[serde(default)]
    pub expected: Option<Expected>,
}

impl Rows {
    /// Lists the clips of the table, `root` being the data folder.
    ///
    /// Errors: an unreadable table, a missing column, a table without any usable row, codes with two
    /// meanings.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let labels = Labels {
            classes: &self.labels,
            unlabelled: &self.unlabelled,
            excluded: &self.excluded,
            order: &self.classes,
        }
        .check()?;
        let path = root.join(&self.path);
        let mut file = TextTable::of_clips(&path)?;
        let (id, subject) = (file.column(&self.id)?, file.column(&self.subject)?);
        let label = file.optional_column(self.label.as_deref())?;
        let fold = file.optional_column(self.fold.as_deref())?;
        let mut listed = BTreeMap::new();
        let mut problems = vec![];
        while let Some(row) = file.next_row()? {
            let cell = |column: usize| composed(row.cell(column)).into_owned();
            let class = match labels.read(&label.map(cell).unwrap_or_default()) {
                Ok(Label::Class(class)) => Ok(Some(class)),
                Ok(Label::Unlabelled) => Ok(None),
                Ok(Label::Excluded) => continue,
                Err(reason) => Err(reason),
            };
            let added = class.and_then(|class| {
                let fold = fold.map(cell).filter(|fold| !fold.is_empty());
                match cell(id) {
                    id if id.is_empty() => Err(format!("column `{}` is empty", self.id)),
                    id if listed.contains_key(&id) => Err(format!("clip `{id}` has a row already")),
                    id => Ok(listed.insert(id, (cell(subject), class, fold))),
                }
            });
            if let Err(reason) = added {
                problems.push(Problem::new(&path, format!("line {}: {reason}", row.line())));
            }
        }
        if listed.is_empty() {
            return Err(self.no_clips(path, &problems));
        }
        let occurring: BTreeSet<String> = listed.values().filter_map(|row| row.1.clone()).collect();
        let classes = labels.in_order(&occurring);
        let emotion = |class| classes.iter().position(|known| *known == class);
        let clips = listed.into_iter().map(|(id, (subject, class, fold))| {
            let emotion = class.and_then(emotion);
            Clip {
                id,
                subject,
                emotion,
                fold,
                turn: None,
                affect: vec![],
                sources: Modalities::default(),
            }
        });
        let (label, fold) = (self.label.as_ref(), self.fold.as_ref());
        let metadata = MetadataColumn::all([Some(&self.id), Some(&self.subject), label, fold]);
        Ok(Dataset {
            name: self.name(),
            clips: clips.collect(),
            classes,
            problems,
            metadata: metadata.collect(),
            ..Dataset::default()
        })
    }

    fn name(&self) -> String {
        let stem = || self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(stem)
    }

    fn no_clips(&self, path: PathBuf, problems: &[Problem]) -> Error {
        let first = problems.first().map(|problem| format!(" ({problem})"));
        Error::NoClips {
            root: path,
            corpus: self.name(),
            layout: "one row a clip below the row of column names".into(),
            example: format!("columns `{}` and `{}`", self.id, self.subject),
            found: format!("no usable row is there{}", first.unwrap_or_default()),
        }
    }
}
