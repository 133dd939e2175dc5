use crate::{Error, Result};
use faer::{Mat, MatMut};

/// Rows that are copied at a time.
const BLOCK: usize = 64;

/// Deviations from the mean of a column that are below this share of it come from rounding.
const ROUNDING: f64 = 1e-13;

/// A row-major table of numbers: one row a sample, one column a feature.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    values: &'a [f64],
    rows: usize,
    columns: usize,
}

impl<'a> Matrix<'a> {
    /// A view of `values`.
    ///
    /// Errors: a length other than `rows * columns`, a value that is NaN or infinite.
    pub fn new(values: &'a [f64], rows: usize, columns: usize) -> Result<Self> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(Error::Shape {
                what: "the matrix",
                expected: format!("{rows} x {columns} values"),
                actual: values.len().to_string(),
            });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let (row, column) = (index / columns, index % columns);
            return Err(Error::NonFinite { what: "the matrix", value: values[index], row, column });
        }
        Ok(Self { values, rows, columns })
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One value.
    pub(crate) fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    /// Column means.
    pub(crate) fn means(&self) -> Vec<f64> {
        let mut means = vec![0.0; self.columns];
        for row in self.row_slices() {
            means.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        means.iter_mut().for_each(|sum| *sum /= self.rows as f64);
        means
    }

    /// The table minus the given column means. A column that varies by rounding alone becomes 0.
    pub(crate) fn centred(&self, means: &[f64]) -> Mat<f64> {
        let mut centred = Mat::zeros(self.rows, self.columns);
        self.centre_into(0, means, &self.varies(means), centred.as_mut());
        centred
    }

    /// For each column whether it varies by more than rounding.
    pub(crate) fn varies(&self, means: &[f64]) -> Vec<bool> {
        let mut reach = vec![0.0_f64; self.columns];
        for row in self.row_slices() {
            for ((reach, value), mean) in reach.iter_mut().zip(row).zip(means) {
                *reach = reach.max((value - mean).abs());
            }
        }
        reach.iter().zip(means).map(|(reach, mean)| *reach > ROUNDING * mean.abs()).collect()
    }

    /// Writes the rows from `first` on, as many as fit, minus the column means, and 0 for columns that do not vary.
    pub(crate) fn centre_into(
        &self,
        first: usize,
        means: &[f64],
        varies: &[bool],
        mut into: MatMut<f64>,
    ) {
        // A few rows at a time, whose values stay in the cache while the columns are written.
        for block in (0..into.nrows()).step_by(BLOCK) {
            let rows = block..into.nrows().min(block + BLOCK);
            for column in 0..self.columns {
                for row in rows.clone() {
                    let value = self.at(first + row, column) - means[column];
                    into[(row, column)] = if varies[column] { value } else { 0.0 };
                }
            }
        }
    }

    fn row_slices(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns.max(1))
    }
}
