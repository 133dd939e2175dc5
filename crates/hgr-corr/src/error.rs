/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two inputs do not fit together.
    #[error("{what}: expected {expected}, got {actual}")]
    Shape {
        /// Which input.
        what: &'static str,
        /// The shape that fits.
        expected: String,
        /// The shape that was given.
        actual: String,
    },
    /// An input holds NaN or an infinity where none is allowed.
    #[error("{what} holds {value} at row {row}, column {column}: remove or impute it first")]
    NonFinite {
        /// Which input.
        what: &'static str,
        /// The value.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// A joint distribution is not one.
    #[error("the joint table {problem}")]
    Joint {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Too few rows for an estimate.
    #[error("{what} needs at least {expected} rows, got {actual}")]
    TooFewRows {
        /// The estimate.
        what: &'static str,
        /// Rows that are needed.
        expected: usize,
        /// Rows that were given.
        actual: usize,
    },
    /// Too few rows in which every column has a value.
    #[error(
        "at least {expected} rows with a value in every column are needed; of {rows} rows {complete} have one, and \
         column {column} of {side} has {values} values: leave that column out, or take a missing value as a value"
    )]
    Incomplete {
        /// Rows that are needed.
        expected: usize,
        /// Rows that were given.
        rows: usize,
        /// Those with a value in every column.
        complete: usize,
        /// Side of the column with the fewest values.
        side: &'static str,
        /// Its place among the columns of that side, from 1.
        column: usize,
        /// Rows in which it has a value.
        values: usize,
    },
    /// A covariance has no inverse.
    #[error(
        "{what} cannot be inverted ({rows} rows, {columns} columns): raise the ridge, use more rows than \
         columns, or drop columns that are constant or follow from others"
    )]
    Singular {
        /// The covariance.
        what: &'static str,
        /// Rows it was computed from.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// A decomposition did not converge.
    #[error("the {what} did not converge: look for values of extreme size in the input")]
    NotConverged {
        /// The decomposition.
        what: &'static str,
    },
    /// A tensor operation failed.
    #[cfg(feature = "candle")]
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
