//! The metrics by name, each with the direction in which it is better.

use crate::{Confusion, Error, Outcomes, Scorer, brier_scores, log_losses, squared_errors};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A score of decisions.
///
/// To add one: a variant, its place in [`Metric::ALL`], its line in `facts`, its line in [`Metric::scorer`].
///
/// Written and read by [`Metric::name`], by serde too.
///
/// ```
/// use av_eval::{ClassDecisions, Metric};
/// let decisions = ClassDecisions::new(2, vec![0, 1], vec![0.75, 0.25, 0.5, 0.5])?;
/// let metric: Metric = "accuracy".parse()?;
/// assert_eq!(metric.of(&decisions), Some(0.5));
/// assert_eq!(Metric::Ccc.of(&decisions), None); // a metric of numbers
/// # Ok::<(), av_eval::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// Unweighted average recall: [`Confusion::uar`].
    Uar,
    /// Share of clips decided rightly: [`Confusion::accuracy`].
    Accuracy,
    /// [`Confusion::macro_f1`].
    MacroF1,
    /// [`Confusion::weighted_f1`].
    WeightedF1,
    /// Mean negative log-probability of the true class, in nats: [`log_losses`]. Infinite where a true class was given
    /// probability 0.
    LogLoss,
    /// Expected calibration error over [`EQUAL_MASS_BINS`](crate::EQUAL_MASS_BINS) bins: [`ece`](crate::ece).
    Ece,
    /// Multi-class Brier score in `[0, 2]`: the mean of [`brier_scores`].
    Brier,
    /// Concordance correlation coefficient of numbers, in `[-1, 1]`, moments over n.
    ///
    /// `2 cov / (var_truth + var_predicted + (mean_truth - mean_predicted)^2)`, 1 for predictions that equal the truth.
    /// The moments divide by n, as in its source and in the challenges of the field; n - 1 gives other digits. No value
    /// where truth and prediction are the same constant.
    ///
    /// Source: L. I.-K. Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45, 1989.
    Ccc,
    /// Root of the mean squared error of numbers, in their unit.
    Rmse,
}

/// Which of two scores is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The higher one.
    HigherIsBetter,
    /// The lower one.
    LowerIsBetter,
}

impl Direction {
    /// Whether score `a` is better than score `b`. Never, where one is NaN.
    ///
    /// ```
    /// assert!(av_eval::Metric::LogLoss.direction().is_better(0.5, 0.9));
    /// ```
    pub fn is_better(self, a: f64, b: f64) -> bool {
        match self {
            Self::HigherIsBetter => a > b,
            Self::LowerIsBetter => a < b,
        }
    }

    /// A difference a - b as a gain: above 0 where a is better.
    pub fn gain(self, difference: f64) -> f64 {
        match self {
            Self::HigherIsBetter => difference,
            Self::LowerIsBetter => -difference,
        }
    }
}

impl Metric {
    /// Every metric, in the order of tables.
    pub const ALL: [Self; 9] = [
        Self::Uar,
        Self::Accuracy,
        Self::MacroF1,
        Self::WeightedF1,
        Self::LogLoss,
        Self::Ece,
        Self::Brier,
        Self::Ccc,
        Self::Rmse,
    ];

    /// Name in files, title in tables, direction.
    fn facts(self) -> (&'static str, &'static str, Direction) {
        use Direction::{HigherIsBetter, LowerIsBetter};
        match self {
            Self::Uar => ("uar", "UAR", HigherIsBetter),
            Self::Accuracy => ("accuracy", "accuracy", HigherIsBetter),
            Self::MacroF1 => ("macro_f1", "macro-F1", HigherIsBetter),
            Self::WeightedF1 => ("weighted_f1", "weighted F1", HigherIsBetter),
            Self::LogLoss => ("log_loss", "log loss", LowerIsBetter),
            Self::Ece => ("ece", "ECE", LowerIsBetter),
            Self::Brier => ("brier", "Brier", LowerIsBetter),
            Self::Ccc => ("ccc", "CCC", HigherIsBetter),
            Self::Rmse => ("rmse", "RMSE", LowerIsBetter),
        }
    }

    /// Makes the metric ready for these clips. `None` where it is not a metric of such outcomes.
    pub fn scorer<'a>(self, outcomes: impl Into<Outcomes<'a>>) -> Option<Scorer> {
        let outcomes = outcomes.into();
        let (classes, values) = (outcomes.classes(), outcomes.values());
        match self {
            Self::Uar => classes.map(|of| Scorer::of_counts(of, Confusion::uar)),
            Self::Accuracy => classes.map(|of| Scorer::of_counts(of, Confusion::accuracy)),
            Self::MacroF1 => classes.map(|of| Scorer::of_counts(of, Confusion::macro_f1)),
            Self::WeightedF1 => classes.map(|of| Scorer::of_counts(of, Confusion::weighted_f1)),
            Self::LogLoss => classes.map(|of| Scorer::of_mean(log_losses(of), |mean| mean)),
            Self::Ece => classes.map(Scorer::of_calibration),
            Self::Brier => classes.map(|of| Scorer::of_mean(brier_scores(of), |mean| mean)),
            Self::Ccc => values.map(Scorer::of_concordance),
            Self::Rmse => values.map(|of| Scorer::of_mean(squared_errors(of), f64::sqrt)),
        }
    }

    /// The score of these outcomes.
    ///
    /// `None` where it has no value: for a metric of another kind of outcomes, without clips, and for the CCC of two equal
    /// constants. Never NaN; infinite as [`Metric::LogLoss`] alone.
    pub fn of<'a>(self, outcomes: impl Into<Outcomes<'a>>) -> Option<f64> {
        self.scorer(outcomes)?.score_of_all()
    }

    /// The name in files, such as `macro_f1`.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// The name in tables, such as `macro-F1`.
    pub fn title(self) -> &'static str {
        self.facts().1
    }

    /// Which of two scores is better.
    pub fn direction(self) -> Direction {
        self.facts().2
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|metric| metric.name() == name);
        found.ok_or_else(|| Error::UnknownMetric { name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClassDecisions, ValueDecisions};

    #[test]
    fn each_metric_is_read_by_its_name_and_stored_by_it() {
        let names = Metric::ALL.map(Metric::name);
        let expected = [
            "uar",
            "accuracy",
            "macro_f1",
            "weighted_f1",
            "log_loss",
            "ece",
            "brier",
            "ccc",
            "rmse",
        ];
        assert_eq!(names, expected);
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
            assert_eq!(metric.to_string(), metric.name());
        }
        let error = "war".parse::<Metric>().unwrap_err().to_string();
        assert!(error.contains("`war`") && error.contains("uar, accuracy, macro_f1"), "{error}");
    }

    #[test]
    fn losses_and_errors_are_better_when_low() {
        let low = Metric::ALL.into_iter().filter(|m| m.direction() == Direction::LowerIsBetter);
        let expected = [Metric::LogLoss, Metric::Ece, Metric::Brier, Metric::Rmse];
        assert_eq!(low.collect::<Vec<_>>(), expected);
        let (high, low) = (Direction::HigherIsBetter, Direction::LowerIsBetter);
        assert!(high.is_better(2.0, 1.0) && !high.is_better(1.0, 2.0) && !high.is_better(1.0, 1.0));
        assert!(low.is_better(1.0, 2.0) && !low.is_better(2.0, 1.0) && !low.is_better(1.0, 1.0));
        assert!(!low.is_better(f64::NAN, 1.0) && !high.is_better(f64::NAN, 1.0));
        assert_eq!((high.gain(0.25), low.gain(0.25)), (0.25, -0.25));
    }

    #[test]
    fn scores_of_three_clips_by_hand() {
        let rows = vec![0.5, 0.25, 0.25, 0.25, 0.25, 0.5, 0.125, 0.75, 0.125];
        let decisions = ClassDecisions::new(3, vec![0, 1, 1], rows).unwrap();
        let of = |metric: Metric| metric.of(&decisions).unwrap();
        let near = |metric, value: f64| {
            assert!((of(metric) - value).abs() < 1e-15, "{metric}: {}", of(metric));
        };
        // Decided 0, 2, 1: recalls 1 and 1/2; F1 1, 2/3 and 0.
        near(Metric::Accuracy, 2.0 / 3.0);
        near(Metric::Uar, 0.75);
        near(Metric::MacroF1, (1.0 + 2.0 / 3.0) / 3.0);
        near(Metric::WeightedF1, (1.0 + 2.0 * (2.0 / 3.0)) / 3.0);
        near(Metric::LogLoss, (2f64.ln() + 4f64.ln() + (4f64 / 3.0).ln()) / 3.0);
        near(Metric::Brier, ((4.0 + 1.0 + 1.0) + (1.0 + 9.0 + 4.0) + 1.5) / 16.0 / 3.0);
        // Two clips as sure as each other, one of them right, share a bin; the third is alone.
        near(Metric::Ece, 0.25 / 3.0);
        assert_eq!(Metric::Rmse.of(&decisions), None);
    }

    #[test]
    fn scores_of_three_numbers_by_hand() {
        let decisions = ValueDecisions::new(vec![1.0, 2.0, 3.0], vec![2.0, 2.0, 5.0]).unwrap();
        // Means 2 and 3, variances 2/3 and 2, covariance 1.
        let ccc = Metric::Ccc.of(&decisions).unwrap();
        assert!((ccc - 2.0 / (2.0 / 3.0 + 2.0 + 1.0)).abs() < 1e-15, "{ccc}");
        assert_eq!(Metric::Rmse.of(&decisions), Some((5f64 / 3.0).sqrt()));
        assert_eq!(Metric::Uar.of(&decisions), None);
    }
}
