//! Mel spectrograms of many sounds by what is computed once.

use super::fourier::roots;
use super::lanes::Real;
use super::logarithm::Logarithm;
use super::matrix::Matrix;
use super::mel::MelBank;
use super::mel_blocks::MelBlocks;
use super::mel_spectrogram::{MelSpectrogram, Precision, wrong};
use super::spectrum::{Framing, Spectrum};
use crate::Result;

/// Most values of a spectrogram: 1 GiB of them.
const MAX_VALUES: usize = 1 << 28;

/// Window, roots of unity and filters of a [`MelSpectrogram`], which [`MelSpectrogram::plan`] computes once for sounds of any
/// length. Threads can share it.
///
/// # Example
///
/// ```
/// use av_features::{Convention, MelSpectrogram};
///
/// let mel = MelSpectrogram::new(Convention::Torchaudio, 16_000);
/// let plan = mel.plan()?;
/// for length in [800, 16_000] {
///     let tone: Vec<f32> = (0..length).map(|i| (i as f32 * 0.2).sin()).collect();
///     assert_eq!(plan.log(&tone)?, mel.log(&tone)?);
/// }
/// # Ok::<(), av_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MelPlan {
    columns: usize,
    log: Logarithm,
    way: Way,
}

/// A block of frames at a time, or one after the other where the transform has a large prime factor.
#[derive(Debug, Clone)]
enum Way {
    Double(MelBlocks<f64>),
    Single(MelBlocks<f32>),
    Frames { framing: Framing<f64>, n_fft: usize, bank: MelBank },
}

impl MelPlan {
    /// The plan of settings that were checked.
    pub(super) fn new(mel: &MelSpectrogram) -> Self {
        let roots = roots(mel.n_fft);
        let (framing, bank) = (mel.framing(&roots), mel.bank());
        let blocks = match mel.precision {
            Precision::Double => MelBlocks::new(&framing, &roots, &bank).map(Way::Double),
            Precision::Single => MelBlocks::new(&framing, &roots, &bank).map(Way::Single),
        };
        let way = blocks.unwrap_or(Way::Frames { framing, n_fft: mel.n_fft, bank });
        Self { columns: mel.n_mels, log: mel.log, way }
    }

    /// As [`MelSpectrogram::power`].
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for more than 2^28 values.
    pub fn power(&self, samples: &[f32]) -> Result<Matrix> {
        let values = match &self.way {
            Way::Double(blocks) => self.blocks(blocks, samples)?,
            Way::Single(blocks) => self.blocks(blocks, samples)?,
            Way::Frames { framing, n_fft, bank } => {
                let frames = self.frames(framing, samples)?;
                let mut spectrum = Spectrum::framed(framing.clone(), *n_fft);
                let mut values = Vec::with_capacity(frames * self.columns);
                for t in 0..frames {
                    let power = spectrum.power(samples, t)?;
                    values.extend(bank.apply(power).map(|power| power as f32));
                }
                values
            }
        };
        Ok(Matrix { columns: self.columns, values })
    }

    /// As [`MelSpectrogram::log`].
    ///
    /// # Errors
    ///
    /// Those of [`power`](Self::power).
    pub fn log(&self, samples: &[f32]) -> Result<Matrix> {
        let mut matrix = self.power(samples)?;
        self.log.apply(&mut matrix.values);
        Ok(matrix)
    }

    fn blocks<T: Real>(&self, blocks: &MelBlocks<T>, samples: &[f32]) -> Result<Vec<f32>> {
        self.frames(&blocks.framing, samples)?;
        Ok(blocks.power(samples))
    }

    /// Frames of a sound, if their values are not too many.
    fn frames<T>(&self, framing: &Framing<T>, samples: &[f32]) -> Result<usize> {
        let frames = framing.frames(samples.len());
        if frames.saturating_mul(self.columns) > MAX_VALUES {
            return Err(wrong(format!("{frames} frames of {} bands: a longer hop", self.columns)));
        }
        Ok(frames)
    }
}
