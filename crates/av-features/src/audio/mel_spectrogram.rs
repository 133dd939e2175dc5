//! Mel spectrograms as librosa, torchaudio and Kaldi compute them.

use serde::{Deserialize, Serialize};

use super::fourier::roots;
use super::logarithm::Logarithm;
use super::matrix::Matrix;
use super::mel::{MelBank, MelScale, Triangles};
use super::mel_plan::MelPlan;
use super::mel_power::{MelPower, Precision};
use super::spectrum::{Edges, Framing, hann, hann_of};
use crate::media::RATES_HZ;
use crate::{Error, Result};

/// The tool whose definition a feature follows.
///
/// | | `Librosa` | `Torchaudio` | `Kaldi` |
/// |---|---|---|---|
/// | version | 0.11 | 2.11 | `compute-fbank-feats` |
/// | frames | centred at `t * hop` | centred at `t * hop` | start at `t * hop` (`snip-edges`) |
/// | beyond the ends | zeros | the sound, mirrored | no frames |
/// | each frame | | | less its mean, then pre-emphasis of 0.97 |
/// | window | periodic Hann | periodic Hann | symmetric Hann to the power of 0.85 ("povey") |
/// | samples | within -1 to 1 | within -1 to 1 | times 32,768, as Kaldi reads wav files |
/// | mel scale | Slaney | HTK | HTK |
/// | filters | straight over Hz, area 1 | straight over Hz, peak 1 | straight over mel, peak 1 |
/// | logarithm | [`Logarithm::Decibel`] | [`Logarithm::Decibel`] | [`Logarithm::Floor`] |
/// | `n_fft`, `window`, `hop` | 2048, 2048, 512 | 400, 400, 200 | power of two, 25 ms, 10 ms |
/// | `n_mels`, `low_hz` | 128, 0 | 128, 0 | 23, 20 |
/// | coefficients of [`Mfcc`](crate::Mfcc) | 20 | 40 | 13, lifter 22 |
///
/// The last four rows are the tool's defaults, which [`MelSpectrogram::new`] sets; all above follow
/// from the convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// `librosa.feature`.
    Librosa,
    /// `torchaudio.transforms`.
    Torchaudio,
    /// Kaldi without dither and with `use-energy=false`, which is also `torchaudio.compliance.kaldi`.
    Kaldi,
}

/// Weight of the sample before in Kaldi's pre-emphasis, and exponent of its window.
const EMPHASIS: f64 = 0.97;
const POVEY: f64 = 0.85;

/// Full scale of the integers that Kaldi reads.
const KALDI_SCALE: f64 = 32_768.0;

/// Largest transform: four seconds at 16 kHz.
const MAX_FFT: usize = 65_536;

/// Most bands.
const MAX_MELS: usize = 1024;

/// Mel spectrograms of a sound, equal to those of a named tool to rounding.
///
/// # Definition
///
/// `x(t, m) = sum_k w_m(k) |X_t(k)|^2`; frames, window, edges and filters are those of [`Convention`].
///
/// # Shapes
///
/// A row of `n_mels` values a frame. Of `n` samples librosa's and torchaudio's conventions have
/// `1 + n / hop` frames, Kaldi's `1 + (n - window) / hop`; a sound without samples, and in Kaldi's
/// convention one shorter than the window, has none.
///
/// # Errors
///
/// [`Error::Config`] for settings that are none, such as an odd `n_fft`.
///
/// # Numerics
///
/// Computed in [`Precision`], many frames at once, one in each lane of the machine's vectors. No lane sees another and
/// nothing is fused: how wide the vectors are changes no bit. Transforms with a prime factor above 5 are
/// computed in f64, one after the other. Logarithms are within 2 units of the last place. torchaudio's
/// defaults have bands narrower than a bin at 16 kHz, librosa's at low rates;
/// they are 0, as in the tools.
///
/// As a text only the convention must be given: what is left out is the tool's default at 16 kHz, and the window and
/// the transform follow each other.
///
/// # Example
///
/// ```
/// use av_features::{Convention, MelSpectrogram};
///
/// let tone: Vec<f32> = (0..22_050).map(|i| (i as f32 * 0.2).sin()).collect();
/// let librosa = MelSpectrogram::new(Convention::Librosa, 22_050);
/// let mel = librosa.power(&tone)?;
/// assert_eq!((mel.rows(), mel.columns), (44, 128));
///
/// let fbank = MelSpectrogram { n_mels: 80, ..MelSpectrogram::new(Convention::Kaldi, 16_000) };
/// assert_eq!(fbank.log(&tone[..16_000])?.rows(), 98);
/// # Ok::<(), av_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Given")]
pub struct MelSpectrogram {
    /// Whose definition.
    pub convention: Convention,
    /// Rate of the samples, in Hz.
    pub sample_rate_hz: u32,
    /// Samples of the Fourier transform; even.
    pub n_fft: usize,
    /// Samples of the window (`win_length`), which lies in the middle of the transform.
    pub window: usize,
    /// Samples from frame to frame (`hop_length`).
    pub hop: usize,
    /// Mel bands.
    pub n_mels: usize,
    /// Lower end of the lowest band in Hz (`fmin`, `f_min`, `low-freq`).
    pub low_hz: f64,
    /// Upper end of the highest band in Hz (`fmax`, `f_max`, `high-freq`).
    pub high_hz: f64,
    /// The logarithm of [`log`](Self::log).
    pub log: Logarithm,
    /// What it is computed in; by default f64.
    #[serde(skip_serializing_if = "Precision::is_double")]
    pub precision: Precision,
}

impl MelSpectrogram {
    /// The defaults of a tool, up to half the sample rate. librosa's own rate is 22,050 Hz, that of the
    /// others 16,000 Hz.
    pub fn new(convention: Convention, sample_rate_hz: u32) -> Self {
        let samples = |ms: u64| (u64::from(sample_rate_hz) * ms / 1000) as usize;
        let [n_fft, window, hop] = match convention {
            Convention::Librosa => [2048, 2048, 512],
            Convention::Torchaudio => [400, 400, 200],
            Convention::Kaldi => [samples(25).next_power_of_two(), samples(25), samples(10)],
        };
        let kaldi = convention == Convention::Kaldi;
        Self {
            convention,
            sample_rate_hz,
            n_fft,
            window,
            hop,
            n_mels: if kaldi { 23 } else { 128 },
            low_hz: if kaldi { 20.0 } else { 0.0 },
            high_hz: f64::from(sample_rate_hz) / 2.0,
            log: if kaldi { Logarithm::Floor } else { Logarithm::Decibel },
            precision: Precision::Double,
        }
    }

    /// What its spectrograms are computed with, for many sounds.
    pub fn plan(&self) -> Result<MelPlan> {
        self.check()?;
        let roots = roots(self.n_fft);
        let power = MelPower::new(self.framing(&roots), &roots, self.bank(), self.precision);
        Ok(MelPlan::new(power, self.log))
    }

    /// The power in each band.
    pub fn power(&self, samples: &[f32]) -> Result<Matrix> {
        self.plan()?.power(samples)
    }

    /// The logarithm of the power in each band, which [`Logarithm`] defines.
    pub fn log(&self, samples: &[f32]) -> Result<Matrix> {
        self.plan()?.log(samples)
    }

    /// The time of the middle of frame `t` in seconds from the start of the sound.
    pub fn time_s(&self, t: usize) -> f64 {
        let into =
            if self.convention == Convention::Kaldi { self.window as f64 / 2.0 } else { 0.0 };
        ((t * self.hop) as f64 + into) / f64::from(self.sample_rate_hz)
    }

    pub(crate) fn check(&self) -> Result<()> {
        let nyquist_hz = f64::from(self.sample_rate_hz) / 2.0;
        if !RATES_HZ.contains(&self.sample_rate_hz) {
            return Err(wrong("sample_rate_hz must be within 1,000 to 384,000"));
        }
        if !(2 <= self.window && self.window <= self.n_fft && self.n_fft <= MAX_FFT) {
            return Err(wrong("2 <= window <= n_fft <= 65,536 must hold"));
        }
        if !self.n_fft.is_multiple_of(2) || self.hop == 0 {
            return Err(wrong("n_fft must be even and hop not 0"));
        }
        if !(1..=MAX_MELS).contains(&self.n_mels) {
            return Err(wrong("n_mels must be within 1 to 1024"));
        }
        if !(self.low_hz >= 0.0 && self.low_hz < self.high_hz && self.high_hz <= nyquist_hz) {
            return Err(wrong("0 <= low_hz < high_hz <= sample_rate_hz / 2 must hold"));
        }
        Ok(())
    }

    /// A window as long as the transform has the same roots of unity.
    fn framing(&self, roots: &[[f64; 2]]) -> Framing<f64> {
        let whole = self.window == self.n_fft;
        let centred = |edges| Framing {
            window: if whole { hann_of(roots) } else { hann(self.window) },
            hop: self.hop,
            reach: self.n_fft / 2 - (self.n_fft - self.window) / 2,
            edges,
            emphasis: None,
        };
        match self.convention {
            Convention::Librosa => centred(Edges::Zeros),
            Convention::Torchaudio => centred(Edges::Mirror),
            Convention::Kaldi => Framing {
                // The symmetric window of n samples is the periodic one of n - 1 and a last zero.
                window: hann(self.window - 1)
                    .into_iter()
                    .chain([0.0])
                    .map(|weight| KALDI_SCALE * weight.powf(POVEY))
                    .collect(),
                hop: self.hop,
                reach: 0,
                edges: Edges::Snip,
                emphasis: Some(EMPHASIS),
            },
        }
    }

    fn bank(&self) -> MelBank {
        let (scale, shape) = match self.convention {
            Convention::Librosa => (MelScale::Slaney, Triangles::Area),
            Convention::Torchaudio => (MelScale::Htk, Triangles::Peak),
            Convention::Kaldi => (MelScale::Htk, Triangles::Mel),
        };
        let bin_hz = f64::from(self.sample_rate_hz) / self.n_fft as f64;
        let bins = self.n_fft / 2 + 1;
        MelBank::shaped(scale, shape, self.n_mels, [self.low_hz, self.high_hz], bin_hz, bins)
    }
}

/// A [`MelSpectrogram`] as it is written: what is left out is the tool's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    convention: Convention,
    sample_rate_hz: Option<u32>,
    n_fft: Option<usize>,
    window: Option<usize>,
    hop: Option<usize>,
    n_mels: Option<usize>,
    low_hz: Option<f64>,
    high_hz: Option<f64>,
    log: Option<Logarithm>,
    precision: Option<Precision>,
}

impl From<Given> for MelSpectrogram {
    fn from(given: Given) -> Self {
        let tool = Self::new(given.convention, given.sample_rate_hz.unwrap_or(16_000));
        let of_window = |window: usize| match given.convention {
            Convention::Librosa | Convention::Torchaudio => window,
            Convention::Kaldi => window.checked_next_power_of_two().unwrap_or(window),
        };
        let window = given.window.or(given.n_fft.filter(|_| given.convention != Convention::Kaldi));
        Self {
            n_fft: given.n_fft.or(given.window.map(of_window)).unwrap_or(tool.n_fft),
            window: window.unwrap_or(tool.window),
            hop: given.hop.unwrap_or(tool.hop),
            n_mels: given.n_mels.unwrap_or(tool.n_mels),
            low_hz: given.low_hz.unwrap_or(tool.low_hz),
            high_hz: given.high_hz.unwrap_or(tool.high_hz),
            log: given.log.unwrap_or(tool.log),
            precision: given.precision.unwrap_or_default(),
            ..tool
        }
    }
}

fn wrong(reason: impl Into<String>) -> Error {
    Error::Config { extractor: "mel spectrogram", reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_none_are_refused_with_a_reason() {
        let good = MelSpectrogram::new(Convention::Torchaudio, 16_000);
        assert!(good.check().is_ok());
        for (bad, reason) in [
            (MelSpectrogram { sample_rate_hz: 0, ..good.clone() }, "sample_rate_hz"),
            (MelSpectrogram { n_fft: 399, ..good.clone() }, "window <= n_fft"),
            (MelSpectrogram { n_fft: 401, ..good.clone() }, "even"),
            (MelSpectrogram { n_fft: 1 << 20, ..good.clone() }, "65,536"),
            (MelSpectrogram { window: 1, ..good.clone() }, "2 <= window"),
            (MelSpectrogram { hop: 0, ..good.clone() }, "hop"),
            (MelSpectrogram { n_mels: 0, ..good.clone() }, "n_mels"),
            (MelSpectrogram { n_mels: 5000, ..good.clone() }, "n_mels"),
            (MelSpectrogram { low_hz: f64::NAN, ..good.clone() }, "low_hz"),
            (MelSpectrogram { high_hz: 8001.0, ..good.clone() }, "high_hz"),
        ] {
            let error = bad.power(&[0.0; 800]).unwrap_err().to_string();
            assert!(error.starts_with("mel spectrogram: ") && error.contains(reason), "{error}");
        }
        let endless = MelSpectrogram { hop: 1, n_mels: 1024, ..good };
        let error = endless.power(&vec![0.0; 300_000]).unwrap_err();
        assert!(error.to_string().contains("a longer hop"), "{error}");
    }

    #[test]
    fn what_a_text_leaves_out_is_the_tools() {
        let read = |text: &str| serde_json::from_str::<MelSpectrogram>(text).unwrap();
        let librosa = MelSpectrogram::new(Convention::Librosa, 16_000);
        assert_eq!(read(r#"{"convention": "librosa"}"#), librosa);
        let short = MelSpectrogram { n_fft: 512, window: 512, n_mels: 64, ..librosa };
        assert_eq!(read(r#"{"convention": "librosa", "n_fft": 512, "n_mels": 64}"#), short);
        let kaldi = MelSpectrogram::new(Convention::Kaldi, 8_000);
        assert_eq!(read(r#"{"convention": "kaldi", "sample_rate_hz": 8000}"#), kaldi);
        let long = MelSpectrogram { n_fft: 512, window: 400, ..kaldi };
        assert_eq!(read(r#"{"convention": "kaldi", "sample_rate_hz": 8000, "window": 400}"#), long);
        let text = serde_json::to_string(&long).unwrap();
        assert_eq!(read(&text), long);
        let typo = serde_json::from_str::<MelSpectrogram>(r#"{"convention": "kaldi", "hops": 1}"#);
        assert!(typo.unwrap_err().to_string().contains("`hops`"));
    }

    #[test]
    fn a_frame_is_where_its_time_says() {
        for convention in [Convention::Librosa, Convention::Torchaudio, Convention::Kaldi] {
            let mel = MelSpectrogram::new(convention, 16_000);
            let mut click = vec![0.0; 16_000];
            click[8000] = 1.0;
            let power = mel.power(&click).unwrap();
            let sum = |t: usize| power.row(t).iter().sum::<f32>();
            let loudest = (0..power.rows()).max_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap();
            let hop_s = mel.hop as f64 / 16_000.0;
            assert!((mel.time_s(loudest) - 0.5).abs() <= 0.5 * hop_s + 1e-3, "{convention:?}");
        }
    }

    #[test]
    fn no_samples_make_no_frames() {
        for convention in [Convention::Librosa, Convention::Torchaudio, Convention::Kaldi] {
            let mel = MelSpectrogram::new(convention, 16_000);
            assert_eq!(mel.log(&[]).unwrap().rows(), 0);
            let one = mel.log(&[0.5]).unwrap();
            assert_eq!(one.rows(), usize::from(convention != Convention::Kaldi));
            assert!(one.values.iter().all(|value| value.is_finite()));
        }
    }
}
