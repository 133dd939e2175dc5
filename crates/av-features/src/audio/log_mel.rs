//! Log-mel segments with their first and second deltas.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::clip::Clip;
use super::deltas::deltas;
use super::fourier::roots;
use super::logarithm::ln_above_floor;
use super::matrix::Matrix;
use super::mel::{MelBank, MelScale};
use super::mel_power::{MelPower, Precision};
use super::mel_spectrogram::Convention;
use super::patches::patches;
use super::spectrum::{Edges, Framing, hann};
use super::trim::Trim;
use crate::features::{Extractor, Features, Values};
use crate::{Error, Result};

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
/// `(segments, 3, mels, frames)`: static, delta, delta-delta. See [`segments::windows`](crate::segments::windows) for where
/// the segments lie and what becomes of a clip shorter than one.
///
/// # Units
///
/// Natural logarithm of power, for samples within -1 to 1.
///
/// # Numerics
///
/// Computed in f64, many frames at once, and rounded to f32: powers to the nearest, logarithms within a unit of the last
/// place. The values of version 2, by an FFT in f32, lie within `1e-5 + 1e-6 exp((l - x) / 2)` of these, where `l` is the
/// loudest band of the frame.
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
    /// What spectrograms are computed with.
    fn plan(&self) -> Result<MelPower> {
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
        let [window, hop] = [self.window_ms, self.hop_ms].map(|ms| self.samples(ms));
        if hop == 0 || window < 2 {
            return wrong("hop_ms or window_ms is shorter than the samples of this rate");
        }
        let nyquist_hz = f64::from(self.sample_rate_hz) / 2.0;
        if !(self.low_hz >= 0.0 && self.low_hz < self.high_hz && self.high_hz <= nyquist_hz) {
            return wrong("0 <= low_hz < high_hz <= sample_rate_hz / 2 must hold");
        }
        let n_fft = window.next_power_of_two();
        let bin_hz = f64::from(self.sample_rate_hz) / n_fft as f64;
        let range_hz = [self.low_hz, self.high_hz];
        let bank = MelBank::new(self.scale, self.mels, range_hz, bin_hz, n_fft / 2 + 1);
        if bank.has_blind_band() {
            return wrong(
                "the lowest bands are narrower than the bins: fewer mels or a longer window",
            );
        }
        let framing = Framing {
            window: hann(window),
            hop,
            reach: window / 2,
            edges: Edges::Mirror,
            emphasis: None,
        };
        Ok(MelPower::new(framing, &roots(n_fft), bank, Precision::Double))
    }

    /// Samples of a duration.
    fn samples(&self, ms: f64) -> usize {
        (ms * f64::from(self.sample_rate_hz) / 1000.0).round() as usize
    }
}

/// The log-mel spectrogram of a sound.
fn spectrogram(plan: &MelPower, samples: &[f32]) -> Result<Matrix> {
    let mut matrix = plan.of(samples)?;
    ln_above_floor(&mut matrix.values);
    Ok(matrix)
}

impl Extractor for LogMel {
    fn name(&self) -> &'static str {
        "log-mel"
    }

    fn version(&self) -> u32 {
        4
    }

    fn describe(&self) -> &str {
        "log-mel patches"
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        let plan = self.plan()?;
        let clip = Clip::read(media, self.sample_rate_hz, self.trim)?;
        let mut static_ = spectrogram(&plan, &clip.sound.samples)?;
        if self.normalisation == Normalisation::Clip {
            normalise(&mut static_.values, self.mels);
        }
        let delta = deltas(&static_, Convention::Torchaudio, 1)?;
        let second = deltas(&delta, Convention::Torchaudio, 1)?;
        let values = patches([&static_, &delta, &second], self.frames, self.segments);
        Ok(Features {
            shape: vec![self.segments, 3, self.mels, self.frames],
            values: Values::F32(values),
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

    /// The definition in f64: a textbook DFT of every bin, and the triangles of HTK's scale from their formula.
    fn textbook(config: &LogMel, samples: &[f32], t: usize) -> Vec<f64> {
        let (window, hop) = (config.samples(config.window_ms), config.samples(config.hop_ms));
        let n_fft = window.next_power_of_two();
        let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
        let hz = |mel: f64| 700.0 * (10_f64.powf(mel / 2595.0) - 1.0);
        let (low, high) = (mel(config.low_hz), mel(config.high_hz));
        let corner = |i: usize| hz(low + (high - low) * i as f64 / (config.mels as f64 + 1.0));
        let frame: Vec<f64> = (0..window)
            .map(|i| {
                let mut at = (t * hop + i) as isize - (window / 2) as isize;
                if at < 0 {
                    at = -at;
                }
                if at >= samples.len() as isize {
                    at = 2 * (samples.len() as isize - 1) - at;
                }
                let hann = 0.5 * (1.0 - (TAU * i as f64 / window as f64).cos());
                hann * f64::from(samples[at as usize])
            })
            .collect();
        let power: Vec<f64> = (0..=n_fft / 2)
            .map(|k| {
                let angle = |i: usize| 2.0 * PI * k as f64 * i as f64 / n_fft as f64;
                let re: f64 = frame.iter().enumerate().map(|(i, v)| v * angle(i).cos()).sum();
                let im: f64 = frame.iter().enumerate().map(|(i, v)| v * angle(i).sin()).sum();
                re * re + im * im
            })
            .collect();
        (0..config.mels)
            .map(|m| {
                let (a, b, c) = (corner(m), corner(m + 1), corner(m + 2));
                let bins = power.iter().enumerate().map(|(k, power)| {
                    let f = k as f64 * f64::from(config.sample_rate_hz) / n_fft as f64;
                    ((f - a) / (b - a)).min((c - f) / (c - b)).max(0.0) * power
                });
                bins.sum::<f64>().max(1e-8).ln()
            })
            .collect()
    }

    #[test]
    fn log_mel_equals_the_textbook_in_double_precision() {
        // An even and an odd window; a tone beside which the other bands are silent, some below the floor.
        let even = LogMel::default();
        let odd = LogMel { sample_rate_hz: 22_050, mels: 37, low_hz: 31.0, ..LogMel::default() };
        let tone: Vec<f32> = (0..4001).map(|i| (TAU * f64::from(i) / 16.0).sin() as f32).collect();
        for (config, frames) in [(even, 26), (odd, 19)] {
            let plan = config.plan().unwrap();
            for samples in [chirp(4001), tone.clone()] {
                let values = spectrogram(&plan, &samples).unwrap();
                assert_eq!((values.rows(), values.columns), (frames, config.mels));
                for t in [0, 1, 2, 12, frames - 2, frames - 1] {
                    let truths = textbook(&config, &samples, t);
                    for (m, (value, truth)) in values.row(t).iter().zip(truths).enumerate() {
                        // A unit of the last place for the logarithm, and the roundings of weights and power.
                        let unit = f64::from((truth.abs() as f32).next_up() - truth.abs() as f32);
                        let error = (f64::from(*value) - truth).abs();
                        assert!(
                            error < unit + 1.5e-7,
                            "frame {t}, band {m}: off by {error:e} from {truth}"
                        );
                    }
                }
            }
        }
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
            assert!(matches!(config.plan(), Err(Error::Config { .. })), "{config:?}");
        }
        let other = LogMel { mels: 94, window_ms: 40.0, ..good };
        assert!(other.plan().is_ok());
    }
}
