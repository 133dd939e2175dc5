//! From samples to features.

mod contours;
mod descriptors;
mod functionals;
mod log_mel;
mod mel;
mod pitch;
mod resample;
mod spectrum;
mod statistics;

pub use descriptors::{DescriptorConfig, Descriptors, descriptors};
pub use functionals::Functionals;
pub use log_mel::{LogMel, Normalisation, POWER_FLOOR};
pub use mel::MelScale;
pub(crate) use resample::resample;
