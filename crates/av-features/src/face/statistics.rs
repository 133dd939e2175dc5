//! Statistics over a clip.

/// Mean and standard deviation (with the number of rows below the line) of each column, side by side.
pub(super) fn mean_and_sd(rows: &[Vec<f32>], columns: usize) -> Vec<f32> {
    let count = rows.len().max(1) as f64;
    let mut values = Vec::with_capacity(2 * columns);
    for column in 0..columns {
        let sum = |f: &dyn Fn(f64) -> f64| {
            rows.iter().map(|row| f(f64::from(row[column]))).sum::<f64>() / count
        };
        let mean = sum(&|v| v);
        values.extend([mean as f32, sum(&|v| (v - mean).powi(2)).sqrt() as f32]);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_rows_and_of_none() {
        assert_eq!(mean_and_sd(&[vec![1.0, 5.0], vec![3.0, 5.0]], 2), [2.0, 1.0, 5.0, 0.0]);
        assert_eq!(mean_and_sd(&[], 1), [0.0, 0.0]);
    }
}
