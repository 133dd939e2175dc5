//! What decides for a class: networks, or a classifier of columns that is fitted at once.
//!
//! A further kind is a file with a config that is a [`Classifier`], and a variant of [`ClassifierConfig`].

mod lda;

pub use lda::LdaConfig;

use crate::Result;
use serde::{Deserialize, Serialize};

/// Which classifier, with its settings: `classifier` of a system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ClassifierConfig {
    /// Encoders, fusion network and head, trained on the objective.
    #[default]
    Network,
    /// Linear discriminant analysis.
    Lda(LdaConfig),
}

impl ClassifierConfig {
    /// The classifier of columns; none: networks.
    pub(crate) fn of_columns(&self) -> Option<&dyn Classifier> {
        match self {
            Self::Network => None,
            Self::Lda(config) => Some(config),
        }
    }
}

/// A classifier that is fitted to the means of clips, without steps.
///
/// What it reads is what networks read, standardised, all modalities of the system next to each other; of a clip with
/// several segments the mean of those that decide it.
pub trait Classifier {
    /// # Errors
    ///
    /// A setting out of range, with its key.
    fn check(&self, key: &str) -> Result<()>;

    /// Fits it to clips with labels, every one of them below `classes`.
    ///
    /// # Errors
    ///
    /// Clips that leave nothing to fit.
    fn fit(&self, clips: &LabelledRows) -> Result<LinearScores>;
}

/// `N >= 1` clips of `D` columns each.
#[derive(Clone, Debug)]
pub struct LabelledRows {
    /// `N * D` values, row by row.
    pub values: Vec<f64>,
    /// `N` classes.
    pub labels: Vec<usize>,
    /// How many classes there are, also such as no clip has.
    pub classes: usize,
}

/// Scores of classes before the softmax, `W x + b`.
#[derive(Clone, Debug)]
pub struct LinearScores {
    /// `C * D` weights, class by class.
    pub weight: Vec<f64>,
    /// `C` constants.
    pub bias: Vec<f64>,
}
