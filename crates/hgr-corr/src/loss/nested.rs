//! The nested H-score. It shares the tables of `pair` but not its sum: each entry of a covariance has a weight of its own,
//! so there is no Gram form, and the gradient need not be that of the value.

use super::closed_form::{Loss, check_pair};
use super::pair::{Product, Rows, in_form};
use crate::Result;
use candle_core::Tensor;

/// What the gradient of a nested loss reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nesting {
    /// Every level trains all its columns: the gradient is that of the value.
    #[default]
    Joint,
    /// Level d trains column d alone and takes those before as they are: the gradient is not that of the value,
    /// and column d is not moved by the columns after it.
    Sequential,
}

/// The sum of Soft-HGR losses of the first column, the first two, ..., all columns: orders the columns by mode.
///
/// Definition: `loss = sum over d of soft_hgr(f[:, ..d], g[:, ..d])`, d = 1 ... K. Soft-HGR alone finds the span of
/// the modes; here the best columns d span the first d modes at every d. In one pass, with
/// `w_i = K - i`, `W_ij = K - max(i, j)` (from 0):
/// `sum(W o S_f o S_g) / 2 - sum over i of w_i cross_i`.
///
/// Shapes: `f` and `g` both (B, K), B rows of the same samples; `value` is a scalar.
///
/// Errors: shapes that differ or are not of rank 2.
///
/// Numerics: as [`soft_hgr`](crate::soft_hgr), in the covariance form whatever the number of rows. The cost is
/// that of one Soft-HGR loss, not of K.
///
/// Source: Xu and Zheng, JMLR 25(142), 2024 (nested H-score).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::{Nesting, nested_h_score, soft_hgr};
/// let f = Tensor::new(&[[1.0f64, 0.0], [2.0, 1.0], [6.0, 0.5]], &Device::Cpu)?;
/// let g = Tensor::new(&[[0.0f64, 1.0], [1.0, 0.0], [2.0, 0.0]], &Device::Cpu)?;
/// let loss = nested_h_score(&f, &g, Nesting::Joint)?.value.to_scalar::<f64>()?;
/// let first = soft_hgr(&f.narrow(1, 0, 1)?, &g.narrow(1, 0, 1)?)?.to_scalar::<f64>()?;
/// assert!((loss - first - soft_hgr(&f, &g)?.to_scalar::<f64>()?).abs() < 1e-14);
/// assert_eq!(first, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn nested_h_score(f: &Tensor, g: &Tensor, nesting: Nesting) -> Result<Loss> {
    check_pair(f, g)?;
    let (cross, penalty, [df, dg]) = in_form!(&[f, g], R => parts::<R>(f, g, nesting))?;
    Loss::new(cross, penalty, &[(f, df), (g, dg)])
}

/// Cross term, penalty and gradients.
pub(super) fn parts<R: Rows>(
    f: &Tensor,
    g: &Tensor,
    nesting: Nesting,
) -> Result<(f64, f64, [Tensor; 2])> {
    let (rows, k) = f.dims2()?;
    if rows < 2 {
        return Ok((0.0, 0.0, [R::zeros(f)?.into_tensor()?, R::zeros(g)?.into_tensor()?]));
    }
    let a = rows as f64 - 1.0;
    let (x, y) = (R::read(f, None)?.centred(None)?, R::read(g, None)?.centred(None)?);
    let (sx, sy) = (x.moments()?, y.moments()?);
    // How many levels hold column i, and columns i and j.
    let levels: Vec<f64> = (0..k).map(|i| (k - i) as f64).collect();
    let both = square(k, |i, j| (k - i.max(j)) as f64);
    let cross = x.inner(&y.clone().times(&levels, (1, k))?)? / a;
    let penalty = 0.5 * sx.inner(&sy.clone().times(&both, (k, k))?)? / (a * a);
    let (levels, both) = match nesting {
        Nesting::Joint => (levels, both),
        Nesting::Sequential => (vec![1.0; k], square(k, |i, j| if i <= j { 1.0 } else { 0.0 })),
    };
    let slope = |own: &R, other: R, moments: R| -> Result<Tensor> {
        let pull = other.times(&levels, (1, k))?;
        let right = &moments.times(&both, (k, k))?;
        let push = Product { scale: 1.0 / (a * a), left: own, transposed: false, right };
        R::sum(None, &[(-1.0 / a, &pull)], &[push])?.into_tensor()
    };
    Ok((cross, penalty, [slope(&x, y.clone(), sy)?, slope(&y, x.clone(), sx)?]))
}

/// A row-major table.
fn square(k: usize, entry: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).collect()
}
