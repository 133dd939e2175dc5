//! Short-time power spectra.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::{Error, Result};

/// Cuts a sound into overlapping frames and gives the power spectrum of each.
///
/// Frame `t` is centred at sample `t * hop`; samples beyond the ends are mirrored. The Hann window is
/// periodic and the FFT is padded with zeros. The spectrum is `|X|^2`, unscaled.
pub(crate) struct Spectrum {
    window: Vec<f32>,
    hop: usize,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    output: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f32>,
}

impl Spectrum {
    /// `window` and `hop` in samples; `fft` samples a transform, not below `window`.
    pub(crate) fn new(window: usize, hop: usize, fft: usize) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(fft);
        let hann = |i: usize| (0.5 - 0.5 * (TAU * i as f64 / window as f64).cos()) as f32;
        Self {
            window: (0..window).map(hann).collect(),
            hop,
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; fft.complex_len()],
            fft,
        }
    }

    /// Number of bins of a spectrum.
    pub(crate) fn bins(&self) -> usize {
        self.power.len()
    }

    /// Number of frames of a sound.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        1 + samples / self.hop
    }

    /// The power spectrum of frame `t`.
    pub(crate) fn power(&mut self, samples: &[f32], t: usize) -> Result<&[f32]> {
        self.power_at(samples, (t * self.hop) as isize - (self.window.len() / 2) as isize)
    }

    /// The power spectrum of the window that begins at sample `start`.
    pub(crate) fn power_at(&mut self, samples: &[f32], start: isize) -> Result<&[f32]> {
        self.input.fill(0.0);
        for (i, (to, weight)) in self.input.iter_mut().zip(&self.window).enumerate() {
            *to = weight * samples[mirror(start + i as isize, samples.len())];
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .map_err(|error| Error::Internal { what: "the FFT", source: error.into() })?;
        for (power, value) in self.power.iter_mut().zip(&self.output) {
            *power = value.norm_sqr();
        }
        Ok(&self.power)
    }
}

/// The index inside `0..length` that a mirror at the first and last sample shows at `index`.
pub(crate) fn mirror(index: isize, length: usize) -> usize {
    if length < 2 {
        return 0;
    }
    let period = 2 * (length - 1);
    let folded = index.rem_euclid(period as isize) as usize;
    folded.min(period - folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_repeats_the_ends_once() {
        let seen: Vec<_> = (-4..8).map(|i| mirror(i, 4)).collect();
        assert_eq!(seen, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(mirror(-5, 1), 0);
    }
}
