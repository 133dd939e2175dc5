//! A feature table as arrays: one of numbers, and lists of texts next to it.

use super::limits::{MAX_CELLS, MAX_COLUMNS, MAX_ROWS};
use crate::{Error, Result};
use std::path::Path;

/// Name of the array of the features, rows by columns.
pub(super) const FEATURES: &str = "features";

/// Name of the list of the names of its columns.
pub(super) const COLUMNS: &str = "columns";

/// The arrays of a file.
#[derive(Debug)]
pub(super) struct Matrix {
    /// The names of the lists of texts, then those of the features.
    pub columns: Vec<String>,
    texts: Vec<Vec<String>>,
    values: Vec<f32>,
    width: usize,
    rows: usize,
    next: usize,
}

impl Matrix {
    /// Joins the arrays of a file. Features without names are called `0`, `1`, ...
    ///
    /// Errors: lists of other lengths than the features have, two columns of one name, an infinite value.
    pub fn new(
        path: &Path,
        texts: Vec<(String, Vec<String>)>,
        names: Option<Vec<String>>,
        (rows, width): (usize, usize),
        values: Vec<f32>,
    ) -> Result<Self> {
        let bad = |reason: String| Err(Error::Arrays { path: path.into(), reason });
        if let Some((name, texts)) = texts.iter().find(|(_, texts)| texts.len() != rows) {
            let count = texts.len();
            return bad(format!("`{name}` has {count} entries, but `{FEATURES}` has {rows} rows"));
        }
        let names = names.unwrap_or_else(|| (0..width).map(|column| column.to_string()).collect());
        if names.len() != width {
            let count = names.len();
            return bad(format!(
                "`{COLUMNS}` has {count} entries, but `{FEATURES}` has {width} columns"
            ));
        }
        if let Some(cell) = values.iter().position(|value| value.is_infinite()) {
            let (row, column) = (cell / width + 1, &names[cell % width]);
            return bad(format!(
                "row {row}, column `{column}` is infinite or too large; write NaN where a value is missing"
            ));
        }
        let (mut columns, texts): (Vec<String>, Vec<_>) = texts.into_iter().unzip();
        columns.extend(names);
        let mut sorted: Vec<&String> = columns.iter().filter(|name| !name.is_empty()).collect();
        sorted.sort();
        if let Some([column, _]) = sorted.array_windows().find(|[a, b]| a == b) {
            return Err(Error::RepeatedColumn { path: path.into(), column: column.to_string() });
        }
        Ok(Self { columns, texts, values, width, rows, next: 0 })
    }

    /// The number of the next row; none at the end.
    pub fn next(&mut self) -> Option<usize> {
        let row = self.next;
        self.next += 1;
        (row < self.rows).then_some(row)
    }

    pub fn text(&self, row: usize, column: usize) -> &str {
        let texts = self.texts.get(column).and_then(|texts| texts.get(row));
        texts.map_or("", String::as_str)
    }

    /// NaN: missing.
    pub fn value(&self, row: usize, column: usize) -> f32 {
        let column = column.checked_sub(self.texts.len());
        let cell = column.and_then(|column| self.values.get(row * self.width + column));
        cell.copied().unwrap_or(f32::NAN)
    }
}

/// Rows and columns of the features, before anything is allocated. Errors: not two sizes, more than the limits.
pub(super) fn sizes(path: &Path, shape: &[usize]) -> Result<(usize, usize)> {
    let &[rows, width] = shape else {
        let reason = format!("`{FEATURES}` has {} axes instead of rows and columns", shape.len());
        return Err(Error::Arrays { path: path.into(), reason });
    };
    let limit = |what, limit| Err(Error::Limit { path: path.into(), what, limit });
    if rows as u64 > MAX_ROWS {
        return limit("rows", MAX_ROWS);
    }
    if width as u64 > MAX_COLUMNS {
        return limit("columns", MAX_COLUMNS);
    }
    // At most 2^36: no overflow.
    match rows * width > MAX_CELLS {
        true => limit("numbers", MAX_CELLS as u64),
        false => Ok((rows, width)),
    }
}
