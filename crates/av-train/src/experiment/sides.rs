//! What is extracted from the sound and from the picture.

use av_datasets::TableConfig;
use av_features::{FaceCrops, FaceDetector, FaceHog, FaceMotion, Functionals, LogMel, Mfcc};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Features of the sound.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AudioInput {
    /// Log-mel patches with deltas, one a segment.
    LogMel(LogMel),
    /// Cepstral coefficients with deltas, one patch a segment.
    Mfcc(Mfcc),
    /// Statistics over the clip.
    Functionals(Functionals),
    /// Columns of a feature table.
    Table(TableConfig),
}

/// Features of the picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum VideoInput {
    /// Face crops, one a segment.
    FaceCrops(FaceCrops),
    /// Statistics over the clip of histograms of oriented gradients.
    FaceHog(FaceHog),
    /// Statistics over the clip of the movements of the face.
    FaceMotion(FaceMotion),
    /// Columns of a feature table.
    Table(TableConfig),
}

impl VideoInput {
    /// The face detector by a model file, where there is one.
    pub(crate) fn detector_mut(&mut self) -> Option<&mut FaceDetector> {
        match self {
            Self::FaceCrops(it) => it.detector.as_mut(),
            Self::FaceHog(it) => it.detector.as_mut(),
            Self::FaceMotion(it) => it.detector.as_mut(),
            Self::Table(_) => None,
        }
    }

    /// Takes the file of a face detector as relative to `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        if let Some(detector) = self.detector_mut() {
            *detector = detector.clone().within(folder);
        }
    }
}
