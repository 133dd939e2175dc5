//! Estimators in f64 on plain slices.

mod ace;
mod basis;
mod classic;
mod column;
mod conditional;
mod cross_fit;
mod discrete;
mod gaussian;
mod hgr;
mod independence;
mod index;
mod label;
mod matrix;
mod regression;
mod rows;
mod side;
mod smoothed_ace;
mod spectrum;
mod white;

pub use ace::{Ace, ace};
pub use classic::{double_kernel, rdc};
pub use conditional::{ConditionalHgr, Stratum};
pub use discrete::{ChiSquare, DiscreteModes, discrete_modes};
pub use gaussian::gaussian_mi;
pub use hgr::{Hgr, HgrEstimate, Mode, hgr};
pub use independence::{Independence, Tested};
pub use label::{OneSidedH, one_sided_h};
pub use matrix::Matrix;
pub use regression::MaximalCorrelationRegression;
pub use rows::NanPolicy;
pub use smoothed_ace::smoothed_ace;
pub use spectrum::{Spectrum, held_out_spectrum, shuffled_spectrum, spectrum};
