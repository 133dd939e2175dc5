//! From frames to faces.

mod crops;
mod detect;
mod follow;
mod hog;
mod motion;
mod statistics;
mod track;

pub use crops::FaceCrops;
pub use follow::Follow;
pub use hog::FaceHog;
pub use motion::FaceMotion;
pub use track::{FaceTrack, Sighting};
