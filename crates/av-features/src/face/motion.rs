//! How much the parts of the face move.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::detector::{FaceDetector, fingerprint};
use super::follow::Follow;
use super::statistics::mean_and_sd;
use super::track::FaceTrack;
use super::tracking::FaceTracking;
use crate::features::{Extractor, Features, Values};
use crate::image::{Frame, grey};
use crate::media::Frames;
use crate::{Error, Result, segments};

/// Side of the grey picture of the face in pixels.
const SIZE: usize = 64;
/// Parts along a side.
const PARTS: usize = 4;
/// Numbers of one pair of frames.
const COLUMNS: usize = PARTS * PARTS;
/// Least contrast in grey levels, so that the noise of the camera on a blank wall is not blown up.
const CONTRAST_FLOOR: f64 = 4.0;

/// Mean and standard deviation over the clip of the differences between a frame and the next.
///
/// # Definition
///
/// From the start of the clip, pairs of the frames nearest to `t` and `t + interval`, for `t` in steps of
/// `interval`; the times are those of the file, so that a clip of another or a changing frame rate gives
/// the same numbers. Both frames are cut with the square of the first, found as for
/// [`FaceCrops`](crate::FaceCrops), and scaled to 64 x 64 grey pixels: the square does not move. The mean
/// magnitude of the difference in each of 4 x 4 parts, divided by the standard deviation of the first picture (by
/// 4 grey levels at least), since light and skin differ from person to person. A frame that is shown for longer
/// than `interval` counts as no motion.
///
/// # Shapes
///
/// `(1, 32)`: columns `motion_R_C_mean` and `motion_R_C_sd` of row R and column C (1 to 4 from the top left).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaceMotion {
    /// The detector looks at every frame whose number is a multiple of this.
    pub every: usize,
    /// Side of the square relative to that of the detection, which reaches from the hair to the chin; of long faces
    /// with an open mouth to the mouth.
    pub margin: f64,
    /// Which of several faces.
    pub follow: Follow,
    /// Time between the frames of a pair in milliseconds, 10 to 1000.
    pub interval_ms: f64,
    /// A detector by a model file, in place of the one that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<FaceDetector>,
}

impl Default for FaceMotion {
    fn default() -> Self {
        Self { every: 5, margin: 1.0, follow: Follow::Same, interval_ms: 100.0, detector: None }
    }
}

impl Extractor for FaceMotion {
    fn name(&self) -> &'static str {
        "face-motion"
    }

    fn version(&self) -> u32 {
        3
    }

    fn describe(&self) -> &str {
        "movements of the face"
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        self.tracking().check(self.name())?;
        if !(10.0..=1000.0).contains(&self.interval_ms) {
            let reason = "interval_ms must be within 10 to 1000".into();
            return Err(Error::Config { extractor: self.name(), reason });
        }
        let track = self.tracking().track(media)?;
        segments::check_duration(media, track.duration_s())?;
        let values = mean_and_sd(&self.differences(media, &track)?, COLUMNS);
        Ok(Features {
            shape: vec![1, values.len()],
            values: Values::F32(values),
            times_s: segments::centres(track.duration_s(), 1),
            names: names(),
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
}

impl FaceMotion {
    /// How the face is tracked.
    fn tracking(&self) -> FaceTracking {
        let Self { every, margin, follow, ref detector, .. } = *self;
        FaceTracking { every, margin, follow, detector: detector.clone() }
    }

    /// The differences of every pair, in the order of time.
    fn differences(&self, media: &Path, track: &FaceTrack) -> Result<Vec<Vec<f32>>> {
        let cut = |frame: &Frame, time_s: f64| -> Result<Vec<u8>> {
            let rgb = frame.crop(track.square_at(frame, time_s, self.margin), SIZE)?;
            Ok(grey(&rgb))
        };
        let mut numbers = instants(track, self.interval_ms / 1000.0).into_iter().peekable();
        let mut first: Option<(Vec<u8>, f64)> = None;
        let mut rows = Vec::new();
        let mut frames = Frames::open(media)?;
        let mut number = 0;
        while frames.advance()?.is_some() {
            if numbers.peek() == Some(&number) {
                let frame = frames.image()?;
                // A frame that is shown for long is both of a pair.
                while numbers.next_if_eq(&number).is_some() {
                    if let Some((grey, time_s)) = &first {
                        rows.push(difference(grey, &cut(&frame, *time_s)?));
                    }
                    first = Some((cut(&frame, frame.time_s)?, frame.time_s));
                }
            }
            number += 1;
        }
        Ok(rows)
    }
}

/// The number of the frame nearest to each step of `interval_s`; neighbours are a pair.
fn instants(track: &FaceTrack, interval_s: f64) -> Vec<usize> {
    let end_s = track.start_s() + track.duration_s();
    let times = (0_u32..).map(|step| track.start_s() + f64::from(step) * interval_s);
    // Half an interval must be left: whether the end itself is one would be a matter of rounding.
    let last_s = end_s - interval_s / 2.0;
    times.take_while(|time_s| *time_s < last_s).map(|time_s| track.frame_at(time_s)).collect()
}

/// Mean magnitude of the difference of two pictures in each part, as a share of the contrast.
fn difference(from: &[u8], to: &[u8]) -> Vec<f32> {
    let count = from.len() as f64;
    let mean = from.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = from.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    let mut sums = vec![0_u32; COLUMNS];
    for (i, (a, b)) in from.iter().zip(to).enumerate() {
        let [row, column] = [i / SIZE, i % SIZE].map(|pixel| pixel * PARTS / SIZE);
        sums[row * PARTS + column] += u32::from(a.abs_diff(*b));
    }
    let unit = variance.sqrt().max(CONTRAST_FLOOR) * (SIZE * SIZE / COLUMNS) as f64;
    sums.into_iter().map(|sum| (f64::from(sum) / unit) as f32).collect()
}

fn names() -> Vec<String> {
    let parts = (1..=PARTS).flat_map(|row| (1..=PARTS).map(move |column| (row, column)));
    let statistics = |(row, column)| {
        ["mean", "sd"].map(|statistic| format!("motion_{row}_{column}_{statistic}"))
    };
    parts.flat_map(statistics).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(grey: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..SIZE * SIZE).map(|i| grey(i % SIZE, i / SIZE)).collect()
    }

    #[test]
    fn a_change_is_counted_in_its_part_and_in_units_of_contrast() {
        // Half 90, half 110: a standard deviation of 10.
        let before = picture(|x, _| if x % 2 == 0 { 90 } else { 110 });
        let mut after = before.clone();
        // The part in row 2, column 4 becomes brighter by 30, one of its pixels darker by 30.
        for (i, v) in after.iter_mut().enumerate() {
            if (48..64).contains(&(i % SIZE)) && (16..32).contains(&(i / SIZE)) {
                *v += 30;
            }
        }
        after[16 * SIZE + 48] = 60;
        let mut expected = vec![0.0; COLUMNS];
        expected[4 + 3] = 3.0;
        assert_eq!(difference(&before, &after), expected);
        assert_eq!(names()[2 * 7], "motion_2_4_mean");
        assert_eq!(names().len(), 2 * COLUMNS);
    }

    #[test]
    #[cfg(feature = "video")]
    fn a_still_picture_has_no_motion_however_the_face_moves() {
        let folder = tempfile::tempdir().unwrap();
        let (path, track) = crate::face::crops::tests::still(folder.path());
        let rows = FaceMotion::default().differences(&path, &track).unwrap();
        assert_eq!(rows.len(), 9);
        // What is left is the noise of the codec, in units of the contrast.
        assert!(rows.iter().flatten().all(|&value| value < 0.2), "{rows:?}");
    }

    #[test]
    fn half_an_interval_must_be_left_for_the_last_frame_of_a_pair() {
        let times_s: Vec<f64> = (0..10).map(|i| 3.0 + f64::from(i) * 0.1).collect();
        let track = FaceTrack::known(times_s, 4.0, &[]);
        // 3.0, 3.3, 3.6, and 3.9 only where the clip goes on.
        assert_eq!(instants(&track, 0.3), [0, 3, 6]);
        assert_eq!(instants(&track, 0.16), [0, 2, 3, 5, 6, 8]);
    }

    #[test]
    fn a_blank_wall_has_the_least_contrast() {
        let values = difference(&picture(|_, _| 100), &picture(|_, _| 102));
        assert!(values.iter().all(|&value| value == 0.5), "{values:?}");
    }
}
