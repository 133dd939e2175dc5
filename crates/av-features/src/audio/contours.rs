//! What a voice does from frame to frame.

use std::f64::consts::PI;

use super::deltas::deltas;
use super::level::{SILENCE_DB, level};
use super::logarithm::POWER_FLOOR;
use super::matrix::Matrix;
use super::mel::{MelBank, MelScale};
use super::mel_spectrogram::Convention;
use super::pitch::pitch;
use super::spectrum::{Edges, Spectrum};
use super::statistics::Contour;
use crate::Result;

/// Sample rate of the analysis in Hz.
pub(crate) const RATE_HZ: u32 = 16_000;
/// Window of 25 ms, hop of 10 ms and FFT, in samples.
const WINDOW: usize = 400;
const HOP: usize = 160;
const FFT: usize = 512;
/// Seconds from frame to frame.
pub(crate) const HOP_S: f64 = HOP as f64 / RATE_HZ as f64;
/// Mel bands from which cepstra are made.
const MELS: usize = 40;
/// Mel bands whose means are features themselves: pairs of the above would be 20.
pub(crate) const BANDS: usize = 16;
/// Cepstral coefficients; the zeroth is the level, which is a contour of its own.
pub(crate) const CEPSTRA: usize = 13;
/// Frames this much below the loudest are pauses, in dB.
const PAUSE_DB: f64 = 40.0;
/// Share of the power below the roll-off frequency.
const ROLL_OFF: f32 = 0.85;
/// Frequency of the semitone 0 in Hz, an A.
const SEMITONE_ZERO_HZ: f64 = 55.0;

/// The contours of a sound and the frames behind them.
pub(crate) struct Contours {
    /// Whether a frame is above the pause level.
    pub(crate) active: Vec<bool>,
    /// Whether a frame is voiced.
    pub(crate) voiced: Vec<bool>,
    /// Level in dB, every frame.
    pub(crate) level_db: Vec<f64>,
    cepstra: Matrix,
    bands: Matrix,
    shape: Vec<[f64; SHAPES.len()]>,
    semitones: Vec<Option<f64>>,
    periodicity: Vec<f32>,
}

/// Descriptions of the shape of a spectrum, in the order of their computation.
pub(crate) const SHAPES: [&str; 5] =
    ["centroid_khz", "rolloff_khz", "flatness", "flux", "zero_crossings_per_ms"];

impl Contours {
    /// Analyses a sound at [`RATE_HZ`].
    pub(crate) fn new(samples: &[f32]) -> Result<Self> {
        let mut spectrum = Spectrum::new(WINDOW, HOP, FFT, Edges::Mirror);
        let (frames, bins) = (spectrum.frames(samples.len()), spectrum.bins());
        let bin_hz = f64::from(RATE_HZ) / FFT as f64;
        let bank = |bands| MelBank::new(MelScale::Htk, bands, [60.0, 7600.0], bin_hz, bins);
        let (fine, coarse) = (bank(MELS), bank(BANDS));
        let (mut cepstra, mut bands) = (Vec::new(), Vec::new());
        let (mut shape, mut level_db) = (Vec::new(), Vec::new());
        let mut before = vec![0.0; bins];
        for t in 0..frames {
            let power = spectrum.power(samples, t)?;
            let log = |power: f32| power.max(POWER_FLOOR).ln();
            let mel: Vec<f32> = fine.apply(power).map(log).collect();
            cepstra.extend((1..=CEPSTRA).map(|k| cepstrum(&mel, k)));
            bands.extend(coarse.apply(power).map(log));
            let here = &samples[(t * HOP).saturating_sub(WINDOW / 2).min(samples.len() - 1)..];
            let here = &here[..here.len().min(WINDOW)];
            level_db.push(level(here));
            shape.push(spectral_shape(power, &mut before, bin_hz, here));
        }
        let loudest = level_db.iter().copied().fold(SILENCE_DB, f64::max);
        let active: Vec<bool> = level_db.iter().map(|&db| db >= loudest - PAUSE_DB).collect();
        let found = pitch(samples, RATE_HZ, HOP, frames);
        let semitones: Vec<Option<f64>> = found
            .hz
            .iter()
            .zip(&active)
            .map(|(hz, &active)| {
                hz.filter(|_| active).map(|hz| 12.0 * (hz / SEMITONE_ZERO_HZ).log2())
            })
            .collect();
        Ok(Self {
            voiced: semitones.iter().map(Option::is_some).collect(),
            periodicity: found.periodicity,
            active,
            level_db,
            cepstra: Matrix { columns: CEPSTRA, values: cepstra },
            bands: Matrix { columns: BANDS, values: bands },
            shape,
            semitones,
        })
    }

    /// A contour over the active frames.
    fn active(&self, name: String, value: impl Fn(usize) -> f64) -> Contour {
        let frames = (0..self.active.len()).filter(|&t| self.active[t]);
        Contour { name, points: frames.map(|t| (t as f64 * HOP_S, value(t))).collect() }
    }

    /// The cepstral coefficients.
    pub(crate) fn cepstra(&self) -> Vec<Contour> {
        columns(self, "mfcc", &self.cepstra)
    }

    /// The slopes of the cepstral coefficients, a frame.
    pub(crate) fn cepstral_deltas(&self) -> Result<Vec<Contour>> {
        let slopes = deltas(&self.cepstra, Convention::Torchaudio, 1)?;
        Ok(columns(self, "mfcc_delta", &slopes))
    }

    /// The log-mel bands.
    pub(crate) fn bands(&self) -> Vec<Contour> {
        columns(self, "mel", &self.bands)
    }

    /// The shapes of the spectrum.
    pub(crate) fn shapes(&self) -> Vec<Contour> {
        let shape = |(i, name): (usize, &&str)| self.active((*name).into(), |t| self.shape[t][i]);
        SHAPES.iter().enumerate().map(shape).collect()
    }

    /// The level of the active frames.
    pub(crate) fn level(&self) -> Contour {
        self.active("level_db".into(), |t| self.level_db[t])
    }

    /// How periodic the active frames are.
    pub(crate) fn periodicity(&self) -> Contour {
        self.active("periodicity".into(), |t| f64::from(self.periodicity[t]))
    }

    /// The fundamental frequency of the voiced frames in semitones above 55 Hz.
    pub(crate) fn pitch(&self) -> Contour {
        let points = self.semitones.iter().enumerate();
        let points = points.filter_map(|(t, value)| value.map(|value| (t as f64 * HOP_S, value)));
        Contour { name: "f0_semitones".into(), points: points.collect() }
    }

    /// Its change from a voiced frame to the next.
    pub(crate) fn pitch_delta(&self) -> Contour {
        let points = self.semitones.windows(2).enumerate().filter_map(|(t, pair)| match pair {
            [Some(a), Some(b)] => Some((t as f64 * HOP_S, b - a)),
            _ => None,
        });
        Contour { name: "f0_delta".into(), points: points.collect() }
    }
}

/// One contour for every column of a matrix, numbered from 1.
fn columns(contours: &Contours, name: &str, matrix: &Matrix) -> Vec<Contour> {
    (0..matrix.columns)
        .map(|k| {
            let value = |t: usize| f64::from(matrix.row(t)[k]);
            contours.active(format!("{name}_{}", k + 1), value)
        })
        .collect()
}

/// Coefficient `k` of the orthonormal cosine transform.
pub(crate) fn cepstrum(mel: &[f32], k: usize) -> f32 {
    let count = mel.len() as f64;
    let sum: f64 = mel
        .iter()
        .enumerate()
        .map(|(m, &value)| f64::from(value) * (PI * k as f64 * (m as f64 + 0.5) / count).cos())
        .sum();
    (sum * (2.0 / count).sqrt()) as f32
}

/// Distance of the amplitude spectra of two frames, each of unit power; `before` becomes that of this one.
pub(crate) fn flux(power: &[f32], total: f32, before: &mut [f32]) -> f64 {
    let mut squares = 0.0;
    for (before, p) in before.iter_mut().zip(power) {
        let here = (p / total).sqrt();
        squares += f64::from(here - *before).powi(2);
        *before = here;
    }
    squares.sqrt()
}

/// The numbers of [`SHAPES`]; `before` is the normalised amplitude spectrum of the frame before.
fn spectral_shape(
    power: &[f32],
    before: &mut [f32],
    bin_hz: f64,
    samples: &[f32],
) -> [f64; SHAPES.len()] {
    let total: f32 = power.iter().sum::<f32>().max(POWER_FLOOR);
    let khz = |bin: f64| bin * bin_hz / 1000.0;
    let centroid: f64 =
        power.iter().enumerate().map(|(bin, p)| bin as f64 * f64::from(p / total)).sum();
    let mut below = 0.0;
    let rolloff = power
        .iter()
        .position(|p| {
            below += p;
            below >= ROLL_OFF * total
        })
        .unwrap_or(0);
    let bins = power.len() as f64;
    let geometric = power.iter().map(|p| f64::from(p.max(POWER_FLOOR)).ln()).sum::<f64>() / bins;
    let arithmetic = (f64::from(total) / bins).max(f64::from(POWER_FLOOR));
    let flux = flux(power, total, before);
    let crossings = samples.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count();
    let duration_ms = samples.len() as f64 * 1000.0 / f64::from(RATE_HZ);
    [
        khz(centroid),
        khz(rolloff as f64),
        geometric.exp() / arithmetic,
        flux,
        crossings as f64 / duration_ms,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A saw tooth of growing amplitude and pitch: `hz` and `gain` are functions of the time in seconds.
    fn saw(seconds: f64, hz: impl Fn(f64) -> f64, gain: impl Fn(f64) -> f64) -> Vec<f32> {
        let mut phase = 0.0_f64;
        (0..(seconds * f64::from(RATE_HZ)) as usize)
            .map(|i| {
                let t = i as f64 / f64::from(RATE_HZ);
                phase = (phase + hz(t) / f64::from(RATE_HZ)).fract();
                (gain(t) * (phase - 0.5)) as f32
            })
            .collect()
    }

    #[test]
    fn pauses_have_no_pitch() {
        // After a second the voice goes on 45 dB softer, which is below the level of a pause.
        let gain = |t: f64| if t < 1.0 { 1.0 } else { 10_f64.powf(-45.0 / 20.0) };
        let contours = Contours::new(&saw(2.0, |_| 200.0, gain)).unwrap();
        let points = contours.pitch().points;
        assert!(points.len() > 90, "{} frames", points.len());
        assert!(points.iter().all(|&(time_s, _)| time_s < 1.05), "{points:?}");
        // 35 dB softer is no pause.
        let gain = |t: f64| if t < 1.0 { 1.0 } else { 10_f64.powf(-35.0 / 20.0) };
        let contours = Contours::new(&saw(2.0, |_| 200.0, gain)).unwrap();
        assert!(contours.pitch().points.iter().any(|&(time_s, _)| time_s > 1.5));
    }

    #[test]
    fn a_rising_pitch_has_positive_changes_that_add_up_to_an_interval() {
        let contours = Contours::new(&saw(1.0, |t| 100.0 * 2_f64.powf(t), |_| 1.0)).unwrap();
        let sum: f64 = contours.pitch_delta().points.iter().map(|point| point.1).sum();
        // An octave in a second, without the ends, where the pitch is held.
        assert!((10.5..12.5).contains(&sum), "{sum} semitones");
    }
}
