//! The resonances of the vocal tract.

use std::f64::consts::{PI, TAU};

use realfft::num_complex::Complex;

use super::resample::resample;
use crate::Result;

/// Formants that are looked for.
pub(crate) const FORMANTS: usize = 3;

/// Rate of the analysis in Hz: five formants lie below its half.
const RATE_HZ: u32 = 11_000;

/// Coefficients of the predictor: two a formant.
const ORDER: usize = 10;

/// Length of the Hann window in seconds.
const WINDOW_S: f64 = 0.05;

/// Frequency in Hz above which the sound is lifted by 6 dB an octave, against the fall of the voice.
const EMPHASIS_HZ: f64 = 50.0;

/// Frequencies of formants in Hz: what lies outside shows the slope of the spectrum.
const RANGE_HZ: std::ops::Range<f64> = 90.0..5400.0;

/// Widest formant in Hz: what is wider is none.
const MAX_BANDWIDTH_HZ: f64 = 700.0;

/// Steps after which a search for roots that has not settled is given up.
const MAX_STEPS: usize = 200;

/// A change of the roots below which they have settled; frequencies then are right to 1e-5 Hz.
const SETTLED: f64 = 1e-9;

/// A resonance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Formant {
    pub(crate) hz: f64,
    /// Distance of the two frequencies at which it is 3 dB lower.
    pub(crate) bandwidth_hz: f64,
}

/// Finds formants around given times.
pub(crate) struct Formants {
    samples: Vec<f64>,
    window: Vec<f64>,
}

impl Formants {
    /// Prepares a sound: converts its rate and lifts the high frequencies.
    pub(crate) fn new(samples: &[f32], sample_rate_hz: u32) -> Result<Self> {
        let samples = resample(samples, sample_rate_hz, RATE_HZ)?;
        let keep = (-TAU * EMPHASIS_HZ / f64::from(RATE_HZ)).exp();
        let mut before = 0.0;
        let lift = |sample: f32| {
            let lifted = f64::from(sample) - keep * before;
            before = f64::from(sample);
            lifted
        };
        let count = (WINDOW_S * f64::from(RATE_HZ)) as usize;
        let hann = |i: usize| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / count as f64).cos();
        Ok(Self {
            samples: samples.into_iter().map(lift).collect(),
            window: (0..count).map(hann).collect(),
        })
    }

    /// The formants around a time, the lowest first.
    ///
    /// # Definition
    ///
    /// The roots `z` of the linear predictor of order 10 of 50 ms of sound at 11 kHz, by Burg's method; a
    /// formant has the frequency `arg z` and the bandwidth `-ln|z| / pi`, as shares of the rate.
    ///
    /// # Source
    ///
    /// J. Burg, Proceedings of the 37th Meeting of the Society of Exploration Geophysicists, 1967.
    pub(crate) fn at(&self, time_s: f64) -> Vec<Formant> {
        let rate_hz = f64::from(RATE_HZ);
        let start = (time_s * rate_hz) as isize - (self.window.len() / 2) as isize;
        let sample = |i: usize| {
            let at = usize::try_from(start + i as isize).ok();
            at.and_then(|at| self.samples.get(at)).copied().unwrap_or(0.0)
        };
        let frame: Vec<f64> =
            self.window.iter().enumerate().map(|(i, weight)| weight * sample(i)).collect();
        let Some(roots) = burg(&frame).and_then(|predictor| roots(&predictor)) else {
            return Vec::new();
        };
        let mut found: Vec<Formant> = roots
            .iter()
            .filter(|root| root.im > 0.0)
            .map(|root| Formant {
                hz: root.arg() * rate_hz / TAU,
                bandwidth_hz: -root.norm().ln() * rate_hz / PI,
            })
            .filter(|f| RANGE_HZ.contains(&f.hz))
            .filter(|f| f.bandwidth_hz > 0.0 && f.bandwidth_hz <= MAX_BANDWIDTH_HZ)
            .collect();
        found.sort_unstable_by(|a, b| a.hz.total_cmp(&b.hz));
        found.truncate(FORMANTS);
        found
    }
}

/// The coefficients `a` of `x(t) + a_1 x(t-1) + ... + a_p x(t-p)`; none in silence.
fn burg(frame: &[f64]) -> Option<[f64; ORDER]> {
    let (mut forward, mut backward) = (frame.to_vec(), frame.to_vec());
    let mut a = [0.0; ORDER];
    for m in 0..ORDER {
        let ahead = &forward[m + 1..];
        let behind = &backward[m..frame.len() - 1];
        let pairs = || ahead.iter().zip(behind);
        let joint: f64 = pairs().map(|(f, b)| f * b).sum();
        let power: f64 = pairs().map(|(f, b)| f * f + b * b).sum();
        if power <= 0.0 {
            return None;
        }
        let reflection = -2.0 * joint / power;
        let before = a;
        for i in 0..m {
            a[i] += reflection * before[m - 1 - i];
        }
        a[m] = reflection;
        for t in (m + 1..frame.len()).rev() {
            let (f, b) = (forward[t], backward[t - 1]);
            forward[t] = f + reflection * b;
            backward[t] = b + reflection * f;
        }
    }
    Some(a)
}

/// The roots of `z^p + a_1 z^(p-1) + ... + a_p` by the method of Durand and Kerner; none where it does not settle.
fn roots(a: &[f64; ORDER]) -> Option<[Complex<f64>; ORDER]> {
    let value = |z: Complex<f64>| a.iter().fold(Complex::from(1.0), |sum, &a| sum * z + a);
    // Starting points that no symmetry of the polynomial shares.
    let mut roots: [Complex<f64>; ORDER] =
        std::array::from_fn(|i| Complex::from_polar(0.9, 0.4 + TAU * i as f64 / ORDER as f64));
    for _ in 0..MAX_STEPS {
        let mut moved = 0.0_f64;
        for i in 0..ORDER {
            let here = roots[i];
            let others = (0..ORDER).filter(|&j| j != i).map(|j| here - roots[j]);
            let step = value(here) / others.product::<Complex<f64>>();
            roots[i] -= step;
            moved = moved.max(step.norm());
        }
        if moved < SETTLED {
            return Some(roots);
        }
        if !moved.is_finite() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buzz of 100 Hz through resonators, at the rate of the analysis.
    fn vowel(resonances: &[[f64; 2]], count: usize) -> Vec<f32> {
        let rate_hz = f64::from(RATE_HZ);
        let mut samples: Vec<f64> =
            (0..count).map(|i| if i % 110 == 0 { 1.0 } else { 0.0 }).collect();
        // The fall that the emphasis undoes.
        let keep = (-TAU * EMPHASIS_HZ / rate_hz).exp();
        let mut last = 0.0;
        for sample in &mut samples {
            last = *sample + keep * last;
            *sample = last;
        }
        for [hz, bandwidth_hz] in resonances {
            let radius = (-PI * bandwidth_hz / rate_hz).exp();
            let (b, c) = (2.0 * radius * (TAU * hz / rate_hz).cos(), -radius * radius);
            let (mut one, mut two) = (0.0, 0.0);
            for sample in &mut samples {
                let here = *sample + b * one + c * two;
                (two, one) = (one, here);
                *sample = here;
            }
        }
        samples.into_iter().map(|sample| (0.01 * sample) as f32).collect()
    }

    #[test]
    fn the_resonances_of_a_vowel_are_found() {
        let truth = [[700.0, 80.0], [1220.0, 90.0], [2600.0, 120.0], [3500.0, 150.0]];
        let formants = Formants::new(&vowel(&truth, 11_000), RATE_HZ).unwrap();
        for t in 5..95 {
            let found = formants.at(f64::from(t) * 0.01);
            assert_eq!(found.len(), FORMANTS);
            for (found, [hz, bandwidth_hz]) in found.iter().zip(truth) {
                assert!((found.hz / hz - 1.0).abs() < 0.02, "{found:?} instead of {hz} Hz");
                let error = (found.bandwidth_hz - bandwidth_hz).abs();
                assert!(error < 40.0, "{found:?} instead of {bandwidth_hz} Hz");
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_polynomial() {
        // z^10 - 1/2^10: ten roots on a circle.
        let mut a = [0.0; ORDER];
        a[ORDER - 1] = -(0.5_f64.powi(10));
        for root in roots(&a).unwrap() {
            assert!((root.norm() - 0.5).abs() < 1e-12);
            let turns = root.arg() / TAU * 10.0;
            assert!((turns - turns.round()).abs() < 1e-9);
        }
    }

    #[test]
    fn silence_has_no_formants() {
        assert_eq!(Formants::new(&[0.0; 11_000], RATE_HZ).unwrap().at(0.5), []);
        assert_eq!(Formants::new(&[], RATE_HZ).unwrap().at(0.0), []);
    }
}
