//! Changes from frame to frame.
// Plain counted loops over small arrays stay in registers; iterators over them do not always.
#![allow(clippy::needless_range_loop)]

use pulp::{Simd, WithSimd};

use super::lanes::{Lanes, Real};
use super::matrix::Matrix;
use super::mel_spectrogram::Convention;
use crate::{Error, Result};

/// Frames over which librosa's deltas fit a polynomial.
const LIBROSA_WIDTH: usize = 9;

/// First or second deltas of every column, as a tool computes them in its own defaults.
///
/// # Definition
///
/// - [`Convention::Librosa`], `librosa.feature.delta`: the slope (`order` 1) or the curvature (`order`
///   2) of the parabola or line through 9 frames by least squares, which is the filter of Savitzky and Golay.
///   The first and last four frames have the value of the fifth from the end.
/// - [`Convention::Torchaudio`], `torchaudio.functional.compute_deltas`: `d(t) = sum_n n (x(t + n) -
///   x(t - n)) / 10` with `n` of 1 and 2 and the ends repeated; second deltas are the deltas of the deltas.
/// - [`Convention::Kaldi`], `add-deltas`: the same slope; for second deltas the filter is convolved with
///   itself and then slid over the repeated ends, which differs in the outer four frames.
///
/// # Shapes
///
/// Those of `values`.
///
/// # Errors
///
/// [`Error::Config`] for another order than 1 or 2, and for fewer than 9 frames in librosa's convention, which
/// librosa refuses as well.
///
/// # Source
///
/// A. Savitzky and M. J. E. Golay, Analytical Chemistry 36(8), 1964.
///
/// # Example
///
/// ```
/// use av_features::{Convention, Matrix, deltas};
///
/// let ramp = Matrix { columns: 1, values: (0..12).map(|t| 3.0 * t as f32).collect() };
/// let slope = deltas(&ramp, Convention::Librosa, 1)?;
/// assert!(slope.values.iter().all(|value| (value - 3.0).abs() < 1e-6));
/// # Ok::<(), av_features::Error>(())
/// ```
pub fn deltas(values: &Matrix, convention: Convention, order: usize) -> Result<Matrix> {
    let wrong = |reason: String| Err(Error::Config { extractor: "deltas", reason });
    if !(1..=2).contains(&order) {
        return wrong(format!("order {order} must be 1 or 2"));
    }
    if convention == Convention::Librosa && values.rows() < LIBROSA_WIDTH {
        return wrong(format!(
            "{} frames are fewer than the {LIBROSA_WIDTH} of librosa's deltas: a longer sound, a shorter hop or another \
             convention",
            values.rows()
        ));
    }
    Ok(match (convention, order) {
        (Convention::Librosa, 1) => slid(values, Side::Odd(LIBROSA_SLOPE), Ends::SameWindow),
        (Convention::Librosa, _) => slid(values, Side::Even(LIBROSA_CURVATURE), Ends::SameWindow),
        (Convention::Torchaudio | Convention::Kaldi, 1) => slid(values, SLOPE, Ends::Repeated),
        (Convention::Torchaudio, _) => {
            slid(&slid(values, SLOPE, Ends::Repeated), SLOPE, Ends::Repeated)
        }
        (Convention::Kaldi, _) => slid(values, Side::Even(KALDI_TWICE), Ends::Repeated),
    })
}

/// What a filter sees beyond the first and last frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// The first and last frame again.
    Repeated,
    /// The filter stays inside, and frames near the ends share the outermost window.
    SameWindow,
}

/// One side of a filter: a whole weight for each distance from 1, and what their sum is divided by.
type Weights<const N: usize> = ([f32; N], f32);

/// A filter whose weights add up to 0. Both kinds are sums of differences, so that what does not change has deltas of exactly 0.
#[derive(Clone, Copy)]
enum Side<const N: usize> {
    /// Weights before are those after with the other sign.
    Odd(Weights<N>),
    /// Weights before are those after, and the frame itself has what they lack to 0.
    Even(Weights<N>),
}

/// The slope of the line through 5 frames.
const SLOPE: Side<2> = Side::Odd(([1.0, 2.0], 10.0));

/// Its filter convolved with itself.
const KALDI_TWICE: Weights<4> = ([-4.0, 1.0, 4.0, 4.0], 100.0);

/// The slope of the line, and the curvature of the parabola, through 9 frames.
const LIBROSA_SLOPE: Weights<4> = ([1.0, 2.0, 3.0, 4.0], 60.0);
const LIBROSA_CURVATURE: Weights<4> = ([-17.0, -8.0, 7.0, 28.0], 462.0);

/// Every column through a filter.
fn slid<const N: usize>(matrix: &Matrix, side: Side<N>, ends: Ends) -> Matrix {
    let mut values = vec![0.0; matrix.values.len()];
    pulp::Arch::new().dispatch(Slide { matrix, side, ends, to: &mut values });
    Matrix { columns: matrix.columns.max(1), values }
}

struct Slide<'a, const N: usize> {
    matrix: &'a Matrix,
    side: Side<N>,
    ends: Ends,
    to: &'a mut [f32],
}

impl<const N: usize> WithSimd for Slide<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix: Matrix { columns, values }, side, ends, to } = self;
        let (columns, rows) = ((*columns).max(1), self.matrix.rows());
        let row = |t: usize| &values[t * columns..][..columns];
        let inner = N..rows.saturating_sub(N);
        for (t, to) in to.chunks_exact_mut(columns).enumerate() {
            if !inner.contains(&t) {
                let centre = match ends {
                    Ends::Repeated => t,
                    Ends::SameWindow => t.clamp(N, rows - 1 - N),
                };
                let (mut before, mut after) = ([row(centre); N], [row(centre); N]);
                for n in 0..N {
                    before[n] = row(centre.saturating_sub(n + 1));
                    after[n] = row((centre + n + 1).min(rows - 1));
                }
                weighed(simd, side, before, row(centre), after, to);
            }
        }
        if !inner.is_empty() {
            // Rows lie one after the other: all inner ones are one long row.
            let length = inner.len() * columns;
            let all = |t: usize| &values[t * columns..][..length];
            let (mut before, mut after) = ([all(0); N], [all(0); N]);
            for n in 0..N {
                before[n] = all(N - n - 1);
                after[n] = all(N + n + 1);
            }
            weighed(simd, side, before, all(N), after, &mut to[N * columns..][..length]);
        }
    }
}

/// The filter's sum over rows of one length, of which `before` and `after` start with the nearest.
#[inline(always)]
fn weighed<S: Simd, const N: usize>(
    simd: S,
    side: Side<N>,
    before: [&[f32]; N],
    centre: &[f32],
    after: [&[f32]; N],
    to: &mut [f32],
) {
    let wide = to.len() / S::F32_LANES * S::F32_LANES;
    let vectors = |slice| f32::vectors::<S>(slice);
    let lanes = |vector| Lanes::<S, f32>::new(simd, vector);
    let (wide_before, wide_after) = (before.map(vectors), after.map(vectors));
    let middle = vectors(centre);
    match side {
        Side::Odd((weights, norm)) => {
            for (i, to) in f32::vectors_mut::<S>(to).iter_mut().enumerate() {
                let mut sum = Lanes::splat(simd, 0.0);
                for n in 0..N {
                    sum = sum + (lanes(wide_after[n][i]) - lanes(wide_before[n][i])) * weights[n];
                }
                *to = (sum * (1.0 / norm)).vector;
            }
            for (i, to) in to.iter_mut().enumerate().skip(wide) {
                let sum =
                    (0..N).fold(0.0, |sum, n| sum + (after[n][i] - before[n][i]) * weights[n]);
                *to = sum * (1.0 / norm);
            }
        }
        Side::Even((weights, norm)) => {
            for (i, to) in f32::vectors_mut::<S>(to).iter_mut().enumerate() {
                let mut sum = Lanes::splat(simd, 0.0);
                let centre = lanes(middle[i]);
                for n in 0..N {
                    let sides =
                        (lanes(wide_after[n][i]) - centre) + (lanes(wide_before[n][i]) - centre);
                    sum = sum + sides * weights[n];
                }
                *to = (sum * (1.0 / norm)).vector;
            }
            for (i, to) in to.iter_mut().enumerate().skip(wide) {
                let here = centre[i];
                let sides = |n: usize| (after[n][i] - here) + (before[n][i] - here);
                let sum = (0..N).fold(0.0, |sum, n| sum + sides(n) * weights[n]);
                *to = sum * (1.0 / norm);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(values: impl IntoIterator<Item = f32>) -> Matrix {
        Matrix { columns: 1, values: values.into_iter().collect() }
    }

    #[test]
    fn a_parabola_has_its_curvature_in_librosas_convention() {
        let parabola = matrix((0..11).map(|t| (t * t) as f32));
        for value in deltas(&parabola, Convention::Librosa, 2).unwrap().values {
            assert!((value - 2.0).abs() < 1e-5, "{value}");
        }
        let slopes = deltas(&parabola, Convention::Librosa, 1).unwrap().values;
        assert!((slopes[5] - 10.0).abs() < 1e-5 && slopes[0] == slopes[4]);
    }

    /// The definition in f64: weights of all frames of a filter.
    fn slid_in_f64(x: &Matrix, weights: &[f64], repeated: bool) -> Vec<f64> {
        let (rows, reach) = (x.rows(), weights.len() / 2);
        let value = |t: usize, column: usize| {
            let centre = if repeated { t } else { t.clamp(reach, rows - 1 - reach) };
            let at = |i: usize| (centre + i).saturating_sub(reach).min(rows - 1);
            weights.iter().enumerate().map(|(i, w)| w * f64::from(x.row(at(i))[column])).sum()
        };
        (0..rows)
            .flat_map(|t| (0..x.columns).map(move |column| (t, column)))
            .map(|(t, c)| value(t, c))
            .collect()
    }

    #[test]
    fn filters_equal_their_sums_at_every_number_of_frames_and_columns() {
        let places: Vec<f64> = (-4..=4).map(f64::from).collect();
        let slope = [-0.2, -0.1, 0.0, 0.1, 0.2];
        let line: Vec<f64> = places.iter().map(|x| x / 60.0).collect();
        let parabola: Vec<f64> =
            places.iter().map(|x| 2.0 * (9.0 * x * x - 60.0) / 2772.0).collect();
        let twice: Vec<f64> = (0..9_usize)
            .map(|n| (0..5).filter_map(|m| Some(slope[m] * slope.get(n.checked_sub(m)?)?)).sum())
            .collect();
        for columns in [1, 3, 16, 33, 64] {
            for rows in [1, 2, 4, 5, 8, 9, 10, 12, 40] {
                let x: Vec<f32> = (0..rows * columns)
                    .map(|i| -80.0 * ((i * i) as f32 * 0.7).sin().abs())
                    .collect();
                let x = Matrix { columns, values: x };
                for (convention, order, weights, repeated) in [
                    (Convention::Torchaudio, 1, slope.as_slice(), true),
                    (Convention::Kaldi, 2, &twice, true),
                    (Convention::Librosa, 1, &line, false),
                    (Convention::Librosa, 2, &parabola, false),
                ] {
                    if !repeated && rows < LIBROSA_WIDTH {
                        continue;
                    }
                    let found = deltas(&x, convention, order).unwrap();
                    let truth = slid_in_f64(&x, weights, repeated);
                    assert_eq!((found.columns, found.values.len()), (columns, truth.len()));
                    for (i, (found, truth)) in found.values.iter().zip(truth).enumerate() {
                        let error = (f64::from(*found) - truth).abs();
                        assert!(
                            error < 1e-5,
                            "{convention:?} {order}, {rows} x {columns}, {i}: {error:e}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_change_has_deltas_of_exactly_zero() {
        let same = matrix([-73.123_45; 40]);
        for convention in [Convention::Librosa, Convention::Torchaudio, Convention::Kaldi] {
            for order in [1, 2] {
                let found = deltas(&same, convention, order).unwrap().values;
                assert!(
                    found.iter().all(|&value| value == 0.0),
                    "{convention:?} {order}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn kaldis_second_deltas_slide_one_filter_over_repeated_ends() {
        let x: Vec<f32> = (0..10).map(|t| ((t * t) % 7) as f32).collect();
        let found = deltas(&matrix(x.clone()), Convention::Kaldi, 2).unwrap().values;
        // (-2, -1, 0, 1, 2) / 10 convolved with itself.
        let weights = [4.0, 4.0, 1.0, -4.0, -10.0, -4.0, 1.0, 4.0, 4.0].map(|w| w / 100.0);
        for (t, found) in found.iter().enumerate() {
            let at = |i: usize| x[(t + i).saturating_sub(4).min(9)];
            let truth: f32 = weights.iter().enumerate().map(|(i, w)| w * at(i)).sum();
            assert!((found - truth).abs() < 1e-6, "{t}: {found} instead of {truth}");
        }
        let twice = deltas(&matrix(x), Convention::Torchaudio, 2).unwrap().values;
        assert!((found[5] - twice[5]).abs() < 1e-6 && (found[0] - twice[0]).abs() > 1e-3);
    }

    #[test]
    fn what_no_tool_computes_is_refused() {
        for (rows, convention, order, reason) in [
            (8, Convention::Librosa, 1, "8 frames are fewer than the 9"),
            (0, Convention::Librosa, 2, "0 frames"),
            (20, Convention::Torchaudio, 0, "order 0 must be 1 or 2"),
            (20, Convention::Kaldi, 3, "order 3"),
        ] {
            let error = deltas(&matrix(vec![1.0; rows]), convention, order).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert!(deltas(&matrix([]), Convention::Kaldi, 2).unwrap().values.is_empty());
        assert_eq!(deltas(&matrix([4.0]), Convention::Torchaudio, 2).unwrap().values, [0.0]);
    }
}
