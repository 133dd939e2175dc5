//! Numbers frame by frame.

/// Numbers frame by frame: as many rows as frames, and the same columns in each.
///
/// # Example
///
/// ```
/// use av_features::Matrix;
///
/// let matrix = Matrix { columns: 2, values: vec![1.0, 2.0, 3.0, 4.0] };
/// assert_eq!(matrix.rows(), 2);
/// assert_eq!(matrix.row(1), [3.0, 4.0]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Numbers of a frame; at least one.
    pub columns: usize,
    /// Frame after frame.
    pub values: Vec<f32>,
}

impl Matrix {
    /// How many frames there are.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// The numbers of frame `t`; empty beyond the last.
    pub fn row(&self, t: usize) -> &[f32] {
        self.values.get(t * self.columns..(t + 1) * self.columns).unwrap_or_default()
    }
}
