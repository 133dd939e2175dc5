//! One time line for all modalities of a clip, so that a segment shows one moment of each.

use av_datasets::{Modalities, Modality};
use av_features::Features;

/// What tracks may differ in their beginnings and ends: a frame of picture, or what a codec of sound fills up.
const SAME_S: f64 = 0.045;

/// The time line of a clip: from the first to the last moment that any modality has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timeline {
    start_s: f64,
    end_s: f64,
    /// Whether the modalities begin or end at other times, so that one lacks moments that another one has.
    apart: bool,
}

/// When the segments of a modality are: `count` of them divide it evenly.
#[derive(Clone, Copy, Debug)]
struct Extent {
    start_s: f64,
    end_s: f64,
    count: usize,
}

impl Timeline {
    /// The time line of some modalities. One with a single segment says something of the whole clip and bounds nothing.
    pub fn of(features: &Modalities<Option<&Features>>, modalities: &[Modality]) -> Self {
        let extents = modalities.iter().filter_map(|&it| Extent::of(features[it]?));
        let extents: Vec<Extent> = extents.filter(|extent| extent.count > 1).collect();
        let of = |f: fn(&Extent) -> f64| extents.iter().map(f);
        let [starts, ends] =
            [of(|it| it.start_s), of(|it| it.end_s)].map(Iterator::collect::<Vec<_>>);
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let apart = [&starts, &ends]
            .map(|values| most(values) - least(values))
            .iter()
            .any(|&it| it > SAME_S);
        Self { start_s: least(&starts), end_s: most(&ends), apart }
    }

    /// Whether one modality lacks moments that another one has.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// The segment that a modality has at a position in `[0, 1)`; none: it has nothing there.
    pub fn segment(&self, features: &Features, position: f64) -> Option<usize> {
        let last = segments_of(features).checked_sub(1)?;
        if !self.apart || last == 0 {
            return Some(((position * (last + 1) as f64) as usize).min(last));
        }
        let extent = Extent::of(features)?;
        let step_s = (extent.end_s - extent.start_s) / extent.count as f64;
        let index = ((self.time_s(position) - extent.start_s) / step_s).floor();
        (0.0..=last as f64).contains(&index).then_some(index as usize)
    }

    /// The time of a position in seconds, where the modalities are apart.
    pub fn time_s(&self, position: f64) -> f64 {
        self.start_s + position * (self.end_s - self.start_s)
    }

    /// What is to be said of a clip whose modalities are apart.
    pub fn warning(&self, features: &Modalities<Option<&Features>>) -> Option<String> {
        if !self.apart {
            return None;
        }
        let parts = features.iter().filter_map(|(modality, features)| {
            let Extent { start_s, end_s, count } = Extent::of((*features)?)?;
            let medium = modality.medium();
            (count > 1).then(|| format!("{medium} from {start_s:.2} to {end_s:.2} s"))
        });
        let parts = parts.collect::<Vec<_>>().join(", ");
        Some(format!("{parts}: where one has nothing, the other is taken alone"))
    }
}

impl Extent {
    /// None without a segment.
    fn of(features: &Features) -> Option<Self> {
        let count = segments_of(features);
        let times = &features.times_s;
        let (&first, &last) = (times.first()?, times.last()?);
        let half_s = match count {
            0 => return None,
            1 => first,
            _ => (last - first) / (count - 1) as f64 / 2.0,
        };
        // Nothing is before the file; a difference may come out as -0.
        Some(Self { start_s: (first - half_s).max(0.0), end_s: last + half_s, count })
    }
}

/// Number of segments that were extracted.
pub(super) fn segments_of(features: &Features) -> usize {
    features.shape.first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use av_features::{Values, segments};

    const BOTH: [Modality; 2] = [Modality::Audio, Modality::Video];

    fn features(start_s: f64, duration_s: f64, count: usize) -> Features {
        let centres = segments::centres(duration_s, count);
        Features {
            shape: vec![count, 1],
            values: Values::F32(vec![0.0; count]),
            times_s: centres.into_iter().map(|time_s| start_s + time_s).collect(),
            names: vec![],
            faces: None,
            warnings: vec![],
        }
    }

    /// The segments of sound and picture at positions.
    fn pairs(sound: &Features, picture: &Features, positions: &[f64]) -> Vec<[Option<usize>; 2]> {
        let features = Modalities::from_fn(|modality| match modality {
            Modality::Audio => Some(sound),
            Modality::Video => Some(picture),
        });
        let line = Timeline::of(&features, &BOTH);
        let at = |&position: &f64| [sound, picture].map(|it| line.segment(it, position));
        positions.iter().map(at).collect()
    }

    #[test]
    fn tracks_of_one_length_are_paired_by_their_number() {
        let found = pairs(&features(0.0, 2.0, 4), &features(0.0, 2.04, 8), &[0.0, 0.499, 0.999]);
        assert_eq!(found, [[Some(0), Some(0)], [Some(1), Some(3)], [Some(3), Some(7)]]);
    }

    #[test]
    fn of_tracks_of_two_lengths_one_moment_is_paired() {
        // 2 s of sound and 1 s of picture, both in fourths: 0.6 s is the second of one and the third of the other.
        let found = pairs(&features(0.0, 2.0, 4), &features(0.0, 1.0, 4), &[0.1, 0.3, 0.49, 0.51]);
        let expected = [[0, 0], [1, 2], [1, 3]].map(|pair| pair.map(Some));
        assert_eq!(found[..3], expected);
        assert_eq!(found[3], [Some(2), None]);
    }

    #[test]
    fn what_begins_later_is_absent_before() {
        let found = pairs(&features(1.0, 1.0, 4), &features(0.0, 2.0, 4), &[0.4, 0.6]);
        assert_eq!(found, [[None, Some(1)], [Some(0), Some(2)]]);
    }

    #[test]
    fn statistics_of_the_clip_are_of_all_its_moments() {
        let found = pairs(&features(0.0, 1.0, 1), &features(0.0, 2.0, 4), &[0.1, 0.9]);
        assert_eq!(found, [[Some(0), Some(0)], [Some(0), Some(3)]]);
    }

    #[test]
    fn a_word_says_which_moments_are_lacking() {
        let (sound, picture) = (features(0.0, 2.0, 4), features(0.0, 1.0, 4));
        let features = Modalities::from_fn(|modality| match modality {
            Modality::Audio => Some(&sound),
            Modality::Video => Some(&picture),
        });
        let warning = Timeline::of(&features, &BOTH).warning(&features).unwrap();
        assert!(warning.contains("from 0.00 to 2.00 s"), "{warning}");
        assert!(warning.contains("from 0.00 to 1.00 s"), "{warning}");
        assert_eq!(Timeline::of(&features, &BOTH[..1]).warning(&features), None);
    }
}
