//! Centring and scaling, fitted on the training clips.

use super::subset::{Fit, Subset};
use av_datasets::Modalities;
use av_features::{Features, Values};
use serde::{Deserialize, Serialize};

/// Values beyond this many standard deviations are clamped: one outlier of a feature table must not
/// decide a batch.
const CLAMP: f32 = 5.0;

/// A column whose standard deviation is below this fraction of its mean magnitude counts as constant and
/// becomes 0: what varies in it is rounding.
const CONSTANT: f64 = 1e-6;

/// How the features of one modality are centred and scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// Each column (vectors) or channel (log-mel patches) by the mean and standard deviation of the training
    /// clips: `y = clamp((x - mean) / sd, -5, 5)`. A missing value (NaN) becomes 0, the mean.
    #[serde(alias = "fitted")]
    Standardise {
        /// Mean of each column.
        mean: Vec<f32>,
        /// 1 / sd of each column; 0 for a constant one.
        #[serde(alias = "factor")]
        inverse_sd: Vec<f32>,
    },
    /// Pictures in grey levels: each channel of each picture by its own mean and standard deviation, since
    /// light and skin differ from person to person and expression does not.
    #[serde(alias = "own")]
    PerImage,
}

/// The scaling of each modality; none where no training clip has it.
pub type Normaliser = Modalities<Option<Scaling>>;

/// Fits the scaling of each modality on the clips that are fitted to.
pub fn fit_normaliser(subset: &Subset<Fit>) -> Normaliser {
    Modalities::from_fn(|modality| {
        let features = subset.examples().iter().filter_map(|example| example.features[modality]);
        Scaling::fit(&features.collect::<Vec<_>>())
    })
}

impl Scaling {
    /// None without clips.
    fn fit(clips: &[&Features]) -> Option<Self> {
        let first = clips.first()?;
        if matches!(first.values, Values::U8(_)) {
            return Some(Self::PerImage);
        }
        let columns = *first.shape.get(1)?;
        // Two passes: the second is centred, so that large offsets cost no digits.
        let sums = column_sums(clips, columns, |value, _| value);
        let mean: Vec<f64> = sums.iter().map(|(sum, count)| sum / count.max(1.0)).collect();
        let squares = column_sums(clips, columns, |value, column| (value - mean[column]).powi(2));
        let inverse_sd = squares.iter().zip(&mean).map(|((sum, count), mean)| {
            let sd = (sum / (count - 1.0).max(1.0)).sqrt();
            if sd > CONSTANT * mean.abs() && sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 }
        });
        Some(Self::Standardise {
            inverse_sd: inverse_sd.collect(),
            mean: mean.iter().map(|&mean| mean as f32).collect(),
        })
    }

    /// Appends one segment, normalised, to `out`; pictures from right to left if `flipped`.
    pub(crate) fn push(
        &self,
        features: &Features,
        segment: usize,
        flipped: bool,
        out: &mut Vec<f32>,
    ) {
        let size = features.shape.iter().skip(1).product::<usize>();
        let range = segment * size..(segment + 1) * size;
        let run = run_length(features);
        match (&features.values, self) {
            (Values::F32(values), Self::Standardise { mean, inverse_sd }) => {
                for (column, values) in values[range].chunks(run).enumerate() {
                    let (mean, inverse_sd) = (mean[column], inverse_sd[column]);
                    out.extend(values.iter().map(|value| {
                        let scaled = (value - mean) * inverse_sd;
                        if scaled.is_nan() { 0.0 } else { scaled.clamp(-CLAMP, CLAMP) }
                    }));
                }
            }
            (Values::F32(values), Self::PerImage) => out.extend_from_slice(&values[range]),
            (Values::U8(values), _) => {
                for channel in values[range].chunks(run) {
                    push_picture(channel, features.shape.last().copied(), flipped, out);
                }
            }
        }
    }
}

/// Appends one channel of a picture at mean 0 and standard deviation 1; a flat one is 0.
fn push_picture(channel: &[u8], width: Option<usize>, flipped: bool, out: &mut Vec<f32>) {
    let (mean, inverse_sd) = moments(channel);
    for row in channel.chunks(width.unwrap_or(1).max(1)) {
        let start = out.len();
        out.extend(row.iter().map(|&level| (f32::from(level) - mean) * inverse_sd));
        if flipped {
            out[start..].reverse();
        }
    }
}

/// Mean and 1 / sd of grey levels; 0 for the latter where all are the same.
fn moments(levels: &[u8]) -> (f32, f32) {
    let (mut sum, mut squares) = (0, 0);
    // Whole numbers are summed without rounding, and in any order: u32 holds the squares of a block.
    for block in levels.chunks(u32::MAX as usize / (255 * 255)) {
        sum += u64::from(block.iter().map(|&level| u32::from(level)).sum::<u32>());
        squares += u64::from(block.iter().map(|&level| u32::from(level).pow(2)).sum::<u32>());
    }
    let (sum, count) = (u128::from(sum), levels.len() as u128);
    // count^2 times the variance, exactly.
    let spread = count * u128::from(squares) - sum * sum;
    let mean = (sum as f64 / count as f64) as f32;
    let inverse_sd = if spread > 0 { count as f64 / (spread as f64).sqrt() } else { 0.0 };
    (mean, inverse_sd as f32)
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
    for features in clips {
        let Values::F32(values) = &features.values else { continue };
        for (chunk, values) in values.chunks(run_length(features)).enumerate() {
            let column = chunk % columns;
            for x in values.iter().filter(|x| !x.is_nan()) {
                sums[column].0 += value(f64::from(*x), column);
                sums[column].1 += 1.0;
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
        let scale = Scaling::fit(&clips.iter().collect::<Vec<_>>()).unwrap();
        let mut out = vec![];
        clips.iter().for_each(|clip| scale.push(clip, 0, false, &mut out));
        let root = std::f32::consts::FRAC_1_SQRT_2;
        assert_eq!(out, [-1.0, 0.0, -root, 0.0, 0.0, 0.0, 1.0, 0.0, root]);
    }

    #[test]
    fn a_patch_is_scaled_by_channel_over_all_its_segments() {
        let clip = features(&[2, 2, 1, 2], vec![0.0, 2.0, 5.0, 5.0, 4.0, 6.0, 5.0, 5.0]);
        let scale = Scaling::fit(&[&clip]).unwrap();
        let mut out = vec![];
        scale.push(&clip, 1, false, &mut out);
        let sd = (20.0f32 / 3.0).sqrt();
        assert_eq!(out, [1.0 / sd, 3.0 / sd, 0.0, 0.0]);
    }

    #[test]
    fn a_picture_is_scaled_by_itself_and_can_be_flipped() {
        let values = Values::U8(vec![9, 9, 9, 9, 10, 20, 30, 20]);
        let clip = Features { values, ..features(&[2, 1, 2, 2], vec![]) };
        let scale = Scaling::fit(&[&clip]).unwrap();
        let mut out = vec![];
        scale.push(&clip, 0, false, &mut out);
        scale.push(&clip, 1, true, &mut out);
        let root = std::f32::consts::SQRT_2;
        let expected = [0.0, 0.0, 0.0, 0.0, 0.0, -root, 0.0, root];
        assert_eq!(out.len(), expected.len());
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(out.iter().zip(&expected).all(close), "{out:?}");
    }
    #[test]
    fn the_moments_of_large_bright_pictures_are_exact() {
        // 0 once and 255 else: mean 255 (n - 1) / n, variance 255^2 (n - 1) / n^2.
        for count in [3_usize, 66_052, 20_000_000] {
            let mut levels = vec![255; count];
            levels[count / 2] = 0;
            let (mean, inverse_sd) = moments(&levels);
            let n = count as f64;
            assert_eq!(mean, (255.0 * (n - 1.0) / n) as f32, "{count}");
            assert_eq!(inverse_sd, (n / (255.0 * (n - 1.0).sqrt())) as f32, "{count}");
        }
        assert_eq!(moments(&[7; 5]), (7.0, 0.0));
    }
}
