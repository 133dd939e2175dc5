//! The rows of columns that an estimate is made of.

use crate::{Error, Result};

/// Rows below which no estimate is made.
pub(super) const FEWEST_ROWS: usize = 20;

/// What a missing value (NaN) is to an estimate; SciPy calls the choice by this name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NanPolicy {
    /// A row counts where every column of both sides has a value.
    #[default]
    Omit,
    /// A value of its own: that it is missing may tell something of the other side. Columns that lack the same rows are
    /// dependent then, whatever stands in the others.
    Value,
}

impl NanPolicy {
    /// What `estimate` makes of the rows that count. Errors: too few of them; what `estimate` gives.
    pub(super) fn apply<T>(
        self,
        x: &[&[f64]],
        y: &[&[f64]],
        estimate: impl FnOnce(&[&[f64]], &[&[f64]]) -> Result<T>,
    ) -> Result<T> {
        let Some(rows) = self.rows(x, y)? else { return estimate(x, y) };
        let [x, y] = [x, y].map(|columns| gather(columns, &rows));
        estimate(&slices(&x), &slices(&y))
    }

    /// The numbers of the rows that count; none: all.
    pub(super) fn rows(self, x: &[&[f64]], y: &[&[f64]]) -> Result<Option<Vec<usize>>> {
        let rows = check(x, y)?;
        let columns = || x.iter().chain(y);
        let values = |column: &[f64]| column.iter().filter(|value| !value.is_nan()).count();
        if self == Self::Value || columns().all(|column| values(column) == rows) {
            return Ok(None);
        }
        let complete = |row: &usize| columns().all(|column| !column[*row].is_nan());
        let kept: Vec<usize> = (0..rows).filter(complete).collect();
        if kept.len() < FEWEST_ROWS {
            let counts = columns().map(|column| values(column)).enumerate();
            let (place, values) = counts.min_by_key(|(_, values)| *values).unwrap_or_default();
            let (side, column) =
                if place < x.len() { ("x", place + 1) } else { ("y", place + 1 - x.len()) };
            let (expected, complete) = (FEWEST_ROWS, kept.len());
            return Err(Error::Incomplete { expected, rows, complete, side, column, values });
        }
        Ok(Some(kept))
    }
}

/// Columns of one length on both sides; returns the number of rows.
pub(super) fn check(x: &[&[f64]], y: &[&[f64]]) -> Result<usize> {
    let rows = x.first().map_or(0, |column| column.len());
    let lengths = || x.iter().chain(y).map(|column| column.len());
    if x.is_empty() || y.is_empty() || lengths().any(|length| length != rows) {
        return Err(Error::Shape {
            what: "the columns",
            expected: "one or more on each side, all of one length".into(),
            actual: format!("{:?}", lengths().collect::<Vec<_>>()),
        });
    }
    if rows < FEWEST_ROWS {
        let what = "a maximal correlation";
        return Err(Error::TooFewRows { what, expected: FEWEST_ROWS, actual: rows });
    }
    if u32::try_from(rows).is_err() {
        return Err(Error::Shape {
            what: "the columns",
            expected: "fewer than 4,294,967,296 rows".into(),
            actual: rows.to_string(),
        });
    }
    Ok(rows)
}

/// Some rows of columns.
pub(super) fn gather(columns: &[&[f64]], rows: &[usize]) -> Vec<Vec<f64>> {
    columns.iter().map(|column| rows.iter().map(|row| column[*row]).collect()).collect()
}

pub(super) fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}
