//! Another sample rate, without delay and with the exact length.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::error::Cause;
use crate::media::RATES_HZ;
use crate::{Error, Result};

/// Fewest input samples of an FFT block: with less the filter is short, with more it is no better
/// but slow.
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
/// The synchronous FFT resampler of rubato with a squared Blackman-Harris window.
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
    let (from, to) = (from_hz as usize, to_hz as usize);
    let fail = |source: Cause| Error::Internal { what: "resampling", source };
    let mut resampler = Fft::<f32>::new_custom(
        from,
        to,
        block(from, to),
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .map_err(|error| fail(error.into()))?;
    let count = samples.len();
    let input = SequentialSlice::new(samples, 1, count).map_err(|e| fail(e.into()))?;
    let output = resampler.process_all(&input, count, None).map_err(|e| fail(e.into()))?;
    let mut output = output.take_data();
    output.resize((count * to).div_ceil(from), 0.0);
    Ok(output)
}

/// Input samples of a block: the smallest power-of-two multiple of the period of the two rates
/// that reaches [`MIN_BLOCK`], because FFTs of smooth lengths are fast.
fn block(from: usize, to: usize) -> usize {
    let period = from / gcd(from, to);
    let mut block = period;
    while block < MIN_BLOCK {
        block *= 2;
    }
    block
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn a_sine_survives_with_100_db_and_without_delay() {
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
            assert!(snr >= 100.0, "{from} to {to}: {snr:.1} dB");
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
