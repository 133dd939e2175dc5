//! From frames to faces.

mod crops;
mod detect;
mod hog;
mod track;

pub use crops::FaceCrops;
pub use hog::FaceHog;
