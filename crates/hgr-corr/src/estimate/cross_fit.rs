//! Functions fitted on some rows and judged on others, for every number of functions at once.

use super::side::Side;
use crate::linear::{Mat, add_product, cholesky, eigen, inverse};
use crate::{Error, Result};

/// Added to the covariances of the fitted rows: a value that only the judged rows hold has variance 0 there.
const RIDGE: f64 = 1e-9;

/// Turns of the alternation that finds the first pair of functions. Where it has not converged by then the
/// next correlation is so near that the pair between them serves as well.
const TURNS: usize = 12;

/// Growth of the correlation in a turn, as a share of it, below which the alternation ends.
const SETTLED: f64 = 1e-6;

/// Sums over some rows.
struct Moments {
    rows: f64,
    f: Vec<f64>,
    g: Vec<f64>,
    ff: Mat,
    gg: Mat,
    fg: Mat,
}

impl Moments {
    fn new(x: &Side, y: &Side, rows: &[u32]) -> Self {
        Self {
            rows: rows.len() as f64,
            f: x.sums(rows),
            g: y.sums(rows),
            ff: x.squares(rows),
            gg: y.squares(rows),
            fg: x.products(y, rows),
        }
    }

    fn combine(&self, other: &Self, sign: f64) -> Self {
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + sign * b).collect();
        let total = |a: &Mat, b: &Mat| a + b * sign;
        Self {
            rows: self.rows + sign * other.rows,
            f: sum(&self.f, &other.f),
            g: sum(&self.g, &other.g),
            ff: total(&self.ff, &other.ff),
            gg: total(&self.gg, &other.gg),
            fg: total(&self.fg, &other.fg),
        }
    }

    fn covariances(&self) -> [Mat; 3] {
        let centre = |products: &Mat, a: &[f64], b: &[f64]| {
            let mut covariance = products.clone();
            for (column, b) in b.iter().enumerate() {
                let mean = b / self.rows;
                for (value, a) in covariance.column_mut(column).iter_mut().zip(a) {
                    *value = (*value - a * mean) / self.rows;
                }
            }
            covariance
        };
        [
            centre(&self.ff, &self.f, &self.f),
            centre(&self.gg, &self.g, &self.g),
            centre(&self.fg, &self.f, &self.g),
        ]
    }
}

/// The cross-covariance of the fitted rows in coordinates in which their sides are white, and the covariances of the
/// judged rows.
///
/// The coordinates come from Cholesky factors: the first k of them depend on the first k features alone, so that
/// any leading block is the whitened form of fewer features.
pub(super) struct Whitened {
    cross: Mat,
    /// From the features to the coordinates: lower triangular.
    x_white: Mat,
    y_white: Mat,
    judge: [Mat; 3],
}

impl Whitened {
    fn new(fit: &Moments, judge: &Moments) -> Result<Self> {
        let [sx, sy, cross] = fit.covariances();
        let (x_white, y_white) = (whitening(sx)?, whitening(sy)?);
        let cross = &x_white * cross * y_white.transpose();
        Ok(Self { cross, x_white, y_white, judge: judge.covariances() })
    }

    /// The first pair of the leading block: unit vectors.
    fn first(&self, kx: usize, ky: usize) -> (Mat, Mat) {
        let block = self.cross.view((0, 0), (kx, ky));
        // A start that no direction is orthogonal to by construction.
        let mut v = Mat::from_fn(ky, 1, |j, _| 1.0 / (1.0 + j as f64));
        let mut u = Mat::zeros(kx, 1);
        let mut before = 0.0;
        for _ in 0..TURNS {
            u = block * &v;
            normalise(u.as_mut_slice());
            v = block.tr_mul(&u);
            let sigma = normalise(v.as_mut_slice());
            if sigma - before <= SETTLED * sigma {
                break;
            }
            before = sigma;
        }
        (u, v)
    }

    /// Correlation on the judged rows of the first pair of functions of so many features.
    pub fn judged(&self, kx: usize, ky: usize) -> f64 {
        let (u, v) = self.first(kx, ky);
        let (f, g) = (weights(&self.x_white, &u), weights(&self.y_white, &v));
        self.correlations(&f, &g).first().copied().unwrap_or(0.0)
    }

    /// Correlations on the judged rows of the functions with the weights in each column.
    fn correlations(&self, f: &Mat, g: &Mat) -> Vec<f64> {
        let form = |left: &Mat, middle: &Mat, right: &Mat| -> Vec<f64> {
            let image = middle.view((0, 0), (left.nrows(), right.nrows())) * right;
            left.column_iter().zip(image.column_iter()).map(|(a, b)| a.dot(&b)).collect()
        };
        let [x, y, cross] = &self.judge;
        let correlation = |((x, y), cross): ((f64, f64), f64)| {
            let spread = (x * y).sqrt();
            if spread > 0.0 { (cross / spread).clamp(-1.0, 1.0) } else { 0.0 }
        };
        let (variances, products) =
            (form(f, x, f).into_iter().zip(form(g, y, g)), form(f, cross, g));
        variances.zip(products).map(correlation).collect()
    }

    /// All pairs of so many features: correlation on the fitted and on the judged rows, and the weights of
    /// the features.
    pub fn pairs(&self, kx: usize, ky: usize) -> Result<Vec<Pair>> {
        if kx == 0 || ky == 0 {
            return Ok(vec![]);
        }
        let (u, sigma, v) = singular(self.cross.view((0, 0), (kx, ky)).into_owned())?;
        let (f, g) = (weights(&self.x_white, &u), weights(&self.y_white, &v));
        let judged = self.correlations(&f, &g);
        let pair = |(mode, (sigma, judged)): (usize, (f64, f64))| Pair {
            fitted: sigma.min(1.0),
            judged,
            f: f.column(mode).iter().copied().collect(),
            g: g.column(mode).iter().copied().collect(),
        };
        Ok(sigma.into_iter().zip(judged).enumerate().map(pair).collect())
    }
}

/// Singular vectors and values from the eigenvectors of the smaller Gram matrix, at half the cost of a singular value
/// decomposition. Values below 1e-8 come out as anything below 1e-8, far below what rows can tell.
fn singular(block: Mat) -> Result<(Mat, Vec<f64>, Mat)> {
    if block.nrows() > block.ncols() {
        let (v, sigma, u) = singular(block.transpose())?;
        return Ok((u, sigma, v));
    }
    let mut gram = Mat::zeros(block.nrows(), block.nrows());
    add_product(&mut gram, &block, &block);
    let (_, u) =
        eigen(gram).ok_or(Error::NotConverged { what: "eigenvalues of the cross term" })?;
    let mut v = block.transpose() * &u;
    let sigma = v.as_mut_slice().chunks_exact_mut(block.ncols()).map(normalise).collect();
    Ok((u, sigma, v))
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
    let mut all = parts[0].combine(&parts[1], 1.0);
    for part in &parts[2..] {
        all = all.combine(part, 1.0);
    }
    let split = |part: &Moments| Whitened::new(&all.combine(part, -1.0), part);
    Ok((parts.iter().map(split).collect::<Result<_>>()?, Whitened::new(&all, &all)?))
}

/// The way from features with this covariance to white coordinates.
fn whitening(mut covariance: Mat) -> Result<Mat> {
    (0..covariance.nrows()).for_each(|i| covariance[(i, i)] += RIDGE);
    let white = cholesky(covariance).and_then(|factor| inverse(&factor));
    white.ok_or(Error::NotConverged { what: "Cholesky factor of the functions" })
}

/// The weights of the first features behind as many white coordinates.
fn weights(way: &Mat, white: &Mat) -> Mat {
    way.view((0, 0), (white.nrows(), white.nrows())).tr_mul(white)
}

/// Scales a vector to norm 1 and returns the norm it had.
fn normalise(vector: &mut [f64]) -> f64 {
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::super::basis::Basis;
    use super::*;
    use crate::{Matrix, spectrum};

    #[test]
    fn pairs_of_some_rows_are_their_canonical_correlations() {
        let x: Vec<f64> = (0..240).map(|i| f64::from(i * i % 241)).collect();
        let y: Vec<f64> = (0..240).map(|i| f64::from(i * i % 241 + i * 7 % 90)).collect();
        let [f, g] = [&x, &y].map(|side| Side::new(&[side], |c| Basis::polynomials(c, 4)));
        // Over these the functions are not white.
        let rows: Vec<u32> =
            (0..240).filter(|row| row % 3 == 0 || x[*row as usize] > 100.0).collect();
        let some = Moments::new(&f, &g, &rows);
        let pairs = Whitened::new(&some, &some).unwrap().pairs(4, 4).unwrap();
        let taken = |side: &Side| -> Vec<f64> {
            let all = side.rows();
            rows.iter().flat_map(|row| all[*row as usize * 4..][..4].to_vec()).collect()
        };
        let (f, g) = (taken(&f), taken(&g));
        let [f, g] = [&f, &g].map(|side| Matrix::new(side, rows.len(), 4).unwrap());
        for (pair, sigma) in pairs.iter().zip(spectrum(f, g).unwrap().sigma) {
            // As much as the ridge changes them.
            assert!((pair.fitted - sigma).abs() < 1e-7, "{} {sigma}", pair.fitted);
            assert!((pair.judged - sigma).abs() < 1e-7, "{} {sigma}", pair.judged);
        }
    }
}
