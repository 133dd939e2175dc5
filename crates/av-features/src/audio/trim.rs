//! Silence at both ends of a clip.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::level::level;
use crate::{Error, Result};

/// Window and hop of the levels in seconds.
const WINDOW_S: f64 = 0.025;
const HOP_S: f64 = 0.01;

/// Share of the frames that are taken to be noise alone: their loudest is the noise floor.
const NOISE_SHARE: f64 = 0.1;

/// Frames in a row that make a sound: a click fills fewer.
const MIN_RUN: usize = 5;

/// Frames this much below the loudest are silent whatever the noise floor is, in dB: digital silence has none.
const RANGE_DB: f64 = 60.0;

/// Cuts silence off both ends of a clip.
///
/// # Definition
///
/// The level of a frame is its mean square in dB; the noise floor is the 10th percentile of the levels of the
/// clip. Sound is five frames in a row that lie `above_floor_db` above the floor, and at most 60 dB below the
/// loudest. What lies farther than `hangover_ms` before the first and after the last sound is cut. A clip
/// without sound is left as it is.
///
/// # Numerics
///
/// Frames are 25 ms, 10 ms apart. Where less than a tenth of a clip is silent, the floor is that of its
/// softest speech; the hangover then keeps a soft beginning and end.
///
/// # Errors
///
/// [`Error::Config`] for a height outside 0 to 60 dB and a hangover outside 0 to 10 s.
///
/// # Example
///
/// ```
/// use av_features::Trim;
///
/// // A second of tone in the middle of three seconds of silence.
/// let mut sound = vec![0.0; 48_000];
/// for (i, sample) in sound[16_000..32_000].iter_mut().enumerate() {
///     *sample = (i as f32 * 0.1).sin();
/// }
/// let kept = Trim { hangover_ms: 100.0, ..Trim::default() }.range(&sound, 16_000)?;
/// assert!((kept.start as f64 / 16_000.0 - 0.9).abs() < 0.03);
/// assert!((kept.end as f64 / 16_000.0 - 2.1).abs() < 0.03);
/// # Ok::<(), av_features::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trim {
    /// Height of sound above the noise floor in dB.
    pub above_floor_db: f64,
    /// Silence that is kept on each side, in milliseconds.
    pub hangover_ms: f64,
}

impl Default for Trim {
    fn default() -> Self {
        Self { above_floor_db: 10.0, hangover_ms: 200.0 }
    }
}

impl Trim {
    /// The samples that are kept.
    pub fn range(&self, samples: &[f32], sample_rate_hz: u32) -> Result<Range<usize>> {
        self.check()?;
        let size = |seconds: f64| ((seconds * f64::from(sample_rate_hz)) as usize).max(1);
        let (window, hop) = (size(WINDOW_S), size(HOP_S));
        let starts = (0..(samples.len() + 1).saturating_sub(window)).step_by(hop);
        let levels: Vec<f64> = starts.map(|start| level(&samples[start..start + window])).collect();
        let mut sorted = levels.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let Some(loudest) = sorted.last() else { return Ok(0..samples.len()) };
        let floor = sorted[(NOISE_SHARE * (sorted.len() - 1) as f64) as usize];
        let least = (floor + self.above_floor_db).max(loudest - RANGE_DB);
        let mut first = 0;
        let mut sound: Option<Range<usize>> = None;
        for run in levels.chunk_by(|&a, &b| (a > least) == (b > least)) {
            let frames = first..first + run.len();
            first = frames.end;
            if run[0] > least && run.len() >= MIN_RUN {
                sound = Some(sound.map_or(frames.start, |sound| sound.start)..frames.end);
            }
        }
        let Some(sound) = sound else { return Ok(0..samples.len()) };
        let hangover = (self.hangover_ms * f64::from(sample_rate_hz) / 1000.0) as usize;
        let end = (sound.end - 1) * hop + window + hangover;
        Ok((sound.start * hop).saturating_sub(hangover)..end.min(samples.len()))
    }

    fn check(&self) -> Result<()> {
        let wrong = |reason: &str| Err(Error::Config { extractor: "trim", reason: reason.into() });
        if !(0.0..=60.0).contains(&self.above_floor_db) {
            return wrong("above_floor_db must be within 0 to 60");
        }
        if !(0.0..=10_000.0).contains(&self.hangover_ms) {
            return wrong("hangover_ms must be within 0 to 10000");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Noise with a speech-like sound in it: syllables of 180 ms, 120 ms apart.
    fn speech(from_s: f64, to_s: f64, total_s: f64, noise_db: f64) -> Vec<f32> {
        let mut state = 3_u32;
        let gain = 10_f64.powf(noise_db / 20.0) * 12_f64.sqrt();
        (0..(total_s * 16_000.0) as usize)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = gain * (f64::from(state >> 8) / f64::from(1 << 24) - 0.5);
                let t = i as f64 / 16_000.0;
                let phase = (t - from_s) % 0.3 / 0.18;
                let spoken = (from_s..to_s).contains(&t) && phase < 1.0;
                let swell = if spoken { (TAU * phase / 2.0).sin() } else { 0.0 };
                let tone: f64 =
                    (1..6).map(|k| (TAU * 140.0 * f64::from(k) * t).sin() / f64::from(k)).sum();
                (0.2 * swell * tone + noise) as f32
            })
            .collect()
    }

    #[test]
    fn silence_of_any_loudness_is_cut_and_no_speech() {
        // Speech is at -17 dB.
        for noise_db in [-200.0, -90.0, -60.0, -40.0] {
            let samples = speech(1.0, 2.38, 4.0, noise_db);
            let kept = Trim::default().range(&samples, 16_000).unwrap();
            let [start, end] = [kept.start, kept.end].map(|at| at as f64 / 16_000.0);
            assert!((0.78..=1.0).contains(&start), "{noise_db} dB: from {start}");
            assert!((2.38..=2.62).contains(&end), "{noise_db} dB: to {end}");
        }
    }

    #[test]
    fn the_hangover_is_kept_on_both_sides() {
        let samples = speech(1.0, 2.38, 4.0, -60.0);
        let range =
            |hangover_ms| Trim { hangover_ms, ..Trim::default() }.range(&samples, 16_000).unwrap();
        let (none, some) = (range(0.0), range(250.0));
        assert_eq!((none.start - some.start, some.end - none.end), (4000, 4000));
        assert_eq!(range(10_000.0), 0..samples.len());
    }

    #[test]
    fn a_click_is_no_sound_and_sound_from_end_to_end_is_kept() {
        let mut samples = speech(1.0, 2.38, 4.0, -70.0);
        samples[1600] = 0.9;
        samples[60_000] = -0.9;
        let kept = Trim::default().range(&samples, 16_000).unwrap();
        assert!(kept.start > 12_000 && kept.end < 42_000, "{kept:?}");
        let whole = speech(0.0, 2.0, 2.0, -70.0);
        assert_eq!(Trim::default().range(&whole, 16_000).unwrap(), 0..32_000);
    }

    #[test]
    fn the_noise_floor_is_that_of_the_softest_tenth() {
        // A fifth is soft, two fifths are 20 dB louder, the rest is loud: only the softest is noise.
        let noise = |seconds: f64, db: f64| speech(9.0, 9.0, seconds, db);
        let samples = [noise(0.4, -70.0), noise(0.8, -50.0), noise(0.8, -20.0)].concat();
        let trim = Trim { hangover_ms: 0.0, ..Trim::default() };
        let kept = trim.range(&samples, 16_000).unwrap();
        assert!((kept.start as f64 / 16_000.0 - 0.4).abs() < 0.03, "{kept:?}");
    }

    #[test]
    fn nothing_is_cut_where_nothing_sounds() {
        for samples in [vec![], vec![0.1; 5], vec![0.0; 16_000], speech(9.0, 9.0, 1.0, -50.0)] {
            let kept = Trim::default().range(&samples, 16_000).unwrap();
            assert_eq!(kept, 0..samples.len());
        }
    }

    #[test]
    fn impossible_settings_are_refused_with_a_reason() {
        for (trim, reason) in [
            (Trim { above_floor_db: -1.0, ..Trim::default() }, "above_floor_db must be within"),
            (Trim { hangover_ms: f64::NAN, ..Trim::default() }, "hangover_ms must be within"),
        ] {
            let message = trim.range(&[0.0], 16_000).unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
        }
    }
}
