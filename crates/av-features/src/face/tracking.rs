//! How the face is tracked, as extractors are set to do it.

use std::path::Path;

use super::detector::FaceDetector;
use super::follow::Follow;
use super::track::FaceTrack;
use crate::{Error, Result};

/// The settings of the face tracker, which all extractors of the face have: [`Extractor::tracker`](crate::Extractor::tracker)
/// gives them.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "video")] {
/// use av_features::{ClipFormat, Extractor, FaceCrops, Sighting, write_clip};
///
/// # let folder = tempfile::tempdir()?;
/// # let clip = folder.path().join("clip.mp4");
/// // A second of a grey picture, without a face.
/// let format = ClipFormat { width: 64, height: 48, fps: 25, sample_rate_hz: 16_000 };
/// write_clip(&clip, &format, (0..25).map(|_| vec![128; 64 * 48 * 3]), &[0.0; 16_000])?;
///
/// let extractor: &dyn Extractor = &FaceCrops { every: 2, ..FaceCrops::default() };
/// if let Some(tracker) = extractor.tracker() {
///     let track = tracker.track(&clip)?;
///     assert_eq!(track.times_s().len(), 25);
///     assert_eq!(track.sighting(0.5), Sighting::Missing);
/// }
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FaceTracking {
    /// The detector looks at every frame whose number is a multiple of this.
    pub every: usize,
    /// Side of the square that is cut out, relative to that of the detection.
    pub margin: f64,
    /// Which of several faces.
    pub follow: Follow,
    /// A detector by a model file, in place of the one that is built in.
    pub detector: Option<FaceDetector>,
}

impl FaceTracking {
    /// Reads a clip once and finds the face in it. The track knows no margin: [`FaceTrack::square`] is given it.
    ///
    /// # Errors
    ///
    /// Those of [`FaceTrack::found_by`].
    pub fn track(&self, media: &Path) -> Result<FaceTrack> {
        FaceTrack::found_by(self.detector.as_ref(), media, self.every, self.follow)
    }

    /// Rejects impossible settings of an extractor.
    pub(super) fn check(&self, extractor: &'static str) -> Result<()> {
        let wrong = |reason: &str| Err(Error::Config { extractor, reason: reason.into() });
        if self.every == 0 {
            return wrong("every must be at least 1");
        }
        if !(0.5..=4.0).contains(&self.margin) {
            return wrong("margin must be within 0.5 to 4");
        }
        Ok(())
    }
}
