//! Valence and arousal frame by frame.

use serde::Serialize;
use std::fmt;

/// How pleasant and how excited a person looks in one frame of a video, each from -1 to 1.
///
/// Corpora annotate them on scales of their own; adapters bring them here by a constant factor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Affect {
    /// From unpleasant, -1, to pleasant, 1.
    pub valence: f32,
    /// From calm, -1, to excited, 1.
    pub arousal: f32,
}

impl Affect {
    /// Values of a scale from `-scale` to `scale`; the error says which one is outside of it, and its value.
    pub(crate) fn scaled(valence: f64, arousal: f64, scale: f64) -> Result<Self, String> {
        let within = |what: &str, value: f64| match (-scale..=scale).contains(&value) {
            true => Ok((value / scale) as f32),
            false => Err(format!("{what} {value} is not in -{scale} to {scale}")),
        };
        Ok(Self { valence: within("valence", valence)?, arousal: within("arousal", arousal)? })
    }
}

/// The targets of all frames of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AffectSummary {
    /// All frames of clips that have targets.
    pub frames: usize,
    /// Frames without one.
    pub missing: usize,
    /// Smallest and largest valence.
    pub valence: (f32, f32),
    /// Smallest and largest arousal.
    pub arousal: (f32, f32),
}

impl AffectSummary {
    /// None where no frame has a target.
    pub(crate) fn of<'a>(frames: impl Iterator<Item = &'a Option<Affect>>) -> Option<Self> {
        let (mut all, mut known) = (0, 0);
        let nothing = (f32::INFINITY, f32::NEG_INFINITY);
        let (mut valence, mut arousal) = (nothing, nothing);
        for frame in frames {
            all += 1;
            let Some(affect) = frame else { continue };
            known += 1;
            for (range, value) in [(&mut valence, affect.valence), (&mut arousal, affect.arousal)] {
                *range = (range.0.min(value), range.1.max(value));
            }
        }
        (known > 0).then_some(Self { frames: all, missing: all - known, valence, arousal })
    }
}

impl fmt::Display for AffectSummary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { frames, missing, valence, arousal } = self;
        write!(
            f,
            "{frames} frames with valence {:.3} to {:.3} and arousal {:.3} to {:.3}; {missing} of them ({:.1} %) \
             without",
            valence.0,
            valence.1,
            arousal.0,
            arousal.1,
            100.0 * *missing as f64 / (*frames).max(1) as f64
        )
    }
}
