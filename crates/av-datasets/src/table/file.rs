//! A feature table of any format, row by row.

use super::matrix::Matrix;
use super::{TableConfig, TextRow, TextTable, npz, tensors};
use crate::error::listed;
use crate::{Error, Result};
use std::path::Path;

/// A feature table, in the format that the extension of its file says.
#[derive(Debug)]
pub(super) enum TableFile {
    Text(TextTable),
    Matrix(Matrix),
}

/// One row.
#[derive(Debug)]
pub(super) enum Row {
    Text(TextRow),
    /// The number of the row, from 0.
    Matrix(usize),
}

impl TableFile {
    /// Opens a file. Of a file of arrays, the whole is read.
    ///
    /// Errors: an unreadable or malformed file, one beyond the limits, two columns of one name.
    pub fn open(path: &Path, config: &TableConfig) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        // Other arrays may have other sizes: only what is asked for is read.
        let texts: Vec<&str> = [Some(&config.key), config.fold.as_ref(), config.subject.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        Ok(match extension.as_str() {
            "npz" => Self::Matrix(npz::read(path, &texts)?),
            "safetensors" => Self::Matrix(tensors::read(path, &texts)?),
            _ => Self::Text(TextTable::of_clips(path)?),
        })
    }

    pub fn columns(&self) -> &[String] {
        match self {
            Self::Text(file) => file.columns(),
            Self::Matrix(matrix) => &matrix.columns,
        }
    }

    /// Index of a column.
    pub fn column(&self, name: &str, path: &Path) -> Result<usize> {
        self.columns().iter().position(|column| column == name).ok_or_else(|| Error::Column {
            path: path.into(),
            column: name.into(),
            available: listed(self.columns()),
        })
    }

    /// The next row; none at the end.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        match self {
            Self::Text(file) => Ok(file.next_row()?.map(Row::Text)),
            Self::Matrix(matrix) => Ok(matrix.next().map(Row::Matrix)),
        }
    }

    /// A cell as text.
    pub fn text<'a>(&'a self, row: &'a Row, column: usize) -> &'a str {
        match (self, row) {
            (Self::Matrix(matrix), Row::Matrix(row)) => matrix.text(*row, column),
            (_, Row::Text(row)) => row.cell(column),
            (Self::Text(_), Row::Matrix(_)) => "",
        }
    }

    /// A cell as a number; NaN: missing.
    pub fn value(&self, row: &Row, column: usize, path: &Path) -> Result<f32> {
        let (line, text) = match (self, row) {
            (Self::Matrix(matrix), Row::Matrix(row)) => return Ok(matrix.value(*row, column)),
            (_, Row::Text(row)) => (row.line(), row.value(column)),
            (Self::Text(_), Row::Matrix(_)) => (0, None),
        };
        let Some(text) = text else { return Ok(f32::NAN) };
        text.parse().ok().filter(|value: &f32| value.is_finite()).ok_or_else(|| Error::Cell {
            path: path.into(),
            line,
            column: self.columns().get(column).cloned().unwrap_or_default(),
            value: text.into(),
        })
    }
}

impl Row {
    /// Where it is, for a message.
    pub fn place(&self) -> String {
        match self {
            Self::Text(row) => format!("line {}", row.line()),
            Self::Matrix(row) => format!("row {}", row + 1),
        }
    }
}
