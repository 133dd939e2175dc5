//! What a trained model says of clips, and what is measured on it.

mod common_information;
mod predict;

pub use common_information::CommonInformation;
pub(crate) use common_information::{common_information, mean_spectrum};
pub use predict::{Prediction, decisions, predict};
