//! The mel filter bank.

use std::iter::Sum;
use std::ops::{Mul, Range};

use serde::{Deserialize, Serialize};

/// How frequencies in Hz map to mel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MelScale {
    /// `2595 log10(1 + f / 700)`, the scale of HTK.
    #[default]
    Htk,
    /// Linear below 1 kHz, logarithmic above, the scale of Slaney's Auditory Toolbox.
    Slaney,
}

/// Hz a mel in the linear part of Slaney's scale.
const SLANEY_HZ: f64 = 200.0 / 3.0;
/// Where the linear part ends, in Hz and in mel.
const SLANEY_KNEE: (f64, f64) = (1000.0, 15.0);
/// Natural logarithm of the step of a mel above: 27 steps reach a factor of 6.4.
const SLANEY_LOG_STEP: f64 = 0.068_751_777_420_949_12;

impl MelScale {
    /// From Hz to mel.
    pub(crate) fn mel(self, hz: f64) -> f64 {
        match self {
            Self::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            Self::Slaney if hz < SLANEY_KNEE.0 => hz / SLANEY_HZ,
            Self::Slaney => SLANEY_KNEE.1 + (hz / SLANEY_KNEE.0).ln() / SLANEY_LOG_STEP,
        }
    }

    /// From mel to Hz.
    pub(crate) fn hz(self, mel: f64) -> f64 {
        match self {
            Self::Htk => 700.0 * (10_f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < SLANEY_KNEE.1 => mel * SLANEY_HZ,
            Self::Slaney => SLANEY_KNEE.0 * ((mel - SLANEY_KNEE.1) * SLANEY_LOG_STEP).exp(),
        }
    }
}

/// What the triangles of a bank look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Triangles {
    /// Straight over Hz, peak 1.
    Peak,
    /// Straight over Hz, area 1 Hz: the peak is 2 over the width.
    Area,
    /// Straight over mel, peak 1.
    Mel,
}

/// Triangular filters over the bins of a power spectrum.
///
/// Filter `m` rises from the centre of filter `m - 1` to its own and falls to that of `m + 1`; the
/// centres are equally spaced in mel.
#[derive(Debug, Clone)]
pub(crate) struct MelBank {
    filters: Vec<Filter>,
    /// Of one filter after the other.
    weights: Vec<f32>,
}

/// The bins of a filter that are not zero, and where their weights are.
#[derive(Debug, Clone)]
struct Filter {
    first: usize,
    weights: Range<usize>,
}

impl MelBank {
    /// Filters of peak 1.
    pub(crate) fn new(
        scale: MelScale,
        bands: usize,
        range_hz: [f64; 2],
        bin_hz: f64,
        bins: usize,
    ) -> Self {
        Self::shaped(scale, Triangles::Peak, bands, range_hz, bin_hz, bins)
    }

    /// Filters of any shape.
    pub(crate) fn shaped(
        scale: MelScale,
        shape: Triangles,
        bands: usize,
        [low_hz, high_hz]: [f64; 2],
        bin_hz: f64,
        bins: usize,
    ) -> Self {
        let (low, high) = (scale.mel(low_hz), scale.mel(high_hz));
        let step = (high - low) / (bands as f64 + 1.0);
        let corners: Vec<f64> = (0..bands + 2).map(|i| scale.hz(low + step * i as f64)).collect();
        let place = |hz: f64| if shape == Triangles::Mel { scale.mel(hz) } else { hz };
        let (mut filters, mut weights) = (Vec::with_capacity(bands), Vec::with_capacity(2 * bins));
        for &[from, peak, to] in corners.array_windows() {
            let height = if shape == Triangles::Area { 2.0 / (to - from) } else { 1.0 };
            let [a, b, c] = [from, peak, to].map(place);
            let first = ((from / bin_hz).floor() as usize).min(bins);
            let end = ((to / bin_hz).ceil() as usize + 1).clamp(first, bins);
            let start = weights.len();
            weights.extend((first..end).map(|bin| {
                let x = place(bin as f64 * bin_hz);
                (height * ((x - a) / (b - a)).min((c - x) / (c - b)).max(0.0)) as f32
            }));
            filters.push(Filter { first, weights: start..weights.len() });
        }
        Self { filters, weights }
    }

    /// How many there are.
    pub(crate) fn bands(&self) -> usize {
        self.filters.len()
    }

    /// The power in each band.
    pub(crate) fn apply<'a, T>(&'a self, power: &'a [T]) -> impl Iterator<Item = T> + 'a
    where
        T: Copy + From<f32> + Mul<Output = T> + Sum + 'a,
    {
        self.filters.iter().map(|filter| {
            let bins = power.iter().skip(filter.first);
            self.weights[filter.weights.clone()]
                .iter()
                .zip(bins)
                .map(|(&w, &p)| T::from(w) * p)
                .sum()
        })
    }

    /// Of each band the first bin and the weights from there on, without zeros at the ends.
    pub(crate) fn filters(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.filters.iter().map(|Filter { first, weights }| {
            let weights = &self.weights[weights.clone()];
            let skipped = weights.iter().take_while(|&&weight| weight <= 0.0).count();
            let end = weights.iter().rposition(|&weight| weight > 0.0).map_or(skipped, |at| at + 1);
            (first + skipped, &weights[skipped..end])
        })
    }

    /// Whether some band is narrower than the bins and sees none of them.
    pub(crate) fn has_blind_band(&self) -> bool {
        self.filters().any(|(_, weights)| weights.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_scales_have_their_textbook_values_and_inverses() {
        assert!((MelScale::Htk.mel(1000.0) - 999.985_538).abs() < 1e-5);
        assert!((MelScale::Slaney.mel(1000.0) - 15.0).abs() < 1e-12);
        assert!((MelScale::Slaney.mel(6400.0) - 42.0).abs() < 1e-9);
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hz in [0.0, 20.0, 440.0, 999.0, 1001.0, 8000.0] {
                assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-8, "{scale:?} {hz}");
            }
        }
    }

    #[test]
    fn inside_the_bank_the_filters_add_up_to_one() {
        let bank = MelBank::new(MelScale::Htk, 20, [100.0, 7000.0], 10.0, 801);
        let first_peak = MelScale::Htk.hz(MelScale::Htk.mel(100.0)
            + (MelScale::Htk.mel(7000.0) - MelScale::Htk.mel(100.0)) / 21.0);
        for bin in (first_peak as usize / 10 + 1)..600 {
            let mut power = vec![0.0_f32; 801];
            power[bin] = 1.0;
            let sum: f32 = bank.apply(&power).sum();
            assert!((sum - 1.0).abs() < 1e-5, "bin {bin}: {sum}");
        }
    }

    #[test]
    fn a_band_between_two_bins_is_noticed() {
        assert!(MelBank::new(MelScale::Htk, 128, [20.0, 8000.0], 62.5, 129).has_blind_band());
        assert!(!MelBank::new(MelScale::Htk, 64, [20.0, 8000.0], 31.25, 257).has_blind_band());
    }
}
