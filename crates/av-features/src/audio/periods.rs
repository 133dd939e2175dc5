//! The single periods of a voice.

use super::resample::resample;
use crate::Result;

/// By how much the rate is raised before periods are measured: at 16 kHz a period of 5 ms is 80 samples,
/// and a jitter of 0.5 % less than half of one.
const FINE: usize = 4;

/// Shortest and longest period, relative to that of the pitch tracker.
const REACH: [f64; 2] = [0.8, 1.25];

/// Two neighbouring periods whose lengths differ by more than this factor are not both periods of the
/// voice, after the default of Praat.
const MAX_LENGTH_FACTOR: f64 = 1.3;

/// The same for their amplitudes.
const MAX_AMPLITUDE_FACTOR: f64 = 1.6;

/// A period of the voice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    /// Its middle in seconds.
    pub(crate) time_s: f64,
    /// Its length in seconds.
    length_s: f64,
    /// Greatest minus smallest sample around its beginning.
    amplitude: f64,
}

/// The periods of each voiced stretch.
///
/// # Definition
///
/// From the extreme sample in the middle of a stretch to both sides, the next mark lies where a window
/// of one period around it correlates best with that around the last mark, within 0.8 to 1.25 times
/// the period of the pitch tracker; parabolas place it between the samples of four times the rate.
/// A stretch ends where its frames end.
///
/// # Source
///
/// The waveform matching of Praat ("To PointProcess (cc)", P. Boersma and D. Weenink).
pub(crate) fn periods(
    samples: &[f32],
    sample_rate_hz: u32,
    hop: usize,
    hz: &[Option<f64>],
) -> Result<Vec<Vec<Period>>> {
    let fine = resample(samples, sample_rate_hz, sample_rate_hz * FINE as u32)?;
    let marker = Marker {
        samples: &fine,
        rate_hz: f64::from(sample_rate_hz) * FINE as f64,
        hop: hop * FINE,
        hz,
    };
    let mut first = 0;
    let mut found = Vec::new();
    for stretch in hz.chunk_by(|a, b| a.is_some() == b.is_some()) {
        let frames = first..first + stretch.len();
        first = frames.end;
        if stretch[0].is_some() {
            found.push(marker.stretch(frames));
        }
    }
    Ok(found)
}

/// Mean difference of the lengths of neighbouring periods within a time, relative to their mean length.
pub(crate) fn jitter(periods: &[Vec<Period>], within_s: [f64; 2]) -> Option<f64> {
    let pairs = pairs(periods, within_s);
    let mean = mean(pairs.iter().map(|[a, b]| (a.length_s + b.length_s) / 2.0))?;
    Some(mean_difference(&pairs, |period| period.length_s)? / mean)
}

/// Mean difference of the amplitudes of neighbouring periods within a time in dB.
pub(crate) fn shimmer_db(periods: &[Vec<Period>], within_s: [f64; 2]) -> Option<f64> {
    mean_difference(&pairs(periods, within_s), |period| 20.0 * period.amplitude.log10())
}

/// Neighbouring periods that may both be periods of the voice.
fn pairs(periods: &[Vec<Period>], [from_s, to_s]: [f64; 2]) -> Vec<[Period; 2]> {
    let inside = |period: &Period| {
        period.time_s - period.length_s / 2.0 >= from_s
            && period.time_s + period.length_s / 2.0 <= to_s
    };
    let near = |a: f64, b: f64, factor: f64| a.max(b) <= factor * a.min(b);
    let stretches = periods.iter().filter(|stretch| {
        // Most stretches lie elsewhere.
        stretch.first().is_some_and(|period| period.time_s <= to_s)
            && stretch.last().is_some_and(|period| period.time_s >= from_s)
    });
    stretches
        .flat_map(|stretch| stretch.windows(2))
        .filter_map(|pair| <[Period; 2]>::try_from(pair).ok())
        .filter(|pair| pair.iter().all(inside))
        .filter(|[a, b]| {
            near(a.length_s, b.length_s, MAX_LENGTH_FACTOR)
                && near(a.amplitude, b.amplitude, MAX_AMPLITUDE_FACTOR)
                && a.amplitude.min(b.amplitude) > 0.0
        })
        .collect()
}

fn mean_difference(pairs: &[[Period; 2]], value: impl Fn(&Period) -> f64) -> Option<f64> {
    mean(pairs.iter().map(|[a, b]| (value(a) - value(b)).abs()))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

/// Sets marks one period apart.
struct Marker<'a> {
    samples: &'a [f32],
    rate_hz: f64,
    hop: usize,
    hz: &'a [Option<f64>],
}

impl Marker<'_> {
    fn stretch(&self, frames: std::ops::Range<usize>) -> Vec<Period> {
        // A frame stands for half a hop to each side.
        let from = (frames.start * self.hop).saturating_sub(self.hop / 2);
        let to = (frames.end * self.hop).saturating_sub(self.hop / 2).min(self.samples.len());
        let Some(first) = self.extreme((from + to) / 2, to) else { return Vec::new() };
        let inside = from as f64..to as f64;
        let walk = |step: f64| {
            std::iter::successors(Some(first as f64), move |&mark| self.next(mark, step))
                .take_while(|mark| inside.contains(mark))
        };
        let mut marks: Vec<f64> = walk(-1.0).skip(1).collect();
        marks.reverse();
        marks.extend(walk(1.0));
        let period = |pair: &[f64]| Period {
            time_s: (pair[0] + pair[1]) / 2.0 / self.rate_hz,
            length_s: (pair[1] - pair[0]) / self.rate_hz,
            amplitude: self.amplitude(pair[0], pair[1] - pair[0]),
        };
        marks.windows(2).map(period).collect()
    }

    /// The period of the pitch tracker in samples.
    fn period(&self, mark: f64) -> Option<f64> {
        let frame = (mark / self.hop as f64).round() as usize;
        Some(self.rate_hz / self.hz.get(frame).copied().flatten()?)
    }

    /// The sample of greatest magnitude in the period from `from`.
    fn extreme(&self, from: usize, to: usize) -> Option<usize> {
        let end = (from + self.period(from as f64)? as usize).min(to);
        (from..end).max_by(|&a, &b| self.samples[a].abs().total_cmp(&self.samples[b].abs()))
    }

    /// The mark after or before another.
    fn next(&self, mark: f64, step: f64) -> Option<f64> {
        let period = self.period(mark)?;
        let half = (period / 2.0) as usize;
        let centre = mark.round() as usize;
        let here = self.samples.get(centre.checked_sub(half)?..centre + half)?;
        let [near, far] = REACH.map(|factor| (factor * period) as usize);
        let lags: Vec<usize> = (near - 1..=far + 1).collect();
        let likeness = |&lag: &usize| {
            let start = (centre - half) as f64 + step * lag as f64;
            if start < 0.0 {
                return None;
            }
            let there = self.samples.get(start as usize..start as usize + 2 * half)?;
            Some(correlation(here, there))
        };
        let likeness: Vec<f64> = lags.iter().map(likeness).collect::<Option<_>>()?;
        let inner = 1..likeness.len() - 1;
        let best = inner.max_by(|&a, &b| likeness[a].total_cmp(&likeness[b]))?;
        let lag = lags[best] as f64 + summit([best - 1, best, best + 1].map(|i| likeness[i]));
        // The fraction of the mark is kept, and the window was at a whole sample.
        (likeness[best] > 0.0).then_some(mark + step * lag)
    }

    /// Greatest minus smallest sample in the period around a mark.
    fn amplitude(&self, mark: f64, length: f64) -> f64 {
        let [from, to] =
            [mark - length / 2.0, mark + length / 2.0].map(|at| at.round().max(0.0) as usize);
        let around = &self.samples[from.min(self.samples.len())..to.min(self.samples.len())];
        let fold = |start: f32, f: fn(f32, f32) -> f32| around.iter().copied().fold(start, f);
        f64::from(fold(f32::MIN, f32::max)) - f64::from(fold(f32::MAX, f32::min))
    }
}

/// The cosine of the angle between two windows.
fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (a, b) in a.iter().zip(b) {
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    let norm = (f64::from(aa) * f64::from(bb)).sqrt();
    if norm > 0.0 { f64::from(ab) / norm } else { 0.0 }
}

/// Where the parabola through three values at -1, 0 and 1 has its summit.
pub(crate) fn summit([a, b, c]: [f64; 3]) -> f64 {
    let curvature = a - 2.0 * b + c;
    if curvature < 0.0 { ((a - c) / (2.0 * curvature)).clamp(-0.5, 0.5) } else { 0.0 }
}
