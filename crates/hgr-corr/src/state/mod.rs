//! What a loss and a spectrum need to know about rows that are no longer at hand.

#[cfg(feature = "serde")]
mod stored;

use crate::linear::{Mat, by_columns, eigen, products};
use crate::{Convention, Error, Matrix, Result, Spectrum};

/// Directions whose variance is below this share of the largest hold rounding alone and are dropped.
const RANK: f64 = 1e-12;

/// Mergeable sums over the rows of two sets of features, all that Soft-HGR and canonical correlations depend on.
///
/// Definition: the number of rows n, the column means of f and g, and the centred moments `M_ff = f~' f~`,
/// `M_gg = g~' g~`, `M_fg = f~' g~`. Two states merge into that of all their rows:
/// `M = M_A + M_B + n_A n_B / n d_f d_g'` with d = mean_B - mean_A, whatever the order of merging.
///
/// Shapes: f (n, p), g (n, q); p and q may differ, but a score needs p = q.
///
/// Numerics: f64, every block centred by its own means before anything is multiplied, so an offset of the
/// columns costs no more than the digits it takes. The order of merging shows in rounding alone. Deserialising
/// (feature `serde`) checks sizes, finiteness and symmetry, so a damaged file does not become a state.
///
/// Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
/// 1979.
///
/// ```
/// use hgr_corr::{Convention, HgrState, Matrix};
/// let (f, g) = ([1.0, 2.0, 6.0], [0.0, 1.0, 2.0]);
/// let mut state = HgrState::new(1, 1);
/// state.push(Matrix::new(&f[..1], 1, 1)?, Matrix::new(&g[..1], 1, 1)?)?;
/// let mut other = HgrState::new(1, 1);
/// other.push(Matrix::new(&f[1..], 2, 1)?, Matrix::new(&g[1..], 2, 1)?)?;
/// state.merge(&other)?;
/// let parts = state.parts(Convention::Unbiased)?;
/// assert!((parts.cross - 2.5).abs() < 1e-15 && (parts.penalty - 3.5).abs() < 1e-15);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "stored::Stored"))]
pub struct HgrState {
    rows: usize,
    f_means: Vec<f64>,
    g_means: Vec<f64>,
    m_ff: Vec<f64>,
    m_gg: Vec<f64>,
    m_fg: Vec<f64>,
}

/// The two parts of a score: S = cross - penalty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreParts {
    /// The cross term, sum of covariances of matching columns.
    pub cross: f64,
    /// Half the trace of the product of the covariances.
    pub penalty: f64,
}

impl ScoreParts {
    /// The score, cross - penalty.
    pub fn score(&self) -> f64 {
        self.cross - self.penalty
    }
}

impl HgrState {
    /// The state of no rows.
    pub fn new(f_columns: usize, g_columns: usize) -> Self {
        Self {
            rows: 0,
            f_means: vec![0.0; f_columns],
            g_means: vec![0.0; g_columns],
            m_ff: vec![0.0; f_columns * f_columns],
            m_gg: vec![0.0; g_columns * g_columns],
            m_fg: vec![0.0; f_columns * g_columns],
        }
    }

    /// Adds rows of both sides.
    ///
    /// Errors: different numbers of rows, numbers of columns other than the state's.
    pub fn push(&mut self, f: Matrix, g: Matrix) -> Result<()> {
        if f.rows() != g.rows() {
            return Err(Error::Shape {
                what: "the two sides",
                expected: format!("as many rows each ({})", f.rows()),
                actual: g.rows().to_string(),
            });
        }
        let mut block = Self::new(f.columns(), g.columns());
        if f.rows() > 0 {
            let (f_means, g_means) = (f.means(), g.means());
            let (x, y) = (f.centred(&f_means), g.centred(&g_means));
            block.rows = f.rows();
            let (x, y) = ((x.as_slice(), f.columns()), (y.as_slice(), g.columns()));
            // Both squares are symmetric, and the products of g and f, column-major, those of f and g, row-major.
            block.m_ff = products(x, x).as_slice().to_vec();
            block.m_gg = products(y, y).as_slice().to_vec();
            block.m_fg = products(y, x).as_slice().to_vec();
            (block.f_means, block.g_means) = (f_means, g_means);
        }
        self.merge(&block)
    }

    /// Adds the rows of another state.
    ///
    /// Errors: numbers of columns other than the state's.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.columns() != other.columns() {
            return Err(Error::Shape {
                what: "the state",
                expected: format!("{:?} columns of f and g", self.columns()),
                actual: format!("{:?}", other.columns()),
            });
        }
        if other.rows == 0 {
            return Ok(());
        }
        if self.rows == 0 {
            self.clone_from(other);
            return Ok(());
        }
        let rows = self.rows + other.rows;
        let share = other.rows as f64 / rows as f64;
        let weight = self.rows as f64 * share;
        let apart = |a: &[f64], b: &[f64]| b.iter().zip(a).map(|(b, a)| b - a).collect();
        let df: Vec<f64> = apart(&self.f_means, &other.f_means);
        let dg: Vec<f64> = apart(&self.g_means, &other.g_means);
        add(&mut self.m_ff, &other.m_ff, (&df, &df), weight);
        add(&mut self.m_gg, &other.m_gg, (&dg, &dg), weight);
        add(&mut self.m_fg, &other.m_fg, (&df, &dg), weight);
        self.f_means.iter_mut().zip(&df).for_each(|(mean, d)| *mean += d * share);
        self.g_means.iter_mut().zip(&dg).for_each(|(mean, d)| *mean += d * share);
        self.rows = rows;
        Ok(())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers of columns of f and g.
    pub fn columns(&self) -> (usize, usize) {
        (self.f_means.len(), self.g_means.len())
    }

    /// Column means of f; 0 without rows.
    pub fn f_means(&self) -> &[f64] {
        &self.f_means
    }

    /// Column means of g; 0 without rows.
    pub fn g_means(&self) -> &[f64] {
        &self.g_means
    }

    /// `f~' f~`, row-major.
    pub fn m_ff(&self) -> &[f64] {
        &self.m_ff
    }

    /// `g~' g~`, row-major.
    pub fn m_gg(&self) -> &[f64] {
        &self.m_gg
    }

    /// `f~' g~`, row-major.
    pub fn m_fg(&self) -> &[f64] {
        &self.m_fg
    }

    /// The parts of the Soft-HGR score of all rows; 0 with fewer than two rows.
    ///
    /// Errors: different numbers of columns.
    pub fn parts(&self, convention: Convention) -> Result<ScoreParts> {
        let (a, b) = convention.divisors(self.rows);
        let (columns, width) = self.columns();
        if columns != width {
            return Err(Error::Shape {
                what: "the state of a score",
                expected: "as many columns of g as of f".into(),
                actual: format!("{columns} and {width}"),
            });
        }
        if self.rows < 2 {
            return Ok(ScoreParts { cross: 0.0, penalty: 0.0 });
        }
        let trace: f64 = self.m_fg.iter().step_by(columns + 1).sum();
        let product: f64 = self.m_ff.iter().zip(&self.m_gg).map(|(f, g)| f / b * (g / b)).sum();
        Ok(ScoreParts { cross: trace / a, penalty: 0.5 * product })
    }

    /// The canonical correlations of all rows, as [`spectrum`](crate::spectrum), which needs the rows themselves.
    ///
    /// Errors: fewer than two rows.
    ///
    /// Numerics: the covariances are whitened by their eigenvectors. That squares the features: directions whose
    /// standard deviation is below 1e-6 of the largest drop out, where `spectrum` keeps them down to 1e-12.
    pub fn spectrum(&self) -> Result<Spectrum> {
        if self.rows < 2 {
            return Err(Error::TooFewRows { what: "a spectrum", expected: 2, actual: self.rows });
        }
        let (columns, width) = self.columns();
        let (x, y) = (whitening(&self.m_ff, columns)?, whitening(&self.m_gg, width)?);
        // Row-major, so the columns are those of f.
        let cross = y.transpose() * by_columns(&self.m_fg, width, columns) * &x;
        let (f, g) = ((&x, self.f_means.clone()), (&y, self.g_means.clone()));
        Spectrum::from_bases(cross.transpose(), f, g, self.rows)
    }
}

/// `own += other + weight left right'`.
fn add(own: &mut [f64], other: &[f64], (left, right): (&[f64], &[f64]), weight: f64) {
    let outer = left.iter().flat_map(|l| right.iter().map(move |r| l * r * weight));
    own.iter_mut().zip(other).zip(outer).for_each(|((own, other), outer)| *own += other + outer);
}

/// The map that takes centred features with these moments to an orthonormal basis.
fn whitening(moments: &[f64], columns: usize) -> Result<Mat> {
    let (values, vectors) = eigen(by_columns(moments, columns, columns).into_owned())
        .ok_or(Error::NotConverged { what: "eigenvectors of the covariance" })?;
    let first = values.first().copied().unwrap_or(0.0);
    let rank = values.iter().take_while(|value| **value > RANK * first.max(0.0)).count();
    Ok(Mat::from_fn(columns, rank, |row, mode| vectors[(row, mode)] / values[mode].sqrt()))
}
