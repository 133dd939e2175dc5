//! The fundamental frequency by probabilities: pYIN.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use super::pitch_path::{Candidates, STEPS_A_SEMITONE, path};
use crate::media::RATES_HZ;
use crate::{Error, Result};

/// Thresholds between 0 and 1 that a dip of the difference function may have to pass.
const THRESHOLDS: usize = 100;

/// Decay of the probability from a dip to the next, longer period below the same threshold.
const DECAY: f64 = 2.0;

/// Probability that the deepest dip is a period although it passes no threshold.
const NO_DIP: f64 = 0.01;

/// Steps of pitch an octave.
const STEPS_AN_OCTAVE: f64 = 12.0 * STEPS_A_SEMITONE as f64;

/// Longest frame in samples, and most frames: an hour at 1 ms.
const MAX_FRAME: usize = 65_536;
const MAX_FRAMES: usize = 3_600_000;

/// Widest range of frequencies, as a factor: seven octaves of 120 steps each.
const MAX_RANGE: f64 = 128.0;

/// The fundamental frequency of a voice, by pYIN as librosa 0.11 computes it.
///
/// The contours of [`Functionals`](crate::Functionals) come from a simpler tracker whose values stay as they were
/// published; this one is for new work.
///
/// # Definition
///
/// 1. YIN's difference function of every frame, divided by its mean over all smaller lags. As in librosa
///    it is `2 (r(0) - r(k)) - sum_{j < k} x(j)^2` with the autocorrelation `r` of the whole frame.
/// 2. Each dip of it is a candidate. Over 100 thresholds, weighted by a beta distribution (2, 18), the dips
///    below the threshold share its weight, shorter periods more (a truncated geometric decay of `exp(-2)`);
///    a parabola refines the period.
/// 3. The most probable path (Viterbi) through steps of 0.1 semitones, each voiced or not: the pitch moves
///    by at most 35.92 octaves a second, by a triangle of probabilities, and the voicing changes with
///    probability 0.01.
///
/// # Units
///
/// Hz, in steps of a tenth of a semitone (0.6 %) from `low_hz`.
///
/// # Errors
///
/// [`Error::Config`] for settings that are none.
///
/// # Numerics
///
/// In f64, where librosa computes in the type of its input, usually f32. On 40 clips of RAVDESS the voicing of all and
/// the pitch of more than 99 % of the voiced frames are those of librosa to 2 %. A sound without any voice can have
/// frames on a voiced path, as in librosa; [`PitchTrack::voiced`] is then next to 0.
///
/// # Source
///
/// M. Mauch and S. Dixon, ICASSP 2014, pages 659-663; A. de Cheveigné and H. Kawahara, Journal of the Acoustical
/// Society of America 111(4), 2002.
///
/// # Example
///
/// ```
/// use av_features::Pyin;
///
/// let period = 16_000.0 / 220.0;
/// let saw: Vec<f32> = (0..16_000).map(|i| (i as f32 / period).fract() - 0.5).collect();
/// let track = Pyin::default().track(&saw)?;
/// assert_eq!(track.hz.len(), 32);
/// let middle = track.hz[16].unwrap();
/// assert!((middle / 220.0 - 1.0).abs() < 0.01);
/// # Ok::<(), av_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pyin {
    /// Rate of the samples in Hz.
    pub sample_rate_hz: u32,
    /// Samples of a frame (`frame_length`): two periods of the lowest pitch at least, better four.
    pub frame: usize,
    /// Samples from frame to frame (`hop_length`); frame `t` is centred at sample `t * hop`.
    pub hop: usize,
    /// Lowest pitch in Hz (`fmin`).
    pub low_hz: f64,
    /// Highest pitch in Hz (`fmax`).
    pub high_hz: f64,
}

impl Default for Pyin {
    fn default() -> Self {
        Self { sample_rate_hz: 16_000, frame: 2048, hop: 512, low_hz: 65.0, high_hz: 500.0 }
    }
}

/// A fundamental frequency frame by frame.
#[derive(Debug, Clone, PartialEq)]
pub struct PitchTrack {
    /// In Hz; `None` where a frame is unvoiced.
    pub hz: Vec<Option<f64>>,
    /// Probability that a frame is voiced, before its neighbours are asked.
    pub voiced: Vec<f64>,
}

impl Pyin {
    /// Tracks the pitch of a sound of `n` samples through `1 + n / hop` frames; beyond the ends is silence.
    pub fn track(&self, samples: &[f32]) -> Result<PitchTrack> {
        self.check()?;
        let frames = if samples.is_empty() { 0 } else { 1 + samples.len() / self.hop };
        if frames > MAX_FRAMES {
            return Err(wrong("the sound has more than 3,600,000 frames: a longer hop"));
        }
        let lags = self.lags();
        let mut difference = Difference::new(self.frame, lags.end);
        let weights = threshold_weights();
        let mut candidates = Vec::with_capacity(frames);
        for t in 0..frames {
            let start = (t * self.hop) as isize - (self.frame / 2) as isize;
            let difference = difference.of(samples, start)?;
            let dips = dips(&difference[lags.clone()], &weights);
            candidates.push(self.candidates(&difference[lags.clone()], &dips));
        }
        let voiced = candidates.iter().map(|frame| frame.voiced).collect();
        let hop_s = self.hop as f64 / f64::from(self.sample_rate_hz);
        let path = path(&candidates, self.steps(), hop_s);
        let hz = |step: usize| self.low_hz * 2_f64.powf(step as f64 / STEPS_AN_OCTAVE);
        Ok(PitchTrack { hz: path.into_iter().map(|step| step.map(hz)).collect(), voiced })
    }

    fn check(&self) -> Result<()> {
        let rate_hz = f64::from(self.sample_rate_hz);
        if !RATES_HZ.contains(&self.sample_rate_hz) {
            return Err(wrong("sample_rate_hz must be within 1,000 to 384,000"));
        }
        if !(self.low_hz > 0.0 && self.low_hz < self.high_hz && self.high_hz <= rate_hz / 2.0) {
            return Err(wrong("0 < low_hz < high_hz <= sample_rate_hz / 2 must hold"));
        }
        if self.high_hz > MAX_RANGE * self.low_hz {
            return Err(wrong("high_hz must be at most 128 times low_hz"));
        }
        if self.hop == 0
            || self.frame > MAX_FRAME
            || rate_hz / self.low_hz >= self.frame as f64 - 1.0
        {
            return Err(wrong(
                "hop must not be 0, and frame must hold a period of low_hz and at most 65,536 samples",
            ));
        }
        Ok(())
    }

    /// The periods that are looked at, in samples.
    fn lags(&self) -> std::ops::Range<usize> {
        let rate_hz = f64::from(self.sample_rate_hz);
        let longest = (rate_hz / self.low_hz).ceil() as usize;
        (rate_hz / self.high_hz).floor() as usize..longest.min(self.frame - 1) + 1
    }

    /// Steps of pitch from the lowest to the highest.
    fn steps(&self) -> usize {
        (STEPS_AN_OCTAVE * (self.high_hz / self.low_hz).log2()).floor() as usize + 1
    }

    /// The steps of pitch where the dips lie.
    fn candidates(&self, difference: &[f64], dips: &[(usize, f64)]) -> Candidates {
        let shortest = self.lags().start as f64;
        let mut steps: Vec<(usize, f64)> = Vec::with_capacity(dips.len());
        for &(dip, probability) in dips {
            let period = shortest + dip as f64 + shift(difference, dip);
            let hz = f64::from(self.sample_rate_hz) / period;
            let step = (STEPS_AN_OCTAVE * (hz / self.low_hz).log2()).round().max(0.0) as usize;
            if step >= self.steps() {
                continue;
            }
            // Of two dips in one step the longer period counts.
            match steps.iter_mut().find(|(taken, _)| *taken == step) {
                Some(taken) => taken.1 = probability,
                None => steps.push((step, probability)),
            }
        }
        let voiced = steps.iter().map(|(_, probability)| probability).sum::<f64>().clamp(0.0, 1.0);
        Candidates { steps, voiced }
    }
}

fn wrong(reason: &str) -> Error {
    Error::Config { extractor: "pyin", reason: reason.to_owned() }
}

/// The normalised difference function of frames of one length.
struct Difference {
    frame: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    backward: Arc<dyn ComplexToReal<f64>>,
    time: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    squares: Vec<f64>,
    difference: Vec<f64>,
}

impl Difference {
    /// For lags below `lags`, which is at most `frame`.
    fn new(frame: usize, lags: usize) -> Self {
        // Long enough that the end of a frame does not meet its start; multiples of 256 are fast.
        let length = (frame + lags).next_multiple_of(256);
        let mut planner = RealFftPlanner::new();
        let (forward, backward) =
            (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
        let scratch = forward.get_scratch_len().max(backward.get_scratch_len());
        Self {
            frame,
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            scratch: vec![Complex::default(); scratch],
            squares: vec![0.0; lags],
            difference: vec![0.0; lags],
            forward,
            backward,
        }
    }

    /// The difference function of the frame from `start` on, by lag.
    fn of(&mut self, samples: &[f32], start: isize) -> Result<&[f64]> {
        self.time.fill(0.0);
        for (i, to) in self.time[..self.frame].iter_mut().enumerate() {
            let inside = usize::try_from(start + i as isize).ok().and_then(|at| samples.get(at));
            *to = inside.map_or(0.0, |&sample| f64::from(sample));
        }
        for (square, sample) in self.squares.iter_mut().zip(&self.time) {
            *square = sample * sample;
        }
        let fail =
            |error: realfft::FftError| Error::Internal { what: "the FFT", source: error.into() };
        self.forward
            .process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch)
            .map_err(fail)?;
        for value in &mut self.spectrum {
            *value = Complex::new(value.norm_sqr(), 0.0);
        }
        self.backward
            .process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch)
            .map_err(fail)?;
        let scale = 1.0 / self.time.len() as f64;
        let (mut head, mut sum) = (0.0, 0.0);
        for (lag, to) in self.difference.iter_mut().enumerate().skip(1) {
            head += self.squares[lag - 1];
            let value = 2.0 * scale * (self.time[0] - self.time[lag]) - head;
            sum += value;
            *to = value / (sum / lag as f64 + f64::MIN_POSITIVE);
        }
        Ok(&self.difference)
    }
}

/// The weight of each threshold: the increments of the beta distribution (2, 18).
fn threshold_weights() -> Vec<f64> {
    // The distribution function of beta(2, 18) is the binomial chance of two or more in 19.
    let below = |x: f64| 1.0 - (1.0 - x).powi(19) - 19.0 * x * (1.0 - x).powi(18);
    let at = |i: usize| below(i as f64 / THRESHOLDS as f64);
    (0..THRESHOLDS).map(|i| at(i + 1) - at(i)).collect()
}

/// The dips of a difference function with their probabilities, where these are not 0.
fn dips(difference: &[f64], weights: &[f64]) -> Vec<(usize, f64)> {
    let last = difference.len() - 1;
    let dip = |i: usize| {
        let falls = i == 0 || difference[i] < difference[i - 1];
        // At a plateau the first point counts; the ends must be lower than their neighbour.
        let rises = match i {
            0 => difference[0] < difference[1],
            i if i == last => true,
            i => difference[i] <= difference[i + 1],
        };
        falls && rises
    };
    let places: Vec<usize> = (0..=last).filter(|&i| last > 0 && dip(i)).collect();
    let mut found: Vec<(usize, f64)> = places.iter().map(|&i| (i, 0.0)).collect();
    let mut below = Vec::with_capacity(places.len());
    let deepest = (0..places.len())
        .reduce(|a, b| if difference[places[b]] < difference[places[a]] { b } else { a });
    for (i, weight) in weights.iter().enumerate() {
        let threshold = (i + 1) as f64 / THRESHOLDS as f64;
        below.clear();
        below.extend((0..places.len()).filter(|&k| difference[places[k]] < threshold));
        let norm = (1.0 - (-DECAY).exp()) / (1.0 - (-DECAY * below.len() as f64).exp());
        for (rank, &k) in below.iter().enumerate() {
            found[k].1 += weight * norm * (-DECAY * rank as f64).exp();
        }
        if let (true, Some(deepest)) = (below.is_empty(), deepest) {
            found[deepest].1 += NO_DIP * weight;
        }
    }
    found.retain(|&(_, probability)| probability > 0.0);
    found
}

/// From a dip to the lowest point of the parabola through it and its neighbours, in lags.
fn shift(difference: &[f64], dip: usize) -> f64 {
    let (Some(&before), Some(&after)) =
        (dip.checked_sub(1).and_then(|i| difference.get(i)), difference.get(dip + 1))
    else {
        return 0.0;
    };
    let curvature = before + after - 2.0 * difference[dip];
    let slope = (after - before) / 2.0;
    if slope.abs() >= curvature.abs() { 0.0 } else { -slope / curvature }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_function_equals_its_sum() {
        let samples: Vec<f32> = (0..300).map(|i| ((i * i) as f32 * 0.01).sin()).collect();
        let mut difference = Difference::new(128, 60);
        for start in [0, 100, 250, -64] {
            let at = |i: isize| usize::try_from(start + i).ok().and_then(|i| samples.get(i));
            let x: Vec<f64> = (0..128).map(|i| at(i).map_or(0.0, |&s| f64::from(s))).collect();
            let raw = |k: usize| {
                let r = |k: usize| -> f64 { (0..128 - k).map(|j| x[j] * x[j + k]).sum() };
                2.0 * (r(0) - r(k)) - x[..k].iter().map(|x| x * x).sum::<f64>()
            };
            let found = difference.of(&samples, start).unwrap();
            for (lag, found) in found.iter().enumerate().skip(1) {
                let mean = (1..=lag).map(raw).sum::<f64>() / lag as f64;
                let truth = raw(lag) / (mean + f64::MIN_POSITIVE);
                assert!((found - truth).abs() < 1e-9, "{start}, {lag}: {found}");
            }
        }
    }

    #[test]
    fn two_dips_share_the_weights_of_the_thresholds() {
        let weights = threshold_weights();
        // scipy.stats.beta.cdf([0.01, 0.5], 2, 18) -> 0.015273761, 0.999961853
        assert!((weights[0] - 0.015_273_761).abs() < 1e-9);
        assert!((weights[..50].iter().sum::<f64>() - 0.999_961_853).abs() < 1e-9);
        let found = dips(&[0.9, 0.095, 0.9, 0.195, 0.9], &weights);
        let share = 1.0 / (1.0 + (-2.0_f64).exp());
        let sums = |range: std::ops::Range<usize>| weights[range].iter().sum::<f64>();
        let first = NO_DIP * sums(0..9) + sums(9..19) + share * sums(19..100);
        assert_eq!((found[0].0, found[1].0), (1, 3));
        assert!((found[0].1 - first).abs() < 1e-12);
        assert!((found[1].1 - (1.0 - share) * sums(19..100)).abs() < 1e-12);
    }

    #[test]
    fn of_two_dips_in_one_step_of_pitch_the_longer_period_counts() {
        let pyin = Pyin { low_hz: 30.0, frame: 4096, ..Pyin::default() };
        let (start, count) = (pyin.lags().start, pyin.lags().len());
        // 520 and 522 samples are 30.8 and 30.7 Hz, 0.4 % apart; a step is 0.6 %.
        let dips = [520 - start, 522 - start];
        let mut difference = vec![1.0; count];
        dips.iter().for_each(|&dip| difference[dip] = 0.1);
        let found = pyin.candidates(&difference, &[(dips[0], 0.5), (dips[1], 0.2)]);
        assert_eq!(found.steps, [(4, 0.2)]);
        assert_eq!(found.voiced, 0.2);
    }

    #[test]
    fn periods_and_steps_reach_from_the_highest_to_the_lowest_pitch() {
        let pyin = Pyin::default();
        // 16,000 / 500 and 16,000 / 65 = 246.2 samples; 120 log2(500 / 65) = 353.2 steps.
        assert_eq!((pyin.lags(), pyin.steps()), (32..248, 354));
        // The shortest period is a whole number of samples, whose pitch may lie above the highest: a step too many.
        let pyin = Pyin { high_hz: 498.0, ..pyin };
        let tone: Vec<f32> = (0..8000).map(|i| (i % 32) as f32 / 32.0 - 0.5).collect();
        let track = pyin.track(&tone).unwrap();
        assert!(track.hz.iter().flatten().all(|&hz| hz <= 498.0), "{:?}", track.hz);
    }

    #[test]
    fn a_sound_of_too_many_frames_is_refused_before_it_is_looked_at() {
        let error = Pyin { hop: 1, ..Pyin::default() }.track(&vec![0.0; MAX_FRAMES]).unwrap_err();
        assert!(error.to_string().contains("more than 3,600,000 frames"), "{error}");
    }

    #[test]
    fn silence_and_noise_are_improbable_voices_and_a_voice_is_found() {
        let pyin = Pyin::default();
        assert_eq!(pyin.track(&[0.0; 8000]).unwrap().hz, [None; 16]);
        assert!(pyin.track(&[]).unwrap().hz.is_empty());
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..16_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
            })
            .collect();
        let track = pyin.track(&noise).unwrap();
        assert!(track.voiced.iter().all(|&probability| probability < 0.02));
        // Where all is improbable the path is arbitrary: librosa.pyin calls 10 frames of it voiced as well.
        assert_eq!(track.hz.iter().flatten().count(), 10);
        for hz in [70.0, 110.0, 187.3, 440.0] {
            let saw: Vec<f32> = (0..16_000)
                .map(|i| ((f64::from(i) * hz / 16_000.0).fract() - 0.5) as f32)
                .collect();
            let track = pyin.track(&saw).unwrap().hz;
            for found in &track[3..29] {
                let found = found.unwrap();
                assert!((found / hz - 1.0).abs() < 0.006, "{found} instead of {hz}");
            }
        }
    }

    #[test]
    fn settings_that_are_none_are_refused_with_a_reason() {
        let good = Pyin::default();
        for (bad, reason) in [
            (Pyin { sample_rate_hz: 10, ..good.clone() }, "sample_rate_hz"),
            (Pyin { low_hz: 0.0, ..good.clone() }, "0 < low_hz"),
            (Pyin { high_hz: f64::NAN, ..good.clone() }, "low_hz < high_hz"),
            (Pyin { high_hz: 8001.0, ..good.clone() }, "sample_rate_hz / 2"),
            (Pyin { low_hz: 1.0, ..good.clone() }, "128 times"),
            (Pyin { frame: 247, ..good.clone() }, "a period of low_hz"),
            (Pyin { frame: 1 << 17, ..good.clone() }, "65,536"),
            (Pyin { hop: 0, ..good }, "hop must not be 0"),
        ] {
            let error = bad.track(&[0.0; 100]).unwrap_err().to_string();
            assert!(error.starts_with("pyin: ") && error.contains(reason), "{error}");
        }
    }
}
