//! Several tests at once.

use crate::{Error, Result};

/// Holm's adjusted p values, in the order given: those below 0.05 are significant together, with a chance of 5 % at most that
/// any of them is wrong, however the tests depend on each other.
///
/// Definition: the k-th smallest of m p values, counted from 1, is multiplied by m + 1 - k; what is smaller than the one
/// before is raised to it, what is above 1 becomes 1.
///
/// Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979.
///
/// # Errors
/// A value outside of `[0, 1]`.
///
/// ```
/// assert_eq!(av_eval::holm(&[0.25, 0.0625, 0.5])?, [0.5, 0.1875, 0.5]);
/// # Ok::<(), av_eval::Error>(())
/// ```
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    if let Some(index) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(Error::Probability { what: "p value", index, value: p_values[index] });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest = 0.0f64;
    for (smaller, &index) in order.iter().enumerate() {
        smallest = smallest.max(p_values[index] * (p_values.len() - smaller) as f64);
        adjusted[index] = smallest.min(1.0);
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_down_by_hand() {
        // In order 0.01 * 4, 0.02 * 3, 0.022 * 2 = 0.044 raised to 0.06, 0.5 * 1.
        let adjusted = holm(&[0.5, 0.02, 0.01, 0.022]).unwrap();
        for (found, expected) in adjusted.iter().zip([0.5, 0.06, 0.04, 0.06]) {
            assert!((found - expected).abs() < 1e-16, "{found}");
        }
        assert_eq!(holm(&[0.75, 0.5]).unwrap(), [1.0, 1.0]);
        assert_eq!(holm(&[0.125; 3]).unwrap(), [0.375; 3]);
        assert_eq!(holm(&[0.03]).unwrap(), [0.03]);
        assert!(holm(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_p_value_is_rejected() {
        for bad in [-0.1, 1.1, f64::NAN] {
            let error = holm(&[0.5, bad]).unwrap_err();
            assert!(matches!(error, Error::Probability { index: 1, .. }), "{bad}");
        }
    }
}
