//! One vector of named numbers for the voice of a clip.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::clip::Clip;
use super::contours::{Contours, HOP_S, RATE_HZ};
use super::egemaps_like::egemaps_like;
use super::statistics::Statistic::{Mean, Percentile, Range, Sd, Slope};
use super::statistics::{Contour, Statistic};
use super::trim::Trim;
use crate::Result;
use crate::features::{Extractor, Features, Values};

/// Rise and fall of the level that make a syllable, in dB.
const SYLLABLE_DB: f64 = 3.0;

/// Frames to each side over which a contour is smoothed before its hills are counted: 70 ms.
const SMOOTH_REACH: usize = 3;

/// Statistics of the voice over a whole clip, for classifiers of one vector a clip.
///
/// # Shapes
///
/// `(1, 100)` or `(1, 88)`, as the [set](FunctionalSet) says; every column has a name.
///
/// # Example
///
/// ```
/// use av_features::{Extractor, FunctionalSet, Functionals};
///
/// let functionals = Functionals { set: FunctionalSet::EgemapsLike1, trim: None };
/// assert_eq!(functionals.fingerprint(), r#"functionals/4 {"set":"egemaps-like-1"}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Functionals {
    /// What is measured.
    #[serde(skip_serializing_if = "FunctionalSet::is_default")]
    pub set: FunctionalSet,
    /// Whether silence is cut off both ends; by default not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<Trim>,
}

/// A named and numbered set of functionals: its columns and their values are never edited. What should
/// be measured otherwise is a set with another number.
///
/// Contours have a value every 10 ms, of frames of 25 ms at 16 kHz where nothing else is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionalSet {
    /// 100 columns, called `voice-1` in files: statistics over the frames within 40 dB of the loudest.
    ///
    /// | Contours | Statistics |
    /// |---|---|
    /// | `mfcc_1` to `mfcc_13` of 40 mel bands, natural logarithm | mean, sd |
    /// | `mfcc_delta_1` to `mfcc_delta_13` | sd |
    /// | `mel_1` to `mel_16`, log power | mean, sd |
    /// | `level_db` | mean, sd, p50, range, slope |
    /// | `f0_semitones` above 55 Hz, voiced frames | mean, sd, p50, range, slope |
    /// | `f0_delta` from frame to frame | sd |
    /// | `periodicity` | mean, sd |
    /// | `centroid_khz`, `rolloff_khz`, `flatness`, `flux`, `zero_crossings_per_ms` | mean, sd |
    ///
    /// and for the clip `voiced_share`, `pause_share`, `syllables_per_s` (rises of the level by 3 dB),
    /// `voiced_parts_per_s`, `voiced_part_s` (their mean duration) and `duration_s`. Range is the 90th minus
    /// the 10th percentile, slope that of the regression line a second. Where nothing is voiced the
    /// columns of the fundamental frequency are 0.
    #[default]
    #[serde(rename = "voice-1")]
    Voice1,
    /// 88 columns, called `egemaps-like-1` in files, after the extended Geneva set: its 25 contours and its
    /// statistics, with definitions of our own. Values differ from those of openSMILE, and models do not
    /// carry over.
    ///
    /// | Contours | Frames | Statistics |
    /// |---|---|---|
    /// | `f0_semitones` above 27.5 Hz | voiced | mean, variation, p20, p50, p80, range_20_80, mean and sd of rises and falls |
    /// | `loudness` | all | the same |
    /// | `flux`, `mfcc_1` to `mfcc_4` | all, and voiced | mean, variation |
    /// | `jitter`, `shimmer_db`, `hnr_db`, `h1_h2_db`, `h1_a3_db` | voiced | mean, variation |
    /// | `f1` to `f3`: `_hz`, `_bandwidth_hz`, `_level_db` | voiced | mean, variation |
    /// | `alpha_ratio_db`, `hammarberg_db`, `slope_0_500`, `slope_500_1500` | voiced | mean, variation |
    /// | these four and `flux` | unvoiced | mean |
    ///
    /// and for the clip `loudness_peaks_per_s`, `voiced_parts_per_s`, mean and sd of `voiced_part_s` and
    /// `unvoiced_part_s`, and `level_db`. Every contour is averaged over three frames where it has values.
    /// Variation is the standard deviation over the magnitude of the mean, range_20_80 the 80th minus the
    /// 20th percentile; a rise goes from a lowest to a highest point, its slope is a second. Columns without
    /// frames are 0.
    ///
    /// Our definitions:
    ///
    /// - F0, jitter, shimmer and `hnr_db` are those of [`voice_quality`](crate::voice_quality); a frame more
    ///   than 40 dB below the loudest is unvoiced.
    /// - Loudness is the sum over 26 mel bands from 20 to 8000 Hz of power, weighted by the equal-loudness
    ///   curve of Hermansky (1990), to 0.33; MFCC are of the same bands, orthonormal and without lifter.
    /// - Flux is the distance of the amplitude spectra of two frames, each of unit power.
    /// - Alpha ratio: power from 50 to 1000 Hz over that from 1 to 5 kHz. Hammarberg index: the strongest
    ///   bin below 2 kHz over the strongest from 2 to 5 kHz. Slopes: regression of the level in dB a kHz.
    /// - A harmonic is the strongest bin within a quarter of F0 around it, in 60 ms; `h1_a3_db` compares the
    ///   first with the strongest bin around the third formant, `fN_level_db` the strongest within half of
    ///   F0 around the formant with the first harmonic.
    /// - Formants are the roots of a predictor of order 10 (Burg) of 50 ms at 11 kHz, 90 to 5400 Hz and at
    ///   most 700 Hz wide.
    /// - Loudness peaks are hills of the loudness, smoothed over 70 ms, whose sides are at least a tenth of
    ///   the greatest loudness high.
    ///
    /// Left out are the Viterbi smoothing of the pitch and the Gaussian windows of the original.
    ///
    /// Source of contours and statistics: F. Eyben et al., IEEE Transactions on Affective Computing 7(2), 2016.
    #[serde(rename = "egemaps-like-1")]
    EgemapsLike1,
}

impl FunctionalSet {
    /// Whether it is left out of a fingerprint: the default was there before the sets had names.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Names and values of all columns.
    fn measure(self, samples: &[f32]) -> Result<Table> {
        match self {
            Self::Voice1 => voice_1(samples),
            Self::EgemapsLike1 => egemaps_like(samples),
        }
    }
}

impl Extractor for Functionals {
    fn name(&self) -> &'static str {
        "functionals"
    }

    fn version(&self) -> u32 {
        4
    }

    fn extract(&self, media: &Path) -> Result<Features> {
        let clip = Clip::read(media, RATE_HZ, self.trim)?;
        let Table { names, values } = self.set.measure(&clip.sound.samples)?;
        Ok(Features {
            shape: vec![1, values.len()],
            values: Values::F32(values),
            times_s: clip.centres(1),
            names,
            faces: None,
            warnings: clip.sound.warnings,
        })
    }

    fn trims(&self) -> bool {
        self.trim.is_some()
    }
}

/// The columns of [`FunctionalSet::Voice1`].
fn voice_1(samples: &[f32]) -> Result<Table> {
    let contours = Contours::new(samples)?;
    let all = [Mean, Sd, Percentile(50), Range, Slope];
    let mut table = Table::default();
    table.add(contours.cepstra(), &[Mean, Sd]);
    table.add(contours.cepstral_deltas()?, &[Sd]);
    table.add(contours.bands(), &[Mean, Sd]);
    table.add([contours.level()], &all);
    table.add([contours.pitch()], &all);
    table.add([contours.pitch_delta()], &[Sd]);
    table.add([contours.periodicity()], &[Mean, Sd]);
    table.add(contours.shapes(), &[Mean, Sd]);
    let frames = contours.active.len() as f64;
    let duration_s = samples.len() as f64 / f64::from(RATE_HZ);
    let share = |flags: &[bool]| flags.iter().filter(|&&flag| flag).count() as f64 / frames;
    let parts = contours.voiced.chunk_by(|a, b| a == b).filter(|part| part[0]).count() as f64;
    let voiced_s = share(&contours.voiced) * frames * HOP_S;
    table.push("voiced_share", share(&contours.voiced));
    table.push("pause_share", 1.0 - share(&contours.active));
    table.push("syllables_per_s", hills(&contours.level_db, SYLLABLE_DB) as f64 / duration_s);
    table.push("voiced_parts_per_s", parts / duration_s);
    table.push("voiced_part_s", if parts > 0.0 { voiced_s / parts } else { 0.0 });
    table.push("duration_s", duration_s);
    Ok(table)
}

/// Columns as they are collected.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    pub(crate) values: Vec<f32>,
}

impl Table {
    pub(crate) fn push(&mut self, name: &str, value: f64) {
        self.names.push(name.to_owned());
        self.values.push(value as f32);
    }

    pub(crate) fn add(
        &mut self,
        contours: impl IntoIterator<Item = Contour>,
        statistics: &[Statistic],
    ) {
        for contour in contours {
            for statistic in statistics {
                let name = format!("{}_{}", contour.name, statistic.name());
                self.push(&name, statistic.of(&contour.points));
            }
        }
    }
}

/// Counts the hills of a smoothed contour whose two sides are at least `rise` high.
pub(crate) fn hills(values: &[f64], rise: f64) -> usize {
    let smooth = |t: usize| {
        let around = t.saturating_sub(SMOOTH_REACH)..(t + SMOOTH_REACH + 1).min(values.len());
        let count = around.len() as f64;
        values[around].iter().sum::<f64>() / count
    };
    let (mut count, mut rising) = (0, true);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in (0..values.len()).map(smooth) {
        if rising {
            (low, high) = (low.min(value), high.max(value));
            if high - low >= rise && value <= high - rise {
                count += 1;
                (rising, low) = (false, value);
            } else if value <= low {
                high = value;
            }
        } else {
            low = low.min(value);
            if value >= low + rise {
                (rising, high) = (true, value);
            }
        }
    }
    // A hill that the end of the clip cuts off.
    count + usize::from(rising && high - low >= rise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn column(samples: &[f32], name: &str) -> f32 {
        let Table { names, values } = voice_1(samples).unwrap();
        values[names.iter().position(|n| n == name).unwrap()]
    }

    /// A voice at `hz` whose level swells `swells` times a second.
    fn voice(hz: f64, swells: f64, count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| {
                let t = i as f64 / 16_000.0;
                let gain = 0.5 - 0.45 * (TAU * swells * t).cos();
                let sum: f64 =
                    (1..8).map(|k| (TAU * hz * f64::from(k) * t).sin() / f64::from(k)).sum();
                (0.3 * gain * sum) as f32
            })
            .collect()
    }

    #[test]
    fn every_column_has_a_name_of_its_own_and_a_finite_value() {
        for samples in [voice(200.0, 4.0, 48_000), vec![0.0; 16_000], vec![0.3; 10], vec![1.0]] {
            let Table { names, values } = voice_1(&samples).unwrap();
            assert_eq!((names.len(), values.len()), (100, 100));
            assert!(values.iter().all(|value| value.is_finite()));
            let different: std::collections::BTreeSet<_> = names.iter().collect();
            assert_eq!(different.len(), 100);
        }
    }

    #[test]
    fn pitch_level_and_rate_of_a_known_voice() {
        let samples = voice(220.0, 4.0, 48_000);
        // 220 Hz is two octaves above 55 Hz.
        assert!((column(&samples, "f0_semitones_mean") - 24.0).abs() < 0.17);
        assert!(column(&samples, "f0_semitones_range") < 0.2);
        assert!(column(&samples, "voiced_share") > 0.9);
        assert!((column(&samples, "syllables_per_s") - 4.0).abs() < 0.4);
        assert!((column(&samples, "duration_s") - 3.0).abs() < 1e-6);
        let louder: Vec<f32> = samples.iter().map(|s| s * 2.0).collect();
        let gain = column(&louder, "level_db_mean") - column(&samples, "level_db_mean");
        assert!((gain - 6.0206).abs() < 1e-3, "{gain}");
    }

    #[test]
    fn the_slope_follows_a_rising_voice() {
        let samples: Vec<f32> = (0..32_000)
            .map(|i| {
                let t = f64::from(i) / 16_000.0;
                // 12 semitones in 2 seconds from 110 Hz: the phase is the integral of the frequency.
                let phase = 110.0 * 2.0 / 2.0_f64.ln() * (2.0_f64.powf(t / 2.0) - 1.0);
                (0.3 * (TAU * phase).sin() + 0.2 * (2.0 * TAU * phase).sin()) as f32
            })
            .collect();
        let slope = column(&samples, "f0_semitones_slope");
        assert!((slope - 6.0).abs() < 0.2, "{slope}");
    }

    #[test]
    fn pauses_are_counted() {
        let mut samples = voice(150.0, 1.0, 32_000);
        samples[16_000..].fill(0.0);
        let share = column(&samples, "pause_share");
        assert!((0.45..0.60).contains(&share), "{share}");
    }
}
