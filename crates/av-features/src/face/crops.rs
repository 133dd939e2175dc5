//! Pictures of the face for every segment.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::align::upright;
use super::detector::{FaceDetector, fingerprint};
use super::follow::Follow;
use super::track::FaceTrack;
use super::tracking::FaceTracking;
use crate::features::{Extractor, Features, Values};
use crate::image::Frame;
use crate::media::Frames;
use crate::{Error, Result, segments};

/// Faces of the segments as RGB images, for networks.
///
/// # Definition
///
/// The face is found as [`FaceTrack`] says, its square scaled by `margin`. Segment `i` shows
/// the frame nearest to its centre, cut out and scaled with a filter that does not alias. Where no
/// face is found in the whole clip the largest square in the middle is shown; see
/// [`Features::faces`].
///
/// With more than one of `frames`, a segment shows the frames nearest to times that are `interval_ms` apart, around
/// the one that it would show alone; the first and the last frame of the clip are repeated where it would be left. All
/// are cut with the square of the middle one, so that what moves is the face and not the square.
///
/// With `align` the face is upright and of one size instead: the picture is cut out by the rotation, scale and shift that
/// take the five landmarks nearest to their places in the template of ArcFace (by least squares), which is scaled to
/// `size`, and around its middle by `1 / margin`. The landmarks of a time are those of the track, smoothed and joined by
/// lines as its squares are. Beyond the edges of the frame its outermost pixels are repeated. Where no face is found in the
/// whole clip, or its landmarks are at one place, the square is shown.
///
/// # Shapes
///
/// `(segments, 3 * frames, size, size)` bytes: red, green, blue of the first frame, then of the next. Frames are
/// channels, because that is what two-dimensional convolutions take.
///
/// # Source
///
/// Of `align`: S. Umeyama, IEEE Transactions on Pattern Analysis and Machine Intelligence 13(4), 1991; the template of J.
/// Deng et al., "ArcFace", CVPR 2019, in pixels of 112 x 112, the first of which has its middle at 0.5: the subject's
/// right eye at (38.2946, 51.6963), left eye (73.5318, 51.5014), nose (56.0252, 71.7366), right and left corner of the
/// mouth (41.5493, 92.3655) and (70.7299, 92.2041).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaceCrops {
    /// Segments of a clip.
    pub segments: usize,
    /// Side of a picture in pixels.
    pub size: usize,
    /// The detector looks at every frame whose number is a multiple of this.
    pub every: usize,
    /// Side of the square relative to that of the detection, which reaches from the hair to the chin; of long faces
    /// with an open mouth to the mouth.
    pub margin: f64,
    /// Which of several faces.
    pub follow: Follow,
    /// Frames of a segment, 1 to 64.
    pub frames: usize,
    /// Time between the frames of a segment in milliseconds, 1 to 1000.
    pub interval_ms: f64,
    /// A detector by a model file, in place of the one that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<FaceDetector>,
    /// Whether faces are turned upright by their landmarks, which needs a [`detector`](Self::detector) that finds them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub align: bool,
}

impl Default for FaceCrops {
    fn default() -> Self {
        Self {
            segments: 30,
            size: 64,
            every: 5,
            margin: 1.0,
            follow: Follow::Largest,
            frames: 1,
            interval_ms: 40.0, // 25 frames a second
            detector: None,
            align: false,
        }
    }
}

impl Extractor for FaceCrops {
    fn name(&self) -> &'static str {
        "face-crops"
    }

    fn version(&self) -> u32 {
        3
    }

    fn describe(&self) -> &str {
        "face crops"
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        self.check()?;
        let track = self.tracking().track(media)?;
        segments::check_duration(media, track.duration_s())?;
        let values = self.cut(media, &track)?;
        Ok(Features {
            shape: vec![self.segments, 3 * self.frames, self.size, self.size],
            values: Values::U8(values),
            times_s: segments::centres(track.duration_s(), self.segments),
            names: Vec::new(),
            faces: Some(track.faces()),
            warnings: track.warnings().to_vec(),
        })
    }

    fn fingerprint(&self) -> String {
        let built_in = Self { detector: None, ..self.clone() };
        fingerprint(&built_in, self.detector.as_ref())
    }

    fn tracker(&self) -> Option<FaceTracking> {
        Some(self.tracking())
    }

    fn detector_mut(&mut self) -> Option<&mut FaceDetector> {
        self.detector.as_mut()
    }

    fn per_segment(&self) -> bool {
        true
    }
}

/// A frame to be cut out.
struct Shot {
    number: usize,
    /// Time of the face whose square is taken.
    time_s: f64,
}

impl FaceCrops {
    /// How the face is tracked.
    fn tracking(&self) -> FaceTracking {
        let Self { every, margin, follow, ref detector, .. } = *self;
        FaceTracking { every, margin, follow, detector: detector.clone() }
    }

    /// The pictures of all segments, one after the other.
    fn cut(&self, media: &Path, track: &FaceTrack) -> Result<Vec<u8>> {
        let shots = self.shots(track);
        let plane = self.size * self.size;
        let mut values = vec![0; shots.len() * 3 * plane];
        let mut frames = Frames::open(media)?;
        let mut number = 0;
        while frames.advance()?.is_some() {
            if shots.iter().any(|shot| shot.number == number) {
                let frame = frames.image()?;
                let pictures = values.chunks_exact_mut(3 * plane).zip(&shots);
                for (picture, shot) in pictures.filter(|(_, shot)| shot.number == number) {
                    let rgb = self.picture(&frame, track, shot.time_s)?;
                    for (i, pixel) in rgb.as_chunks::<3>().0.iter().enumerate() {
                        for (colour, value) in pixel.iter().enumerate() {
                            picture[colour * plane + i] = *value;
                        }
                    }
                }
            }
            number += 1;
        }
        Ok(values)
    }

    /// The face of a frame where it is at a time: upright, or its square.
    fn picture(&self, frame: &Frame, track: &FaceTrack, time_s: f64) -> Result<Vec<u8>> {
        if self.align
            && let Some(landmarks) = track.landmarks_at(frame, time_s)
            && let Some(picture) = upright(frame, &landmarks, self.size, self.margin)?
        {
            return Ok(picture);
        }
        frame.crop(track.square_at(frame, time_s, self.margin), self.size)
    }

    /// The frames of all segments, one segment after the other.
    fn shots(&self, track: &FaceTrack) -> Vec<Shot> {
        let middle = (self.frames - 1) as f64 / 2.0;
        let segment = |number: usize| {
            let time_s = track.times_s()[number];
            (0..self.frames).map(move |i| {
                let offset_s = (i as f64 - middle) * self.interval_ms / 1000.0;
                Shot { number: track.frame_at(time_s + offset_s), time_s }
            })
        };
        track.nearest(self.segments).into_iter().flat_map(segment).collect()
    }

    fn check(&self) -> Result<()> {
        let wrong = |reason: String| Err(Error::Config { extractor: self.name(), reason });
        if !(8..=MAX_SIZE).contains(&self.size) {
            return wrong(format!("size must be within 8 to {MAX_SIZE} pixels"));
        }
        self.tracking().check(self.name())?;
        if !(1..=MAX_SEGMENTS).contains(&self.segments) {
            return wrong(format!("segments must be within 1 to {MAX_SEGMENTS}"));
        }
        if !(1..=MAX_FRAMES).contains(&self.frames) {
            return wrong(format!("frames must be within 1 to {MAX_FRAMES}"));
        }
        if !(1.0..=1000.0).contains(&self.interval_ms) {
            return wrong("interval_ms must be within 1 to 1000".into());
        }
        if self.align && self.detector.is_none() {
            return wrong(
                "align needs landmarks, which the detector that is built in does not find: give a detector with a model file"
                    .into(),
            );
        }
        // No factor is above 1024: the product is below 2^36.
        if self.segments * self.frames * self.size * self.size > MAX_PIXELS {
            return wrong(format!(
                "segments x frames x size x size must be at most {MAX_PIXELS}: take smaller or fewer pictures"
            ));
        }
        Ok(())
    }
}

/// Most segments of a clip, as for sound.
const MAX_SEGMENTS: usize = 1024;

/// Most frames of a segment: two and a half seconds at 25 frames a second.
const MAX_FRAMES: usize = 64;

/// Most pixels of a clip: the largest pictures of as many segments as there may be.
const MAX_PIXELS: usize = MAX_SEGMENTS * MAX_SIZE * MAX_SIZE;

/// Largest side of a face in pixels: larger ones are not in the videos either.
const MAX_SIZE: usize = 512;

// Their clips are written through FFmpeg.
#[cfg(test)]
#[cfg(feature = "video")]
pub(super) mod tests {
    use super::*;
    use crate::face::detect::Face;
    use crate::{ClipFormat, write_clip};

    /// A second of a still picture whose red grows from left to right, and a face that moves that way.
    pub(crate) fn still(folder: &Path) -> (std::path::PathBuf, FaceTrack) {
        let path = folder.join("still.mp4");
        let format = ClipFormat { width: 256, height: 128, fps: 25, sample_rate_hz: 16_000 };
        let picture: Vec<u8> = (0..256 * 128).flat_map(|i| [(i % 256) as u8, 90, 90]).collect();
        write_clip(&path, &format, std::iter::repeat_n(picture, 25), &[]).unwrap();
        let face = |x| Face::new(x, 0.5, 0.125);
        let times_s = (0..25).map(|i| f64::from(i) * 0.04).collect();
        (path, FaceTrack::known(times_s, 1.0, &[(0.0, face(0.3)), (0.96, face(0.7))]))
    }

    /// Least and greatest red in the middle row of a picture.
    fn reds(picture: &[u8], size: usize) -> [f64; 2] {
        let row = &picture[size / 2 * size..][..size];
        [row[0], row[size - 1]].map(f64::from)
    }

    #[test]
    fn the_square_moves_from_segment_to_segment_and_not_within_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, track) = still(folder.path());
        for margin in [1.0, 2.0] {
            let crops =
                FaceCrops { segments: 3, size: 16, frames: 3, margin, ..FaceCrops::default() };
            let pictures = crops.cut(&path, &track).unwrap();
            let segments: Vec<&[u8]> = pictures.chunks_exact(9 * 256).collect();
            for (segment, number) in segments.iter().zip([4.0, 12.0, 20.0]) {
                let (first, others) = segment.split_at(3 * 256);
                for other in others.chunks_exact(3 * 256) {
                    let apart = first.iter().zip(other).map(|(a, b)| a.abs_diff(*b)).max();
                    // The same square of the same picture, coded twice.
                    assert!(apart < Some(6), "{apart:?}");
                }
                // The face is at 0.3 to 0.7 of 256 pixels, its square 32 times the margin wide.
                let middle = 256.0 * (0.3 + 0.4 * number / 24.0);
                let [left, right] = reds(first, 16);
                let truth = [-0.5, 0.5].map(|side| middle + side * 32.0 * margin);
                assert!((left - truth[0]).abs() < 6.0, "{left} instead of {}", truth[0]);
                assert!((right - truth[1]).abs() < 6.0, "{right} instead of {}", truth[1]);
            }
        }
    }

    #[test]
    fn the_fingerprint_names_every_setting() {
        let expected = concat!(
            r#"face-crops/3 {"segments":30,"size":64,"every":5,"margin":1.0,"#,
            r#""follow":"largest","frames":1,"interval_ms":40.0}"#
        );
        assert_eq!(FaceCrops::default().fingerprint(), expected);
    }
}
