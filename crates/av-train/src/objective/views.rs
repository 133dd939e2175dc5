//! What is correlated with what.

use av_datasets::Modality;
use std::fmt;

/// One side of a correlation: the embedding of a modality, or the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum View {
    /// f(x) of a modality.
    Of(Modality),
    /// h(label).
    Label,
}

impl View {
    /// All, in the order in which pairs are named.
    pub(super) fn all() -> impl Iterator<Item = Self> + Clone {
        Modality::ALL.into_iter().map(Self::Of).chain([Self::Label])
    }

    /// All pairs, each once.
    pub(super) fn pairs() -> impl Iterator<Item = (Self, Self)> {
        Self::all().flat_map(|a| Self::all().filter(move |b| a < *b).map(move |b| (a, b)))
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Of(modality) => modality.fmt(f),
            Self::Label => f.write_str("label"),
        }
    }
}

/// Name of a pair in files: `audio_video`.
pub(super) fn pair_name(a: View, b: View) -> String {
    format!("{a}_{b}")
}

/// Whether it is the [`pair_name`] of a pair.
pub(crate) fn is_pair(name: &str) -> bool {
    View::pairs().any(|(a, b)| pair_name(a, b) == name)
}
