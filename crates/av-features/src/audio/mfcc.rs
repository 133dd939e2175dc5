//! Mel-frequency cepstral coefficients.

use std::f64::consts::PI;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::deltas::deltas;
use super::matrix::Matrix;
use super::mel_spectrogram::{Convention, MelSpectrogram};
use super::patches::patches;
use crate::features::{Extractor, Features, Values};
use crate::{Error, Result, read_sound, segments};

/// Kaldi's `cepstral-lifter`.
const LIFTER: f64 = 22.0;

/// Most segments and frames: far above every use, far below what exhausts the memory.
const MAX_AXIS: usize = 1024;

/// Mel-frequency cepstral coefficients of a sound, equal to those of a named tool to rounding.
///
/// # Definition
///
/// The orthonormal cosine transform (DCT-II) of the log-mel spectrogram, `c_0 = sum_m x_m / sqrt(M)` and
/// `c_k = sqrt(2 / M) sum_m x_m cos(pi k (m + 1/2) / M)`. In Kaldi's convention coefficient `k` is then
/// multiplied by `1 + 11 sin(pi k / 22)`.
///
/// # Shapes
///
/// [`frames`](Self::frames) gives a row of `n_mfcc` values a frame. As an [`Extractor`] it gives
/// `(segments, 3, n_mfcc, frames)`: static, delta, delta-delta, in the convention's [`deltas`]; see
/// [`segments::windows`] for where the segments lie.
///
/// # Errors
///
/// [`Error::Config`] for settings that are none and for a clip of fewer frames than the deltas need;
/// [`Error::TooShort`] for a clip without a whole frame in Kaldi's convention.
///
/// # Source
///
/// S. B. Davis and P. Mermelstein, IEEE Transactions on Acoustics, Speech, and Signal Processing 28(4), 1980.
///
/// # Example
///
/// ```
/// use av_features::{Convention, Mfcc};
///
/// let tone: Vec<f32> = (0..22_050).map(|i| (i as f32 * 0.2).sin()).collect();
/// let mfcc = Mfcc::new(Convention::Librosa, 22_050);
/// let coefficients = mfcc.frames(&tone)?;
/// assert_eq!((coefficients.rows(), coefficients.columns), (44, 20));
///
/// let mut mfcc = Mfcc { n_mfcc: 13, ..mfcc };
/// mfcc.mel.n_mels = 40;
/// assert_eq!(mfcc.frames(&tone)?.columns, 13);
/// # Ok::<(), av_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Given")]
pub struct Mfcc {
    /// The spectrogram they are made of; its rate is the one to which an extractor converts the sound.
    pub mel: MelSpectrogram,
    /// Coefficients, the zeroth among them; at most the bands.
    pub n_mfcc: usize,
    /// Segments of a clip.
    pub segments: usize,
    /// Frames of a segment.
    pub segment_frames: usize,
}

impl Mfcc {
    /// The defaults of a tool; 30 segments of 64 frames.
    pub fn new(convention: Convention, sample_rate_hz: u32) -> Self {
        let n_mfcc = match convention {
            Convention::Librosa => 20,
            Convention::Torchaudio => 40,
            Convention::Kaldi => 13,
        };
        let mel = MelSpectrogram::new(convention, sample_rate_hz);
        Self { mel, n_mfcc, segments: 30, segment_frames: 64 }
    }

    /// The coefficients frame by frame.
    pub fn frames(&self, samples: &[f32]) -> Result<Matrix> {
        self.check()?;
        let log = self.mel.log(samples)?;
        let basis = self.basis();
        let mut values = Vec::with_capacity(log.rows() * self.n_mfcc);
        let mut sums = vec![0.0; self.n_mfcc];
        for t in 0..log.rows() {
            sums.fill(0.0);
            for (&value, weights) in log.row(t).iter().zip(basis.chunks_exact(self.n_mfcc)) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * f64::from(value);
                }
            }
            values.extend(sums.iter().map(|&sum| sum as f32));
        }
        Ok(Matrix { columns: self.n_mfcc, values })
    }

    fn check(&self) -> Result<()> {
        let wrong =
            |reason: &str| Err(Error::Config { extractor: self.name(), reason: reason.to_owned() });
        if !(1..=self.mel.n_mels).contains(&self.n_mfcc) {
            return wrong("n_mfcc must be within 1 to n_mels");
        }
        if ![self.segments, self.segment_frames].iter().all(|n| (1..=MAX_AXIS).contains(n)) {
            return wrong("segments and segment_frames must be within 1 to 1024");
        }
        self.mel.check()
    }

    /// The weight of every band in every coefficient, band after band.
    fn basis(&self) -> Vec<f64> {
        let bands = self.mel.n_mels as f64;
        let kaldi = self.mel.convention == Convention::Kaldi;
        let weight = |band: usize, k: usize| {
            let (band, k) = (band as f64 + 0.5, k as f64);
            let norm = if k > 0.0 { (2.0 / bands).sqrt() } else { (1.0 / bands).sqrt() };
            let lift = if kaldi { 1.0 + LIFTER / 2.0 * (PI * k / LIFTER).sin() } else { 1.0 };
            lift * norm * (PI * k * band / bands).cos()
        };
        (0..self.mel.n_mels).flat_map(|m| (0..self.n_mfcc).map(move |k| weight(m, k))).collect()
    }
}

/// [`Mfcc`] as it is written: what is left out is the tool's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    mel: MelSpectrogram,
    n_mfcc: Option<usize>,
    segments: Option<usize>,
    segment_frames: Option<usize>,
}

impl From<Given> for Mfcc {
    fn from(Given { mel, n_mfcc, segments, segment_frames }: Given) -> Self {
        let tool = Self::new(mel.convention, mel.sample_rate_hz);
        Self {
            mel,
            n_mfcc: n_mfcc.unwrap_or(tool.n_mfcc),
            segments: segments.unwrap_or(tool.segments),
            segment_frames: segment_frames.unwrap_or(tool.segment_frames),
        }
    }
}

impl Extractor for Mfcc {
    fn name(&self) -> &'static str {
        "mfcc"
    }

    fn version(&self) -> u32 {
        5
    }

    fn describe(&self) -> &str {
        "MFCC patches"
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        self.check()?;
        let sound = read_sound(media, self.mel.sample_rate_hz)?;
        segments::check_duration(media, sound.duration_s())?;
        let still = self.frames(&sound.samples)?;
        if still.values.is_empty() {
            return Err(Error::TooShort {
                path: media.to_owned(),
                duration_s: sound.duration_s(),
                minimum_s: self.mel.window as f64 / f64::from(self.mel.sample_rate_hz),
            });
        }
        let delta = |order| deltas(&still, self.mel.convention, order);
        let (first, second) = (delta(1)?, delta(2)?);
        let values = patches([&still, &first, &second], self.segment_frames, self.segments);
        Ok(Features {
            shape: vec![self.segments, 3, self.n_mfcc, self.segment_frames],
            values: Values::F32(values),
            times_s: segments::centres(sound.duration_s(), self.segments),
            names: Vec::new(),
            faces: None,
            warnings: sound.warnings,
        })
    }

    fn per_segment(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_none_are_refused_with_a_reason() {
        let good = Mfcc::new(Convention::Librosa, 16_000);
        assert!(good.check().is_ok());
        let mut odd = good.clone();
        odd.mel.n_fft = 2049;
        for (bad, reason) in [
            (Mfcc { n_mfcc: 0, ..good.clone() }, "mfcc: n_mfcc must be within"),
            (Mfcc { n_mfcc: 129, ..good.clone() }, "mfcc: n_mfcc must be within"),
            (Mfcc { segments: 0, ..good.clone() }, "mfcc: segments and"),
            (Mfcc { segment_frames: 1025, ..good }, "mfcc: segments and"),
            (odd, "mel spectrogram: n_fft must be even"),
        ] {
            let error = bad.frames(&[0.0; 4000]).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        }
    }

    #[test]
    fn a_clip_has_statics_then_first_and_second_deltas() {
        // A tone that grows by 30 dB a second: the zeroth coefficient rises along a line.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tone.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for i in 0..32_000 {
            let t = f64::from(i) / 16_000.0;
            let gain = 10_f64.powf((30.0 * t - 60.0) / 20.0);
            writer.write_sample((gain * (2.0 * PI * 440.0 * t).sin()) as f32).unwrap();
        }
        writer.finalize().unwrap();
        let mut mfcc = Mfcc::new(Convention::Torchaudio, 16_000);
        (mfcc.segments, mfcc.segment_frames) = (1, 16);
        let features = mfcc.extract(&path).unwrap();
        let [_, channels, coefficients, frames] = features.shape[..] else { panic!("four axes") };
        assert_eq!((channels, coefficients, frames), (3, 40, 16));
        let Values::F32(values) = features.values else { panic!("real numbers") };
        let zeroth = |channel: usize| &values[channel * coefficients * frames..][..frames];
        let rise = (zeroth(0)[15] - zeroth(0)[0]) / 15.0;
        assert!(rise > 0.1, "{rise}");
        for (first, second) in zeroth(1).iter().zip(zeroth(2)) {
            assert!((first / rise - 1.0).abs() < 0.05, "{first} instead of {rise}");
            assert!(second.abs() < 0.05 * rise, "{second}");
        }
    }

    #[test]
    fn the_settings_of_a_file_are_kept_and_the_others_are_the_tools() {
        let mut mfcc = Mfcc::new(Convention::Kaldi, 16_000);
        (mfcc.segments, mfcc.segment_frames, mfcc.n_mfcc) = (7, 11, 9);
        let text = serde_json::to_string(&mfcc).unwrap();
        assert_eq!(serde_json::from_str::<Mfcc>(&text).unwrap(), mfcc);
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (key, default) in [("segments", 30), ("segment_frames", 64), ("n_mfcc", 13)] {
            value.as_object_mut().unwrap().remove(key).unwrap();
            let read: Mfcc = serde_json::from_value(value.clone()).unwrap();
            let read = serde_json::to_value(&read).unwrap();
            assert_eq!(read[key], default, "{key}");
        }
    }

    #[test]
    fn equal_bands_have_a_zeroth_coefficient_alone() {
        for convention in [Convention::Librosa, Convention::Torchaudio] {
            // Digital silence: every band at the floor of -100 dB.
            let mfcc = Mfcc::new(convention, 16_000).frames(&[0.0; 1000]).unwrap();
            assert!((f64::from(mfcc.row(0)[0]) + 100.0 * 128_f64.sqrt()).abs() < 1e-3);
            assert!(mfcc.row(0)[1..].iter().all(|value| value.abs() < 1e-4));
        }
    }
}
