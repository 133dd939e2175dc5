//! What is extracted of each modality: the one place that knows every kind of input.

use av_datasets::{Modality, TableConfig};
use av_features::{
    Extractor, FaceCrops, FaceDetector, FaceHog, FaceMotion, Functionals, LogMel, Mfcc,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The features of one modality: a table such as `[inputs.audio]` of an experiment file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum InputConfig {
    /// Log-mel patches with deltas, one per segment.
    LogMel(LogMel),
    /// Cepstral coefficients with deltas, one patch per segment.
    Mfcc(Mfcc),
    /// Statistics of the voice over the clip.
    Functionals(Functionals),
    /// Face crops, one per segment.
    FaceCrops(FaceCrops),
    /// Statistics over the clip of histograms of oriented gradients of the face.
    FaceHog(FaceHog),
    /// Statistics over the clip of the movements of the face.
    FaceMotion(FaceMotion),
    /// Columns of a feature table.
    Table(TableConfig),
}

impl InputConfig {
    /// The modality that this kind is of; none: any.
    pub(crate) fn modality(&self) -> Option<Modality> {
        match self {
            Self::LogMel(_) | Self::Mfcc(_) | Self::Functionals(_) => Some(Modality::Audio),
            Self::FaceCrops(_) | Self::FaceHog(_) | Self::FaceMotion(_) => Some(Modality::Video),
            Self::Table(_) => None,
        }
    }

    /// What takes the features out of a media file; none for a table.
    pub fn extractor(&self) -> Option<&dyn Extractor> {
        match self {
            Self::LogMel(it) => Some(it),
            Self::Mfcc(it) => Some(it),
            Self::Functionals(it) => Some(it),
            Self::FaceCrops(it) => Some(it),
            Self::FaceHog(it) => Some(it),
            Self::FaceMotion(it) => Some(it),
            Self::Table(_) => None,
        }
    }

    fn extractor_mut(&mut self) -> Option<&mut dyn Extractor> {
        match self {
            Self::LogMel(it) => Some(it),
            Self::Mfcc(it) => Some(it),
            Self::Functionals(it) => Some(it),
            Self::FaceCrops(it) => Some(it),
            Self::FaceHog(it) => Some(it),
            Self::FaceMotion(it) => Some(it),
            Self::Table(_) => None,
        }
    }

    /// The feature table, where the features come from one.
    pub fn table(&self) -> Option<&TableConfig> {
        if let Self::Table(table) = self { Some(table) } else { None }
    }

    /// What it is, in words for tables and pages.
    pub fn describe(&self) -> String {
        match (self.extractor(), self.table()) {
            (Some(extractor), _) => extractor.describe().into(),
            (None, Some(table)) => format!("the table {}", table.path.display()),
            (None, None) => "nothing".into(),
        }
    }

    /// The face detector by a model file, where there is one.
    pub(crate) fn detector_mut(&mut self) -> Option<&mut FaceDetector> {
        self.extractor_mut()?.detector_mut()
    }

    /// Takes the files that it names as relative to `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        if let Some(detector) = self.detector_mut() {
            *detector = detector.clone().within(folder);
        }
    }
}
