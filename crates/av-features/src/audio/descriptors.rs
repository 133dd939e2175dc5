//! Descriptions of the spectrum of every frame, by librosa's definitions.

use serde::{Deserialize, Serialize};

use super::spectrum::{Edges, Spectrum};
use crate::{Error, Result};

/// Upper end of the lowest band of the contrast in Hz; each band above is an octave.
const LOWEST_OCTAVE_HZ: f64 = 200.0;

/// Share of the bins of a band that are its peaks, and its valleys.
const CONTRAST_SHARE: f64 = 0.02;

/// Smallest value whose logarithm is taken.
const FLOOR: f64 = 1e-10;

/// Decibels below the greatest at which peaks and valleys are cut off.
const RANGE_DB: f64 = 80.0;

/// Samples up to this magnitude count as zero, which is positive.
const ZERO: f32 = 1e-10;

/// Longest window in samples: half a minute at 16 kHz.
const MAX_WINDOW: usize = 1 << 19;

/// What [`descriptors`] looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DescriptorConfig {
    /// Sample rate of the sound in Hz.
    pub sample_rate_hz: u32,
    /// Samples of a frame; even.
    pub window: usize,
    /// Samples from frame to frame.
    pub hop: usize,
    /// Share of the amplitudes below the roll-off frequency.
    pub roll_off: f64,
    /// Octaves of the contrast above 200 Hz; what lies above the last belongs to it.
    pub octaves: usize,
}

impl Default for DescriptorConfig {
    fn default() -> Self {
        Self { sample_rate_hz: 16_000, window: 2048, hop: 512, roll_off: 0.85, octaves: 6 }
    }
}

/// Descriptions of a sound, one value a frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Descriptors {
    /// Mean frequency in Hz, weighted by amplitude.
    pub centroid_hz: Vec<f64>,
    /// Standard deviation around the centroid in Hz, weighted by amplitude.
    pub bandwidth_hz: Vec<f64>,
    /// Frequency in Hz below which lies a given share of the amplitudes.
    pub rolloff_hz: Vec<f64>,
    /// Geometric over arithmetic mean of the power, 0 to 1.
    pub flatness: Vec<f64>,
    /// Peaks over valleys in dB: of the band below 200 Hz, then octave by octave.
    pub contrast_db: Vec<Vec<f64>>,
    /// Changes of sign a sample.
    pub zero_crossing_rate: Vec<f64>,
    /// Root mean square of the samples.
    pub rms: Vec<f64>,
}

/// Describes the spectrum of every frame of a sound.
///
/// # Definition
///
/// With the amplitudes `a_k = |X_k|` of the bins `f_k` of a Hann window over the whole frame:
///
/// | Descriptor | Value |
/// |---|---|
/// | centroid | `c = sum f_k a_k / sum a_k` |
/// | bandwidth | `sqrt(sum (f_k - c)^2 a_k / sum a_k)` |
/// | roll-off | the first `f_k` up to which the amplitudes reach a share (0.85) of their sum |
/// | flatness | `exp(mean ln p_k) / mean p_k`, `p_k = max(1e-10, a_k^2)` |
/// | contrast | `10 log10` of the mean of the greatest 2 % of the amplitudes of a band, minus that of the smallest |
/// | zero crossings | share of the samples whose sign differs from that of the one before |
/// | RMS | root of the mean square of the samples |
///
/// Frames are centred at multiples of the hop. Beyond the ends are zeros, for the zero crossings the
/// first and the last sample. Of each octave but the last the uppermost bin is left out, and both
/// terms of the contrast are at most 80 dB below their greatest of the whole sound. The first three are 0
/// where a frame is silent.
///
/// # Shapes
///
/// `1 + n / hop` frames of `n` samples, and none of no sample; the contrast of a frame has `octaves + 1` values.
///
/// # Numerics
///
/// Spectra in f32, sums in f64: within 1e-5 relative of the definition for sound that is not silent.
///
/// # Errors
///
/// [`Error::Config`] for an odd or empty window, an empty hop, a roll-off outside 0 to 1, and octaves that
/// begin above half the sample rate.
///
/// # Source
///
/// `librosa.feature` 0.11 with its own defaults, whose values `scripts/goldens/descriptors.py` writes. The
/// contrast is that of Jiang et al., IEEE International Conference on Multimedia and Expo, 2002.
///
/// # Example
///
/// ```
/// use av_features::{DescriptorConfig, descriptors};
///
/// // A tone of 1 kHz.
/// let tone: Vec<f32> =
///     (0..16_000).map(|i| (std::f64::consts::TAU * f64::from(i) / 16.0).sin() as f32).collect();
/// let frames = descriptors(&tone, &DescriptorConfig::default())?;
/// assert_eq!(frames.centroid_hz.len(), 32);
/// assert!((frames.centroid_hz[16] - 1000.0).abs() < 1.0);
/// assert!((frames.zero_crossing_rate[16] - 0.125).abs() < 1e-3);
/// assert!((frames.rms[16] - 0.5_f64.sqrt()).abs() < 1e-6);
/// # Ok::<(), av_features::Error>(())
/// ```
pub fn descriptors(samples: &[f32], config: &DescriptorConfig) -> Result<Descriptors> {
    config.check()?;
    let (window, hop) = (config.window, config.hop);
    let zeros = vec![0.0; window / 2];
    let padded = [&zeros, samples, &zeros].concat();
    let mut spectrum = Spectrum::new(window, hop, window, Edges::Zeros);
    let bands = Band::octaves(config, spectrum.bins());
    let mut all = Descriptors::default();
    let mut extremes = Vec::new();
    for t in 0..spectrum.frames(samples.len()) {
        let power = spectrum.power(samples, t)?;
        let amplitudes: Vec<f64> = power.iter().map(|&p| f64::from(p).sqrt()).collect();
        all.push_shape(&amplitudes, config);
        extremes.push(bands.iter().map(|band| band.extremes(&amplitudes)).collect());
        all.zero_crossing_rate.push(crossings(samples, t * hop, window));
        let squares = padded[t * hop..][..window].iter().map(|&s| f64::from(s).powi(2));
        all.rms.push((squares.sum::<f64>() / window as f64).sqrt());
    }
    all.contrast_db = contrast(&extremes);
    Ok(all)
}

impl DescriptorConfig {
    fn check(&self) -> Result<()> {
        let wrong = |reason: &str| {
            Err(Error::Config { extractor: "descriptors", reason: reason.to_owned() })
        };
        if self.window < 2 || self.window % 2 == 1 || self.window > MAX_WINDOW || self.hop == 0 {
            return wrong("window must be even and within 2 to 524288, hop at least 1");
        }
        if !(self.roll_off > 0.0 && self.roll_off < 1.0) {
            return wrong("0 < roll_off < 1 must hold");
        }
        let highest_hz = LOWEST_OCTAVE_HZ * 2_f64.powf(self.octaves as f64 - 1.0);
        if self.octaves == 0 || highest_hz >= f64::from(self.sample_rate_hz) / 2.0 {
            return wrong(
                "200 Hz * 2^(octaves - 1) must be below sample_rate_hz / 2: fewer octaves",
            );
        }
        if f64::from(self.sample_rate_hz) / self.window as f64 > LOWEST_OCTAVE_HZ / 2.0 {
            return wrong("the bins are wider than 100 Hz: a longer window");
        }
        Ok(())
    }

    fn bin_hz(&self) -> f64 {
        f64::from(self.sample_rate_hz) / self.window as f64
    }
}

impl Descriptors {
    /// Appends what the amplitudes of one frame say.
    fn push_shape(&mut self, amplitudes: &[f64], config: &DescriptorConfig) {
        let bin_hz = config.bin_hz();
        let total: f64 = amplitudes.iter().sum();
        let mean = |value: &dyn Fn(f64) -> f64| {
            let weighted = amplitudes.iter().enumerate().map(|(k, a)| value(k as f64 * bin_hz) * a);
            if total > 0.0 { weighted.sum::<f64>() / total } else { 0.0 }
        };
        let centroid = mean(&|hz| hz);
        self.centroid_hz.push(centroid);
        self.bandwidth_hz.push(mean(&|hz| (hz - centroid).powi(2)).sqrt());
        let mut below = 0.0;
        let rolloff = amplitudes.iter().position(|a| {
            below += a;
            below >= config.roll_off * total
        });
        self.rolloff_hz.push(rolloff.unwrap_or(0) as f64 * bin_hz);
        let bins = amplitudes.len() as f64;
        let power = || amplitudes.iter().map(|a| (a * a).max(FLOOR));
        let geometric = (power().map(f64::ln).sum::<f64>() / bins).exp();
        self.flatness.push(geometric / (power().sum::<f64>() / bins));
    }
}

/// Changes of sign a sample in the frame around sample `centre`; the ends of the sound are repeated.
fn crossings(samples: &[f32], centre: usize, window: usize) -> f64 {
    let Some(last) = samples.len().checked_sub(1) else { return 0.0 };
    let start = centre as isize - (window / 2) as isize;
    let negative =
        |i: usize| samples[(start + i as isize).clamp(0, last as isize) as usize] < -ZERO;
    let changes = (1..window).filter(|&i| negative(i) != negative(i - 1)).count();
    changes as f64 / window as f64
}

/// The bins of one band of the contrast.
struct Band {
    bins: std::ops::Range<usize>,
    /// How many bins are peaks, and valleys.
    count: usize,
}

impl Band {
    fn octaves(config: &DescriptorConfig, bins: usize) -> Vec<Self> {
        let edge_hz =
            |k: usize| if k == 0 { 0.0 } else { LOWEST_OCTAVE_HZ * 2_f64.powi(k as i32 - 1) };
        let bin_hz = config.bin_hz();
        (0..=config.octaves)
            .map(|k| {
                // A band begins one bin early and, but for the last, ends one early.
                let first = ((edge_hz(k) / bin_hz).ceil() as usize).saturating_sub(1);
                let last = k == config.octaves;
                let end = ((edge_hz(k + 1) / bin_hz).floor() as usize + 1).min(bins);
                let end = if last { bins } else { end };
                let count = (CONTRAST_SHARE * (end - first) as f64).round_ties_even() as usize;
                Self { bins: first..if last { end } else { end - 1 }, count: count.max(1) }
            })
            .collect()
    }

    /// Mean of the greatest and of the smallest amplitudes.
    fn extremes(&self, amplitudes: &[f64]) -> [f64; 2] {
        let mut band = amplitudes[self.bins.clone()].to_vec();
        band.sort_unstable_by(f64::total_cmp);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        [mean(&band[band.len() - self.count..]), mean(&band[..self.count])]
    }
}

/// From the peaks and valleys of the bands of each frame to their distance in dB.
fn contrast(extremes: &[Vec<[f64; 2]>]) -> Vec<Vec<f64>> {
    let db = |value: f64| 10.0 * value.max(FLOOR).log10();
    let floors = [0, 1].map(|which| {
        let values = extremes.iter().flatten().map(|pair| pair[which]);
        db(values.fold(0.0, f64::max)) - RANGE_DB
    });
    let of_band = |[peak, valley]: &[f64; 2]| db(*peak).max(floors[0]) - db(*valley).max(floors[1]);
    extremes.iter().map(|bands| bands.iter().map(of_band).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_a_click_have_finite_descriptors() {
        for samples in [vec![], vec![0.0; 5000], vec![1.0], vec![-0.5; 513]] {
            let found = descriptors(&samples, &DescriptorConfig::default()).unwrap();
            let frames = if samples.is_empty() { 0 } else { 1 + samples.len() / 512 };
            let columns = [
                &found.centroid_hz,
                &found.bandwidth_hz,
                &found.rolloff_hz,
                &found.flatness,
                &found.zero_crossing_rate,
                &found.rms,
            ];
            for column in columns {
                assert_eq!(column.len(), frames);
                assert!(column.iter().all(|value| value.is_finite()), "{column:?}");
            }
            assert!(found.contrast_db.iter().flatten().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn values_below_the_range_of_the_contrast_and_the_flatness_are_cut_off() {
        // Peaks of 0 and -70 dB, valleys of 0 and -100 dB, which is cut off at 80 dB below the greatest.
        let extremes = [vec![[1.0, 1.0]], vec![[1e-7, 1e-10]]];
        let found = contrast(&extremes);
        assert!(found[0][0].abs() < 1e-9 && (found[1][0] - 10.0).abs() < 1e-9, "{found:?}");
        let mut shape = Descriptors::default();
        shape.push_shape(&[1.0, 0.0, 0.0, 0.0], &DescriptorConfig::default());
        // The geometric mean of 1 and three times 1e-10 over their arithmetic one.
        let truth = 10_f64.powf(-30.0 / 4.0) / ((1.0 + 3e-10) / 4.0);
        assert!((shape.flatness[0] / truth - 1.0).abs() < 1e-12, "{:?}", shape.flatness);
    }

    #[test]
    fn the_last_change_of_sign_counts_and_the_ends_are_repeated() {
        let samples = [0.5, 0.5, 0.5, -0.5];
        assert_eq!(crossings(&samples, 2, 4), 0.25);
        assert_eq!([crossings(&samples, 0, 4), crossings(&samples, 8, 4)], [0.0, 0.0]);
        // What is below the smallest that counts is positive.
        assert_eq!(crossings(&[0.5, -1e-11, 0.5, 0.5], 2, 4), 0.0);
    }

    #[test]
    fn impossible_settings_are_refused_with_a_reason() {
        let good = DescriptorConfig::default();
        for (config, reason) in [
            (DescriptorConfig { window: 511, ..good.clone() }, "window must be even"),
            (DescriptorConfig { hop: 0, ..good.clone() }, "hop at least 1"),
            (DescriptorConfig { roll_off: f64::NAN, ..good.clone() }, "0 < roll_off < 1"),
            (DescriptorConfig { octaves: 7, ..good.clone() }, "fewer octaves"),
            (DescriptorConfig { octaves: 0, ..good.clone() }, "fewer octaves"),
            (DescriptorConfig { window: 128, ..good }, "a longer window"),
        ] {
            let message = descriptors(&[0.0], &config).unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
        }
    }
}
