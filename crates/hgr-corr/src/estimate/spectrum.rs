use super::matrix::Matrix;
use super::white::White;
use crate::linear::{Mat, singular};
use crate::{Error, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Values within this share of the largest count as equal when a sign is chosen, so that rounding does not
/// choose it.
const TIE: f64 = 1e-9;

/// Pairs of modes of two sets of features: linear maps of each under which only matching pairs are correlated.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// Correlation of each pair on the rows it was fitted on, descending, in [0, 1]. As many as the smaller
    /// rank of the two sets.
    pub sigma: Vec<f64>,
    /// For each mode the weights of f's columns. The largest weight is positive.
    pub f_weights: Vec<Vec<f64>>,
    /// For each mode the weights of g's columns.
    pub g_weights: Vec<Vec<f64>>,
    f_means: Vec<f64>,
    g_means: Vec<f64>,
}

/// The canonical correlations of `f` and `g`, row by row, and the modes that reach them: what trained
/// features have in common.
///
/// Definition: with thin SVDs `f~ = U S V'` and `g~ = W T Z'` of the centred features, the singular values of
/// `U' W`; weights are scaled to modes of variance 1 (n - 1). Invariant under shifts and invertible linear
/// maps of either side. Max over linear heads of Soft-HGR is half the sum of sigma squared.
///
/// Errors: different numbers of rows, fewer than two rows.
///
/// Numerics: f64. Constant columns and columns that depend on others drop out. With no more rows than columns
/// every sigma is 1: that measures nothing, see [`held_out_spectrum`].
///
/// ```
/// use hgr_corr::{Matrix, spectrum};
/// let f = [0.0, 1.0, 2.0, 3.0];
/// let g = [5.0, 3.0, 1.0, -1.0]; // 5 - 2 f
/// let spectrum = spectrum(Matrix::new(&f, 4, 1)?, Matrix::new(&g, 4, 1)?)?;
/// assert!((spectrum.sigma[0] - 1.0).abs() < 1e-15);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn spectrum(f: Matrix, g: Matrix) -> Result<Spectrum> {
    check_rows(f, g)?;
    let (x, y) = (White::new(f)?, White::new(g)?);
    let (cross, x_back, y_back) = (x.cross(&y), x.back(), y.back());
    Spectrum::from_bases(cross, (&x_back, x.means()), (&y_back, y.means()), f.rows())
}

impl Spectrum {
    /// From the cross term of orthonormal bases of both sides, and for each side the way back to its columns and
    /// their means.
    pub(crate) fn from_bases(
        cross: Mat,
        (f_back, f_means): (&Mat, Vec<f64>),
        (g_back, g_means): (&Mat, Vec<f64>),
        rows: usize,
    ) -> Result<Self> {
        if cross.nrows() == 0 || cross.ncols() == 0 {
            let (sigma, f_weights, g_weights) = (vec![], vec![], vec![]);
            return Ok(Self { sigma, f_weights, g_weights, f_means, g_means });
        }
        let found = singular(cross).ok_or(Error::NotConverged { what: "SVD of the cross term" })?;
        // Rounding may leave a perfect correlation a digit above 1.
        let sigma: Vec<f64> = found.values.iter().map(|sigma| sigma.min(1.0)).collect();
        let scale = (rows as f64 - 1.0).sqrt();
        let weights = |back: &Mat, turn: &Mat| columns(&(back * turn), scale);
        let (mut f_weights, mut g_weights) = (weights(f_back, &found.u), weights(g_back, &found.v));
        for (f, g) in f_weights.iter_mut().zip(&mut g_weights) {
            if largest(f) < 0.0 {
                f.iter_mut().chain(g.iter_mut()).for_each(|weight| *weight = -*weight);
            }
        }
        Ok(Self { sigma, f_weights, g_weights, f_means, g_means })
    }

    /// Correlation of each pair of modes on other rows, in [-1, 1]; 0 for a mode that is constant there.
    ///
    /// Errors: other numbers of columns than the modes were fitted on, fewer than two rows.
    pub fn correlations(&self, f: Matrix, g: Matrix) -> Result<Vec<f64>> {
        check_rows(f, g)?;
        let expected = (self.f_means.len(), self.g_means.len());
        if (f.columns(), g.columns()) != expected {
            return Err(Error::Shape {
                what: "the features",
                expected: format!("{} and {} columns, as fitted", expected.0, expected.1),
                actual: format!("{} and {}", f.columns(), g.columns()),
            });
        }
        let pairs = self.f_weights.iter().zip(&self.g_weights);
        let correlation = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            correlation(&project(f, &self.f_means, a), &project(g, &self.g_means, b))
        };
        Ok(pairs.map(correlation).collect())
    }
}

/// The spectrum measured on rows that it was not fitted on: modes from `fit`, correlations from `test`.
///
/// Unlike the value of a training batch, this is evidence: independent sides give values around 0. They are not
/// sorted and may be negative.
///
/// Errors: as [`spectrum`] and [`Spectrum::correlations`].
pub fn held_out_spectrum(fit: (Matrix, Matrix), test: (Matrix, Matrix)) -> Result<Vec<f64>> {
    spectrum(fit.0, fit.1)?.correlations(test.0, test.1)
}

/// The control of [`held_out_spectrum`]: the same, with the test rows of g in an order drawn from `seed`.
pub fn shuffled_spectrum(
    fit: (Matrix, Matrix),
    test: (Matrix, Matrix),
    seed: u64,
) -> Result<Vec<f64>> {
    let (f, g) = test;
    let mut order: Vec<usize> = (0..g.rows()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let rows = order.iter().flat_map(|&row| (0..g.columns()).map(move |column| g.at(row, column)));
    let values: Vec<f64> = rows.collect();
    held_out_spectrum(fit, (f, Matrix::new(&values, g.rows(), g.columns())?))
}

fn columns(matrix: &Mat, scale: f64) -> Vec<Vec<f64>> {
    matrix.column_iter().map(|column| column.iter().map(|value| value * scale).collect()).collect()
}

/// The entry of largest size, the first of near equals; NaN is passed over.
pub(super) fn largest(values: &[f64]) -> f64 {
    let size = values.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
    values.iter().copied().find(|value| value.abs() > size * (1.0 - TIE)).unwrap_or(0.0)
}

fn project(features: Matrix, means: &[f64], weights: &[f64]) -> Vec<f64> {
    let centred = |row, column: usize| features.at(row, column) - means[column];
    (0..features.rows())
        .map(|row| weights.iter().enumerate().map(|(c, weight)| weight * centred(row, c)).sum())
        .collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let centre = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / count;
        values.iter().map(|value| value - mean).collect::<Vec<f64>>()
    };
    let (a, b) = (centre(a), centre(b));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norm = (dot(&a, &a) * dot(&b, &b)).sqrt();
    if norm > 0.0 { (dot(&a, &b) / norm).clamp(-1.0, 1.0) } else { 0.0 }
}

fn check_rows(f: Matrix, g: Matrix) -> Result<()> {
    if f.rows() != g.rows() {
        return Err(Error::Shape {
            what: "the two sides",
            expected: format!("as many rows each ({})", f.rows()),
            actual: g.rows().to_string(),
        });
    }
    if f.rows() < 2 {
        return Err(Error::TooFewRows { what: "a spectrum", expected: 2, actual: f.rows() });
    }
    Ok(())
}
