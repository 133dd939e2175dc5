//! Changes from frame to frame.

use super::log_mel;
use super::matrix::Matrix;
use super::mel_spectrogram::Convention;
use crate::{Error, Result};

/// Frames over which librosa's deltas fit a polynomial.
const LIBROSA_WIDTH: usize = 9;

/// Frames to each side over which the deltas of torchaudio and Kaldi regress.
const REACH: usize = 2;

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
    let (columns, rows) = (values.columns.max(1), values.rows());
    let first = || log_mel::deltas(&values.values, columns, REACH);
    let values = match (convention, order) {
        (Convention::Librosa, _) if rows < LIBROSA_WIDTH => {
            return wrong(format!(
                "{rows} frames are fewer than the {LIBROSA_WIDTH} of librosa's deltas: a longer \
                 sound, a shorter hop or another convention"
            ));
        }
        (Convention::Librosa, _) => slide(values, &savitzky_golay(order), Ends::SameWindow),
        (Convention::Torchaudio | Convention::Kaldi, 1) => first(),
        (Convention::Torchaudio, _) => log_mel::deltas(&first(), columns, REACH),
        (Convention::Kaldi, _) => slide(values, &twice(), Ends::Repeated),
    };
    Ok(Matrix { columns, values })
}

/// What a filter sees beyond the first and last frame.
#[derive(Clone, Copy)]
enum Ends {
    /// The first and last frame again.
    Repeated,
    /// The filter stays inside, and frames near the ends share the outermost window.
    SameWindow,
}

/// The sum of the frames around each, weighted.
fn slide(matrix: &Matrix, weights: &[f64], ends: Ends) -> Vec<f32> {
    let (rows, reach) = (matrix.rows(), weights.len() / 2);
    let mut out = Vec::with_capacity(matrix.values.len());
    let mut sums = vec![0.0; matrix.columns];
    for t in 0..rows {
        let centre = match ends {
            Ends::Repeated => t,
            Ends::SameWindow => t.clamp(reach, rows - 1 - reach),
        };
        sums.fill(0.0);
        for (i, weight) in weights.iter().enumerate() {
            let row = matrix.row((centre + i).saturating_sub(reach).min(rows - 1));
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += weight * f64::from(value);
            }
        }
        out.extend(sums.iter().map(|&sum| sum as f32));
    }
    out
}

/// Derivative `order` of the polynomial of degree `order` through the frames: constant over the window.
fn savitzky_golay(order: usize) -> Vec<f64> {
    let reach = (LIBROSA_WIDTH / 2) as f64;
    let places: Vec<f64> = (0..LIBROSA_WIDTH).map(|i| i as f64 - reach).collect();
    let power = |exponent| places.iter().map(|x| x.powi(exponent)).sum::<f64>();
    let (n, squares, fourths) = (LIBROSA_WIDTH as f64, power(2), power(4));
    let weight = |x: &f64| match order {
        1 => x / squares,
        _ => 2.0 * (n * x * x - squares) / (n * fourths - squares * squares),
    };
    places.iter().map(weight).collect()
}

/// The slope's filter convolved with itself.
fn twice() -> Vec<f64> {
    let reach = REACH as isize;
    let norm = (-reach..=reach).map(|n| n * n).sum::<isize>() as f64;
    let slope = |n: isize| if n.abs() <= reach { n as f64 / norm } else { 0.0 };
    (-2 * reach..=2 * reach)
        .map(|n| (-reach..=reach).map(|m| slope(m) * slope(n - m)).sum())
        .collect()
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
