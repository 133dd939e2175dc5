//! Log-mel segments with their first and second deltas.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::mel::{MelBank, MelScale};
use super::spectrum::{Edges, Spectrum};
use super::trim::{Clip, Trim};
use crate::features::{Extractor, Features, Values};
use crate::{Error, Result, segments};

/// Smallest band power whose logarithm is taken: somewhat below the quantisation noise of 16-bit
/// sound, so that digital silence lies beside real silence.
pub const POWER_FLOOR: f32 = 1e-8;

/// Frames to each side over which deltas regress.
const DELTA_REACH: usize = 2;

/// Smallest standard deviation by which a band is divided: bands of digital silence stay zero.
const MIN_SD: f64 = 1e-5;

/// Whether the loudness and colour of the recording are removed clip by clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// As it is.
    #[default]
    None,
    /// Every band to mean 0 and standard deviation 1 over the clip, before the deltas.
    Clip,
}

/// Log-mel spectrograms of segments of the sound, for networks.
///
/// # Definition
///
/// `x(t, m) = ln max(floor, sum_k w_m(k) |X_t(k)|^2)` with the floor 1e-8, triangular filters of peak
/// 1, a periodic Hann window, frames centred at multiples of the hop with the ends mirrored, and an
/// FFT of the next power of two. Deltas regress over two frames to each side,
/// `d(t) = sum_n n (x(t + n) - x(t - n)) / 10`, with the ends repeated; the second deltas are the
/// deltas of the deltas.
///
/// # Shapes
///
/// `(segments, 3, mels, frames)`: static, delta, delta-delta. See [`segments::windows`] for where
/// the segments lie and what becomes of a clip shorter than one.
///
/// # Units
///
/// Natural logarithm of power, for samples within -1 to 1.
///
/// # Source
///
/// The three channels of 64 x 64 values, 25 ms and 10 ms, are those of Zhang et al., IEEE Transactions
/// on Circuits and Systems for Video Technology 28(10), 2018. `mels = 94` and `window_ms = 40.0` give the
/// front end of Ma et al., Applied Sciences 12(1):527, 2022.
///
/// # Example
///
/// ```
/// use av_features::{Extractor, LogMel};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("silence.wav");
/// let spec = hound::WavSpec {
///     channels: 1,
///     sample_rate: 16_000,
///     bits_per_sample: 16,
///     sample_format: hound::SampleFormat::Int,
/// };
/// let mut writer = hound::WavWriter::create(&path, spec)?;
/// for _ in 0..16_000 {
///     writer.write_sample(0_i16)?;
/// }
/// writer.finalize()?;
///
/// let features = LogMel::default().extract(&path)?;
/// assert_eq!(features.shape, [30, 3, 64, 64]);
/// assert!((features.times_s[0] - 1.0 / 60.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogMel {
    /// Rate to which the sound is converted, in Hz.
    pub sample_rate_hz: u32,
    /// Segments of a clip.
    pub segments: usize,
    /// Mel bands.
    pub mels: usize,
    /// Frames of a segment.
    pub frames: usize,
    /// Length of the Hann window in milliseconds.
    pub window_ms: f64,
    /// Distance of two frames in milliseconds.
    pub hop_ms: f64,
    /// Lower end of the lowest band in Hz.
    pub low_hz: f64,
    /// Upper end of the highest band in Hz.
    pub high_hz: f64,
    /// The mel scale.
    pub scale: MelScale,
    /// Normalisation over the clip.
    pub normalisation: Normalisation,
    /// Whether silence is cut off both ends; by default not. The segments then divide what is left, and
    /// their centres are no longer those of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<Trim>,
}

impl Default for LogMel {
    fn default() -> Self {
        Self {
            sample_rate_hz: 16_000,
            segments: 30,
            mels: 64,
            frames: 64,
            window_ms: 25.0,
            hop_ms: 10.0,
            low_hz: 20.0,
            high_hz: 8000.0,
            scale: MelScale::Htk,
            normalisation: Normalisation::None,
            trim: None,
        }
    }
}

/// Most segments, bands and frames: far above every use, far below what exhausts the memory.
const MAX_AXIS: usize = 1024;

/// Longest window in milliseconds.
const MAX_WINDOW_MS: f64 = 1000.0;

impl LogMel {
    fn check(&self) -> Result<()> {
        let wrong =
            |reason: &str| Err(Error::Config { extractor: self.name(), reason: reason.to_owned() });
        let axis = 1..=MAX_AXIS;
        if ![self.segments, self.mels, self.frames].iter().all(|size| axis.contains(size)) {
            return wrong("segments, mels and frames must be within 1 to 1024");
        }
        if !(self.hop_ms > 0.0 && self.hop_ms <= self.window_ms && self.window_ms <= MAX_WINDOW_MS)
        {
            return wrong("0 < hop_ms <= window_ms <= 1000 must hold");
        }
        if self.samples(self.hop_ms) == 0 || self.samples(self.window_ms) < 2 {
            return wrong("hop_ms or window_ms is shorter than the samples of this rate");
        }
        let nyquist_hz = f64::from(self.sample_rate_hz) / 2.0;
        if !(self.low_hz >= 0.0 && self.low_hz < self.high_hz && self.high_hz <= nyquist_hz) {
            return wrong("0 <= low_hz < high_hz <= sample_rate_hz / 2 must hold");
        }
        if self.bank(self.fft() / 2 + 1).has_blind_band() {
            return wrong(
                "the lowest bands are narrower than the bins: fewer mels or a longer window",
            );
        }
        Ok(())
    }

    /// Samples of a duration.
    fn samples(&self, ms: f64) -> usize {
        (ms * f64::from(self.sample_rate_hz) / 1000.0).round() as usize
    }

    fn fft(&self) -> usize {
        self.samples(self.window_ms).next_power_of_two()
    }

    fn bank(&self, bins: usize) -> MelBank {
        let bin_hz = f64::from(self.sample_rate_hz) / self.fft() as f64;
        MelBank::new(self.scale, self.mels, [self.low_hz, self.high_hz], bin_hz, bins)
    }

    /// The log-mel spectrogram of a sound: rows of `mels` values, one a frame.
    fn spectrogram(&self, samples: &[f32]) -> Result<Vec<f32>> {
        let (window, hop) = (self.samples(self.window_ms), self.samples(self.hop_ms));
        let mut spectrum = Spectrum::new(window, hop, self.fft(), Edges::Mirror);
        let bank = self.bank(spectrum.bins());
        let mut values = Vec::with_capacity(spectrum.frames(samples.len()) * self.mels);
        for t in 0..spectrum.frames(samples.len()) {
            let power = spectrum.power(samples, t)?;
            values.extend(bank.apply(power).map(|power| power.max(POWER_FLOOR).ln()));
        }
        Ok(values)
    }
}

impl Extractor for LogMel {
    fn name(&self) -> &'static str {
        "log-mel"
    }

    fn version(&self) -> u32 {
        2
    }

    fn describe(&self) -> &str {
        "log-mel patches"
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        self.check()?;
        let clip = Clip::read(media, self.sample_rate_hz, self.trim)?;
        let mut still = self.spectrogram(&clip.sound.samples)?;
        if self.normalisation == Normalisation::Clip {
            normalise(&mut still, self.mels);
        }
        let delta = deltas(&still, self.mels, DELTA_REACH);
        let second = deltas(&delta, self.mels, DELTA_REACH);
        Ok(Features {
            shape: vec![self.segments, 3, self.mels, self.frames],
            values: Values::F32(cut(
                &[still, delta, second],
                self.mels,
                self.frames,
                self.segments,
            )),
            times_s: clip.centres(self.segments),
            names: Vec::new(),
            faces: None,
            warnings: clip.sound.warnings,
        })
    }

    fn per_segment(&self) -> bool {
        true
    }

    fn trims(&self) -> bool {
        self.trim.is_some()
    }

    fn is_spectrogram(&self) -> bool {
        true
    }
}

/// Cuts `count` segments of some frames out of row-major matrices: `(count, channels, columns, frames)`.
pub(crate) fn cut(
    channels: &[Vec<f32>; 3],
    columns: usize,
    frames: usize,
    count: usize,
) -> Vec<f32> {
    let length = channels[0].len() / columns;
    let mut values = Vec::with_capacity(count * channels.len() * columns * frames);
    for start in segments::windows(length, frames, count) {
        let rows: Vec<usize> = (0..frames as isize)
            .map(|t| (start + t).clamp(0, length as isize - 1) as usize)
            .collect();
        for channel in channels {
            for column in 0..columns {
                values.extend(rows.iter().map(|row| channel[row * columns + column]));
            }
        }
    }
    values
}

/// Slope of every column of a row-major matrix over `reach` rows to each side, the ends repeated.
pub(crate) fn deltas(values: &[f32], columns: usize, reach: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    let norm = (1..=reach).map(|n| 2 * n * n).sum::<usize>() as f32;
    let mut slopes = vec![0.0; values.len()];
    for (t, slope) in slopes.chunks_exact_mut(columns).enumerate() {
        for n in 1..=reach {
            let before = &values[t.saturating_sub(n) * columns..][..columns];
            let after = &values[(t + n).min(rows - 1) * columns..][..columns];
            for ((slope, b), a) in slope.iter_mut().zip(before).zip(after) {
                *slope += n as f32 * (a - b) / norm;
            }
        }
    }
    slopes
}

/// Brings every column of a row-major matrix to mean 0 and standard deviation 1.
fn normalise(values: &mut [f32], columns: usize) {
    let rows = (values.len() / columns) as f64;
    for column in 0..columns {
        let read = |values: &[f32], f: &dyn Fn(f64) -> f64| -> f64 {
            values.iter().skip(column).step_by(columns).map(|&v| f(f64::from(v))).sum::<f64>()
                / rows
        };
        let mean = read(values, &|v| v);
        let sd = read(values, &|v| (v - mean).powi(2)).sqrt().max(MIN_SD);
        for value in values.iter_mut().skip(column).step_by(columns) {
            *value = ((f64::from(*value) - mean) / sd) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    /// A sound with structure and edges.
    fn chirp(count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| {
                let t = i as f64 / 16_000.0;
                (0.3 * (TAU * (200.0 + 900.0 * t) * t).sin() + 0.05 * (i as f64 * 12.9898).sin())
                    as f32
            })
            .collect()
    }

    /// The definition in f64: a textbook DFT of every bin, and the triangles from their formula.
    fn textbook(samples: &[f32], t: usize, mels: usize) -> Vec<f64> {
        let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
        let hz = |mel: f64| 700.0 * (10_f64.powf(mel / 2595.0) - 1.0);
        let corner =
            |i: usize| hz(mel(20.0) + (mel(8000.0) - mel(20.0)) * i as f64 / (mels as f64 + 1.0));
        let frame: Vec<f64> = (0..400)
            .map(|i| {
                let mut at = (t * 160 + i) as isize - 200;
                if at < 0 {
                    at = -at;
                }
                if at >= samples.len() as isize {
                    at = 2 * (samples.len() as isize - 1) - at;
                }
                let hann = 0.5 * (1.0 - (TAU * i as f64 / 400.0).cos());
                hann * f64::from(samples[at as usize])
            })
            .collect();
        let power: Vec<f64> = (0..=256)
            .map(|k| {
                let angle = |i: usize| 2.0 * PI * k as f64 * i as f64 / 512.0;
                let re: f64 = frame.iter().enumerate().map(|(i, v)| v * angle(i).cos()).sum();
                let im: f64 = frame.iter().enumerate().map(|(i, v)| v * angle(i).sin()).sum();
                re * re + im * im
            })
            .collect();
        (0..mels)
            .map(|m| {
                let (a, b, c) = (corner(m), corner(m + 1), corner(m + 2));
                let sum: f64 = (0..=256)
                    .map(|k| {
                        let f = k as f64 * 31.25;
                        ((f - a) / (b - a)).min((c - f) / (c - b)).max(0.0) * power[k]
                    })
                    .sum();
                sum.max(1e-8).ln()
            })
            .collect()
    }

    #[test]
    fn log_mel_equals_the_textbook_in_double_precision() {
        let samples = chirp(4001);
        let config = LogMel::default();
        let values = config.spectrogram(&samples).unwrap();
        assert_eq!(values.len(), 26 * 64);
        for t in [0, 1, 2, 12, 24, 25] {
            let truths = textbook(&samples, t, 64);
            let loudest = truths.iter().copied().fold(f64::MIN, f64::max);
            for (m, truth) in truths.into_iter().enumerate() {
                let error = (f64::from(values[t * 64 + m]) - truth).abs();
                // An FFT in f32 errs by some 1e-7 of the largest amplitude in every bin.
                let bound = 1e-5 + 1e-6 * ((loudest - truth) / 2.0).exp();
                assert!(error < bound, "frame {t}, band {m}: off by {error:e} from {truth}");
            }
        }
    }

    #[test]
    fn deltas_equal_their_formula() {
        let x: Vec<f32> = (0..7).map(|t| ((t * t) % 5) as f32).collect();
        let at = |t: isize| x[t.clamp(0, 6) as usize];
        for (t, delta) in deltas(&x, 1, 2).into_iter().enumerate() {
            let t = t as isize;
            let truth = (at(t + 1) - at(t - 1) + 2.0 * (at(t + 2) - at(t - 2))) / 10.0;
            assert!((delta - truth).abs() < 1e-6, "{t}: {delta} instead of {truth}");
        }
        let ramp: Vec<f32> = (0..9).flat_map(|t| [t as f32, -2.0 * t as f32]).collect();
        assert!((deltas(&ramp, 2, 2)[2 * 4] - 1.0).abs() < 1e-6);
        assert!((deltas(&ramp, 2, 2)[2 * 4 + 1] + 2.0).abs() < 1e-6);
    }

    #[test]
    fn normalised_bands_have_mean_zero_and_deviation_one() {
        let mut values: Vec<f32> = (0..50).flat_map(|t| [(t as f32).sin() + 9.0, 4.0]).collect();
        normalise(&mut values, 2);
        let band: Vec<f64> = values.iter().step_by(2).map(|&v| f64::from(v)).collect();
        let mean = band.iter().sum::<f64>() / 50.0;
        let variance = band.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 50.0;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5);
        assert!(
            values.iter().skip(1).step_by(2).all(|&v| v == 0.0),
            "a constant band becomes zero"
        );
    }

    #[test]
    fn a_segment_shows_the_frames_of_its_window_and_a_short_clip_is_repeated_at_its_ends() {
        let still: Vec<f32> = (0..8).map(|t| t as f32).collect();
        let values = cut(&[still.clone(), still.clone(), still], 1, 4, 2);
        assert_eq!(values[..4], [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(values[12..16], [4.0, 5.0, 6.0, 7.0]);
        let values = cut(&[vec![5.0, 6.0], vec![0.0; 2], vec![0.0; 2]], 1, 4, 2);
        assert_eq!(values[..4], [5.0, 5.0, 6.0, 6.0]);
    }

    #[test]
    fn impossible_configurations_are_refused() {
        let good = LogMel::default();
        for config in [
            LogMel { segments: 0, ..good.clone() },
            LogMel { mels: 100_000, ..good.clone() },
            LogMel { hop_ms: 0.0, ..good.clone() },
            LogMel { hop_ms: f64::NAN, ..good.clone() },
            LogMel { hop_ms: 0.001, ..good.clone() },
            LogMel { window_ms: 5.0, ..good.clone() },
            LogMel { high_hz: 9000.0, ..good.clone() },
            LogMel { low_hz: 8000.0, ..good.clone() },
            LogMel { sample_rate_hz: 0, ..good.clone() },
            LogMel { mels: 300, ..good.clone() },
        ] {
            assert!(matches!(config.check(), Err(Error::Config { .. })), "{config:?}");
        }
        let other = LogMel { mels: 94, window_ms: 40.0, ..good };
        assert!(other.check().is_ok());
    }
}
