use crate::{Error, Result};

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

    /// The table minus the given column means, row-major. A column that varies by rounding alone becomes 0.
    pub(crate) fn centred(&self, means: &[f64]) -> Vec<f64> {
        let reach = self.reach(means);
        let varies: Vec<bool> =
            reach.iter().zip(means).map(|(reach, mean)| Self::varies(*reach, *mean)).collect();
        let mut centred = self.values.to_vec();
        for row in centred.chunks_exact_mut(self.columns.max(1)) {
            for ((value, mean), varies) in row.iter_mut().zip(means).zip(&varies) {
                *value = if *varies { *value - mean } else { 0.0 };
            }
        }
        centred
    }

    /// The largest deviation from the mean of each column.
    pub(crate) fn reach(&self, means: &[f64]) -> Vec<f64> {
        let mut reach = vec![0.0_f64; self.columns];
        for row in self.row_slices() {
            for ((reach, value), mean) in reach.iter_mut().zip(row).zip(means) {
                *reach = reach.max((value - mean).abs());
            }
        }
        reach
    }

    /// Whether a column of this reach and mean varies by more than rounding.
    pub(crate) fn varies(reach: f64, mean: f64) -> bool {
        reach > ROUNDING * mean.abs()
    }

    /// One sample.
    pub(crate) fn row(&self, row: usize) -> &'a [f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    fn row_slices(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns.max(1))
    }
}
