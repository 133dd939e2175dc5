//! Which columns of a table are features.

use super::TableConfig;
use super::file::TableFile;
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
    pub features: Vec<usize>,
}

impl Columns {
    /// Errors: a column that is not there; a selection that matches no column; no feature left.
    pub fn choose(config: &TableConfig, file: &TableFile, path: &Path) -> Result<Self> {
        let key = file.column(&config.key, path)?;
        let optional =
            |name: &Option<String>| name.as_ref().map(|name| file.column(name, path)).transpose();
        let fold = optional(&config.fold)?;
        let subject = optional(&config.subject)?;
        let include = selections(&config.include, file, path)?;
        let exclude = selections(&config.exclude, file, path)?;
        let features: Vec<usize> = file
            .columns()
            .iter()
            .enumerate()
            .filter(|(_, name)| include.is_empty() || include.iter().any(|s| s.is_match(name)))
            .filter(|(_, name)| !exclude.iter().any(|s| s.is_match(name)))
            .map(|(column, _)| column)
            .filter(|column| *column != key && Some(*column) != fold && Some(*column) != subject)
            .collect();
        if features.is_empty() {
            return Err(Error::NoColumns { path: path.into() });
        }
        Ok(Self { key, fold, subject, features })
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
