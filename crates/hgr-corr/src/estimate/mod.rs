//! Estimators in f64 on plain slices.

mod ace;
mod discrete;
mod label;
mod matrix;
mod regression;
mod spectrum;

pub use ace::{Ace, ace};
pub use discrete::{ChiSquare, DiscreteModes, discrete_modes};
pub use label::{OneSidedH, one_sided_h};
pub use matrix::Matrix;
pub use regression::MaximalCorrelationRegression;
pub use spectrum::{Spectrum, held_out_spectrum, shuffled_spectrum, spectrum};
