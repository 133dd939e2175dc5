//! What a detector of faces is: frames in, faces out.

use std::array::from_fn;

use super::detector::FaceDetector;
use super::seeta::Seeta;
use crate::Result;
use crate::image::Frame;

/// Difference of the brightest and the darkest pixel below which a frame is blank: a fade, not a
/// picture. Compression leaves a few levels of noise.
const BLANK: u8 = 24;

/// Places in a face, each across and down: the subject's right eye, left eye, nose, right and left corner of the mouth.
pub(super) type Landmarks = [[f64; 2]; 5];

/// The middle and the side of a face as fractions: of the width, of the height, of the longer side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Face {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) side: f64,
    /// As fractions of the width and of the height; nothing of a detector that sees none.
    pub(super) landmarks: Option<Landmarks>,
}

impl Face {
    /// A face without landmarks.
    pub(super) fn new(x: f64, y: f64, side: f64) -> Self {
        Self { x, y, side, landmarks: None }
    }

    /// The face that is a `share` of the way to another one.
    pub(super) fn towards(&self, other: &Self, share: f64) -> Self {
        let mix = |from: f64, to: f64| from + (to - from) * share;
        let landmarks = self
            .landmarks
            .zip(other.landmarks)
            .map(|(from, to)| from_fn(|n| from_fn(|axis| mix(from[n][axis], to[n][axis]))));
        Self {
            x: mix(self.x, other.x),
            y: mix(self.y, other.y),
            side: mix(self.side, other.side),
            landmarks,
        }
    }

    /// The median of faces, one at least, coordinate by coordinate.
    pub(super) fn median(faces: &[Self]) -> Self {
        let of = |coordinate: fn(&Self) -> f64| median(faces.iter().map(coordinate));
        let all: Option<Vec<Landmarks>> = faces.iter().map(|face| face.landmarks).collect();
        let landmarks = all.map(|all| {
            from_fn(|n| from_fn(|axis| median(all.iter().map(|landmarks| landmarks[n][axis]))))
        });
        Self { x: of(|face| face.x), y: of(|face| face.y), side: of(|face| face.side), landmarks }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What became of looking at a frame.
pub(super) enum Search {
    /// There is nothing in the frame.
    Blank,
    /// No face was detected.
    Missed,
    /// Faces were detected, one at least.
    Found(Vec<Face>),
}

/// Looks for faces in the frames of a clip, one after the other.
pub(super) trait Detector {
    /// The faces of the next frame.
    fn find(&mut self, frame: &Frame) -> Result<Search>;
}

/// The detector of a configuration, or the one that is built in.
pub(super) fn open(configured: Option<&FaceDetector>) -> Result<Box<dyn Detector>> {
    match configured {
        Some(detector) => detector.open(),
        None => Ok(Box::new(Seeta::new()?)),
    }
}

/// Whether there is nothing in a grey picture.
pub(super) fn is_blank(grey: &[u8]) -> bool {
    let (dark, bright) = grey.iter().fold((255, 0), |(a, b), &v| (v.min(a), v.max(b)));
    bright.saturating_sub(dark) < BLANK
}
