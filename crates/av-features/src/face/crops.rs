//! One picture of the face for every segment.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::track::Track;
use crate::features::{Extractor, Features, Values};
use crate::media::Frames;
use crate::{Error, Result, segments};

/// Faces of the segments as RGB images, for networks.
///
/// # Definition
///
/// A frontal face detector looks at every `every`-th frame; the squares are smoothed by a median over
/// five detections, joined by straight lines over time and scaled by `margin`. Segment `i` shows
/// the frame nearest to its centre, cut out and scaled with a filter that does not alias. Where no
/// face is found in the whole clip the largest square in the middle is shown; see
/// [`Features::faces`].
///
/// # Shapes
///
/// `(segments, 3, size, size)` bytes: red, green, blue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaceCrops {
    /// Segments of a clip.
    pub segments: usize,
    /// Side of a picture in pixels.
    pub size: usize,
    /// The detector looks at every frame whose number is a multiple of this.
    pub every: usize,
    /// Side of the square relative to that of the detection, which reaches from the hair to below
    /// the chin of an open mouth.
    pub margin: f64,
}

impl Default for FaceCrops {
    fn default() -> Self {
        Self { segments: 30, size: 64, every: 5, margin: 1.0 }
    }
}

impl Extractor for FaceCrops {
    const NAME: &'static str = "face-crops";
    const VERSION: u32 = 1;

    fn extract(&self, media: &Path) -> Result<Features> {
        check(Self::NAME, self.size, self.every, self.margin)?;
        if !(1..=MAX_SEGMENTS).contains(&self.segments) {
            let reason = format!("segments must be within 1 to {MAX_SEGMENTS}");
            return Err(Error::Config { extractor: Self::NAME, reason });
        }
        let track = Track::new(media, self.every)?;
        segments::check_duration(media, track.duration_s())?;
        let wanted = track.nearest(self.segments);
        let mut values = vec![0; self.segments * 3 * self.size * self.size];
        let mut frames = Frames::open(media)?;
        let mut number = 0;
        let plane = self.size * self.size;
        while frames.advance()?.is_some() {
            if wanted.contains(&number) {
                let frame = frames.image()?;
                let rgb = frame.crop(track.square(&frame, self.margin), self.size)?;
                let segments = values.chunks_exact_mut(3 * plane).zip(&wanted);
                for (segment, _) in segments.filter(|(_, wanted)| **wanted == number) {
                    for (i, pixel) in rgb.as_chunks::<3>().0.iter().enumerate() {
                        for (colour, value) in pixel.iter().enumerate() {
                            segment[colour * plane + i] = *value;
                        }
                    }
                }
            }
            number += 1;
        }
        Ok(Features {
            shape: vec![self.segments, 3, self.size, self.size],
            values: Values::U8(values),
            times_s: segments::centres(track.duration_s(), self.segments),
            names: Vec::new(),
            faces: Some(track.counts),
            warnings: track.warnings,
        })
    }
}

/// Most segments of a clip, as for sound.
const MAX_SEGMENTS: usize = 1024;

/// Largest side of a face in pixels: larger ones are not in the videos either.
const MAX_SIZE: usize = 512;

/// Checks what both extractors of the face have in common.
pub(super) fn check(name: &'static str, size: usize, every: usize, margin: f64) -> Result<()> {
    let wrong = |reason: String| Err(Error::Config { extractor: name, reason });
    if !(8..=MAX_SIZE).contains(&size) {
        return wrong(format!("size must be within 8 to {MAX_SIZE} pixels"));
    }
    if every == 0 {
        return wrong("every must be at least 1".into());
    }
    if !(0.5..=4.0).contains(&margin) {
        return wrong("margin must be within 0.5 to 4".into());
    }
    Ok(())
}
