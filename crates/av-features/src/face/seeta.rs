//! The detector that is built in: SeetaFace's, which sees frontal faces and no landmarks.

use rustface::{ImageData, Model, read_model};

use super::detect::{Detector, Face, Search, is_blank};
use crate::image::{Frame, Square, grey, scale_grey};
use crate::{Error, Result};

/// The frontal face model of SeetaFace (BSD 2-clause, see model/LICENSE).
const MODEL: &[u8] = include_bytes!("../../model/seeta_fd_frontal_v1.0.bin");

/// Longer sides in pixels at which a frame is scanned, the second only after a miss: the cost grows
/// with the area, and faces below some 40 pixels are not seen.
const FIRST_SCAN: std::ops::RangeInclusive<usize> = 240..=427;
const SECOND_SCAN: usize = 640;

/// Looks around known faces between two at the whole frame: at every fifth frame a face that has come is seen within a
/// second.
const NEAR_LOOKS: usize = 4;

/// Most faces that are looked at one by one: around more, the whole frame costs no more.
const NEAR_FACES: usize = 3;

/// Side of the square that is looked at around a face, relative to the face's: a face moves by less than half of its
/// side between two looks, and grows by less than a half.
const NEAR_REACH: f64 = 2.0;

/// Side in pixels at which that square is scanned: the face has 48 there, a little more than the window of the detector.
const NEAR_SCAN: usize = 96;

/// Smallest side of an image that the detector can look at: its window.
const WINDOW: usize = 40;

/// Score above which a detection counts; false ones rarely reach it.
const SCORE: f64 = 2.0;

/// Looks now and then at the whole frame, and where faces are known around them, which costs a fraction of that.
pub(super) struct Seeta {
    inner: Box<dyn rustface::Detector>,
    /// The faces of the last look.
    known: Vec<Face>,
    /// Looks since the last at the whole frame.
    near: usize,
}

impl Seeta {
    pub(super) fn new() -> Result<Self> {
        let model: Model = read_model(MODEL).map_err(|error| Error::Internal {
            what: "reading the face model",
            source: error.into(),
        })?;
        let mut inner = rustface::create_detector_with_model(model);
        inner.set_score_thresh(SCORE);
        Ok(Self { inner, known: vec![], near: 0 })
    }

    /// The known faces as they are in this frame; nothing where there are none, or one of them is not where it was.
    fn known_again(&mut self, frame: &Frame) -> Result<Option<Vec<Face>>> {
        if !(1..=NEAR_FACES).contains(&self.known.len()) {
            return Ok(None);
        }
        let mut faces = Vec::with_capacity(self.known.len());
        for known in self.known.clone() {
            match self.around(frame, &known)? {
                Some(face) => faces.push(face),
                None => return Ok(None),
            }
        }
        Ok(Some(faces))
    }

    /// The face nearest to where one was.
    fn around(&mut self, frame: &Frame, known: &Face) -> Result<Option<Face>> {
        let (width, height) = (frame.width as f64, frame.height as f64);
        let longer = width.max(height);
        let side = (known.side * longer * NEAR_REACH).clamp(1.0, width.min(height));
        let place =
            |middle: f64, length: f64| (middle * length - side / 2.0).clamp(0.0, length - side);
        let square = Square { left: place(known.x, width), top: place(known.y, height), side };
        let pixels = grey(&frame.crop(square, NEAR_SCAN)?);
        let found = self.scan(&pixels, [NEAR_SCAN; 2]).into_iter().map(|face| {
            let x = (square.left + face.x * side) / width;
            let y = (square.top + face.y * side) / height;
            Face::new(x, y, face.side * side / longer)
        });
        let apart = |face: &Face| ((face.x - known.x) * width).hypot((face.y - known.y) * height);
        Ok(found.min_by(|a, b| apart(a).total_cmp(&apart(b))))
    }

    /// The faces of a frame, wherever they are.
    fn whole(&mut self, frame: &Frame) -> Result<Search> {
        let grey = frame.grey();
        if is_blank(&grey) {
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
        let face = |found: &rustface::Rectangle| {
            let x = middle(found.x(), found.width()) / width as f64;
            let y = middle(found.y(), found.height()) / height as f64;
            Face::new(x, y, f64::from(found.width()) / width.max(height) as f64)
        };
        faces.iter().map(|found| face(found.bbox())).collect()
    }
}

impl Detector for Seeta {
    fn find(&mut self, frame: &Frame) -> Result<Search> {
        if self.near < NEAR_LOOKS
            && let Some(faces) = self.known_again(frame)?
        {
            self.near += 1;
            self.known.clone_from(&faces);
            return Ok(Search::Found(faces));
        }
        let search = self.whole(frame)?;
        self.near = 0;
        self.known = if let Search::Found(faces) = &search { faces.clone() } else { vec![] };
        Ok(search)
    }
}

// Their frames are read through FFmpeg.
#[cfg(test)]
#[cfg(feature = "video")]
mod tests {
    use super::*;
    use crate::media::Frames;
    use std::path::Path;

    /// The first and the sixth frame of a recording of a talking face; none where there are no recordings.
    fn frames(name: &str) -> Option<[Frame; 2]> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
        if !folder.is_dir() {
            println!("skipped: no real recordings at {}", folder.display());
            return None;
        }
        let mut frames = Frames::open(&folder.join(name)).unwrap();
        let first = frames.next().unwrap().unwrap();
        Some([first, frames.nth(4).unwrap().unwrap()])
    }

    fn found(detector: &mut Seeta, frame: &Frame) -> Vec<Face> {
        match detector.find(frame).unwrap() {
            Search::Found(faces) => faces,
            Search::Missed | Search::Blank => vec![],
        }
    }

    #[test]
    fn a_known_face_is_found_where_the_whole_frame_has_it() {
        for name in ["grid-talking-faces/bbaf2n.mpg", "javanese-av/01-01-01_01.mp4"] {
            let Some([first, next]) = frames(name) else { return };
            let mut detector = Seeta::new().unwrap();
            assert_eq!(found(&mut detector, &first).len(), 1, "{name}");
            let near = found(&mut detector, &next)[0];
            assert_eq!(detector.near, 1, "{name}");
            let whole = found(&mut Seeta::new().unwrap(), &next)[0];
            assert_ne!(near, whole);
            // The detector's squares are multiples of a few pixels.
            let apart = [near.x - whole.x, near.y - whole.y, near.side - whole.side];
            assert!(apart.iter().all(|a| a.abs() < 0.1 * whole.side), "{name}: {near:?} {whole:?}");
        }
    }

    /// Two frames of one size beside each other.
    fn beside(left: &Frame, right: &Frame) -> Frame {
        let rows = |frame: &Frame| 3 * frame.width;
        let pairs = left.rgb.chunks(rows(left)).zip(right.rgb.chunks(rows(right)));
        let rgb = pairs.flat_map(|(a, b)| [a, b].concat()).collect();
        Frame { rgb, width: left.width + right.width, ..*left }
    }

    #[test]
    fn a_face_that_comes_is_seen_at_the_next_look_at_the_whole_frame() {
        let Some([face, _]) = frames("grid-talking-faces/bbaf2n.mpg") else { return };
        let wall = Frame { rgb: vec![90; face.rgb.len()], ..face };
        let (alone, both) = (beside(&face, &wall), beside(&face, &face));
        let mut detector = Seeta::new().unwrap();
        let mut count = |frame: &Frame| found(&mut detector, frame).len();
        assert_eq!(count(&alone), 1);
        let counts: Vec<usize> = (0..NEAR_LOOKS + 2).map(|_| count(&both)).collect();
        assert_eq!(counts, [1, 1, 1, 1, 2, 2]);
        // One of the two leaves: its place is empty, and the whole frame is looked at.
        assert_eq!(count(&beside(&wall, &face)), 1);
        assert_eq!(count(&beside(&wall, &wall)), 0);
        assert_eq!(count(&both), 2);
        // At a cut the face is somewhere else.
        assert_eq!([count(&alone), count(&beside(&wall, &face))], [1, 1]);
    }
}
