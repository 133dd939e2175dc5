//! The power in mel bands, by what is computed once for sounds of any length.

use serde::{Deserialize, Serialize};

use super::lanes::Real;
use super::matrix::Matrix;
use super::mel::MelBank;
use super::mel_blocks::MelBlocks;
use super::spectrum::{Framing, Spectrum};
use crate::{Error, Result};

/// The numbers that a spectrogram is computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// f64: a quiet band beside a loud one is right to the last digits of f32 too.
    #[default]
    Double,
    /// f32, as librosa and torchaudio compute; faster. A band of power `p` beside a loudest one of `q` in its
    /// frame errs by less than `1e-6 (sqrt(p q) + 1e-6 q)`.
    Single,
}

impl Precision {
    pub(super) fn is_double(&self) -> bool {
        *self == Self::Double
    }
}

/// Most values of a spectrogram: 1 GiB of them.
const MAX_VALUES: usize = 1 << 28;

/// Window, roots of unity and filters of a mel spectrogram.
#[derive(Debug, Clone)]
pub(super) struct MelPower {
    columns: usize,
    way: Way,
}

/// A block of frames at a time, or one after the other where the transform has a large prime factor.
#[derive(Debug, Clone)]
enum Way {
    Double(MelBlocks<f64>),
    Single(MelBlocks<f32>),
    Frames { framing: Framing<f64>, n_fft: usize, bank: MelBank },
}

impl MelPower {
    /// There are as many roots of unity as samples of a transform: an even number, and at least those of the window.
    pub(super) fn new(
        framing: Framing<f64>,
        roots: &[[f64; 2]],
        bank: MelBank,
        precision: Precision,
    ) -> Self {
        let blocks = match precision {
            Precision::Double => MelBlocks::new(&framing, roots, &bank).map(Way::Double),
            Precision::Single => MelBlocks::new(&framing, roots, &bank).map(Way::Single),
        };
        let columns = bank.bands();
        let way = blocks.unwrap_or(Way::Frames { framing, n_fft: roots.len(), bank });
        Self { columns, way }
    }

    /// Frame after frame the power in each band.
    pub(super) fn of(&self, samples: &[f32]) -> Result<Matrix> {
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

    fn blocks<T: Real>(&self, blocks: &MelBlocks<T>, samples: &[f32]) -> Result<Vec<f32>> {
        self.frames(&blocks.framing, samples)?;
        Ok(blocks.power(samples))
    }

    /// Frames of a sound, if their values are not too many.
    fn frames<T>(&self, framing: &Framing<T>, samples: &[f32]) -> Result<usize> {
        let frames = framing.frames(samples.len());
        if frames.saturating_mul(self.columns) > MAX_VALUES {
            let reason = format!("{frames} frames of {} bands: a longer hop", self.columns);
            return Err(Error::Config { extractor: "mel spectrogram", reason });
        }
        Ok(frames)
    }
}
