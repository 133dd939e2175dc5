//! Feature tables: one row a clip, or one a frame, computed elsewhere.

mod cell;
mod columns;
mod encoding;
mod file;
mod frames;
mod join;
mod leak;
mod limits;
mod matrix;
mod npy;
mod npz;
mod tensors;
mod text_table;

pub use text_table::{TextRow, TextTable};

use crate::error::listed;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A feature table.
#[derive(Clone, Debug)]
pub struct Table {
    /// The file it was read from.
    pub path: PathBuf,
    /// Names of the features, in the order of the file.
    pub columns: Vec<String>,
    /// Values of each row, as many as columns; NaN: missing.
    pub rows: Vec<Vec<f32>>,
    /// Columns that were not asked to be left out, and yet are no features.
    pub unused: Vec<UnusedColumn>,
}

impl std::fmt::Display for Table {
    /// What was taken as a feature, and what was not.
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (count, path) = (self.columns.len(), self.path.display());
        write!(f, "{count} features of {path}: {}", listed(&self.columns))?;
        if self.unused.is_empty() {
            return Ok(());
        }
        let unused = self.unused.iter().map(|UnusedColumn { name, reason }| match name.as_str() {
            "" => format!("a column that {reason}"),
            name => format!("`{name}`, which {reason}"),
        });
        write!(f, "; no features: {}", listed(&unused.collect::<Vec<_>>()))
    }
}

/// A column of a feature table that is no feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedColumn {
    /// Its name; empty where it has none.
    pub name: String,
    /// Why, in words: "is the label".
    pub reason: &'static str,
}

/// A file with one row a clip, as the sound or the picture of the clips: CSV, or arrays in one file.
///
/// The first line of a CSV file names the columns. A file of arrays, whose extension is `npz` or `safetensors`, has
///
/// | name | `npz` | `safetensors` |
/// |---|---|---|
/// | `features` | an array of rows by columns, float32 or float64 | a tensor of the same |
/// | that of `key`, usually `id` | a list of texts (`dtype=str`), one a row | metadata, a JSON list of texts |
/// | those of `fold` and `subject`, where given | lists of texts or whole numbers | metadata, JSON lists of texts |
/// | `columns`, where given; else features are called `0`, `1`, ... | a list of texts, one a column | metadata, a JSON list of texts |
///
/// as `np.savez("table.npz", id=names, features=values)` and `safetensors.numpy.save_file({"features": values}, path,
/// metadata={"id": json.dumps(names)})` write them. Pickled objects are not read.
///
/// Every column with a name is a feature unless `include` or `exclude` says otherwise, but for those that say what the clips
/// are ([`Dataset::metadata`](crate::Dataset::metadata)): `key`, `fold` and `subject` of every table, and the columns that the
/// corpus itself is made from. A column that stands for the label or numbers the rows is an error, one that stands for
/// the subject a problem, unless `include` names it. Features are finite numbers; missing values are those of
/// [`TextTable`], and NaN in an array.
///
/// A clip has one row, unless the table is one of frames: one that has a column `frame`, `timestamp` or `success`, as
/// OpenFace writes it. Where a clip has several rows in such a table, each feature of a clip is the mean over its rows with
/// `success` above 0 (all rows where there is no such column), missing cells apart; a clip without such a row lacks the
/// modality. How many rows are left out is a problem of the data set. `frame`, `face_id`, `timestamp`, `confidence` and
/// `success` are no features then, unless `include` names them in full. There is no key for that: the columns say what the
/// rows are, and in any other table a second row of a clip, or a second face, is an error.
///
/// A row belongs to the clip whose name is its key, in whatever form of Unicode; capital letters count. For RAVDESS the key may also be the name of any file of
/// the clip without extension: `01-01-06-01-02-01-12` and `03-01-06-01-02-01-12` are the same clip.
///
/// ```
/// use av_datasets::TableConfig;
/// let config: TableConfig = toml::from_str(
///     r#"
///     path = "video_openface.csv"
///     key = "clip"
///     include = ["AU*_r", "AU*_c"]
///     exclude = ["AU28_c"]
///     fold = "fold"
///     "#,
/// )?;
/// assert_eq!(config.include.len(), 2);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    /// The file, relative to the data folder.
    pub path: PathBuf,
    /// Column, or list of texts, that says which clip a row belongs to.
    pub key: String,
    /// How to make a clip's name from a key. Default: the key is the name.
    #[serde(default)]
    pub rewrite: Option<Rewrite>,
    /// Columns that are features: names, where `*` stands for any characters and `?` for one. Default: all.
    #[serde(default)]
    pub include: Vec<String>,
    /// Columns that are not, in the same form. Default: none.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Column that names the fold in which a clip is tested. Default: none.
    #[serde(default)]
    pub fold: Option<String>,
    /// Column that names the subject, for a corpus whose paths do not. Default: none.
    #[serde(default)]
    pub subject: Option<String>,
}

/// How to make a clip's name from a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// A regular expression; its first match in the key is replaced.
    pub pattern: String,
    /// What to put there; `$1` or `$name` is what a group matched, `${1}` before a letter or digit.
    pub replacement: String,
}
