//! Centring and scaling, fitted on the training clips.

use crate::AudioVisual;
use crate::part::Part;
use av_features::{Features, Values};
use serde::{Deserialize, Serialize};

/// Values beyond this many standard deviations are clamped: one outlier of a feature table must not
/// decide a batch.
const CLAMP: f32 = 5.0;

/// A column whose standard deviation is below this share of its mean magnitude counts as constant and
/// becomes 0: what varies in it is rounding.
const CONSTANT: f64 = 1e-6;

/// Mean and scale of each column (vectors) or channel (pictures) of one modality.
///
/// Definition: `y = clamp((x - mean) / sd, -5, 5)`; a missing value (NaN) becomes 0, the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    mean: Vec<f32>,
    /// 1 / sd; 0 for a constant column.
    factor: Vec<f32>,
}

/// The scales of both modalities; none where no training clip has the modality.
pub type Normaliser = AudioVisual<Option<Scale>>;

/// Fits both scales on the clips of `part`.
pub fn fit_normaliser(part: &Part) -> Normaliser {
    let features =
        |pick: for<'a> fn(&AudioVisual<Option<&'a Features>>) -> Option<&'a Features>| {
            part.items.iter().filter_map(|item| pick(&item.features)).collect::<Vec<_>>()
        };
    AudioVisual {
        audio: Scale::fit(&features(|both| both.audio)),
        video: Scale::fit(&features(|both| both.video)),
    }
}

impl Scale {
    /// None without clips.
    fn fit(clips: &[&Features]) -> Option<Self> {
        let columns = *clips.first()?.shape.get(1)?;
        // Two passes: the second is centred, so that large offsets cost no digits.
        let sums = column_sums(clips, columns, |value, _| value);
        let mean: Vec<f64> = sums.iter().map(|(sum, count)| sum / count.max(1.0)).collect();
        let squares = column_sums(clips, columns, |value, column| (value - mean[column]).powi(2));
        let factor = squares.iter().zip(&mean).map(|((sum, count), mean)| {
            let sd = (sum / (count - 1.0).max(1.0)).sqrt();
            if sd > CONSTANT * mean.abs() && sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 }
        });
        Some(Self {
            factor: factor.collect(),
            mean: mean.iter().map(|&mean| mean as f32).collect(),
        })
    }

    /// Appends one segment, normalised, to `out`.
    pub(crate) fn push(&self, features: &Features, segment: usize, out: &mut Vec<f32>) {
        let run = run_length(features);
        let size = run * self.mean.len();
        let range = segment * size..(segment + 1) * size;
        let normalise = |(index, value): (usize, f32)| {
            let column = index / run;
            let scaled = (value - self.mean[column]) * self.factor[column];
            if scaled.is_nan() { 0.0 } else { scaled.clamp(-CLAMP, CLAMP) }
        };
        match &features.values {
            Values::F32(values) => {
                out.extend(values[range].iter().copied().enumerate().map(normalise));
            }
            Values::U8(values) => {
                out.extend(
                    values[range].iter().map(|&value| value.into()).enumerate().map(normalise),
                );
            }
        }
    }
}

/// Neighbouring values that share a column: 1 in vectors, H * W in pictures.
fn run_length(features: &Features) -> usize {
    features.shape.iter().skip(2).product::<usize>().max(1)
}

/// Sum and count of `value(x, column)` over all values that are not missing.
fn column_sums(
    clips: &[&Features],
    columns: usize,
    value: impl Fn(f64, usize) -> f64,
) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); columns];
    let mut add = |index: usize, x: f64, run: usize| {
        if x.is_nan() {
            return;
        }
        let column = index / run % columns;
        sums[column].0 += value(x, column);
        sums[column].1 += 1.0;
    };
    for features in clips {
        let run = run_length(features);
        match &features.values {
            Values::F32(values) => {
                values.iter().enumerate().for_each(|(index, &x)| add(index, x.into(), run));
            }
            Values::U8(values) => {
                values.iter().enumerate().for_each(|(index, &x)| add(index, x.into(), run));
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(shape: &[usize], values: Vec<f32>) -> Features {
        Features {
            shape: shape.to_vec(),
            values: Values::F32(values),
            times_s: vec![],
            names: vec![],
            faces: None,
            warnings: vec![],
        }
    }

    #[test]
    fn columns_become_mean_0_and_sd_1_and_missing_values_the_mean() {
        let clips = [
            features(&[1, 3], vec![1.0, 7.0, 1e4]),
            features(&[1, 3], vec![2.0, 7.0, f32::NAN]),
            features(&[1, 3], vec![3.0, 7.0, 1e4 + 2.0]),
        ];
        let scale = Scale::fit(&clips.iter().collect::<Vec<_>>()).unwrap();
        let mut out = vec![];
        clips.iter().for_each(|clip| scale.push(clip, 0, &mut out));
        let root = std::f32::consts::FRAC_1_SQRT_2;
        assert_eq!(out, [-1.0, 0.0, -root, 0.0, 0.0, 0.0, 1.0, 0.0, root]);
    }

    #[test]
    fn a_picture_is_scaled_by_channel_over_all_its_segments() {
        let clip = features(&[2, 2, 1, 2], vec![0.0, 2.0, 5.0, 5.0, 4.0, 6.0, 5.0, 5.0]);
        let scale = Scale::fit(&[&clip]).unwrap();
        let mut out = vec![];
        scale.push(&clip, 1, &mut out);
        let sd = (20.0f32 / 3.0).sqrt();
        assert_eq!(out, [1.0 / sd, 3.0 / sd, 0.0, 0.0]);
    }
}
