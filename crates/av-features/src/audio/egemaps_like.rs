//! The set of functionals after the extended Geneva minimalistic acoustic parameter set.

use super::contours::{HOP_S, RATE_HZ, cepstrum, flux};
use super::formants::{FORMANTS, Formant, Formants};
use super::functionals::{Table, hills};
use super::harmonicity::{Harmonicity, line};
use super::logarithm::POWER_FLOOR;
use super::mel::{MelBank, MelScale};
use super::spectrum::{Edges, Spectrum};
use super::statistics::Statistic::{
    FallMean, FallSd, Mean, MiddleRange, Percentile, RiseMean, RiseSd, Variation,
};
use super::statistics::{Contour, Statistic};
use super::voice_quality::{VoiceQuality, voice_quality};
use crate::Result;

/// Window of 25 ms, hop of 10 ms and FFT of the spectrum, in samples.
const WINDOW: usize = 400;
const HOP: usize = 160;
const FFT: usize = 512;
/// Mel bands and their range in Hz.
const BANDS: usize = 26;
const BAND_RANGE_HZ: [f64; 2] = [20.0, 8000.0];
/// Exponent from power to loudness.
const LOUDNESS_EXPONENT: f64 = 0.33;
/// Cepstral coefficients.
const CEPSTRA: usize = 4;
/// Frequency of the semitone 0 in Hz, an A.
const SEMITONE_ZERO_HZ: f64 = 27.5;
/// A voiced frame is at most this much below the loudest, in dB.
const PAUSE_DB: f64 = 40.0;
/// Height of both sides of a hill of the loudness, relative to the greatest loudness.
const PEAK_SHARE: f64 = 0.1;

/// Descriptors of the spectrum, every frame.
const SPECTRAL: [&str; 5] =
    ["flux", "alpha_ratio_db", "hammarberg_db", "slope_0_500", "slope_500_1500"];
/// Descriptors of the voice, voiced frames.
const VOICED: [&str; 5] = ["jitter", "shimmer_db", "hnr_db", "h1_h2_db", "h1_a3_db"];

/// Names and values of the 88 columns.
pub(crate) fn egemaps_like(samples: &[f32]) -> Result<Table> {
    let frames = Frames::new(samples)?;
    let Frames { loudness, cepstra, spectral, semitones, quality, formants, .. } = &frames;
    let voiced: Vec<bool> = semitones.iter().map(Option::is_some).collect();
    let when = |values: &[f64], flag: bool| -> Vec<Option<f64>> {
        values.iter().zip(&voiced).map(|(&value, &v)| (v == flag).then_some(value)).collect()
    };
    let every = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let shape = [
        Mean,
        Variation,
        Percentile(20),
        Percentile(50),
        Percentile(80),
        MiddleRange,
        RiseMean,
        RiseSd,
        FallMean,
        FallSd,
    ];
    let brief = [Mean, Variation];
    let mut table = Table::default();
    add(&mut table, "f0_semitones", semitones, &shape);
    add(&mut table, "loudness", &every(loudness), &shape);
    add(&mut table, SPECTRAL[0], &every(&spectral[0]), &brief);
    for (k, values) in cepstra.iter().enumerate() {
        add(&mut table, &format!("mfcc_{}", k + 1), &every(values), &brief);
    }
    for (name, values) in VOICED.iter().zip(quality) {
        add(&mut table, name, values, &brief);
    }
    for (i, columns) in formants.iter().enumerate() {
        for (what, values) in ["hz", "bandwidth_hz", "level_db"].iter().zip(columns) {
            add(&mut table, &format!("f{}_{what}", i + 1), values, &brief);
        }
    }
    for (name, values) in SPECTRAL.iter().zip(spectral) {
        add(&mut table, &format!("{name}_voiced"), &when(values, true), &brief);
    }
    for (k, values) in cepstra.iter().enumerate() {
        add(&mut table, &format!("mfcc_{}_voiced", k + 1), &when(values, true), &brief);
    }
    for (name, values) in SPECTRAL.iter().zip(spectral) {
        add(&mut table, &format!("{name}_unvoiced"), &when(values, false), &[Mean]);
    }
    add_rhythm(&mut table, &frames, &voiced, samples.len() as f64 / f64::from(RATE_HZ));
    Ok(table)
}

/// Adds statistics of a contour, averaged over three frames where it has values.
fn add(table: &mut Table, name: &str, values: &[Option<f64>], statistics: &[Statistic]) {
    let smooth = |t: usize| {
        values[t]?;
        let around = &values[t.saturating_sub(1)..(t + 2).min(values.len())];
        let count = around.iter().flatten().count() as f64;
        Some((t as f64 * HOP_S, around.iter().flatten().sum::<f64>() / count))
    };
    let points = (0..values.len()).filter_map(smooth).collect();
    table.add([Contour { name: name.into(), points }], statistics);
}

/// Adds how often and for how long the voice sounds, and the level of the clip.
fn add_rhythm(table: &mut Table, frames: &Frames, voiced: &[bool], duration_s: f64) {
    let greatest = frames.loudness.iter().copied().fold(0.0, f64::max);
    let peaks = if greatest > 0.0 { hills(&frames.loudness, PEAK_SHARE * greatest) } else { 0 };
    table.push("loudness_peaks_per_s", peaks as f64 / duration_s);
    let parts = |flag: bool| -> Vec<(f64, f64)> {
        let runs = voiced.chunk_by(|a, b| a == b).filter(|run| run[0] == flag);
        runs.map(|run| (0.0, run.len() as f64 * HOP_S)).collect()
    };
    table.push("voiced_parts_per_s", parts(true).len() as f64 / duration_s);
    for (name, flag) in [("voiced_part_s", true), ("unvoiced_part_s", false)] {
        let points = parts(flag);
        table.add([Contour { name: name.into(), points }], &[Mean, Statistic::Sd]);
    }
    let mean = frames.square.iter().sum::<f64>() / frames.square.len() as f64;
    table.push("level_db", decibels(mean));
}

/// The descriptors of all frames.
struct Frames {
    loudness: Vec<f64>,
    /// Mean square of each frame.
    square: Vec<f64>,
    cepstra: [Vec<f64>; CEPSTRA],
    /// In the order of [`SPECTRAL`].
    spectral: [Vec<f64>; SPECTRAL.len()],
    semitones: Vec<Option<f64>>,
    /// In the order of [`VOICED`].
    quality: [Vec<Option<f64>>; VOICED.len()],
    /// Frequency, bandwidth and level of each formant.
    formants: [[Vec<Option<f64>>; 3]; FORMANTS],
}

impl Frames {
    fn new(samples: &[f32]) -> Result<Self> {
        let VoiceQuality { f0_hz, jitter, shimmer_db, harmonics_to_noise_db, .. } =
            voice_quality(samples, RATE_HZ)?;
        let mut new = Self {
            loudness: Vec::new(),
            square: Vec::new(),
            cepstra: Default::default(),
            spectral: Default::default(),
            semitones: Vec::new(),
            quality: [jitter, shimmer_db, harmonics_to_noise_db, Vec::new(), Vec::new()],
            formants: Default::default(),
        };
        new.push_spectra(samples, f0_hz.len())?;
        new.drop_quiet(f0_hz);
        new.push_harmonics(samples)?;
        Ok(new)
    }

    fn push_spectra(&mut self, samples: &[f32], frames: usize) -> Result<()> {
        let mut spectrum = Spectrum::new(WINDOW, HOP, FFT, Edges::Mirror);
        let bin_hz = f64::from(RATE_HZ) / FFT as f64;
        let bank = MelBank::new(MelScale::Htk, BANDS, BAND_RANGE_HZ, bin_hz, spectrum.bins());
        let weights = equal_loudness();
        // A full-scale sine then has a peak of 1; the mean square of the window is 3/8.
        let unit = 4.0 / (WINDOW as f64).powi(2);
        let mut before = vec![0.0; spectrum.bins()];
        for t in 0..frames {
            let power = spectrum.power(samples, t)?;
            let mel: Vec<f32> = bank.apply(power).collect();
            let log: Vec<f32> = mel.iter().map(|power| power.max(POWER_FLOOR).ln()).collect();
            for (k, column) in self.cepstra.iter_mut().enumerate() {
                column.push(f64::from(cepstrum(&log, k + 1)));
            }
            let loud = |(power, weight): (&f32, &f64)| {
                (unit * weight * f64::from(*power)).powf(LOUDNESS_EXPONENT)
            };
            self.loudness.push(mel.iter().zip(&weights).map(loud).sum());
            let sum: f64 = power.iter().map(|&p| f64::from(p)).sum();
            self.square.push(2.0 * sum / (FFT as f64 * WINDOW as f64 * 0.375));
            let values = spectral(power, bin_hz, &mut before);
            self.spectral.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        Ok(())
    }

    /// Takes the voice out of the pauses.
    fn drop_quiet(&mut self, f0_hz: Vec<Option<f64>>) {
        let loudest = self.square.iter().copied().fold(0.0, f64::max);
        let quietest = loudest * 10_f64.powf(-PAUSE_DB / 10.0);
        let keep = |(hz, square): (Option<f64>, &f64)| {
            let hz = hz.filter(|_| *square > quietest)?;
            Some(12.0 * (hz / SEMITONE_ZERO_HZ).log2())
        };
        self.semitones = f0_hz.into_iter().zip(&self.square).map(keep).collect();
        for column in &mut self.quality {
            for (value, semitone) in column.iter_mut().zip(&self.semitones) {
                *value = value.filter(|_| semitone.is_some());
            }
        }
    }

    /// Adds what harmonics and formants say of the voiced frames.
    fn push_harmonics(&mut self, samples: &[f32]) -> Result<()> {
        let harmonicity = Harmonicity::new(RATE_HZ)?;
        let tract = Formants::new(samples, RATE_HZ)?;
        for (t, semitone) in self.semitones.iter().enumerate() {
            let mut ratios = [None; 2];
            let mut columns = [[None; 3]; FORMANTS];
            if let Some(semitone) = semitone {
                let hz = SEMITONE_ZERO_HZ * 2_f64.powf(semitone / 12.0);
                let power = harmonicity.power(&harmonicity.frame(samples, t * HOP))?;
                let bin_hz = harmonicity.bin_hz();
                let peak = |from: f64, to: f64| decibels(greatest(&power, bin_hz, from, to));
                let first = peak(0.75 * hz, 1.25 * hz);
                ratios[0] = Some(first - peak(1.75 * hz, 2.25 * hz));
                let found = tract.at(t as f64 * HOP_S);
                let around =
                    |formant: &Formant, reach: f64| peak(formant.hz - reach, formant.hz + reach);
                ratios[1] = found.get(FORMANTS - 1).map(|formant| {
                    first - around(formant, (formant.bandwidth_hz / 2.0).max(hz / 2.0))
                });
                for (column, formant) in columns.iter_mut().zip(&found) {
                    let level = around(formant, hz / 2.0) - first;
                    *column = [formant.hz, formant.bandwidth_hz, level].map(Some);
                }
            }
            self.quality[3].push(ratios[0]);
            self.quality[4].push(ratios[1]);
            for (to, from) in self.formants.iter_mut().flatten().zip(columns.as_flattened()) {
                to.push(*from);
            }
        }
        Ok(())
    }
}

/// The numbers of [`SPECTRAL`]; `before` is the normalised amplitude spectrum of the frame before.
fn spectral(power: &[f32], bin_hz: f64, before: &mut [f32]) -> [f64; SPECTRAL.len()] {
    let flux = flux(power, power.iter().sum::<f32>().max(POWER_FLOOR), before);
    let power: Vec<f64> = power.iter().map(|&p| f64::from(p)).collect();
    let sum = |from, to| decibels(bins(&power, bin_hz, from, to).map(|(_, p)| p).sum());
    let peak = |from, to| decibels(greatest(&power, bin_hz, from, to));
    let slope = |from, to| {
        let points = bins(&power, bin_hz, from, to).map(|(hz, p)| (hz / 1000.0, decibels(p)));
        line(&points.collect::<Vec<_>>())[1]
    };
    [
        flux,
        sum(50.0, 1000.0) - sum(1000.0, 5000.0),
        peak(0.0, 2000.0) - peak(2000.0, 5000.0),
        slope(0.0, 500.0),
        slope(500.0, 1500.0),
    ]
}

/// Frequency and power of the bins from one frequency to below another.
fn bins(power: &[f64], bin_hz: f64, from: f64, to: f64) -> impl Iterator<Item = (f64, f64)> {
    let first = ((from / bin_hz).ceil().max(0.0) as usize).min(power.len());
    let end = ((to / bin_hz).ceil().max(0.0) as usize).clamp(first, power.len());
    (first..end).map(move |bin| (bin as f64 * bin_hz, power[bin]))
}

/// The greatest power of a bin in a range.
fn greatest(power: &[f64], bin_hz: f64, from: f64, to: f64) -> f64 {
    bins(power, bin_hz, from, to).map(|(_, p)| p).fold(0.0, f64::max)
}

fn decibels(power: f64) -> f64 {
    10.0 * power.max(f64::from(POWER_FLOOR)).log10()
}

/// How sensitive the ear is at the centre of each band, as a factor of the power.
///
/// Source: H. Hermansky, Journal of the Acoustical Society of America 87(4), 1990, equation 4.
fn equal_loudness() -> Vec<f64> {
    let [low, high] = BAND_RANGE_HZ.map(|hz| MelScale::Htk.mel(hz));
    let centre = |band: usize| {
        MelScale::Htk.hz(low + (high - low) * (band as f64 + 1.0) / (BANDS as f64 + 1.0))
    };
    let weight = |hz: f64| {
        let square = (std::f64::consts::TAU * hz).powi(2);
        (square + 56.8e6) * square.powi(2) / ((square + 6.3e6).powi(2) * (square + 0.38e9))
    };
    (0..BANDS).map(centre).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn column(samples: &[f32], name: &str) -> f64 {
        let table = egemaps_like(samples).unwrap();
        f64::from(table.values[table.names.iter().position(|n| n == name).unwrap()])
    }

    /// Harmonics of a tone with the given amplitudes.
    fn harmonics(hz: f64, amplitudes: &[f64], count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| {
                let phase = TAU * hz * i as f64 / 16_000.0;
                let tones = amplitudes.iter().enumerate();
                tones.map(|(k, a)| a * ((k + 1) as f64 * phase).sin()).sum::<f64>() as f32
            })
            .collect()
    }

    #[test]
    fn there_are_88_columns_with_names_of_their_own_and_finite_values() {
        let voice = harmonics(150.0, &[0.3, 0.2, 0.1, 0.1, 0.1], 24_000);
        for samples in [voice, vec![0.0; 16_000], vec![0.3; 10], vec![1.0]] {
            let Table { mut names, values } = egemaps_like(&samples).unwrap();
            assert_eq!((names.len(), values.len()), (88, 88));
            for (name, value) in names.iter().zip(&values) {
                assert!(value.is_finite(), "{name} is {value}");
            }
            names.sort();
            names.dedup();
            assert_eq!(names.len(), 88);
        }
    }

    #[test]
    fn a_tone_has_its_pitch_and_the_ratio_of_its_harmonics() {
        let samples = harmonics(220.0, &[0.2, 0.1, 0.05, 0.05], 32_000);
        // 220 Hz is three octaves above 27.5 Hz.
        assert!((column(&samples, "f0_semitones_mean") - 36.0).abs() < 0.05);
        assert!(column(&samples, "f0_semitones_range_20_80").abs() < 0.05);
        // Half the amplitude is 6.02 dB.
        assert!((column(&samples, "h1_h2_db_mean") - 6.02).abs() < 0.1);
        assert!(column(&samples, "jitter_mean") < 2e-3);
        // All power lies below 1 kHz; the mean square of sines is half their squares.
        assert!(column(&samples, "alpha_ratio_db_voiced_mean") > 30.0);
        let square: f64 = [0.2, 0.1, 0.05, 0.05].iter().map(|a: &f64| a * a / 2.0).sum();
        assert!((column(&samples, "level_db") - 10.0 * square.log10()).abs() < 0.05);
    }

    #[test]
    fn gain_shifts_the_level_and_leaves_the_voice_alone() {
        let loud = harmonics(180.0, &[0.3, 0.2, 0.2, 0.1], 16_000);
        let soft: Vec<f32> = loud.iter().map(|sample| sample / 4.0).collect();
        for name in
            ["f0_semitones_mean", "jitter_mean", "hnr_db_mean", "h1_h2_db_mean", "f1_hz_mean"]
        {
            let (a, b) = (column(&loud, name), column(&soft, name));
            assert!((a - b).abs() <= 1e-5 * a.abs(), "{name}: {a} and {b}");
        }
        let fall = column(&loud, "level_db") - column(&soft, "level_db");
        assert!((fall - 12.041).abs() < 1e-3, "{fall}");
        // Loudness grows with the power to 0.33.
        let ratio = column(&loud, "loudness_p50") / column(&soft, "loudness_p50");
        assert!((ratio / 16_f64.powf(0.33) - 1.0).abs() < 1e-4, "{ratio}");
    }

    #[test]
    fn parts_of_a_clip_are_counted_and_timed() {
        // Voice, pause, voice, pause of half a second each.
        let mut samples = harmonics(150.0, &[0.3, 0.2, 0.1], 32_000);
        samples[8_000..16_000].fill(0.0);
        samples[24_000..].fill(0.0);
        assert_eq!(column(&samples, "voiced_parts_per_s"), 1.0);
        for name in ["voiced_part_s_mean", "unvoiced_part_s_mean"] {
            let mean = column(&samples, name);
            assert!((mean - 0.5).abs() < 0.04, "{name} is {mean}");
        }
        assert_eq!(column(&samples, "loudness_peaks_per_s"), 1.0);
    }

    #[test]
    fn a_spectrum_that_falls_evenly_has_its_slope_and_ratios() {
        // 30 dB a kHz.
        let bin_hz = 31.25;
        let power: Vec<f32> =
            (0..257).map(|bin| 10_f32.powf(-3.0 * bin as f32 * bin_hz / 1000.0)).collect();
        let mut before = vec![0.0; 257];
        let [_, alpha, hammarberg, low, high] = spectral(&power, f64::from(bin_hz), &mut before);
        assert!((low + 30.0).abs() < 1e-4 && (high + 30.0).abs() < 1e-4, "{low} and {high}");
        // From 0 to 2 kHz.
        assert!((hammarberg - 60.0).abs() < 1e-4, "{hammarberg}");
        // From 62.5 Hz and from 1 kHz: the sums are in proportion to their first terms, the first without
        // what it lacks above 1 kHz.
        let truth = 30.0 * 0.9375 + 10.0 * (1.0 - 10_f64.powf(-3.0 * 0.9375)).log10();
        assert!((alpha - truth).abs() < 1e-4, "{alpha} instead of {truth}");
        let [flux, ..] = spectral(&power, f64::from(bin_hz), &mut before);
        assert!(flux < 1e-6, "the same spectrum again");
    }
}
