//! One vector of named numbers for the voice of a clip.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::contours::{Contours, HOP_S, RATE_HZ};
use super::statistics::Statistic::{Mean, Percentile, Range, Sd, Slope};
use super::statistics::{Contour, Statistic};
use crate::features::{Extractor, Features, Values};
use crate::{Result, read_sound, segments};

/// Rise and fall of the level that make a syllable, in dB.
const SYLLABLE_DB: f64 = 3.0;

/// Frames to each side over which the level is smoothed before syllables are counted: 70 ms.
const SYLLABLE_REACH: usize = 3;

/// Statistics of the voice over a whole clip, for classifiers of one vector a clip.
///
/// # Definition
///
/// Contours with a value every 10 ms, of frames of 25 ms at 16 kHz, and statistics of each over the
/// frames within 40 dB of the loudest:
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
///
/// # Shapes
///
/// `(1, 100)`; every column has a name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Functionals {}

impl Extractor for Functionals {
    const NAME: &'static str = "functionals";
    const VERSION: u32 = 1;

    fn extract(&self, media: &Path) -> Result<Features> {
        let sound = read_sound(media, RATE_HZ)?;
        segments::check_duration(media, sound.duration_s())?;
        let (names, values) = functionals(&sound.samples)?;
        Ok(Features {
            shape: vec![1, values.len()],
            values: Values::F32(values),
            times_s: segments::centres(sound.duration_s(), 1),
            names,
            faces: None,
            warnings: sound.warnings,
        })
    }
}

/// Names and values of all columns.
fn functionals(samples: &[f32]) -> Result<(Vec<String>, Vec<f32>)> {
    let contours = Contours::new(samples)?;
    let all = [Mean, Sd, Percentile(50), Range, Slope];
    let mut table = Table::default();
    table.add(contours.cepstra(), &[Mean, Sd]);
    table.add(contours.cepstral_deltas(), &[Sd]);
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
    table.push("syllables_per_s", syllables(&contours.level_db) as f64 / duration_s);
    table.push("voiced_parts_per_s", parts / duration_s);
    table.push("voiced_part_s", if parts > 0.0 { voiced_s / parts } else { 0.0 });
    table.push("duration_s", duration_s);
    Ok((table.names, table.values))
}

/// Columns as they are collected.
#[derive(Default)]
struct Table {
    names: Vec<String>,
    values: Vec<f32>,
}

impl Table {
    fn push(&mut self, name: &str, value: f64) {
        self.names.push(name.to_owned());
        self.values.push(value as f32);
    }

    fn add(&mut self, contours: impl IntoIterator<Item = Contour>, statistics: &[Statistic]) {
        for contour in contours {
            for statistic in statistics {
                let name = format!("{}_{}", contour.name, statistic.name());
                self.push(&name, statistic.of(&contour.points));
            }
        }
    }
}

/// Counts the hills of the smoothed level whose two sides are at least [`SYLLABLE_DB`] high.
fn syllables(level_db: &[f64]) -> usize {
    let smooth = |t: usize| {
        let around = t.saturating_sub(SYLLABLE_REACH)..(t + SYLLABLE_REACH + 1).min(level_db.len());
        let count = around.len() as f64;
        level_db[around].iter().sum::<f64>() / count
    };
    let (mut count, mut rising) = (0, true);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for db in (0..level_db.len()).map(smooth) {
        if rising {
            (low, high) = (low.min(db), high.max(db));
            if high - low >= SYLLABLE_DB && db <= high - SYLLABLE_DB {
                count += 1;
                (rising, low) = (false, db);
            } else if db <= low {
                high = db;
            }
        } else {
            low = low.min(db);
            if db >= low + SYLLABLE_DB {
                (rising, high) = (true, db);
            }
        }
    }
    // A hill that the end of the clip cuts off.
    count + usize::from(rising && high - low >= SYLLABLE_DB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn column(samples: &[f32], name: &str) -> f32 {
        let (names, values) = functionals(samples).unwrap();
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
            let (names, values) = functionals(&samples).unwrap();
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
