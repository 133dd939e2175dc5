//! Another sample rate, without delay and with the exact length.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use rubato::{WindowFunction, calculate_cutoff};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::media::RATES_HZ;
use crate::{Error, Result};

/// Fewest input samples of a block: with less the filter is short, with more it is no better but slow.
const MIN_BLOCK: usize = 512;

/// Converts one channel from one rate to another without delay; `n` samples become `ceil(n * to / from)`.
///
/// # Errors
///
/// [`Error::SampleRate`] for a rate outside 1,000 to 384,000 Hz.
///
/// # Numerics
///
/// Between the rates of the field the noise is 120 dB below the sound up to four fifths of the band that both rates
/// have; the filter bends the last tenth of it.
///
/// # Source
///
/// The synchronous FFT resampler of rubato with a squared Blackman-Harris window: its filter and its blocks, with other
/// transforms. T. G. Stockham, High-speed convolution and correlation, AFIPS Spring Joint Computer Conference, 1966.
///
/// # Example
///
/// ```
/// let tone: Vec<f32> = (0..48_000).map(|i| (i as f32 * 0.05).sin()).collect();
/// assert_eq!(av_features::resample(&tone, 48_000, 16_000)?.len(), 16_000);
/// # Ok::<(), av_features::Error>(())
/// ```
pub fn resample(samples: &[f32], from_hz: u32, to_hz: u32) -> Result<Vec<f32>> {
    if !RATES_HZ.contains(&from_hz) || !RATES_HZ.contains(&to_hz) {
        return Err(Error::SampleRate { from_hz, to_hz });
    }
    if from_hz == to_hz || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    Ok(Resampler::new(from_hz as usize, to_hz as usize).run(samples))
}

/// Convolution with the low-pass in the frequency domain. Two neighbouring blocks are one block of complex numbers:
/// the filter is real, so they come out apart, and no step turns spectra of real numbers into those of complex ones.
struct Resampler {
    /// Samples of a block before and after.
    from: usize,
    to: usize,
    /// Of two blocks each: one for the sound, half a one on either side for what the filter smears.
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// Response at the frequencies from 0 that both rates have. The filter is even: it has no phase.
    response: Vec<f32>,
}

impl Resampler {
    fn new(from: usize, to: usize) -> Self {
        let divisor = gcd(from, to);
        let [from, to] = [from, to].map(|rate| rate / divisor);
        // Even, so that half a block is a whole number of samples at both rates; times a power of two, because Fourier
        // transforms of smooth lengths are fast.
        let mut periods = 2;
        while periods * from < MIN_BLOCK {
            periods *= 2;
        }
        let [from, to] = [from, to].map(|period| periods * period);
        let mut planner = FftPlanner::new();
        let forward = planner.plan_fft_forward(2 * from);
        let mut spectrum = vec![Complex::default(); 2 * from];
        for (at, tap) in taps(from, to).into_iter().enumerate() {
            spectrum[at].re = tap;
            spectrum[(2 * from - at) % (2 * from)].re = tap;
        }
        forward.process(&mut spectrum);
        let response = spectrum[..from.min(to)].iter().map(|bin| bin.re).collect();
        Self { from, to, forward, inverse: planner.plan_fft_inverse(2 * to), response }
    }

    fn run(&self, samples: &[f32]) -> Vec<f32> {
        let &Self { from, to, .. } = self;
        let mut output = vec![0.0; (samples.len() * to).div_ceil(from)];
        let zeros = |count| vec![Complex::<f32>::default(); count];
        let (mut input, mut spectrum, mut sound) =
            (zeros(2 * from), zeros(2 * from), zeros(2 * to));
        let mut scratch = zeros(
            self.forward.get_immutable_scratch_len().max(self.inverse.get_inplace_scratch_len()),
        );
        for (pair, samples) in samples.chunks(2 * from).enumerate() {
            let (first, second) = samples.split_at(samples.len().min(from));
            pack(first, second, &mut input[from / 2..][..from]);
            self.forward.process_immutable_with_scratch(&input, &mut spectrum, &mut scratch);
            self.filter(&spectrum, &mut sound);
            self.inverse.process_with_scratch(&mut sound, &mut scratch);
            add(&mut output, 2 * pair * to, to / 2, &sound, |samples| samples.re);
            add(&mut output, (2 * pair + 1) * to, to / 2, &sound, |samples| samples.im);
        }
        output
    }

    /// The frequencies that both rates have, from 0 up and from below 0 down, through the filter.
    fn filter(&self, from: &[Complex<f32>], to: &mut [Complex<f32>]) {
        let count = self.response.len();
        to.fill(Complex::default());
        let filtered =
            |((to, from), factor): ((&mut Complex<f32>, &Complex<f32>), &f32)| *to = from * factor;
        to.iter_mut().zip(from).zip(&self.response).for_each(filtered);
        to.iter_mut().rev().zip(from.iter().rev()).zip(&self.response[1..count]).for_each(filtered);
    }
}

/// Two blocks as the real and the imaginary parts of one; the second may be shorter, the first too where there is no second.
fn pack(first: &[f32], second: &[f32], block: &mut [Complex<f32>]) {
    let (both, alone) = block.split_at_mut(second.len());
    let pairs = both.iter_mut().zip(first.iter().zip(second));
    pairs.for_each(|(number, (re, im))| *number = Complex::new(*re, *im));
    alone.fill(Complex::default());
    alone.iter_mut().zip(&first[second.len()..]).for_each(|(number, re)| number.re = *re);
}

/// Adds one of the two blocks of sound, which begins `early` samples before `at`; what is before the first or after the last
/// sample is left out.
fn add(
    output: &mut [f32],
    at: usize,
    early: usize,
    sound: &[Complex<f32>],
    block: impl Fn(&Complex<f32>) -> f32,
) {
    let before = early.saturating_sub(at);
    let start = (at + before - early).min(output.len());
    let sums = output[start..].iter_mut().zip(&sound[before..]);
    sums.for_each(|(sum, samples)| *sum += block(samples));
}

/// Half of the even low-pass, from the middle: a sinc in a squared Blackman-Harris window as long as a block. The transforms
/// there and back multiply by the two blocks they are long.
fn taps(from: usize, to: usize) -> Vec<f32> {
    let lower = from.min(to);
    let cutoff = calculate_cutoff::<f64>(lower, WindowFunction::BlackmanHarris2) * lower as f64
        / from as f64;
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
    let taps = (0..from / 2).map(|at| {
        let cos = (TAU * at as f64 / from as f64).cos();
        // cos 2x and cos 3x are polynomials of cos x.
        let window = 0.35875
            + 0.48829 * cos
            + 0.14128 * (2.0 * cos * cos - 1.0)
            + 0.01168 * (4.0 * cos * cos - 3.0) * cos;
        window * window * sinc(cutoff * at as f64)
    });
    let taps: Vec<f64> = taps.collect();
    let sum = 2.0 * taps.iter().sum::<f64>() - taps[0];
    taps.iter().map(|tap| (tap / (sum * 2.0 * from as f64)) as f32).collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rubato::audioadapter_buffers::direct::SequentialSlice;
    use rubato::{FixedSync, Resampler as _};
    use std::f64::consts::TAU;

    /// Signal-to-noise ratio in dB of a resampled 1 kHz sine away from the edges.
    fn snr_db(from_hz: u32, to_hz: u32) -> f64 {
        let sine =
            |rate_hz: u32, i: usize| 0.5 * (TAU * 1000.0 * i as f64 / f64::from(rate_hz)).sin();
        let input: Vec<f32> = (0..from_hz as usize).map(|i| sine(from_hz, i) as f32).collect();
        let output = resample(&input, from_hz, to_hz).unwrap();
        assert_eq!(output.len(), to_hz as usize);
        let inner = output.len() / 4..output.len() * 3 / 4;
        let (mut signal, mut noise) = (0.0, 0.0);
        for i in inner {
            let truth = sine(to_hz, i);
            signal += truth * truth;
            noise += (f64::from(output[i]) - truth).powi(2);
        }
        10.0 * (signal / noise).log10()
    }

    #[test]
    fn a_sine_survives_with_120_db_and_without_delay() {
        for (from, to) in [
            (48_000, 16_000),
            (44_100, 16_000),
            (22_050, 16_000),
            (32_000, 16_000),
            (8_000, 16_000),
            (11_025, 16_000),
            (96_000, 16_000),
            (16_000, 48_000),
        ] {
            let snr = snr_db(from, to);
            assert!(snr >= 120.0, "{from} to {to}: {snr:.1} dB");
        }
    }

    #[test]
    fn the_samples_are_those_of_rubatos_own_resampler() {
        for (from, to) in [(48_000, 16_000), (44_100, 16_000), (8_000, 16_000), (16_000, 11_000)] {
            // Less than a block, a part of the second of a pair, one sample behind a pair, many pairs.
            for count in [1, 500, 1000, 1536 + 1, 20_000] {
                let noise = |i: usize| (i * i * 7919 % 1009) as f64 / 1009.0 - 0.5;
                let sound: Vec<f64> = (0..count).map(noise).collect();
                let Resampler { from: block, .. } = Resampler::new(from, to);
                let window = WindowFunction::BlackmanHarris2;
                let both = FixedSync::Both;
                let mut reference =
                    rubato::Fft::<f64>::new_custom(from, to, block, 1, 1, window, both).unwrap();
                let input = SequentialSlice::new(&sound, 1, count).unwrap();
                let expected = reference.process_all(&input, count, None).unwrap().take_data();
                let sound: Vec<f32> = sound.into_iter().map(|sample| sample as f32).collect();
                let found = resample(&sound, from as u32, to as u32).unwrap();
                assert_eq!(found.len(), expected.len());
                for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                    let error = (f64::from(*found) - expected).abs();
                    assert!(error < 1e-6, "{from} to {to}, {at} of {count}: {error:e}");
                }
            }
        }
    }

    #[test]
    fn a_tone_above_the_new_limit_vanishes() {
        let tone = |i: usize| (0.5 * (TAU * 10_000.0 * i as f64 / 48_000.0).sin()) as f32;
        let tones: Vec<f32> = (0..48_000).map(tone).collect();
        let output = resample(&tones, 48_000, 16_000).unwrap();
        let peak = output[2000..14_000].iter().fold(0.0_f32, |peak, v| peak.max(v.abs()));
        assert!(peak < 1e-5, "{peak}");
    }

    #[test]
    fn the_length_is_exact_even_for_one_sample() {
        for count in [1, 2, 3, 100, 441, 882, 883, 4410] {
            let output = resample(&vec![0.1; count], 44_100, 16_000).unwrap();
            assert_eq!(output.len(), (count * 16_000).div_ceil(44_100), "{count}");
        }
    }

    #[test]
    fn hostile_rates_are_refused() {
        for rate in [0, 1, 999, 384_001, u32::MAX] {
            assert!(matches!(resample(&[0.0], rate, 16_000), Err(Error::SampleRate { .. })));
            assert!(matches!(resample(&[0.0], 16_000, rate), Err(Error::SampleRate { .. })));
        }
    }

    #[test]
    fn rates_without_a_common_factor_work() {
        assert_eq!(resample(&[0.0; 44_099], 44_099, 16_000).unwrap().len(), 16_000);
    }
}
