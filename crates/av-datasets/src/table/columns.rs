//! Which columns of a table are features.

use super::file::TableFile;
use super::{TableConfig, UnusedColumn};
use crate::dataset::MetadataColumn;
use crate::error::listed;
use crate::{Error, Result};
use regex::Regex;
use std::path::Path;

/// Indices of the columns that hold something of a clip.
#[derive(Debug)]
pub(super) struct Columns {
    pub key: usize,
    pub fold: Option<usize>,
    pub subject: Option<usize>,
    pub features: Vec<Feature>,
    /// Those that can be no features.
    pub unused: Vec<UnusedColumn>,
}

/// A column that is a feature.
#[derive(Debug)]
pub(super) struct Feature {
    pub column: usize,
    /// Whether `include` names it, without `*` and `?`.
    pub named: bool,
}

impl Columns {
    /// `metadata` are the columns that are no features in any table of the corpus.
    ///
    /// Errors: a column that is not there; a selection that matches no column; a column of the metadata that `include` names;
    /// no feature left.
    pub fn choose(
        config: &TableConfig,
        metadata: &[MetadataColumn],
        file: &TableFile,
        path: &Path,
    ) -> Result<Self> {
        let optional =
            |name: &Option<String>| name.as_ref().map(|name| file.column(name, path)).transpose();
        let key = file.column(&config.key, path)?;
        let (fold, subject) = (optional(&config.fold)?, optional(&config.subject)?);
        let include = selections(&config.include, file, path)?;
        let exclude = selections(&config.exclude, file, path)?;
        let any = |selections: &[Regex], name: &str| selections.iter().any(|s| s.is_match(name));
        let (mut features, mut unused) = (vec![], vec![]);
        for (column, name) in file.columns().iter().enumerate() {
            if !include.is_empty() && !any(&include, name) || any(&exclude, name) {
                continue;
            }
            let known = metadata.iter().find(|known| known.name == *name);
            let named = config.include.contains(name);
            match known.map(|known| known.role) {
                Some(role) if named => {
                    let (path, column) = (path.into(), name.clone());
                    return Err(Error::NoFeature { path, column, role });
                }
                Some(role) => unused.push(UnusedColumn { name: name.clone(), reason: role }),
                None if name.is_empty() => {
                    unused.push(UnusedColumn { name: String::new(), reason: "has no name" });
                }
                None => features.push(Feature { column, named }),
            }
        }
        match features.is_empty() {
            true => Err(Error::NoColumns { path: path.into() }),
            false => Ok(Self { key, fold, subject, features, unused }),
        }
    }
}

/// Each must match a column, so that a typing error is found.
fn selections(globs: &[String], file: &TableFile, path: &Path) -> Result<Vec<Regex>> {
    let compile = |glob: &String| {
        let regex = regex::escape(glob).replace(r"\*", ".*").replace(r"\?", ".");
        let regex = Regex::new(&format!("^(?s:{regex})$")).map_err(|source| Error::Regex {
            key: "include or exclude",
            source: Box::new(source),
        })?;
        if file.columns().iter().any(|column| regex.is_match(column)) {
            return Ok(regex);
        }
        let available = listed(file.columns());
        Err(Error::Column { path: path.into(), column: glob.clone(), available })
    };
    globs.iter().map(compile).collect()
}
