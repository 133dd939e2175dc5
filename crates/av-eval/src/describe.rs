//! Mean, standard deviation, median and quantiles of a list of numbers.

/// The mean: the sum in the order given, over the count. NaN without values.
///
/// ```
/// assert_eq!(av_eval::mean(&[1.0, 2.0, 6.0]), 3.0);
/// ```
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of a sample: squares about the mean, over n - 1. `None` with fewer than two values.
///
/// ```
/// assert_eq!(av_eval::sd(&[1.0, 2.0, 3.0]), Some(1.0));
/// assert_eq!(av_eval::sd(&[1.0]), None);
/// ```
pub fn sd(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// The median: [`quantile`] at 0.5. `None` without values, and where one is NaN.
///
/// ```
/// assert_eq!(av_eval::median(&[5.0, 1.0, 2.0, 4.0]), Some(3.0));
/// ```
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The quantile of type 7: linear between order statistics, position (n - 1) `at` counted from 0.
///
/// It is the default of NumPy and R. `None` without values, where one is NaN, and for `at` outside of `[0, 1]`.
///
/// Source: R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50, 1996,
/// definition 7.
///
/// ```
/// assert_eq!(av_eval::quantile(&[4.0, 1.0, 2.0], 0.75), Some(3.0)); // halfway between 2 and 4
/// ```
pub fn quantile(values: &[f64], at: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile_of_sorted(&sorted, at)
}

/// [`quantile`] of values that ascend already.
pub(crate) fn quantile_of_sorted(sorted: &[f64], at: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&at) || sorted.iter().any(|value| value.is_nan()) {
        return None;
    }
    let position = sorted.len().checked_sub(1)? as f64 * at;
    let below = *sorted.get(position.floor() as usize)?;
    let above = *sorted.get(position.ceil() as usize)?;
    // Equal neighbours may be infinite, and their difference NaN.
    Some(if below == above { below } else { below + (above - below) * position.fract() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_sd_are_those_of_a_sample() {
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert!(mean(&[]).is_nan());
        // Squares about 3: 4 + 1 + 9 = 14, over 2.
        assert_eq!(sd(&[1.0, 2.0, 6.0]), Some(7f64.sqrt()));
        assert_eq!(sd(&[3.0, 3.0]), Some(0.0));
        assert_eq!(sd(&[1.0]), None);
    }

    #[test]
    fn quantiles_lie_between_order_statistics() {
        let values = [10.0, 0.0, 3.0, 1.0];
        assert_eq!(median(&values), Some(2.0));
        assert_eq!(median(&[7.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(quantile(&values, 0.0), Some(0.0));
        assert_eq!(quantile(&values, 1.0), Some(10.0));
        // Position 3 * 0.75 = 2.25: a quarter of the way from 3 to 10.
        assert_eq!(quantile(&values, 0.75), Some(4.75));
        assert_eq!(quantile(&[4.0], 0.3), Some(4.0));
    }

    #[test]
    fn what_has_no_quantile_has_none() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, f64::NAN, 2.0]), None);
        assert_eq!(quantile(&[1.0, 2.0], 1.5), None);
        assert_eq!(quantile(&[1.0, 2.0], -0.5), None);
        assert_eq!(quantile(&[1.0, 2.0], f64::NAN), None);
    }

    #[test]
    fn infinite_values_are_values() {
        let infinite = f64::INFINITY;
        assert_eq!(median(&[1.0, infinite, infinite, infinite]), Some(infinite));
        assert_eq!(median(&[1.0, 2.0, infinite]), Some(2.0));
    }
}
