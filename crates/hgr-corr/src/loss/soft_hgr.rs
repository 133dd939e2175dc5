//! Soft-HGR of two views.

use super::closed_form::{Loss, check_pair};
use super::pair::{Pair, Table, loss_of_pair};
use super::penalty::{Penalty, Side};
use crate::{Convention, Result};
use candle_core::Tensor;

/// The Soft-HGR loss of two views: small where the columns of f and g are correlated pair by pair.
///
/// Definition: with centred `f~`, `g~` and `S_f = f~' f~ / (n - 1)`,
/// `loss = tr(S_f S_g) / 2 - sum(f~ o g~) / (n - 1)`.
///
/// Shapes: `f` and `g` both (B, K), B rows of the same samples; the result is a scalar.
///
/// Errors: shapes that differ or are not of rank 2.
///
/// Numerics: f32 and f64 in their own type, half types in f32; columns are centred before anything is
/// multiplied. The gradient is in closed form. One row gives 0 with gradient 0. The cost is that of two products
/// (B, K) x (K, K), or of (B, K) x (K, B) where that is less.
///
/// Source: Wang et al. 2019, algorithm 1.
///
/// ```
/// use candle_core::{Device, Var};
/// use hgr_corr::soft_hgr;
/// let f = Var::new(&[[1.0f64], [2.0], [6.0]], &Device::Cpu)?;
/// let g = Var::new(&[[0.0f64], [1.0], [2.0]], &Device::Cpu)?;
/// let loss = soft_hgr(&f, &g)?;
/// assert_eq!(loss.to_scalar::<f64>()?, 7.0 * 1.0 / 2.0 - 2.5);
/// let gradients = loss.backward()?;
/// assert!(gradients.get(&f).is_some() && gradients.get(&g).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn soft_hgr(f: &Tensor, g: &Tensor) -> Result<Tensor> {
    Ok(SoftHgr::default().loss(f, g)?.value)
}

/// The Soft-HGR loss with a choice of convention, penalty and form, and its parts for logs.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::{Convention, Penalty, SoftHgr};
/// let f = Tensor::new(&[[1.0f64], [2.0], [6.0], [7.0]], &Device::Cpu)?;
/// let population = SoftHgr { convention: Convention::Population, ..Default::default() };
/// assert!((population.loss(&f, &f)?.cross - 26.0 / 4.0).abs() < 1e-15);
/// // The mean of (f_a - f_b)^2 (f_c - f_d)^2 / 4 over the three ways to pair four rows.
/// let trace = (1.0 * 1.0 + 25.0 * 25.0 + 36.0 * 16.0) / 12.0;
/// let unbiased = SoftHgr { penalty: Penalty::Unbiased, ..Default::default() };
/// assert!((unbiased.loss(&f, &f)?.penalty - 0.5 * trace).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoftHgr {
    /// The divisors.
    pub convention: Convention,
    /// The estimate of the penalty.
    pub penalty: Penalty,
    /// The form it is computed in.
    pub side: Side,
}

impl SoftHgr {
    /// Value, gradient and parts; as [`soft_hgr`].
    ///
    /// Errors: also those of the penalty, see [`Penalty`].
    pub fn loss(&self, f: &Tensor, g: &Tensor) -> Result<Loss> {
        check_pair(f, g)?;
        let rows = f.dim(0)?;
        let (divisor, b) = self.convention.divisors(rows);
        let weights = self.penalty.weights(rows, b)?;
        let table = |view| Table { view, rows: None, centred: true, divisor: b };
        let (cross, penalty) = ([0, 1], [0, 1]);
        let pair = Pair { weight: 1.0, cross, cross_into: cross, divisor, penalty, weights };
        loss_of_pair([f, g], &[table(0), table(1)], pair, self.side)
    }
}
