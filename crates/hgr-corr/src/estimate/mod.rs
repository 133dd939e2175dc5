//! Estimators in f64 on plain slices.

mod discrete;
mod gaussian;
mod matrix;
mod spectrum;

pub use discrete::{DiscreteModes, discrete_modes};
pub use gaussian::gaussian_mi;
pub use matrix::Matrix;
pub use spectrum::{Spectrum, held_out_spectrum, shuffled_spectrum, spectrum};
