//! Roughness and breathiness of a voice, frame by frame.

use super::harmonicity::{Harmonicity, WINDOW_S};
use super::periods::{jitter, periods, shimmer_db};
use super::pitch::pitch;
use crate::{Error, Result};

/// Seconds from frame to frame.
const HOP_S: f64 = 0.01;

/// Rates at which a period has enough samples, in Hz.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=96_000;

/// The quality of a voice, one value a frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VoiceQuality {
    /// Fundamental frequency in Hz; none where a frame is unvoiced.
    pub f0_hz: Vec<Option<f64>>,
    /// Mean difference of neighbouring periods over their mean length; none without two neighbours.
    pub jitter: Vec<Option<f64>>,
    /// Mean difference of the amplitudes of neighbouring periods in dB; none without two neighbours.
    pub shimmer_db: Vec<Option<f64>>,
    /// Power of the harmonics over that of the noise in dB, within -30 to 50; none where unvoiced.
    pub harmonics_to_noise_db: Vec<Option<f64>>,
    /// Height of the peak of the cepstrum at the period of a voice over its surroundings in dB, voiced or
    /// not; 0 in silence.
    pub cepstral_peak_db: Vec<f64>,
}

/// Measures jitter, shimmer, harmonics-to-noise ratio and cepstral peak prominence of each frame.
///
/// # Definition
///
/// Frame `t` is the 60 ms around `t * 10 ms`.
///
/// | Measure | Definition |
/// |---|---|
/// | F0 | YIN, 60 to 600 Hz, median over five frames |
/// | jitter | `mean abs(T_i - T_(i+1)) / mean T` over neighbouring periods inside the frame |
/// | shimmer | `mean abs(20 log10(A_(i+1) / A_i))`, `A` from the smallest to the greatest sample of a period |
/// | harmonics to noise | `10 log10(r / (1 - r))`, `r` the autocorrelation at the period, divided by that of the Hann window |
/// | cepstral peak | the peak of `20 log10` of the cepstrum between 1/600 and 1/60 s over its regression line |
///
/// Periods are found by matching the waveform from one to the next. Pairs whose lengths differ by more
/// than a factor of 1.3 or whose amplitudes differ by more than 1.6 are left out, as in Praat.
///
/// # Shapes
///
/// `1 + n / hop` values for `n` samples, a hop being 10 ms.
///
/// # Errors
///
/// [`Error::Config`] for a rate outside 8 to 96 kHz.
///
/// # Source
///
/// A. de Cheveigné and H. Kawahara, Journal of the Acoustical Society of America 111(4), 2002 (YIN);
/// P. Boersma, Proceedings of the Institute of Phonetic Sciences 17, Amsterdam, 1993 (harmonics to noise);
/// J. Hillenbrand et al., Journal of Speech and Hearing Research 37, 1994 (cepstral peak).
///
/// # Example
///
/// ```
/// // Clicks that die away, 125 a second, every other one lower by a quarter.
/// let voice: Vec<f32> = (0..16_000)
///     .map(|i| (-(i % 128) as f32 / 16.0).exp() * if i % 256 < 128 { 0.8 } else { 0.6 })
///     .collect();
/// let quality = av_features::voice_quality(&voice, 16_000)?;
/// assert_eq!(quality.f0_hz.len(), 101);
/// // 0.8 / 0.6 is 2.5 dB.
/// assert!((quality.shimmer_db[50].unwrap() - 2.5).abs() < 0.3);
/// assert!(quality.jitter[50].unwrap() < 1e-3);
/// # Ok::<(), av_features::Error>(())
/// ```
pub fn voice_quality(samples: &[f32], sample_rate_hz: u32) -> Result<VoiceQuality> {
    if !RATES_HZ.contains(&sample_rate_hz) {
        let reason = format!("sample_rate_hz is {sample_rate_hz}, not within 8000 to 96000");
        return Err(Error::Config { extractor: "voice quality", reason });
    }
    let hop = (HOP_S * f64::from(sample_rate_hz)).round() as usize;
    let f0_hz = pitch(samples, sample_rate_hz, hop, 1 + samples.len() / hop).hz;
    let periods = periods(samples, sample_rate_hz, hop, &f0_hz)?;
    let harmonicity = Harmonicity::new(sample_rate_hz)?;
    let mut quality = VoiceQuality::default();
    for (t, hz) in f0_hz.iter().enumerate() {
        let middle_s = (t * hop) as f64 / f64::from(sample_rate_hz);
        let within_s = [middle_s - WINDOW_S / 2.0, middle_s + WINDOW_S / 2.0];
        let power = harmonicity.power(&harmonicity.frame(samples, t * hop))?;
        let voiced = |value: Option<f64>| hz.and(value);
        quality.jitter.push(voiced(jitter(&periods, within_s)));
        quality.shimmer_db.push(voiced(shimmer_db(&periods, within_s)));
        let to_noise = hz.map(|hz| harmonicity.harmonics_to_noise_db(&power, hz)).transpose()?;
        quality.harmonics_to_noise_db.push(to_noise.flatten());
        quality.cepstral_peak_db.push(harmonicity.cepstral_peak_db(&power)?);
    }
    quality.f0_hz = f0_hz;
    Ok(quality)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    /// Pulses at the given samples, with the given heights; each is a damped resonance of 900 Hz, without edges.
    fn pulses(marks: &[(f64, f64)], count: usize) -> Vec<f32> {
        let pulse = |t: f64| {
            let swell = if t < 1e-3 { 0.5 - 0.5 * (PI * t / 1e-3).cos() } else { 1.0 };
            swell * (-t / 0.5e-3).exp() * (TAU * 900.0 * t).sin()
        };
        let mut samples = vec![0.0; count];
        for (mark, height) in marks {
            let first = mark.ceil() as usize;
            for (i, sample) in samples.iter_mut().enumerate().skip(first).take(400) {
                *sample += height * pulse((i as f64 - mark) / 16_000.0);
            }
        }
        samples.into_iter().map(|sample| sample as f32).collect()
    }

    /// Marks whose periods are in turns longer and shorter, and whose heights are in turns greater and smaller.
    fn marks(period: f64, shift: f64, heights: [f64; 2], count: usize) -> Vec<(f64, f64)> {
        let mark = |i: usize| {
            let late = if i % 2 == 1 { shift } else { 0.0 };
            (i as f64 * period + late, heights[i % 2])
        };
        (0..(count as f64 / period) as usize).map(mark).collect()
    }

    fn noise(count: usize) -> Vec<f64> {
        let mut state = 7_u32;
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) - 0.5
        };
        (0..count).map(|_| (0..6).map(|_| uniform()).sum()).collect()
    }

    /// The values of the frames away from the ends.
    fn inner<T: Copy>(values: &[T]) -> &[T] {
        &values[10..values.len() - 10]
    }

    #[test]
    fn jitter_is_that_of_the_pulses() {
        for (hz, share) in [(90.0, 0.01), (120.0, 0.02), (200.0, 0.005), (210.5, 0.03)] {
            // Periods in turns T + d and T - d differ by 2 d.
            let (period, shift) = (16_000.0 / hz, share / 2.0 * 16_000.0 / hz);
            let samples = pulses(&marks(period, shift, [0.5, 0.5], 16_000), 16_000);
            let quality = voice_quality(&samples, 16_000).unwrap();
            for value in inner(&quality.jitter) {
                let value = value.unwrap();
                assert!((value - share).abs() < 5e-4, "{hz} Hz: {value} instead of {share}");
            }
        }
    }

    #[test]
    fn shimmer_is_that_of_the_pulses_and_an_even_train_has_neither() {
        for (hz, db) in [(90.0, 0.0), (150.0, 0.5), (220.0, 2.0)] {
            let heights = [0.5, 0.5 * 10_f64.powf(db / 20.0)];
            let samples = pulses(&marks(16_000.0 / hz, 0.0, heights, 16_000), 16_000);
            let quality = voice_quality(&samples, 16_000).unwrap();
            for (value, jitter) in inner(&quality.shimmer_db).iter().zip(inner(&quality.jitter)) {
                let (value, jitter) = (value.unwrap(), jitter.unwrap());
                assert!((value - db).abs() < 0.05, "{hz} Hz: {value} instead of {db} dB");
                assert!(jitter < 5e-4, "{hz} Hz: {jitter}");
            }
        }
    }

    #[test]
    fn harmonics_to_noise_is_the_ratio_of_their_powers() {
        let tone = |i: usize| {
            let phase = TAU * 137.0 * i as f64 / 16_000.0;
            (1..=8).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum::<f64>()
        };
        let count = 32_000;
        let noise = noise(count);
        let power = |values: &dyn Fn(usize) -> f64| {
            (0..count).map(|i| values(i).powi(2)).sum::<f64>() / count as f64
        };
        let unit = (power(&tone) / power(&|i| noise[i])).sqrt();
        for (db, error) in [(5.0, 0.5), (10.0, 0.3), (20.0, 0.3), (30.0, 0.5)] {
            let gain = unit * 10_f64.powf(-db / 20.0);
            let samples: Vec<f32> =
                (0..count).map(|i| (0.1 * (tone(i) + gain * noise[i])) as f32).collect();
            let found = voice_quality(&samples, 16_000).unwrap().harmonics_to_noise_db;
            let values: Vec<f64> = inner(&found).iter().flatten().copied().collect();
            assert!(values.len() > 140, "{db} dB: {} voiced", values.len());
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!((mean - db).abs() < error, "{mean} instead of {db} dB");
        }
    }

    #[test]
    fn the_cepstral_peak_tells_a_voice_from_noise_at_any_gain() {
        let voice = pulses(&marks(16_000.0 / 130.0, 0.0, [0.5, 0.5], 16_000), 16_000);
        let mean = |samples: &[f32]| {
            let found = voice_quality(samples, 16_000).unwrap().cepstral_peak_db;
            inner(&found).iter().sum::<f64>() / inner(&found).len() as f64
        };
        let of_voice = mean(&voice);
        let quiet: Vec<f32> = voice.iter().map(|sample| sample / 64.0).collect();
        assert!((mean(&quiet) - of_voice).abs() < 1e-9);
        let of_noise = mean(&noise(16_000).iter().map(|&v| 0.1 * v as f32).collect::<Vec<_>>());
        assert!(of_voice > of_noise + 10.0, "{of_voice} and {of_noise} dB");
    }

    #[test]
    fn unvoiced_frames_beside_a_voice_have_no_measure_of_it() {
        let voice = pulses(&marks(16_000.0 / 130.0, 0.0, [0.5, 0.5], 16_000), 16_000);
        let silence = vec![0.0; 8000];
        let quality = voice_quality(&[&silence[..], &voice, &silence].concat(), 16_000).unwrap();
        let mut beside = 0;
        for (t, hz) in quality.f0_hz.iter().enumerate() {
            let measures =
                [quality.jitter[t], quality.shimmer_db[t], quality.harmonics_to_noise_db[t]];
            // Voice from 0.5 to 1.5 s; periods are looked for 30 ms to each side.
            if hz.is_none() {
                assert_eq!(measures, [None; 3], "{t}");
                beside += usize::from((47..153).contains(&t));
            }
            if (60..140).contains(&t) {
                assert!(measures.iter().all(Option::is_some), "{t}: {measures:?}");
            }
        }
        assert!(beside > 0, "no unvoiced frame had periods in reach");
    }

    #[test]
    fn silence_and_short_sounds_have_no_voice() {
        for samples in [vec![], vec![0.0; 16_000], vec![0.5; 300], vec![0.1; 1]] {
            let quality = voice_quality(&samples, 16_000).unwrap();
            assert_eq!(quality.f0_hz.len(), 1 + samples.len() / 160);
            assert!(quality.jitter.iter().all(Option::is_none));
            assert!(quality.harmonics_to_noise_db.iter().all(Option::is_none));
            assert!(quality.cepstral_peak_db.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn a_rate_without_enough_samples_a_period_is_refused() {
        for rate in [0, 7999, 96_001] {
            let message = voice_quality(&[0.0], rate).unwrap_err().to_string();
            assert!(message.contains("8000 to 96000"), "{message}");
        }
    }
}
