//! From frames to faces.

mod augment;
mod crops;
mod detect;
mod follow;
mod hog;
mod motion;
mod statistics;
mod track;

pub use augment::{PictureAugmentation, flip_picture, relight_picture, shift_picture};
pub use crops::FaceCrops;
pub use follow::Follow;
pub use hog::FaceHog;
pub use motion::FaceMotion;
pub use track::{FaceTrack, Sighting};
