//! Which estimate of the penalty, and which product of the rows it is computed from.

use crate::{Error, Result};

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
    /// Whether the penalty of two tables takes the Gram form. Each table comes as its rows and the number of penalties that
    /// share its covariance.
    ///
    /// Of p and q rows the Gram form costs 3 p q K products, the covariance form 1.5 K^2 for each row, over those who share
    /// them: for two views of n rows the two are equal at n = K.
    pub(super) fn is_gram(self, tables: [(usize, usize); 2], columns: usize) -> bool {
        let [(p, p_shares), (q, q_shares)] = tables;
        let share = |rows: usize, shares: usize| rows as f64 / shares.max(1) as f64;
        let rows = share(p, p_shares) + share(q, q_shares);
        match self {
            Self::Auto => 2.0 * (p as f64) * (q as f64) < CROSSOVER * columns as f64 * rows,
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
    pub a: f64,
    pub b: f64,
    pub d: f64,
    pub t: f64,
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
    /// Rows that a batch of `rows` would need.
    pub(super) fn least_rows(self, rows: usize) -> usize {
        match self {
            Self::PlugIn => 2,
            Self::Blend { rows: total } if total <= rows => 2,
            Self::Unbiased | Self::Blend { .. } => 4,
        }
    }

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
