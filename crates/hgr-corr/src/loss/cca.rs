use super::closed_form::with_gradient;
use super::whitened::{Whitened, gradient_of};
use crate::estimate::gaussian_mi;
use crate::{Error, Result};
use candle_core::Tensor;
use faer::Mat;

/// Correlations below this are rounding, and so is the direction of their modes.
const ROUNDING: f64 = 1e-12;

/// What of the canonical correlations is to be large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CcaScore {
    /// Their sum, the trace norm of the whitened cross-covariance (Andrew et al. 2013).
    #[default]
    TraceNorm,
    /// Half the sum of their squares: the largest Soft-HGR score of linear maps of the two views.
    HalfSumSquares,
    /// The mutual information of Gaussians, [`gaussian_mi`](crate::gaussian_mi); grows without bound towards a
    /// correlation of 1.
    GaussianMi,
}

impl CcaScore {
    /// The score of one correlation and its derivative.
    fn of(self, rho: f64) -> (f64, f64) {
        match self {
            // At 0 any slope between -1 and 1 is one of the trace norm; 0 moves nothing.
            Self::TraceNorm => (rho, if rho > ROUNDING { 1.0 } else { 0.0 }),
            Self::HalfSumSquares => (0.5 * rho * rho, rho),
            Self::GaussianMi => (gaussian_mi(&[rho]), rho / (1.0 - rho * rho)),
        }
    }
}

/// A CCA loss and the correlations it is made of.
#[derive(Clone, Debug)]
pub struct CcaLoss {
    /// Scalar to be minimised, minus the score, with gradient.
    pub value: Tensor,
    /// The canonical correlations of the batch, descending, in [0, 1]; the ridge makes them smaller.
    pub correlations: Vec<f64>,
}

/// The CCA losses: correlations of the best linear maps of two views, which need not have as many columns.
///
/// Definition: with centred `f~`, `g~`, `S_f = f~' f~ / (n - 1) + ridge I`, S_g likewise and
/// `S_fg = f~' g~ / (n - 1)`, the correlations are the singular values of `S_f^-1/2 S_fg S_g^-1/2`; the loss is
/// minus their score. [`soft_hgr`](crate::soft_hgr) has the same optimum as `HalfSumSquares`, without inverse.
///
/// Shapes: `f` (B, K), `g` (B, L), B rows of the same samples; `value` is a scalar.
///
/// Errors: shapes that do not fit, a ridge that is negative or not finite, NaN or an infinity in a view, a
/// covariance without inverse: without ridge that is one of no more rows than columns, or of columns that are
/// constant or follow from others. `GaussianMi` needs more rows than the columns of both views.
///
/// Numerics: f64 on the CPU, whatever the views are: the batch is copied there and its gradient back. What is
/// decomposed is K x K, L x L and K x L. Whitening is by Cholesky factors, the gradient in closed form from the
/// canonical variates. One row gives 0 with gradient 0 where there is a ridge. With no more rows than K + L
/// columns and no ridge correlations of 1 appear in any data: the value of a batch is no evidence, see
/// [`held_out_spectrum`](crate::held_out_spectrum).
///
/// Source: Andrew et al., ICML 2013.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::Cca;
/// let f = Tensor::new(&[[1.0f64], [2.0], [6.0]], &Device::Cpu)?;
/// let g = Tensor::new(&[[0.0f64], [1.0], [2.0]], &Device::Cpu)?;
/// let loss = Cca::default().loss(&f, &g)?;
/// // Covariance 2.5 of variances 7 and 1.
/// assert!((loss.correlations[0] - 2.5 / 7.0f64.sqrt()).abs() < 1e-15);
/// let ridge = Cca { ridge: 2.0, ..Default::default() }.loss(&f, &g)?;
/// assert!((ridge.value.to_scalar::<f64>()? + 2.5 / 27.0f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cca {
    /// What is to be large.
    pub score: CcaScore,
    /// Added to the variance of every column, in its unit; 0 or more.
    pub ridge: f64,
}

impl Cca {
    /// Value, gradient and correlations.
    pub fn loss(&self, f: &Tensor, g: &Tensor) -> Result<CcaLoss> {
        self.check(f, g)?;
        let (rows, k) = f.dims2()?;
        let l = g.dim(1)?;
        if rows < 2 && self.ridge > 0.0 {
            let nothing = [(f, f.detach().zeros_like()?), (g, g.detach().zeros_like()?)];
            let correlations = vec![0.0; k.min(l)];
            return Ok(CcaLoss { value: with_gradient(0.0, &nothing)?, correlations });
        }
        let x = Whitened::new("the covariance of f", f, self.ridge)?;
        let y = Whitened::new("the covariance of g", g, self.ridge)?;
        let modes = Modes::new(&x, &y)?;
        let closest = modes.correlations.first().copied().unwrap_or(0.0);
        if self.score == CcaScore::GaussianMi && 1.0 - closest * closest <= ROUNDING {
            let what = "the joint covariance of f and g";
            return Err(Error::Singular { what, rows, columns: k + l });
        }
        let scores: Vec<(f64, f64)> =
            modes.correlations.iter().map(|rho| self.score.of(*rho)).collect();
        let value = -scores.iter().map(|(score, _)| score).sum::<f64>();
        let slopes: Vec<f64> = scores.iter().map(|(_, slope)| *slope).collect();
        let (p, q) = (&x.rows * &modes.f_weights, &y.rows * &modes.g_weights);
        let df = modes.slope(&slopes, &p, &q, &modes.f_weights);
        let dg = modes.slope(&slopes, &q, &p, &modes.g_weights);
        let (df, dg) = (gradient_of(f, df.as_ref())?, gradient_of(g, dg.as_ref())?);
        let value = with_gradient(value, &[(f, df), (g, dg)])?;
        Ok(CcaLoss { value, correlations: modes.correlations })
    }

    fn check(&self, f: &Tensor, g: &Tensor) -> Result<()> {
        let fits = match (f.dims(), g.dims()) {
            ([n, k], [m, l]) => n == m && *k > 0 && *l > 0,
            _ => false,
        };
        if !fits {
            return Err(Error::Shape {
                what: "the views of a CCA loss",
                expected: "two tensors (B, K) and (B, L) of as many rows".into(),
                actual: format!("{:?} and {:?}", f.dims(), g.dims()),
            });
        }
        if self.ridge >= 0.0 && self.ridge.is_finite() {
            return Ok(());
        }
        Err(Error::Shape {
            what: "the ridge",
            expected: "a finite number, 0 or more".into(),
            actual: self.ridge.to_string(),
        })
    }
}

/// Canonical correlations, and the weights of the columns that reach them.
struct Modes {
    correlations: Vec<f64>,
    f_weights: Mat<f64>,
    g_weights: Mat<f64>,
}

impl Modes {
    fn new(x: &Whitened, y: &Whitened) -> Result<Self> {
        let a = (x.rows.nrows() as f64 - 1.0).recip();
        let cross = x.whiten(x.rows.transpose() * &y.rows * faer::Scale(a));
        let cross = y.whiten(cross.transpose().to_owned());
        let svd =
            cross.thin_svd().map_err(|_| Error::NotConverged { what: "SVD of the cross term" })?;
        // Rounding may leave a perfect correlation a digit above 1.
        let correlations = svd.S().column_vector().iter().map(|rho| rho.min(1.0)).collect();
        Ok(Self { correlations, f_weights: x.weights(svd.V()), g_weights: y.weights(svd.U()) })
    }

    /// Gradient of the loss with respect to the rows of the view with variates `own` and weights `weights`.
    fn slope(
        &self,
        slopes: &[f64],
        own: &Mat<f64>,
        other: &Mat<f64>,
        weights: &Mat<f64>,
    ) -> Mat<f64> {
        let a = (own.nrows() as f64 - 1.0).recip();
        let rest = Mat::from_fn(own.nrows(), own.ncols(), |row, mode| {
            let predicted = self.correlations[mode] * own[(row, mode)];
            a * slopes[mode] * (predicted - other[(row, mode)])
        });
        rest * weights.transpose()
    }
}
