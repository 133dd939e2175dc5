use super::matrix::Matrix;
use super::spectrum::largest;
use crate::{Error, Result};
use faer::Mat;

/// The spectrum of a finite joint distribution and the functions that reach it.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscreteModes {
    /// Maximal correlations, descending: one fewer than the smaller number of symbols with mass.
    pub sigma: Vec<f64>,
    /// For each mode the value f(x) of each symbol x: mean 0 and variance 1 under `px`. NaN where x has no
    /// mass.
    pub f: Vec<Vec<f64>>,
    /// For each mode the value g(y) of each symbol y, as `f`.
    pub g: Vec<Vec<f64>>,
    /// Probability of each x.
    pub px: Vec<f64>,
    /// Probability of each y.
    pub py: Vec<f64>,
}

impl DiscreteModes {
    /// The HGR maximal correlation, the first of `sigma`; 0 where one side has a single symbol.
    pub fn hgr(&self) -> f64 {
        self.sigma.first().copied().unwrap_or(0.0)
    }

    /// Pearson's mean square contingency, the sum of `sigma` squared.
    pub fn phi2(&self) -> f64 {
        self.sigma.iter().map(|sigma| sigma * sigma).sum()
    }
}

/// All modes of a joint table of counts or probabilities, one row an x, one column a y.
///
/// Definition: the singular values and vectors of `B = (P - px py') / sqrt(px py')`;
/// `f = u / sqrt(px)`, `g = v / sqrt(py)`. The largest value of each f is positive.
///
/// Errors: a negative entry, a table without mass.
///
/// Numerics: f64. The functions of modes with equal sigma are one choice among many.
///
/// ```
/// use hgr_corr::{Matrix, discrete_modes};
/// // A bit sent through a channel that flips one in ten: sigma = 1 - 2 * 0.1.
/// let modes = discrete_modes(Matrix::new(&[45.0, 5.0, 5.0, 45.0], 2, 2)?)?;
/// assert!((modes.hgr() - 0.8).abs() < 1e-15);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn discrete_modes(joint: Matrix) -> Result<DiscreteModes> {
    let (rows, columns) = (joint.rows(), joint.columns());
    let entries = || (0..rows).flat_map(|x| (0..columns).map(move |y| (x, y)));
    if entries().any(|(x, y)| joint.at(x, y) < 0.0) {
        return Err(Error::Joint { problem: "has a negative entry" });
    }
    let total: f64 = entries().map(|(x, y)| joint.at(x, y)).sum();
    if total <= 0.0 || !total.is_finite() {
        return Err(Error::Joint { problem: "has no mass, or its sum overflows" });
    }
    let p = |x: usize, y: usize| joint.at(x, y) / total;
    let px: Vec<f64> = (0..rows).map(|x| (0..columns).map(|y| p(x, y)).sum()).collect();
    let py: Vec<f64> = (0..columns).map(|y| (0..rows).map(|x| p(x, y)).sum()).collect();
    let xs: Vec<usize> = (0..rows).filter(|&x| px[x] > 0.0).collect();
    let ys: Vec<usize> = (0..columns).filter(|&y| py[y] > 0.0).collect();
    let b = Mat::from_fn(xs.len(), ys.len(), |i, j| {
        let mass = px[xs[i]] * py[ys[j]];
        (p(xs[i], ys[j]) - mass) / mass.sqrt()
    });
    let svd = b.thin_svd().map_err(|_| Error::NotConverged { what: "SVD of the joint table" })?;
    let count = xs.len().min(ys.len()) - 1;
    let sigma = svd.S().column_vector().iter().take(count).copied().collect();
    let spread = |symbols: &[usize], mass: &[f64], vectors: faer::MatRef<f64>, mode: usize| {
        let mut values = vec![f64::NAN; mass.len()];
        for (index, &symbol) in symbols.iter().enumerate() {
            values[symbol] = vectors[(index, mode)] / mass[symbol].sqrt();
        }
        values
    };
    let mut modes = DiscreteModes { sigma, f: vec![], g: vec![], px, py };
    for mode in 0..count {
        let mut f = spread(&xs, &modes.px, svd.U(), mode);
        let mut g = spread(&ys, &modes.py, svd.V(), mode);
        if largest(&f) < 0.0 {
            f.iter_mut().chain(&mut g).for_each(|value| *value = -*value);
        }
        modes.f.push(f);
        modes.g.push(g);
    }
    Ok(modes)
}
