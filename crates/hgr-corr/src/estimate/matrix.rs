use crate::{Error, Result};
use faer::Mat;

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
        let sum = |column| (0..self.rows).map(|row| self.at(row, column)).sum::<f64>();
        (0..self.columns).map(|column| sum(column) / self.rows as f64).collect()
    }

    /// The table minus the given column means. A column that varies by rounding alone becomes 0.
    pub(crate) fn centred(&self, means: &[f64]) -> Mat<f64> {
        let varies = means.iter().enumerate().map(|(column, mean)| {
            let reach = (0..self.rows).map(|row| (self.at(row, column) - mean).abs());
            let constant = reach.fold(0.0, f64::max) <= ROUNDING * mean.abs();
            if constant { 0.0 } else { 1.0 }
        });
        let kept: Vec<f64> = varies.collect();
        Mat::from_fn(self.rows, self.columns, |row, column| {
            kept[column] * (self.at(row, column) - means[column])
        })
    }
}
