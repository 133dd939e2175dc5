//! From samples to features.

mod contours;
mod deltas;
mod descriptors;
mod egemaps_like;
mod formants;
mod fourier;
mod functionals;
mod harmonicity;
mod interleave;
#[cfg(target_arch = "x86_64")]
mod interleave_avx512;
mod lanes;
mod log_mel;
mod logarithm;
mod matrix;
mod mel;
mod mel_blocks;
mod mel_plan;
mod mel_spectrogram;
mod mfcc;
mod periods;
mod pitch;
mod pitch_path;
mod pyin;
mod resample;
mod spectrum;
mod statistics;
mod trim;
mod voice_quality;

pub use deltas::deltas;
pub use descriptors::{DescriptorConfig, Descriptors, descriptors};
pub use functionals::{FunctionalSet, Functionals};
pub use log_mel::{LogMel, Normalisation, POWER_FLOOR};
pub use logarithm::Logarithm;
pub use matrix::Matrix;
pub use mel::MelScale;
pub use mel_plan::MelPlan;
pub use mel_spectrogram::{Convention, MelSpectrogram, Precision};
pub use mfcc::Mfcc;
pub use pyin::{PitchTrack, Pyin};
pub use resample::resample;
pub use trim::Trim;
pub use voice_quality::{VoiceQuality, voice_quality};
