use super::closed_form::{Centred, check_pair, inner, with_gradient};
use crate::Result;
use candle_core::Tensor;

/// Which divisor the cross term and the covariances get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Convention {
    /// n - 1 for both (Wang et al. 2019, algorithm 1).
    #[default]
    Unbiased,
    /// n for both.
    Population,
    /// n for the cross term, n - 1 for the covariances: the `neg_hscore` of published H-score code.
    NegHscore,
}

impl Convention {
    fn divisors(self, rows: usize) -> (f64, f64) {
        let rows = rows as f64;
        match self {
            Self::Unbiased => (rows - 1.0, rows - 1.0),
            Self::Population => (rows, rows),
            Self::NegHscore => (rows, rows - 1.0),
        }
    }
}

/// A loss and its two parts: `value = penalty - cross`.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Scalar to be minimised, with gradient.
    pub value: Tensor,
    /// The cross term, sum of covariances of matching columns.
    pub cross: f64,
    /// Half the trace of the product of the covariances.
    pub penalty: f64,
}

/// Below this many rows per column the Gram form costs less than the covariance form.
const CROSSOVER: f64 = 4.0 / 3.0;

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

/// The Soft-HGR loss with a choice of convention, and its parts for logs.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::{Convention, SoftHgr};
/// let f = Tensor::new(&[[1.0f64], [2.0], [6.0]], &Device::Cpu)?;
/// let loss = SoftHgr { convention: Convention::Population }.loss(&f, &f)?;
/// assert!((loss.cross - 14.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoftHgr {
    /// The divisors.
    pub convention: Convention,
}

impl SoftHgr {
    /// Value, gradient and parts; as [`soft_hgr`].
    pub fn loss(&self, f: &Tensor, g: &Tensor) -> Result<Loss> {
        check_pair(f, g)?;
        let parts = self.parts(&Centred::new(f)?, &Centred::new(g)?)?;
        let value = with_gradient(parts.penalty - parts.cross, &[(f, parts.df), (g, parts.dg)])?;
        Ok(Loss { value, cross: parts.cross, penalty: parts.penalty })
    }

    /// Value and gradients of two centred views; 0 with fewer than two rows.
    pub(super) fn parts(&self, x: &Centred, y: &Centred) -> Result<Parts> {
        if x.count < 2 {
            let (df, dg) = (x.rows.zeros_like()?, y.rows.zeros_like()?);
            return Ok(Parts { cross: 0.0, penalty: 0.0, df, dg });
        }
        let (a, b) = self.convention.divisors(x.count);
        let cross = inner(&x.rows, &y.rows)? / a;
        let (trace, from_y, from_x) = if (x.count as f64) < CROSSOVER * x.columns as f64 {
            let gram = (x.rows.matmul(&y.rows.t()?)? / b)?;
            let df = (gram.matmul(&y.rows)? / b)?;
            (inner(&gram, &gram)?, df, (gram.t()?.matmul(&x.rows)? / b)?)
        } else {
            let (sx, sy) = (x.covariance(b)?, y.covariance(b)?);
            (inner(&sx, &sy)?, (x.rows.matmul(&sy)? / b)?, (y.rows.matmul(&sx)? / b)?)
        };
        let df = (from_y - (&y.rows / a)?)?;
        let dg = (from_x - (&x.rows / a)?)?;
        Ok(Parts { cross, penalty: 0.5 * trace, df, dg })
    }
}

/// Value and gradients of a pair of views.
pub(super) struct Parts {
    pub cross: f64,
    pub penalty: f64,
    /// Gradient of `penalty - cross` with respect to the first view.
    pub df: Tensor,
    /// Gradient with respect to the second view.
    pub dg: Tensor,
}
