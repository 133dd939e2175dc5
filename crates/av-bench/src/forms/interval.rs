//! From segments to stretches of one emotion.

use av_train::{ClipReport, SegmentPrediction};

/// A stretch of neighbouring segments with the same most probable class.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval<'a> {
    /// Beginning, in milliseconds from the start of the clip.
    pub start_ms: u64,
    /// End.
    pub end_ms: u64,
    /// The class.
    pub emotion: &'a str,
    /// Its mean probability over the segments.
    pub probability: f64,
    /// That of each class.
    pub probabilities: Vec<f64>,
}

/// The stretches of a clip, each up to the next one.
pub fn intervals<'a>(report: &ClipReport, classes: &'a [String]) -> Vec<Interval<'a>> {
    let centres: Vec<f64> = report.timeline.iter().map(|segment| segment.time_s).collect();
    let mut stretches: Vec<(Interval, f64)> = vec![];
    for (segment, [start_ms, end_ms]) in report.timeline.iter().zip(extents(&centres)) {
        let probabilities = in_order(segment, classes);
        let class = av_eval::argmax(&probabilities);
        let Some(emotion) = classes.get(class) else { continue };
        match stretches.last_mut() {
            Some((last, count)) if last.emotion == emotion => {
                last.end_ms = end_ms;
                let sums = last.probabilities.iter_mut().zip(&probabilities);
                sums.for_each(|(sum, value)| *sum += value);
                *count += 1.0;
            }
            _ => {
                let first = Interval { start_ms, end_ms, emotion, probability: 0.0, probabilities };
                stretches.push((first, 1.0));
            }
        }
    }
    let mean = |(mut stretch, count): (Interval<'a>, f64)| {
        stretch.probabilities.iter_mut().for_each(|sum| *sum /= count);
        // The largest mean: each of the segments has its largest value there.
        stretch.probability = stretch.probabilities.iter().copied().fold(0.0, f64::max);
        stretch
    };
    stretches.into_iter().map(mean).collect()
}

fn in_order(segment: &SegmentPrediction, classes: &[String]) -> Vec<f64> {
    let of = |class| segment.probabilities.get(class).copied().unwrap_or(0.0);
    classes.iter().map(of).collect()
}

/// Begin and end of segments in milliseconds. They meet in the middle between their centres, and the outer ones reach as
/// far to the outside; a single one begins with the clip, in whose middle it lies.
fn extents(centres: &[f64]) -> Vec<[u64; 2]> {
    let middle = |pair: &[f64]| pair.iter().sum::<f64>() / 2.0;
    let inner: Vec<f64> = centres.windows(2).map(middle).collect();
    let (Some(first), Some(last)) = (centres.first(), centres.last()) else { return vec![] };
    let start = inner.first().map_or(0.0, |edge| 2.0 * first - edge);
    let end = 2.0 * last - inner.last().unwrap_or(&0.0);
    let edges: Vec<u64> = std::iter::once(start)
        .chain(inner)
        .chain([end])
        .map(|edge| (edge * 1000.0).round() as u64) // what lies before the start is 0
        .collect();
    edges.windows(2).filter_map(|edges| <[u64; 2]>::try_from(edges).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms::testing::{classes, report};

    #[test]
    fn segments_meet_between_their_centres() {
        assert_eq!(extents(&[]), [[0; 2]; 0]);
        assert_eq!(extents(&[0.75]), [[0, 1500]]);
        assert_eq!(extents(&[0.5, 1.5, 2.5]), [[0, 1000], [1000, 2000], [2000, 3000]]);
        // Of a sound whose first second is quiet and left out.
        assert_eq!(extents(&[1.25, 1.75]), [[1000, 1500], [1500, 2000]]);
        assert_eq!(extents(&[3600.0004]), [[0, 7_200_001]]);
    }

    #[test]
    fn equal_neighbours_are_one_stretch_with_their_mean_probability() {
        let classes = classes(&["sad", "happy"]);
        let report =
            report("a.mp4", &classes, &[&[0.75, 0.25], &[0.5, 0.5], &[0.25, 0.75], &[1.0, 0.0]]);
        let found = intervals(&report, &classes);
        let of = |start_ms, end_ms, emotion, probabilities: [f64; 2]| Interval {
            start_ms,
            end_ms,
            emotion,
            probability: probabilities[0].max(probabilities[1]),
            probabilities: probabilities.to_vec(),
        };
        // Of equal probabilities the first class counts.
        let expected = [
            of(0, 2000, "sad", [0.625, 0.375]),
            of(2000, 3000, "happy", [0.25, 0.75]),
            of(3000, 4000, "sad", [1.0, 0.0]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_clip_without_segments_has_no_stretch() {
        let classes = classes(&["sad", "happy"]);
        assert_eq!(intervals(&report("a.mp4", &classes, &[]), &classes), []);
    }
}
