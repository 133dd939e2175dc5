//! A number with the interval it lies in.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Coverage of intervals, where nothing else is asked for.
pub const COVERAGE: f64 = 0.95;

/// Two ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it, ends included. A difference whose interval contains 0 is called "no difference seen".
    ///
    /// ```
    /// assert!(av_eval::Interval { low: -0.01, high: 0.04 }.contains(0.0));
    /// ```
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// From one end to the other.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// A number, and the interval where there are enough values for one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The interval; none with too few values.
    pub interval: Option<Interval>,
}

/// How many standard errors Student's t asks for on each side, with these degrees of freedom. `None` without any.
pub(crate) fn t_quantile(coverage: f64, degrees: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, degrees).ok()?.inverse_cdf(0.5 + coverage / 2.0))
}

/// How many standard errors the normal distribution asks for on each side: 1.96 for a coverage of 95 %.
pub(crate) fn normal_quantile(coverage: f64) -> Option<f64> {
    Some(Normal::new(0.0, 1.0).ok()?.inverse_cdf(0.5 + coverage / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_belong_to_it() {
        let interval = Interval { low: -1.0, high: 2.0 };
        for inside in [-1.0, 0.0, 2.0] {
            assert!(interval.contains(inside));
        }
        for outside in [-1.5, 2.5, f64::NAN] {
            assert!(!interval.contains(outside));
        }
        assert_eq!(interval.width(), 3.0);
    }

    #[test]
    fn quantiles_are_those_of_printed_tables() {
        // Of tables to six decimals.
        let near = |found: Option<f64>, value: f64| {
            assert!((found.unwrap() - value).abs() < 5.1e-7, "{found:?}");
        };
        near(t_quantile(0.95, 4.0), 2.776445);
        near(t_quantile(0.9, 19.0), 1.729133);
        near(normal_quantile(0.95), 1.959964);
        assert_eq!(t_quantile(0.95, 0.0), None);
    }
}
