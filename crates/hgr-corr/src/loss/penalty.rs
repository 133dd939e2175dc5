use super::closed_form::{inner, moments, scalar};
use crate::{Error, Result};
use candle_core::Tensor;

/// How the penalty, half of `tr(S_f S_g)`, is estimated from a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Penalty {
    /// From the covariances of the batch: never negative, too large by about `((tr C)^2 + tr(C^2)) / (n - 1)`
    /// where C is the cross-covariance.
    #[default]
    PlugIn,
    /// The U-statistic U of the trace, without bias: its mean over batches is the trace of the population,
    /// whatever the convention. It needs four rows. It is 0 for features that differ from 0 in one row alone,
    /// so the loss has no lower bound on rows that are seen again: on a data set of fixed size take `Blend`.
    Unbiased,
    /// `(1 - l) U + l plug-in`, `l = (n - 1) / (rows - 1)`: on a batch of n out of `rows` rows as biased as the
    /// plug-in of all of them, exactly so where fourth cumulants are 0. With a batch of all rows it is the
    /// plug-in; otherwise it needs four rows.
    Blend {
        /// Rows of the data set, no fewer than those of a batch.
        rows: usize,
    },
}

/// Which product of the rows the penalty is computed from. The value is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The one that costs less: Gram for fewer than 1.1 K rows.
    #[default]
    Auto,
    /// Columns by columns: (K, B) x (B, K).
    Covariance,
    /// Rows by rows: (B, K) x (K, B).
    Gram,
}

/// Below this many rows per column the Gram form costs less than the covariance form: measured, benches/sides.rs.
const CROSSOVER: f64 = 1.1;

impl Side {
    pub(super) fn is_gram(self, rows: usize, columns: usize) -> bool {
        match self {
            Self::Auto => (rows as f64) < CROSSOVER * columns as f64,
            Self::Covariance => false,
            Self::Gram => true,
        }
    }
}

/// An estimate of the trace as weights of four sums over the centred rows divided by `b`.
///
/// `trace = a tr(S_f S_g) + b tr(X X) + d sum(m o m) + t (sum m)^2`, with `X = f~' g~ / b` and
/// `m_i = f~_i . g~_i / b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights {
    a: f64,
    b: f64,
    d: f64,
    t: f64,
}

impl Weights {
    pub const PLUG_IN: Self = Self { a: 1.0, b: 0.0, d: 0.0, t: 0.0 };

    /// Those of the U-statistic for sums that are divided by `divisor`.
    fn unbiased(rows: usize, divisor: f64) -> Self {
        let n = rows as f64;
        let tuples = n * (n - 1.0) * (n - 2.0) * (n - 3.0) / (divisor * divisor);
        let share = tuples.recip();
        let a = (n * n - 3.0 * n + 1.0) * share;
        Self { a, b: share, d: -n * (n - 1.0) * share, t: share }
    }

    fn blend(self, other: Self, l: f64) -> Self {
        let mix = |x: f64, y: f64| (1.0 - l) * x + l * y;
        Self {
            a: mix(self.a, other.a),
            b: mix(self.b, other.b),
            d: mix(self.d, other.d),
            t: mix(self.t, other.t),
        }
    }
}

impl Penalty {
    /// The weights for a batch of `rows`, two or more, whose sums are divided by `divisor`.
    pub(super) fn weights(self, rows: usize, divisor: f64) -> Result<Weights> {
        let l = match self {
            Self::PlugIn => 1.0,
            Self::Unbiased => 0.0,
            Self::Blend { rows: total } => share(rows, total)?,
        };
        if l == 1.0 {
            return Ok(Weights::PLUG_IN);
        }
        if rows < 4 {
            return Err(Error::TooFewRows {
                what: "the unbiased penalty",
                expected: 4,
                actual: rows,
            });
        }
        Ok(Weights::unbiased(rows, divisor).blend(Weights::PLUG_IN, l))
    }
}

/// The weight of the plug-in in a blend; 1 for a batch of all rows.
fn share(rows: usize, total: usize) -> Result<f64> {
    if rows > total {
        return Err(Error::Shape {
            what: "the rows of the data set in `Penalty::Blend`",
            expected: format!("no fewer than the {rows} of the batch"),
            actual: total.to_string(),
        });
    }
    Ok(if rows == total { 1.0 } else { (rows as f64 - 1.0) / (total as f64 - 1.0) })
}

/// Half the trace, and its gradients with respect to the rows of both sides.
pub(super) struct HalfTrace {
    pub value: f64,
    pub dx: Tensor,
    pub dy: Tensor,
}

impl HalfTrace {
    /// From the rows of two views of the same shape, whose products are divided by `divisor`.
    pub fn new(x: &Tensor, y: &Tensor, divisor: f64, weights: Weights, side: Side) -> Result<Self> {
        let (rows, columns) = x.dims2()?;
        let trace = if side.is_gram(rows, columns) {
            Self::gram(x, y, divisor, weights)?
        } else {
            Self::covariance(x, y, divisor, weights)?
        };
        if weights == Weights::PLUG_IN { Ok(trace) } else { trace.own(x, y, divisor, weights) }
    }

    /// `tr(S_f S_g)` and `tr(X X)` from the products of rows with rows, M: the sums of `M o M` and `M o M'`.
    fn gram(x: &Tensor, y: &Tensor, divisor: f64, weights: Weights) -> Result<Self> {
        let gram = (x.matmul(&y.t()?)? / divisor)?;
        let mut value = 0.5 * weights.a * inner(&gram, &gram)?;
        let mut mixed = gram.clone();
        if weights != Weights::PLUG_IN {
            value += 0.5 * weights.b * inner(&gram, &gram.t()?)?;
            mixed = ((gram.t()? * weights.b)? + (gram * weights.a)?)?;
        }
        let dx = (mixed.matmul(y)? / divisor)?;
        Ok(Self { value, dx, dy: (mixed.t()?.matmul(x)? / divisor)? })
    }

    /// The same from covariances and the cross-covariance.
    fn covariance(x: &Tensor, y: &Tensor, divisor: f64, weights: Weights) -> Result<Self> {
        let (sx, sy) = (moments(x, divisor)?, moments(y, divisor)?);
        let scale = weights.a / divisor;
        let mut value = 0.5 * weights.a * inner(&sx, &sy)?;
        let mut dx = (x.matmul(&sy)? * scale)?;
        let mut dy = (y.matmul(&sx)? * scale)?;
        if weights != Weights::PLUG_IN {
            let cross = (x.t()?.matmul(y)? / divisor)?;
            let scale = weights.b / divisor;
            value += 0.5 * weights.b * inner(&cross, &cross.t()?)?;
            dx = (dx + (y.matmul(&cross)? * scale)?)?;
            dy = (dy + (x.matmul(&cross.t()?)? * scale)?)?;
        }
        Ok(Self { value, dx, dy })
    }

    /// Adds the products of rows with themselves, which the U-statistic takes out. Their gradient, unlike that
    /// of the other sums, is not centred by itself.
    fn own(self, x: &Tensor, y: &Tensor, divisor: f64, weights: Weights) -> Result<Self> {
        let own = ((x * y)?.sum_keepdim(1)? / divisor)?;
        let sum = scalar(&own.sum_all()?)?;
        let value = self.value + 0.5 * (weights.d * inner(&own, &own)? + weights.t * sum * sum);
        let factor = ((own * (weights.d / divisor))? + weights.t * sum / divisor)?;
        let centred = |gradient: Tensor, other: &Tensor| -> Result<Tensor> {
            let gradient = (gradient + other.broadcast_mul(&factor)?)?;
            Ok(gradient.broadcast_sub(&gradient.mean_keepdim(0)?)?)
        };
        Ok(Self { value, dx: centred(self.dx, y)?, dy: centred(self.dy, x)? })
    }
}
