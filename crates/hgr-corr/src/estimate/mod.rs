//! Estimators in f64 on plain slices.

mod basis;
mod column;
mod cross_fit;
mod discrete;
mod hgr;
mod independence;
mod matrix;
mod side;
mod spectrum;

pub use discrete::{DiscreteModes, discrete_modes};
pub use hgr::{Hgr, HgrEstimate, Mode, hgr};
pub use independence::{Independence, Tested};
pub use matrix::Matrix;
pub use spectrum::{Spectrum, held_out_spectrum, shuffled_spectrum, spectrum};
