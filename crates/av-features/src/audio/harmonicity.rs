//! How harmonic a frame is: from its autocorrelation and from its cepstrum.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::periods::summit;
use super::pitch::{HIGH_HZ, LOW_HZ};
use crate::{Error, Result};

/// Length of a frame in seconds: three and a half periods of the lowest voice.
pub(crate) const WINDOW_S: f64 = 0.06;

/// Values of the autocorrelation for each sample: between them lies a parabola.
const FINE: usize = 4;

/// Farthest period from that of the pitch tracker, as a factor.
const REACH: f64 = 1.2;

/// Bounds of the harmonic share of the power: -30 to 50 dB; beyond is rounding.
const SHARES: [f64; 2] = [1e-3, 1.0 - 1e-5];

/// Smallest power of a bin, relative to the mean, whose logarithm is taken: 120 dB below.
const BIN_FLOOR: f64 = 1e-12;

/// Smallest value of the cepstrum, in dB, whose logarithm is taken; a flat spectrum has none above.
const CEPSTRUM_FLOOR: f64 = 1e-6;

/// Shortest quefrency of the line below the peak, in seconds: what is shorter shows the vocal tract.
const LINE_FROM_S: f64 = 0.001;

/// Analyses frames of 60 ms.
pub(crate) struct Harmonicity {
    rate_hz: f64,
    window: Vec<f64>,
    /// Autocorrelation of the window.
    taper: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    fine: Arc<dyn ComplexToReal<f64>>,
    plain: Arc<dyn ComplexToReal<f64>>,
}

impl Harmonicity {
    pub(crate) fn new(sample_rate_hz: u32) -> Result<Self> {
        let rate_hz = f64::from(sample_rate_hz);
        let count = (WINDOW_S * rate_hz) as usize;
        let hann = |i: usize| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / count as f64).cos();
        // Twice the window: the autocorrelation of a frame does not wrap around.
        let size = (2 * count).next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let mut new = Self {
            rate_hz,
            window: (0..count).map(hann).collect(),
            taper: Vec::new(),
            forward: planner.plan_fft_forward(size),
            fine: planner.plan_fft_inverse(FINE * size),
            plain: planner.plan_fft_inverse(size),
        };
        let power = new.power(&new.window)?;
        new.taper = new.autocorrelation(&power)?;
        Ok(new)
    }

    /// The frame around sample `centre`, its mean subtracted, weighted by the window; zeros beyond the ends.
    pub(crate) fn frame(&self, samples: &[f32], centre: usize) -> Vec<f64> {
        let start = centre as isize - (self.window.len() / 2) as isize;
        let sample = |i: usize| {
            let at = usize::try_from(start + i as isize).ok();
            at.and_then(|at| samples.get(at)).map_or(0.0, |&sample| f64::from(sample))
        };
        let frame: Vec<f64> = (0..self.window.len()).map(sample).collect();
        let mean = frame.iter().sum::<f64>() / frame.len() as f64;
        frame.iter().zip(&self.window).map(|(sample, weight)| (sample - mean) * weight).collect()
    }

    /// `|X_k|^2` of a frame, in bins of [`bin_hz`](Self::bin_hz).
    pub(crate) fn power(&self, frame: &[f64]) -> Result<Vec<f64>> {
        let mut input = self.forward.make_input_vec();
        input[..frame.len()].copy_from_slice(frame);
        let mut output = self.forward.make_output_vec();
        self.forward.process(&mut input, &mut output).map_err(failed)?;
        Ok(output.iter().map(Complex::norm_sqr).collect())
    }

    /// Distance of two bins in Hz.
    pub(crate) fn bin_hz(&self) -> f64 {
        self.rate_hz / self.forward.len() as f64
    }

    /// The power of the periodic over that of the other part, in dB.
    ///
    /// # Definition
    ///
    /// `10 log10(r / (1 - r))`, `r` the greatest value of the autocorrelation within a fifth of the given
    /// period, divided by the value at lag 0 and by the autocorrelation of the window.
    ///
    /// # Source
    ///
    /// P. Boersma, Proceedings of the Institute of Phonetic Sciences 17, Amsterdam, 1993.
    pub(crate) fn harmonics_to_noise_db(&self, power: &[f64], hz: f64) -> Result<Option<f64>> {
        let values = self.autocorrelation(power)?;
        if values[0] <= 0.0 {
            return Ok(None);
        }
        let period = FINE as f64 * self.rate_hz / hz;
        let [from, to] = [(period / REACH) as usize, (period * REACH) as usize + 1];
        let share = |lag: usize| values[lag] / values[0] / (self.taper[lag] / self.taper[0]);
        let best = (from..=to).max_by(|&a, &b| share(a).total_cmp(&share(b))).unwrap_or(from);
        let around = [best - 1, best, best + 1].map(share);
        let shift = summit(around);
        // The parabola through the three values, at its summit.
        let top = around[1] + shift * (around[2] - around[0]) / 4.0;
        let share = top.clamp(SHARES[0], SHARES[1]);
        Ok(Some(10.0 * (share / (1.0 - share)).log10()))
    }

    /// The autocorrelation of a frame at `FINE` values a sample.
    fn autocorrelation(&self, power: &[f64]) -> Result<Vec<f64>> {
        let mut input = self.fine.make_input_vec();
        for (to, &from) in input.iter_mut().zip(power) {
            *to = from.into();
        }
        let mut output = self.fine.make_output_vec();
        self.fine.process(&mut input, &mut output).map_err(failed)?;
        Ok(output)
    }

    /// By how much the cepstrum stands out at the period of a voice, in dB.
    ///
    /// # Definition
    ///
    /// The cepstrum `20 log10 |c(q)|` of the level in dB of a frame; its peak between the shortest and the
    /// longest period of the pitch tracker, minus the regression line at the peak, drawn through the
    /// quefrencies from 1 ms to the longest period. 0 in silence.
    ///
    /// # Source
    ///
    /// J. Hillenbrand, R. Cleveland and R. Erickson, Journal of Speech and Hearing Research 37, 1994.
    pub(crate) fn cepstral_peak_db(&self, power: &[f64]) -> Result<f64> {
        let mean = power.iter().sum::<f64>() / power.len() as f64;
        if mean <= 0.0 {
            return Ok(0.0);
        }
        let mut input = self.plain.make_input_vec();
        for (to, from) in input.iter_mut().zip(power) {
            *to = (10.0 * (from / mean).max(BIN_FLOOR).log10()).into();
        }
        let mut output = self.plain.make_output_vec();
        self.plain.process(&mut input, &mut output).map_err(failed)?;
        let scale = 1.0 / output.len() as f64;
        let cepstrum = |q: usize| 20.0 * (scale * output[q]).abs().max(CEPSTRUM_FLOOR).log10();
        let [start, short, long] =
            [LINE_FROM_S, 1.0 / HIGH_HZ, 1.0 / LOW_HZ].map(|s| (s * self.rate_hz) as usize);
        let peak =
            (short..=long).max_by(|&a, &b| cepstrum(a).total_cmp(&cepstrum(b))).unwrap_or(short);
        let points: Vec<(f64, f64)> = (start..=long).map(|q| (q as f64, cepstrum(q))).collect();
        let [level, slope] = line(&points);
        Ok(cepstrum(peak) - (level + slope * peak as f64))
    }
}

/// Value at 0 and slope of the regression line through at least two points.
pub(crate) fn line(points: &[(f64, f64)]) -> [f64; 2] {
    let count = points.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / count;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let joint: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let slope = joint / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>();
    [y - slope * x, slope]
}

fn failed(error: realfft::FftError) -> Error {
    Error::Internal { what: "the FFT", source: error.into() }
}
