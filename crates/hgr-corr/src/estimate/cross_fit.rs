//! Functions fitted on some rows and judged on others, for every number of functions at once.

use super::side::Side;
use crate::{Error, Result};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, MatRef, Par, Side as Triangle};

/// Added to the covariances of the fitted rows: a value that only the judged rows hold has variance 0 there.
const RIDGE: f64 = 1e-9;

/// Turns of the alternation that finds the first pair of functions. Where it has not converged by then the
/// next correlation is so near that the pair between them serves as well.
const TURNS: usize = 30;

/// Sums over some rows.
struct Moments {
    rows: f64,
    f: Vec<f64>,
    g: Vec<f64>,
    ff: Mat<f64>,
    gg: Mat<f64>,
    fg: Mat<f64>,
}

impl Moments {
    fn new(x: &Side, y: &Side, rows: &[u32]) -> Self {
        Self {
            rows: rows.len() as f64,
            f: x.sums(rows),
            g: y.sums(rows),
            ff: x.products(x, rows),
            gg: y.products(y, rows),
            fg: x.products(y, rows),
        }
    }

    fn combine(&self, other: &Self, sign: f64) -> Self {
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + sign * b).collect();
        let total = |a: &Mat<f64>, b: &Mat<f64>| a + faer::Scale(sign) * b;
        Self {
            rows: self.rows + sign * other.rows,
            f: sum(&self.f, &other.f),
            g: sum(&self.g, &other.g),
            ff: total(&self.ff, &other.ff),
            gg: total(&self.gg, &other.gg),
            fg: total(&self.fg, &other.fg),
        }
    }

    fn covariances(&self) -> [Mat<f64>; 3] {
        let centre = |products: &Mat<f64>, a: &[f64], b: &[f64]| {
            Mat::from_fn(products.nrows(), products.ncols(), |i, j| {
                products[(i, j)] / self.rows - a[i] / self.rows * (b[j] / self.rows)
            })
        };
        [
            centre(&self.ff, &self.f, &self.f),
            centre(&self.gg, &self.g, &self.g),
            centre(&self.fg, &self.f, &self.g),
        ]
    }
}

/// Covariances of fitted and judged rows in coordinates in which the fitted sides are white.
///
/// The coordinates come from Cholesky factors: the first k of them depend on the first k features alone, so that
/// any leading block is the whitened form of fewer features.
pub(super) struct Whitened {
    fit: Mat<f64>,
    x: Mat<f64>,
    y: Mat<f64>,
    cross: Mat<f64>,
    x_factor: Mat<f64>,
    y_factor: Mat<f64>,
}

impl Whitened {
    fn new(fit: &Moments, judge: &Moments) -> Result<Self> {
        let [sx, sy, sxy] = fit.covariances();
        let [tx, ty, txy] = judge.covariances();
        let (x_factor, y_factor) = (factor(&sx)?, factor(&sy)?);
        let turn = |left: &Mat<f64>, middle: Mat<f64>, right: &Mat<f64>| {
            let mut whole = middle;
            solve_lower_triangular_in_place(left.as_ref(), whole.as_mut(), Par::Seq);
            let mut turned = whole.transpose().to_owned();
            solve_lower_triangular_in_place(right.as_ref(), turned.as_mut(), Par::Seq);
            turned.transpose().to_owned()
        };
        Ok(Self {
            fit: turn(&x_factor, sxy, &y_factor),
            x: turn(&x_factor, tx, &x_factor),
            y: turn(&y_factor, ty, &y_factor),
            cross: turn(&x_factor, txy, &y_factor),
            x_factor,
            y_factor,
        })
    }

    /// The first pair of the leading block: unit vectors.
    fn first(&self, kx: usize, ky: usize) -> (Vec<f64>, Vec<f64>) {
        let block = self.fit.submatrix(0, 0, kx, ky);
        // A start that no direction is orthogonal to by construction.
        let mut v: Vec<f64> = (0..ky).map(|j| 1.0 / (1.0 + j as f64)).collect();
        let mut u = vec![0.0; kx];
        for _ in 0..TURNS {
            multiply(block, &v, &mut u);
            normalise(&mut u);
            multiply(block.transpose(), &u, &mut v);
            normalise(&mut v);
        }
        (u, v)
    }

    /// Correlation on the judged rows of the first pair of functions of so many features.
    pub fn judged(&self, kx: usize, ky: usize) -> f64 {
        let (u, v) = self.first(kx, ky);
        self.correlation(&u, &v)
    }

    fn correlation(&self, u: &[f64], v: &[f64]) -> f64 {
        let spread = (form(&self.x, u, u) * form(&self.y, v, v)).sqrt();
        if spread > 0.0 { (form(&self.cross, u, v) / spread).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// All pairs of so many features: correlation on the fitted and on the judged rows, and the weights of
    /// the features.
    pub fn pairs(&self, kx: usize, ky: usize) -> Result<Vec<Pair>> {
        if kx == 0 || ky == 0 {
            return Ok(vec![]);
        }
        let block = self.fit.submatrix(0, 0, kx, ky);
        let svd =
            block.thin_svd().map_err(|_| Error::NotConverged { what: "SVD of the cross term" })?;
        let vector = |from: MatRef<f64>, mode| (0..from.nrows()).map(|i| from[(i, mode)]).collect();
        let pair = |(mode, sigma): (usize, &f64)| {
            let (u, v): (Vec<f64>, Vec<f64>) = (vector(svd.U(), mode), vector(svd.V(), mode));
            Pair {
                fitted: sigma.min(1.0),
                judged: self.correlation(&u, &v),
                f: weights(&self.x_factor, &u),
                g: weights(&self.y_factor, &v),
            }
        };
        Ok(svd.S().column_vector().iter().enumerate().map(pair).collect())
    }
}

/// A pair of functions as weights of features.
pub(super) struct Pair {
    /// Correlation on the rows it was fitted on.
    pub fitted: f64,
    /// Correlation on the other rows.
    pub judged: f64,
    /// Weights of the features of x.
    pub f: Vec<f64>,
    /// Weights of the features of y.
    pub g: Vec<f64>,
}

/// The folds in turn as judges of the rest, and last all rows as judges of themselves.
pub(super) fn whiten(x: &Side, y: &Side, folds: &[Vec<u32>]) -> Result<(Vec<Whitened>, Whitened)> {
    let parts: Vec<Moments> = folds.iter().map(|rows| Moments::new(x, y, rows)).collect();
    let mut all = Moments::new(x, y, &[]);
    for part in &parts {
        all = all.combine(part, 1.0);
    }
    let split = |part: &Moments| Whitened::new(&all.combine(part, -1.0), part);
    Ok((parts.iter().map(split).collect::<Result<_>>()?, Whitened::new(&all, &all)?))
}

fn factor(covariance: &Mat<f64>) -> Result<Mat<f64>> {
    let mut ridged = covariance.to_owned();
    (0..ridged.nrows()).for_each(|i| ridged[(i, i)] += RIDGE);
    let factor = ridged
        .llt(Triangle::Lower)
        .map_err(|_| Error::NotConverged { what: "Cholesky factor of the functions" })?;
    Ok(factor.L().to_owned())
}

/// The weights of the features behind white coordinates: the transposed factor, solved backwards.
fn weights(factor: &Mat<f64>, white: &[f64]) -> Vec<f64> {
    let mut weights = white.to_vec();
    for i in (0..white.len()).rev() {
        let later: f64 = (i + 1..white.len()).map(|j| factor[(j, i)] * weights[j]).sum();
        weights[i] = (weights[i] - later) / factor[(i, i)];
    }
    weights
}

fn multiply(matrix: MatRef<f64>, from: &[f64], into: &mut [f64]) {
    into.fill(0.0);
    // Along the columns where they are contiguous, along the rows otherwise.
    if matrix.row_stride() == 1 {
        for (j, weight) in from.iter().enumerate() {
            let column = matrix.col(j).iter();
            into.iter_mut().zip(column).for_each(|(sum, value)| *sum += weight * value);
        }
    } else {
        for (i, sum) in into.iter_mut().enumerate() {
            *sum = matrix.row(i).iter().zip(from).map(|(value, weight)| value * weight).sum();
        }
    }
}

fn form(matrix: &Mat<f64>, u: &[f64], v: &[f64]) -> f64 {
    let column = |j: usize| u.iter().enumerate().map(|(i, u)| u * matrix[(i, j)]).sum::<f64>();
    v.iter().enumerate().map(|(j, v)| v * column(j)).sum()
}

fn normalise(vector: &mut [f64]) {
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
}
