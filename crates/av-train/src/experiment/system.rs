//! The four systems that are compared.

use serde::{Deserialize, Serialize};

/// What is trained: which modalities, with or without common information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// Audio network alone.
    Audio,
    /// Visual network alone.
    Video,
    /// Both, with cross-entropy only.
    Fusion,
    /// Both, with cross-entropy and HGR correlation. The twin of `Fusion`: same initial weights and
    /// same batches.
    FusionHgr,
}

impl System {
    /// The four systems in the order of the tables.
    pub fn all() -> Vec<Self> {
        vec![Self::Audio, Self::Video, Self::Fusion, Self::FusionHgr]
    }

    /// Name in records and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Fusion => "fusion",
            Self::FusionHgr => "fusion_hgr",
        }
    }

    /// Whether the system hears.
    pub fn hears(self) -> bool {
        self != Self::Video
    }

    /// Whether the system sees.
    pub fn sees(self) -> bool {
        self != Self::Audio
    }
}
