//! From samples to features.

mod contours;
mod deltas;
mod functionals;
mod log_mel;
mod matrix;
mod mel;
mod mel_spectrogram;
mod mfcc;
mod pitch;
mod pitch_path;
mod pyin;
mod resample;
mod spectrum;
mod statistics;

pub use deltas::deltas;
pub use functionals::Functionals;
pub use log_mel::{LogMel, Normalisation, POWER_FLOOR};
pub use matrix::Matrix;
pub use mel::MelScale;
pub use mel_spectrogram::{Convention, Logarithm, MelSpectrogram};
pub use mfcc::Mfcc;
pub use pyin::{PitchTrack, Pyin};
pub(crate) use resample::resample;
