//! Where the segments of a clip lie: the same fractions of the clip for sound and picture.

use std::path::Path;

use crate::{Error, Result};

/// Shortest clip in seconds: less holds no syllable and hardly a change of the face.
pub const MIN_CLIP_S: f64 = 0.3;

/// Refuses a clip shorter than [`MIN_CLIP_S`].
pub(crate) fn check_duration(path: &Path, duration_s: f64) -> Result<()> {
    if duration_s >= MIN_CLIP_S {
        return Ok(());
    }
    Err(Error::TooShort { path: path.to_owned(), duration_s, minimum_s: MIN_CLIP_S })
}

/// The centres of `count` segments that divide a clip evenly, in seconds.
///
/// # Definition
///
/// `centre_i = duration_s * (i + 1/2) / count`.
///
/// # Example
///
/// ```
/// assert_eq!(av_features::segments::centres(3.0, 3), [0.5, 1.5, 2.5]);
/// ```
pub fn centres(duration_s: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| duration_s * fraction(i, count)).collect()
}

/// The starts of `count` windows of `size` frames in a clip of `frames` frames.
///
/// Window `i` lies around the fraction `(i + 1/2) / count` of the clip and is shifted inwards where
/// it would leave it, so that the first and last windows of a clip may be the same. In a clip
/// shorter than a window all windows are the same one, and the clip lies in its middle: the start is
/// negative, and the frames outside repeat the first and the last one.
///
/// # Example
///
/// ```
/// use av_features::segments::windows;
///
/// assert_eq!(windows(100, 20, 5), [0, 20, 40, 60, 80]);
/// assert_eq!(windows(10, 20, 2), [-5, -5]);
/// ```
pub fn windows(frames: usize, size: usize, count: usize) -> Vec<isize> {
    let (length, window) = (frames as f64, size as f64);
    (0..count)
        .map(|i| {
            let start = if frames < size {
                (length - window) / 2.0
            } else {
                (length * fraction(i, count) - window / 2.0).clamp(0.0, length - window)
            };
            start.round() as isize
        })
        .collect()
}

/// The centre of segment `i` as a fraction of the clip.
pub(crate) fn fraction(i: usize, count: usize) -> f64 {
    (i as f64 + 0.5) / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_stay_inside_and_keep_their_order() {
        for frames in [64, 65, 127, 300, 1001] {
            let starts = windows(frames, 64, 30);
            assert_eq!(starts.len(), 30);
            assert!(starts.is_sorted());
            assert!(starts.iter().all(|&s| s >= 0 && s as usize + 64 <= frames), "{starts:?}");
        }
    }

    #[test]
    fn inner_windows_lie_around_the_centres() {
        let centres = centres(10.0, 30);
        for (start, centre) in windows(1000, 64, 30).into_iter().zip(centres) {
            let middle = (start as f64 + 32.0) / 100.0;
            let shifted = !(0.33..=9.67).contains(&centre);
            assert!(shifted || (middle - centre).abs() <= 0.005 + 1e-9, "{middle} for {centre}");
        }
    }

    #[test]
    fn a_short_clip_lies_in_the_middle_of_every_window() {
        assert_eq!(windows(20, 64, 3), [-22, -22, -22]);
        assert_eq!(windows(1, 64, 1), [-32]);
        assert!(windows(5, 64, 0).is_empty());
    }
}
