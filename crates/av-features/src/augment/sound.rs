//! Random changes of sound and spectrograms.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::audio::resample;
use crate::{Error, Result};

/// Speeds that can be asked for, in per cent.
const SPEEDS: std::ops::RangeInclusive<u32> = 10..=1000;

/// Hz for each per cent of a speed: the rates between which a sound is converted.
const HZ_PER_CENT: u32 = 100;

/// Masks over times and frequencies of a spectrogram.
///
/// # Definition
///
/// Each mask has a width drawn evenly from 0 to the greatest width, and a place drawn evenly from all where
/// it fits. It covers the same times, or the same frequencies, in every channel. Masks may overlap. A width
/// above the length of its axis is cut to it.
///
/// # Source
///
/// D. Park et al., Interspeech 2019, without the time warping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpecAugment {
    /// Masks over times.
    pub time_masks: usize,
    /// Greatest width of a mask over times, in frames.
    pub time_width: usize,
    /// Masks over frequencies.
    pub frequency_masks: usize,
    /// Greatest width of a mask over frequencies, in bands.
    pub frequency_width: usize,
}

impl SpecAugment {
    /// Sets what the masks cover to `fill`.
    ///
    /// Shapes: `[channels, bands, frames]`, the frames running fastest.
    ///
    /// Errors: [`Error::Config`] if the shape does not multiply to the number of values.
    pub fn apply(
        &self,
        patch: &mut [f32],
        [channels, bands, frames]: [usize; 3],
        fill: f32,
        seed: u64,
    ) -> Result<()> {
        if channels * bands * frames != patch.len() {
            let reason = format!(
                "a patch of {channels} x {bands} x {frames} does not have {} values",
                patch.len()
            );
            return Err(Error::Config { extractor: "augmentation", reason });
        }
        if patch.is_empty() {
            return Ok(());
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut mask = |width: usize, length: usize| {
            let width = rng.random_range(0..=width.min(length));
            let start = rng.random_range(0..=length - width);
            start..start + width
        };
        for _ in 0..self.time_masks {
            let covered = mask(self.time_width, frames);
            patch.chunks_exact_mut(frames).for_each(|row| row[covered.clone()].fill(fill));
        }
        for _ in 0..self.frequency_masks {
            let covered = mask(self.frequency_width, bands);
            let values = covered.start * frames..covered.end * frames;
            let channels = patch.chunks_exact_mut(bands * frames);
            channels.for_each(|channel| channel[values.clone()].fill(fill));
        }
        Ok(())
    }
}

/// Adds white Gaussian noise at a ratio of signal to noise in dB.
///
/// # Definition
///
/// `y = x + g n`, `n` standard normal, `g` such that `sum x^2 / sum (g n)^2` is the ratio: it is reached by this
/// very noise, not on average alone. Silence stays as it is.
///
/// # Numerics
///
/// The same seed gives the same noise on one platform; on another one its last bit may differ, since normal
/// draws use the logarithm of the platform. Samples may leave -1 to 1.
pub fn add_noise(samples: &[f32], snr_db: f64, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let noise: Vec<f64> = samples.iter().map(|_| rng.sample(StandardNormal)).collect();
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let signal = power(&mut samples.iter().map(|&sample| f64::from(sample)));
    let unit = power(&mut noise.iter().copied());
    if signal <= 0.0 || unit <= 0.0 {
        return samples.to_vec();
    }
    let gain = (signal / unit).sqrt() * 10_f64.powf(-snr_db / 20.0);
    samples.iter().zip(noise).map(|(&x, n)| (f64::from(x) + gain * n) as f32).collect()
}

/// Plays a sound at another speed, in per cent: the pitch changes with it.
///
/// `n` samples become `ceil(100 n / per_cent)`.
///
/// Errors: [`Error::Config`] for a speed outside 10 to 1000 %.
pub fn change_speed(samples: &[f32], per_cent: u32) -> Result<Vec<f32>> {
    if !SPEEDS.contains(&per_cent) {
        let reason = format!("a speed of {per_cent} % is not within 10 to 1000 %");
        return Err(Error::Config { extractor: "augmentation", reason });
    }
    resample(samples, per_cent * HZ_PER_CENT, 100 * HZ_PER_CENT)
}

/// Makes a sound louder by some dB, or softer where they are negative. Samples may leave -1 to 1.
pub fn gain(samples: &[f32], db: f64) -> Vec<f32> {
    let factor = 10_f64.powf(db / 20.0);
    samples.iter().map(|&sample| (f64::from(sample) * factor) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(hz: f64, count: usize) -> Vec<f32> {
        (0..count).map(|i| (0.3 * (TAU * hz * i as f64 / 16_000.0).sin()) as f32).collect()
    }

    #[test]
    fn the_noise_has_its_ratio_and_is_white_and_normal() {
        for (snr_db, seed) in [(-5.0, 1), (0.0, 2), (10.0, 3), (40.0, 4)] {
            let clean = tone(300.0, 16_000);
            let noise: Vec<f64> = add_noise(&clean, snr_db, seed)
                .iter()
                .zip(&clean)
                .map(|(a, b)| f64::from(a - b))
                .collect();
            let power = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>() / 16_000.0;
            let signal: Vec<f64> = clean.iter().map(|&v| f64::from(v)).collect();
            let found = 10.0 * (power(&signal) / power(&noise)).log10();
            assert!((found - snr_db).abs() < 1e-3, "{found} instead of {snr_db} dB");
            let sd = power(&noise).sqrt();
            // Means over 16,000 draws spread by 1/126.
            let mean = |f: &dyn Fn(usize) -> f64| (1..16_000).map(f).sum::<f64>() / 15_999.0;
            assert!(mean(&|i| noise[i] / sd).abs() < 0.04);
            assert!(mean(&|i| noise[i] * noise[i - 1] / sd.powi(2)).abs() < 0.04, "not white");
            let kurtosis = mean(&|i| (noise[i] / sd).powi(4));
            assert!((kurtosis - 3.0).abs() < 0.3, "{kurtosis}: not normal");
        }
        assert_eq!(add_noise(&[0.0; 9], 0.0, 1), [0.0; 9]);
        assert!(add_noise(&[], 0.0, 1).is_empty());
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_one_others() {
        let clean = tone(300.0, 1000);
        let bits =
            |seed| add_noise(&clean, 3.0, seed).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(5), bits(5));
        assert_ne!(bits(5), bits(6));
    }

    #[test]
    fn another_speed_changes_length_and_pitch() {
        for per_cent in [80, 90, 100, 110, 133] {
            let fast = change_speed(&tone(400.0, 16_000), per_cent).unwrap();
            assert_eq!(fast.len(), (16_000 * 100_usize).div_ceil(per_cent as usize));
            let truth = tone(400.0 * f64::from(per_cent) / 100.0, fast.len());
            let inner = fast.len() / 4..fast.len() * 3 / 4;
            let worst = inner.map(|i| (fast[i] - truth[i]).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{per_cent} %: {worst}");
        }
        for per_cent in [0, 9, 1001] {
            let message = change_speed(&[0.0], per_cent).unwrap_err().to_string();
            assert!(message.contains("not within 10 to 1000 %"), "{message}");
        }
    }

    #[test]
    fn gain_is_in_decibels() {
        assert_eq!(gain(&[0.5, -0.25], 20.0), [5.0, -2.5]);
        assert_eq!(gain(&[0.5], 0.0), [0.5]);
    }

    /// First covered column and width of one mask over times, and the same of one over frequencies.
    fn masks(seed: u64) -> [(usize, usize); 2] {
        let config =
            SpecAugment { time_masks: 1, time_width: 8, frequency_masks: 1, frequency_width: 5 };
        let shape = [2, 20, 30];
        let mut patch = vec![1.0; 2 * 20 * 30];
        config.apply(&mut patch, shape, 0.0, seed).unwrap();
        let at = |channel: usize, band: usize, frame: usize| {
            patch[(channel * 20 + band) * 30 + frame] == 0.0
        };
        let rows: Vec<usize> = (0..20).filter(|&b| (0..30).all(|t| at(0, b, t))).collect();
        let columns: Vec<usize> = (0..30).filter(|&t| (0..20).all(|b| at(0, b, t))).collect();
        for band in 0..20 {
            for frame in 0..30 {
                let covered = rows.contains(&band) || columns.contains(&frame);
                assert!(at(0, band, frame) == covered && at(1, band, frame) == covered);
            }
        }
        [columns, rows].map(|covered| {
            assert!(covered.windows(2).all(|pair| pair[1] == pair[0] + 1), "one mask in one piece");
            (covered.first().copied().unwrap_or(0), covered.len())
        })
    }

    #[test]
    fn masks_have_all_widths_equally_often_and_lie_everywhere() {
        let draws: Vec<_> = (0..6000).map(masks).collect();
        for (axis, (limit, length)) in [(8, 30), (5, 20)].into_iter().enumerate() {
            let expected = 6000.0 / (limit + 1) as f64;
            for width in 0..=limit {
                let count = draws.iter().filter(|draw| draw[axis].1 == width).count() as f64;
                // Five standard deviations of a count.
                let bound = 5.0 * expected.sqrt();
                assert!(
                    (count - expected).abs() < bound,
                    "{count} of width {width} on axis {axis}"
                );
            }
            assert!(draws.iter().all(|draw| draw[axis].1 <= limit));
            let widest = draws.iter().filter(|draw| draw[axis].1 == limit);
            let mut starts: Vec<usize> = widest.map(|draw| draw[axis].0).collect();
            starts.sort_unstable();
            starts.dedup();
            assert_eq!(starts, (0..=length - limit).collect::<Vec<_>>());
        }
        assert_eq!(masks(3), masks(3));
    }

    #[test]
    fn masks_wider_than_the_patch_are_cut_and_a_wrong_shape_is_refused() {
        let config = SpecAugment { time_masks: 2, time_width: 99, ..SpecAugment::default() };
        for seed in 0..20 {
            config.apply(&mut [1.0; 6], [1, 2, 3], 0.0, seed).unwrap();
        }
        config.apply(&mut [], [3, 64, 0], 0.0, 0).unwrap();
        let message = config.apply(&mut [1.0; 5], [1, 2, 3], 0.0, 0).unwrap_err().to_string();
        assert_eq!(message, "augmentation: a patch of 1 x 2 x 3 does not have 5 values");
    }
}
