//! Finding the face in a frame.

use rustface::{ImageData, Model, read_model};

use crate::image::{Frame, scale_grey};
use crate::{Error, Result};

/// The frontal face model of SeetaFace (BSD 2-clause, see model/LICENSE).
const MODEL: &[u8] = include_bytes!("../../model/seeta_fd_frontal_v1.0.bin");

/// Longer sides in pixels at which a frame is scanned, the second only after a miss: the cost grows
/// with the area, and faces below some 40 pixels are not seen.
const FIRST_SCAN: std::ops::RangeInclusive<usize> = 240..=427;
const SECOND_SCAN: usize = 640;

/// Smallest side of an image that the detector can look at: its window.
const WINDOW: usize = 40;

/// Difference of the brightest and the darkest pixel below which a frame is blank: a fade, not a
/// picture. Compression leaves a few levels of noise.
const BLANK: u8 = 24;

/// Score above which a detection counts; false ones rarely reach it.
const SCORE: f64 = 2.0;

/// The middle and the side of a face as fractions: of the width, of the height, of the longer side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Face {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) side: f64,
}

/// What became of looking at a frame.
pub(crate) enum Search {
    /// There is nothing in the frame.
    Blank,
    /// No face was detected.
    Missed,
    /// Faces were detected, one at least.
    Found(Vec<Face>),
}

/// The face detector; one for every thread.
pub(crate) struct Detector {
    inner: Box<dyn rustface::Detector>,
}

impl Detector {
    pub(crate) fn new() -> Result<Self> {
        let model: Model = read_model(MODEL).map_err(|error| Error::Internal {
            what: "reading the face model",
            source: error.into(),
        })?;
        let mut inner = rustface::create_detector_with_model(model);
        inner.set_score_thresh(SCORE);
        Ok(Self { inner })
    }

    /// The faces of a frame.
    pub(crate) fn find(&mut self, frame: &Frame) -> Result<Search> {
        let grey = frame.grey();
        let (dark, bright) = grey.iter().fold((255, 0), |(a, b), &v| (v.min(a), v.max(b)));
        if bright.saturating_sub(dark) < BLANK {
            return Ok(Search::Blank);
        }
        let size = [frame.width, frame.height];
        let longer = frame.width.max(frame.height);
        for side in [longer.clamp(*FIRST_SCAN.start(), *FIRST_SCAN.end()), SECOND_SCAN] {
            let scaled = size.map(|length| (length * side).div_ceil(longer.max(1)));
            if scaled.iter().any(|&length| length < WINDOW) {
                continue;
            }
            let pixels = scale_grey(&grey, size, scaled)?;
            let faces = self.scan(&pixels, scaled);
            if !faces.is_empty() {
                return Ok(Search::Found(faces));
            }
        }
        Ok(Search::Missed)
    }

    fn scan(&mut self, pixels: &[u8], [width, height]: [usize; 2]) -> Vec<Face> {
        // Both are at most SECOND_SCAN.
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let faces = self.inner.detect(&ImageData::new(pixels, side(width), side(height)));
        let middle = |start: i32, length: u32| f64::from(start) + f64::from(length) / 2.0;
        let face = |found: &rustface::Rectangle| Face {
            x: middle(found.x(), found.width()) / width as f64,
            y: middle(found.y(), found.height()) / height as f64,
            side: f64::from(found.width()) / width.max(height) as f64,
        };
        faces.iter().map(|found| face(found.bbox())).collect()
    }
}
