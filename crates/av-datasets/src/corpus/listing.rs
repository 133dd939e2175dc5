//! A corpus of media files that a table lists.

use super::files::Layout;
use super::labels::Labels;
use super::listed::{NO_ROW, Named, Row, Rows};
use super::media::media;
use crate::table::CsvFile;
use crate::{Dataset, Expected, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A corpus of media files whose subjects and labels a CSV table says: for annotation tables that ship with a corpus.
///
/// A row names its file by the path below the data folder, by the end of that path, or by the file name alone, with or without
/// extension; files that a row names alike (a wav and an mp4) are one clip, whose name is what the row says, without extension.
/// A media file without a row is a problem, and so is a row without a file.
///
/// ```
/// use av_datasets::CorpusConfig;
/// let config: CorpusConfig = toml::from_str(
///     "kind = 'listing'\ntable = 'clips.csv'\nfile = 'Clip'\nsubject = 'Person'\nlabel = 'Emotion'",
/// )?;
/// let root = tempfile::tempdir()?;
/// std::fs::write(root.path().join("clips.csv"), "Clip,Person,Emotion\nS01_3,ann,happy\nS01_4,ann,sad\n")?;
/// std::fs::File::create(root.path().join("S01_3.mp4"))?;
/// let dataset = config.index(root.path())?;
/// assert_eq!((dataset.clips.len(), dataset.clips[0].subject.as_str()), (1, "ann"));
/// assert!(dataset.problems[0].reason.contains("line 3: no media file is named `S01_4`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The table, relative to the data folder.
    pub table: PathBuf,
    /// Name of the corpus. Default: the name of the table.
    #[serde(default)]
    pub name: Option<String>,
    /// Column that names the files.
    pub file: String,
    /// Column of the subjects. Default: a feature table has to name the subjects.
    #[serde(default)]
    pub subject: Option<String>,
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

impl Listing {
    /// Lists the clips of the table whose files lie below a folder.
    ///
    /// Errors: an unreadable folder or table, a missing column, a folder without any file of the table, codes with two
    /// meanings.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let labels = Labels {
            classes: &self.labels,
            unlabelled: &self.unlabelled,
            excluded: &self.excluded,
            order: &self.classes,
        }
        .check()?;
        let rows = self.rows(&root.join(&self.table))?;
        let extensions = media();
        let example = rows.by_id.keys().next().cloned();
        let layout = Layout {
            corpus: &self.name(),
            expected: format!("media files that `{}` names", self.table.display()),
            example: example.as_deref().unwrap_or("(the table has no row)"),
            extensions: &extensions,
            labels,
        };
        rows.index(root, &layout, name)
    }

    fn rows(&self, path: &Path) -> Result<Rows> {
        let mut file = CsvFile::open(path)?;
        let name = file.column(&self.file)?;
        let subject = file.optional_column(self.subject.as_deref())?;
        let label = file.optional_column(self.label.as_deref())?;
        let fold = file.optional_column(self.fold.as_deref())?;
        let mut rows = Rows::default();
        while let Some(row) = file.next_row()? {
            let cell =
                |column: Option<usize>| column.map_or("", |column| row.cell(column)).to_owned();
            let id = stem(&row.cell(name).replace('\\', "/")).to_owned();
            if id.is_empty() {
                rows.report(path, row.line, format!("column `{}` is empty", self.file));
                continue;
            }
            let fold = Some(cell(fold)).filter(|fold| !fold.is_empty());
            let (line, subject, label) = (row.line, cell(subject), cell(label));
            rows.add(id, Row { path: path.into(), line, subject, label, fold, turn: None });
        }
        Ok(rows)
    }

    fn name(&self) -> String {
        let stem = || self.table.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(stem)
    }
}

/// The row that names a file, by its path or an end of it.
fn name(rows: &BTreeMap<String, Row>, path: &str) -> Named {
    let whole = stem(path);
    let ends = whole.match_indices('/').filter_map(|(slash, _)| whole.get(slash + 1..));
    let named = std::iter::once(whole).chain(ends).find(|&end| rows.contains_key(end));
    named.map(|end| Some(end.to_owned())).ok_or_else(|| NO_ROW.into())
}

/// A path without the extension of a media file; a name may have other points.
fn stem(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, extension)) if media().contains_key(&extension.to_lowercase()) => stem,
        _ => path,
    }
}
