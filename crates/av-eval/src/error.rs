//! What can go wrong.

use crate::Metric;

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two inputs do not fit together.
    #[error("{what}: expected {expected}, got {actual}")]
    Length {
        /// Which input.
        what: &'static str,
        /// The length that fits.
        expected: usize,
        /// The length that was given.
        actual: usize,
    },
    /// Decisions about no class.
    #[error("there are no classes to decide between: give at least one")]
    NoClasses,
    /// A true class that does not exist.
    #[error(
        "row {row}: the true class is {class}, but there are {classes} classes, counted from 0"
    )]
    Truth {
        /// The row, from 0.
        row: usize,
        /// Its true class.
        class: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A number that is no probability.
    #[error("{what} {index} is {value}: a probability lies between 0 and 1")]
    Probability {
        /// Which input.
        what: &'static str,
        /// The place in it, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Probabilities that do not sum to 1.
    #[error(
        "row {row}: the probabilities sum to {sum}: divide them by their sum, or give those of all classes"
    )]
    Sum {
        /// The row, from 0.
        row: usize,
        /// The sum of its probabilities.
        sum: f64,
    },
    /// An input holds NaN or an infinity where none is allowed.
    #[error("{what} holds {value} at row {row}: remove the row first")]
    NonFinite {
        /// Which input.
        what: &'static str,
        /// The row, from 0.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A setting outside of its range.
    #[error("{what} is {value}: it must be {allowed}")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// The value that was given.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A confusion matrix whose rows are not square.
    #[error(
        "a confusion matrix is square: row {row} has {actual} counts, but there are {expected} rows"
    )]
    NotSquare {
        /// The row, from 0.
        row: usize,
        /// How many rows there are.
        expected: usize,
        /// How many counts the row has.
        actual: usize,
    },
    /// A confusion matrix of more clips than f64 counts exactly.
    #[error("a confusion matrix of more than {most} clips: look for a damaged file")]
    TooManyClips {
        /// The most clips it may have.
        most: u64,
    },
    /// A name that is no metric's.
    #[error("there is no metric `{name}`: use one of {}", Metric::ALL.map(Metric::name).join(", "))]
    UnknownMetric {
        /// The name that was given.
        name: String,
    },
    /// Two systems that were not tested on the same clips, or that decide between other classes.
    #[error(
        "row {row}: the two systems have different true values: compare them on the same clips in the same order"
    )]
    OtherClips {
        /// The row, from 0.
        row: usize,
    },
    /// A metric of another kind of decisions.
    #[error(
        "{} is not a metric of these decisions: class probabilities and numbers have metrics of their own",
        metric.title()
    )]
    OtherKind {
        /// The metric.
        metric: Metric,
    },
    /// A metric that has no finite value.
    #[error(
        "{} has no finite value on {what}: look for a true class that was given probability 0, for clips that are \
         missing, or for predictions that are all the same",
        metric.title()
    )]
    Undefined {
        /// The metric.
        metric: Metric,
        /// On which clips.
        what: String,
    },
    /// Too few rows for a test.
    #[error("{what} needs at least {expected}, got {actual}")]
    TooFew {
        /// The test and what it counts.
        what: &'static str,
        /// How many are needed.
        expected: usize,
        /// How many were given.
        actual: usize,
    },
    /// No temperature gives a finite log loss.
    #[error(
        "row {row}: the true class has probability 0, and would keep it at every temperature: compute the \
         probabilities in a wider number type, or leave the row out"
    )]
    ImpossibleTruth {
        /// The row, from 0.
        row: usize,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
