//! The fundamental frequency of the voice.

/// Lowest fundamental frequency in Hz: below every speaking voice.
pub(crate) const LOW_HZ: f64 = 60.0;

/// Highest fundamental frequency in Hz: a shout of fear or joy.
pub(crate) const HIGH_HZ: f64 = 600.0;

/// Samples over which two periods are compared, in seconds.
const INTEGRATION_S: f64 = 0.025;

/// A period whose normalised difference is below is taken at once, so that multiples of it are not.
const FIRST_DIP: f32 = 0.15;

/// A frame whose best normalised difference is above is unvoiced.
const VOICED: f32 = 0.3;

/// Frames to each side over which the median smooths.
const MEDIAN_REACH: usize = 2;

/// Distance from the median of the clip, as a factor, beyond which a value is taken for an error: an
/// octave.
const MAX_FACTOR: f64 = 2.0;

/// The fundamental frequency frame by frame.
pub(crate) struct Pitch {
    /// In Hz; `None` where a frame is unvoiced.
    pub(crate) hz: Vec<Option<f64>>,
    /// How periodic a frame is, 0 to 1: one minus the smallest normalised difference.
    pub(crate) periodicity: Vec<f32>,
}

/// Tracks the fundamental frequency in `frames` frames, `hop` samples apart.
///
/// # Definition
///
/// YIN: the squared difference between the sound and itself a lag later, divided by its mean over
/// all smaller lags; the first dip below a threshold, refined by a parabola. Then a median over
/// five frames, and values an octave from the median of the clip are dropped.
///
/// # Source
///
/// A. de Cheveigné and H. Kawahara, Journal of the Acoustical Society of America 111(4), 2002.
pub(crate) fn pitch(samples: &[f32], sample_rate_hz: u32, hop: usize, frames: usize) -> Pitch {
    let rate_hz = f64::from(sample_rate_hz);
    let lags = (rate_hz / HIGH_HZ) as usize..(rate_hz / LOW_HZ) as usize + 1;
    let width = (INTEGRATION_S * rate_hz) as usize;
    let span = width + lags.end + 1;
    let Some(last) = samples.len().checked_sub(span) else {
        return Pitch { hz: vec![None; frames], periodicity: vec![0.0; frames] };
    };
    let mut hz = Vec::with_capacity(frames);
    let mut periodicity = Vec::with_capacity(frames);
    let mut difference = vec![0.0_f32; lags.end + 1];
    for t in 0..frames {
        let start = (t * hop).saturating_sub(span / 2).min(last);
        normalised_difference(&samples[start..start + span], width, &mut difference);
        let lag = dip(&difference, lags.clone());
        let depth = difference[lag];
        periodicity.push((1.0 - depth).clamp(0.0, 1.0));
        hz.push((depth < VOICED).then(|| rate_hz / refine(&difference, lag)));
    }
    Pitch { hz: drop_jumps(&smooth(&hz)), periodicity }
}

/// The difference function of YIN, normalised by its running mean; 1 at lag 0.
fn normalised_difference(samples: &[f32], width: usize, difference: &mut [f32]) {
    let mut sum = 0.0_f64;
    difference[0] = 1.0;
    for lag in 1..difference.len() {
        let squares: f32 = samples[..width]
            .iter()
            .zip(&samples[lag..lag + width])
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        sum += f64::from(squares);
        difference[lag] =
            if sum > 0.0 { (f64::from(squares) * lag as f64 / sum) as f32 } else { 1.0 };
    }
}

/// The lag of the first dip that is deep enough, or else of the deepest.
fn dip(difference: &[f32], lags: std::ops::Range<usize>) -> usize {
    let mut deepest = lags.start;
    let mut lag = lags.start;
    while lag < lags.end {
        if difference[lag] < FIRST_DIP {
            while lag + 1 < lags.end && difference[lag + 1] < difference[lag] {
                lag += 1;
            }
            return lag;
        }
        if difference[lag] < difference[deepest] {
            deepest = lag;
        }
        lag += 1;
    }
    deepest
}

/// The lowest point of the parabola through a dip and its neighbours.
fn refine(difference: &[f32], lag: usize) -> f64 {
    let [a, b, c] = [lag - 1, lag, lag + 1].map(|i| f64::from(difference[i]));
    let curvature = a - 2.0 * b + c;
    let shift = if curvature > 0.0 { (a - c) / (2.0 * curvature) } else { 0.0 };
    lag as f64 + shift.clamp(-0.5, 0.5)
}

/// The median of the voiced frames around each voiced frame.
fn smooth(hz: &[Option<f64>]) -> Vec<Option<f64>> {
    (0..hz.len())
        .map(|t| {
            hz[t]?;
            let around = t.saturating_sub(MEDIAN_REACH)..(t + MEDIAN_REACH + 1).min(hz.len());
            median(hz[around].iter().flatten().copied().collect())
        })
        .collect()
}

fn drop_jumps(hz: &[Option<f64>]) -> Vec<Option<f64>> {
    let Some(middle) = median(hz.iter().flatten().copied().collect()) else {
        return hz.to_vec();
    };
    let near = |hz: &f64| (middle / MAX_FACTOR..=middle * MAX_FACTOR).contains(hz);
    hz.iter().map(|hz| hz.filter(near)).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A voice of ten harmonics; the fundamental is weak as over a telephone.
    fn harmonic(hz: f64, count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| {
                let t = i as f64 / 16_000.0;
                let sum: f64 = (1..=10)
                    .map(|k| {
                        let gain = if k == 1 { 0.02 } else { 0.2 / k as f64 };
                        gain * (TAU * hz * k as f64 * t + k as f64).sin()
                    })
                    .sum();
                sum as f32
            })
            .collect()
    }

    #[test]
    fn a_harmonic_tone_is_found_within_one_percent() {
        for hz in [75.0, 110.0, 187.3, 220.0, 330.0, 555.0] {
            let found = pitch(&harmonic(hz, 16_000), 16_000, 160, 101);
            assert!(found.hz.iter().all(Option::is_some), "{hz}");
            for value in found.hz.iter().flatten() {
                assert!((value / hz - 1.0).abs() < 0.01, "{value} instead of {hz}");
            }
            assert!(found.periodicity.iter().all(|&p| p > 0.9));
        }
    }

    #[test]
    fn noise_and_silence_are_unvoiced() {
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..16_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
            })
            .collect();
        let voiced = pitch(&noise, 16_000, 160, 101).hz.iter().flatten().count();
        assert!(voiced <= 2, "{voiced} of 101");
        assert_eq!(pitch(&[0.0; 16_000], 16_000, 160, 101).hz, [None; 101]);
    }

    #[test]
    fn a_sound_shorter_than_two_periods_is_unvoiced() {
        assert_eq!(pitch(&harmonic(200.0, 100), 16_000, 160, 1).hz, [None]);
        assert_eq!(pitch(&[], 16_000, 160, 1).hz, [None]);
    }
}
