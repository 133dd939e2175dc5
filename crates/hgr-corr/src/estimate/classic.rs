//! Estimators of the literature, under their usual names and with their usual value: that of the rows they are
//! fitted on.

use super::basis::Basis;
use super::column::Column;
use super::matrix::Matrix;
use super::rows::check;
use super::spectrum::spectrum;
use crate::{Error, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// The randomised dependence coefficient.
///
/// Definition: the mid-ranks u of each column, divided by the number of rows, become `functions` random features
/// `sin(w u + b)` with w and b normal with the standard deviation `scale`; the coefficient is the largest
/// canonical correlation of the two sets. The authors take 20 functions and a scale of 1/6 per column; the
/// value grows with both and for independent columns is near the root of (2 functions / rows).
///
/// Numerics: f64, deterministic in `seed`. Tied rows have the mean of their ranks: two independent coins give
/// about 0, where ranks in the order of the rows would invent dependence. A constant column gives 0.
///
/// Errors: columns of different lengths, fewer than 20 rows, NaN, no functions.
///
/// Source: Lopez-Paz, Hennig and Schölkopf, "The Randomized Dependence Coefficient", NeurIPS 2013.
///
/// ```
/// use hgr_corr::rdc;
/// let x: Vec<f64> = (0..500).map(|i| f64::from(i) / 250.0 - 1.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x * x).collect();
/// assert!(rdc(&x, &y, 20, 1.0, 0)? > 0.99);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn rdc(x: &[f64], y: &[f64], functions: usize, scale: f64, seed: u64) -> Result<f64> {
    present(x, y)?;
    if functions == 0 || !scale.is_finite() {
        return Err(Error::Shape {
            what: "the random functions",
            expected: "one or more, with a finite scale".into(),
            actual: format!("{functions} with a scale of {scale}"),
        });
    }
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let mut features = |values: &[f64]| -> Vec<f64> {
        let waves: Vec<[f64; 2]> = (0..functions)
            .map(|_| [(); 2].map(|()| scale * stream.sample::<f64, _>(StandardNormal)))
            .collect();
        let column = Column::new(values);
        let ranks = column.codes.iter().map(|code| column.atoms[*code as usize].rank);
        ranks.flat_map(|u| waves.iter().map(move |[w, b]| (w * u + b).sin())).collect()
    };
    let (f, g) = (features(x), features(y));
    first(&f, &g, x.len(), (functions, functions))
}

/// The double-kernel estimate of the maximal correlation: over polynomials of the values themselves.
///
/// Definition: the largest correlation of a polynomial of x and one of y, of degrees `degrees`. Not invariant
/// under monotone maps, and drawn to outliers; for independent columns near the root of (degrees / rows).
///
/// Numerics: f64; polynomials are orthonormal over the rows, so a high degree costs no digits. A constant
/// column gives 0.
///
/// Errors: columns of different lengths, fewer than 20 rows, NaN or an infinity.
///
/// Source: Giuliani, Misino and Lombardi, "Generalized Disparate Impact for Configurable Fairness Solutions in
/// ML", ICML 2023, and the package maxcorr of the same authors.
///
/// ```
/// use hgr_corr::double_kernel;
/// let x: Vec<f64> = (0..100).map(|i| f64::from(i) - 30.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x.powi(3) - 900.0 * x).collect();
/// assert!((double_kernel(&x, &y, (3, 1))? - 1.0).abs() < 1e-12);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn double_kernel(x: &[f64], y: &[f64], degrees: (usize, usize)) -> Result<f64> {
    let rows = present(x, y)?;
    let powers = |values: &[f64], degree| {
        Matrix::new(values, rows, 1)?;
        let column = Column::exact(values);
        let basis = Basis::powers(&column, degree);
        let (table, width) = (&basis.table, basis.width());
        let row = |code: &u32| table[*code as usize * width..][..width].to_vec();
        Ok::<_, Error>((column.codes.iter().flat_map(row).collect::<Vec<f64>>(), width))
    };
    let ((f, kx), (g, ky)) = (powers(x, degrees.0)?, powers(y, degrees.1)?);
    first(&f, &g, rows, (kx, ky))
}

/// Columns of one length without a missing value.
pub(super) fn present(x: &[f64], y: &[f64]) -> Result<usize> {
    let rows = check(&[x], &[y])?;
    for values in [x, y] {
        if let Some(row) = values.iter().position(|value| value.is_nan()) {
            return Err(Error::NonFinite { what: "a column", value: f64::NAN, row, column: 0 });
        }
    }
    Ok(rows)
}

fn first(f: &[f64], g: &[f64], rows: usize, (kx, ky): (usize, usize)) -> Result<f64> {
    let found = spectrum(Matrix::new(f, rows, kx)?, Matrix::new(g, rows, ky)?)?;
    Ok(found.sigma.first().copied().unwrap_or(0.0))
}
