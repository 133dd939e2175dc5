//! The patches of frames that networks see, one per segment of a clip.

use super::matrix::Matrix;
use crate::segments;

/// `count` patches of `frames` frames of some channels, which have the same frames and columns: `(count, channels, columns,
/// frames)`. Where the patches lie: [`segments::windows`].
pub(crate) fn patches(channels: [&Matrix; 3], frames: usize, count: usize) -> Vec<f32> {
    let (length, columns) = (channels[0].rows(), channels[0].columns);
    let mut values = Vec::with_capacity(count * channels.len() * columns * frames);
    for start in segments::windows(length, frames, count) {
        let rows: Vec<usize> = (0..frames as isize)
            .map(|t| (start + t).clamp(0, length as isize - 1) as usize)
            .collect();
        for Matrix { values: channel, .. } in channels {
            for column in 0..columns {
                values.extend(rows.iter().map(|row| channel[row * columns + column]));
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One column of 0, 1, 2 ... and one of their negatives, ten times as large in each channel as in the one before.
    fn channels(length: usize) -> [Matrix; 3] {
        [1.0, 10.0, 100.0].map(|factor| {
            let values = (0..length).flat_map(|t| [factor * t as f32, -factor * t as f32]);
            Matrix { columns: 2, values: values.collect() }
        })
    }

    #[test]
    fn a_segment_shows_the_frames_of_its_window_channel_by_channel_and_column_by_column() {
        let channels = channels(8);
        let values = patches(channels.each_ref(), 4, 2);
        assert_eq!(values.len(), 2 * 3 * 2 * 4);
        for (segment, first) in [(0, 0.0), (1, 4.0)] {
            for (channel, factor) in [1.0, 10.0, 100.0].into_iter().enumerate() {
                for (column, sign) in [1.0, -1.0].into_iter().enumerate() {
                    let found = &values[((segment * 3 + channel) * 2 + column) * 4..][..4];
                    let truth = [0.0, 1.0, 2.0, 3.0].map(|t| sign * factor * (first + t));
                    assert_eq!(found, truth, "{segment} {channel} {column}");
                }
            }
        }
    }

    #[test]
    fn a_short_clip_is_repeated_at_its_ends() {
        let channels = channels(2);
        let values = patches(channels.each_ref(), 5, 1);
        assert_eq!(values[..5], [0.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(values[15..20], [-0.0, -0.0, -0.0, -10.0, -10.0]);
    }
}
