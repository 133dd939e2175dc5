//! Evaluation in f64: scores of predictions, calibration, intervals and tests of differences between systems.
//!
//! Decisions come in, numbers go out. Nothing here knows of models, files or data sets, nothing is rounded, and what is drawn
//! at random is drawn from a seed.
//!
//! | question | call |
//! |---|---|
//! | How good are these decisions? | [`Metric::of`] with [`ClassDecisions`] or [`ValueDecisions`] |
//! | Which of two scores is better? | [`Metric::direction`], [`Direction::is_better`] |
//! | Which classes are taken for which? | [`ClassDecisions::confusion`], [`Confusion`] |
//! | Which clips cost most? | [`log_losses`], [`brier_scores`], [`squared_errors`]; [`mae`] |
//! | Is the system right as often as it says? | [`ece`], [`reliability`] |
//! | How much softer should it be? | [`fit_temperature`], [`at_temperature`] |
//! | Where would the score lie with new people? | [`Bootstrap::score`] with [`Clusters`] |
//! | Is A better than B, for new people? | [`Bootstrap::difference`], the main interval |
//! | Is A better than B, for new training sets? | [`corrected_resampled_t_of_folds`], next to it |
//! | Can that be chance? | [`subject_differences`], [`sign_flips`]; by ranks [`wilcoxon`] |
//! | And with several claims at once? | [`holm`] |
//! | Do several systems differ at all? | [`friedman`] |
//! | An interval of another number? | [`Bootstrap::statistic`], with [`Metric::scorer`] where it is made of scores |
//! | What are the middle and the spread of a list? | [`mean`], [`sd`], [`median`], [`quantile`] |
//!
//! *Clip*: what is decided, one row. *Subject*: the person in it. *Seed*: one training. An interval of a difference that
//! contains 0 is called "no difference seen".
//!
//! ```
//! use av_eval::{Bootstrap, ClassDecisions, Clusters, Metric, holm, sign_flips, subject_differences};
//!
//! // Eight people with two clips each. A is right about all but one, B about every second person.
//! let subject: Vec<usize> = (0..16).map(|row| row / 2).collect();
//! let people = Clusters::new(&subject, &[0; 16])?;
//! let truth = [0, 1].repeat(8);
//! let decide = |right: &dyn Fn(usize) -> bool| {
//!     let rows = (0..16).flat_map(|row| if (row % 2 == 0) == right(subject[row]) { [0.8, 0.2] } else { [0.2, 0.8] });
//!     ClassDecisions::new(2, truth.clone(), rows.collect())
//! };
//! let (a, b) = (decide(&|person| person != 7)?, decide(&|person| person % 2 == 0)?);
//! assert_eq!(Metric::Uar.of(&a), Some(0.875));
//!
//! let gain = Bootstrap::default().difference(Metric::Uar, &people, &a, &b)?;
//! assert_eq!(gain.value, 0.375);
//! let chance = sign_flips(&subject_differences(Metric::Uar, &people, &a, &b)?, 0)?;
//! assert_eq!(chance.p, 0.25); // three people of eight tell them apart
//! assert_eq!(holm(&[chance.p, 0.01])?, [0.25, 0.02]);
//! # Ok::<(), av_eval::Error>(())
//! ```

mod bootstrap;
mod by_seed;
mod calibration;
mod clusters;
mod confusion;
mod decisions;
mod describe;
mod error;
mod holm;
mod interval;
mod metric;
mod paired;
mod proper;
mod ranks;
mod regression;
mod scorer;
mod sign_flips;
mod temperature;
mod weights;

pub use bootstrap::{Bootstrap, BootstrapEstimate};
pub use calibration::{EQUAL_MASS_BINS, ReliabilityBin, ece, reliability};
pub use clusters::Clusters;
pub use confusion::Confusion;
pub use decisions::{ClassDecisions, Outcomes, SUM_TOLERANCE, ValueDecisions, argmax};
pub use describe::{mean, median, quantile, sd};
pub use error::{Error, Result};
pub use holm::holm;
pub use interval::{COVERAGE, Estimate, Interval};
pub use metric::{Direction, Metric};
pub use paired::{corrected_resampled_t, corrected_resampled_t_of_folds};
pub use proper::{brier_scores, log_losses};
pub use ranks::{Friedman, Wilcoxon, friedman, wilcoxon};
pub use regression::{mae, squared_errors};
pub use scorer::Scorer;
pub use sign_flips::{EXACT_SUBJECTS, SIGN_DRAWS, SignFlips, sign_flips, subject_differences};
pub use temperature::{
    TEMPERATURES, Temperature, TemperatureBound, at_temperature, fit_temperature,
};
