//! The prediction of a clip by a trained model, from the media file to the probabilities.

use super::{Answer, Work};
use crate::commands::bench::fixtures::Fixtures;
use av_features::Cache;
use av_train::SavedModel;
use std::hint::black_box;

/// With an empty cache each time: the features are extracted.
pub fn clip(fixtures: &Fixtures) -> Answer<Work> {
    let model = SavedModel::load(&fixtures.model())?;
    let (clip, folder) = (fixtures.clip(), fixtures.folder().join("features"));
    Ok(Box::new(move || {
        black_box(model.predict(&clip, &Cache::open(&folder)?)?);
        Ok(std::fs::remove_dir_all(&folder)?)
    }))
}
