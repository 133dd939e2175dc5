//! From frames to faces.

mod align;
mod crops;
mod detect;
mod detector;
mod follow;
mod hog;
mod motion;
mod seeta;
mod statistics;
mod track;
mod tracking;
#[cfg(feature = "onnx")]
mod yunet;

pub use crops::FaceCrops;
pub use detector::FaceDetector;
pub use follow::Follow;
pub use hog::FaceHog;
pub use motion::FaceMotion;
pub use track::{FaceTrack, Sighting};
pub use tracking::FaceTracking;
