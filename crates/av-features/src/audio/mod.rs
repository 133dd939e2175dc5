//! From samples to features.

mod contours;
mod descriptors;
mod egemaps_like;
mod formants;
mod functionals;
mod harmonicity;
mod log_mel;
mod mel;
mod periods;
mod pitch;
mod resample;
mod spectrum;
mod statistics;
mod trim;
mod voice_quality;

pub use descriptors::{DescriptorConfig, Descriptors, descriptors};
pub use functionals::{FunctionalSet, Functionals};
pub use log_mel::{LogMel, Normalisation, POWER_FLOOR};
pub use mel::MelScale;
pub(crate) use resample::resample;
pub use trim::Trim;
pub use voice_quality::{VoiceQuality, voice_quality};
