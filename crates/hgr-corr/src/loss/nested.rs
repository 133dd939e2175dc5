use super::closed_form::{Centred, check_pair, inner};
use super::two_view::{Loss, Parts};
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
    let (x, y) = (Centred::new(f)?, Centred::new(g)?);
    if x.count < 2 {
        return Parts::nothing(&x, &y)?.loss(f, g);
    }
    let a = x.count as f64 - 1.0;
    let (sx, sy) = (x.covariance(a)?, y.covariance(a)?);
    // How many levels hold column i, and columns i and j.
    let k = x.columns;
    let columns = table(&x, 1, |_, j| (k - j) as f64)?;
    let pairs = table(&x, k, |i, j| (k - i.max(j)) as f64)?;
    let cross = inner(&x.rows, &y.rows.broadcast_mul(&columns)?)? / a;
    let penalty = 0.5 * inner(&(&pairs * &sx)?, &sy)?;
    let (columns, pairs) = match nesting {
        Nesting::Joint => (columns, pairs),
        Nesting::Sequential => {
            (columns.ones_like()?, table(&x, k, |i, j| if i <= j { 1.0 } else { 0.0 })?)
        }
    };
    let slope = |own: &Tensor, other: &Tensor, spread: &Tensor| -> Result<Tensor> {
        let pull = other.broadcast_mul(&columns)?;
        Ok(((own.matmul(&(&pairs * spread)?)? - pull)? / a)?)
    };
    let (df, dg) = (slope(&x.rows, &y.rows, &sy)?, slope(&y.rows, &x.rows, &sx)?);
    Parts { cross, penalty, df, dg }.loss(f, g)
}

/// A table as wide as the view, in its number type.
fn table(view: &Centred, rows: usize, entry: impl Fn(usize, usize) -> f64) -> Result<Tensor> {
    let columns = view.columns;
    let entries = (0..rows * columns).map(|index| entry(index / columns, index % columns));
    let values = Tensor::from_vec(entries.collect(), (rows, columns), view.rows.device())?;
    Ok(values.to_dtype(view.rows.dtype())?)
}
