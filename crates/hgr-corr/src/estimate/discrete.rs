use super::matrix::Matrix;
use super::spectrum::largest;
use crate::linear::{Mat, singular};
use crate::{Error, Result};
use statrs::distribution::{ChiSquared, ContinuousCDF};

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

/// Pearson's chi-square test of independence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChiSquare {
    /// The number of samples times `phi2`.
    pub statistic: f64,
    /// Degrees of freedom.
    pub degrees: usize,
    /// How probable a statistic at least as large is for independent symbols.
    pub p_value: f64,
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

    /// Pearson's test of independence, where the joint table was counted from so many samples.
    ///
    /// Definition: the statistic n phi2 under the chi-square distribution with (r - 1)(c - 1) degrees of freedom,
    /// r and c the numbers of symbols with mass.
    ///
    /// Numerics: the distribution is that of large samples; expected counts `n px py` below about 5 make the
    /// p-value a guess.
    ///
    /// ```
    /// use hgr_corr::{Matrix, discrete_modes};
    /// let counts = [10.0, 20.0, 30.0, 20.0, 20.0, 20.0];
    /// let test = discrete_modes(Matrix::new(&counts, 2, 3)?)?.chi_square(120);
    /// assert!((test.statistic - 16.0 / 3.0).abs() < 1e-12 && test.degrees == 2);
    /// assert!((test.p_value - (-test.statistic / 2.0).exp()).abs() < 1e-12);
    /// # Ok::<(), hgr_corr::Error>(())
    /// ```
    pub fn chi_square(&self, samples: usize) -> ChiSquare {
        let symbols = |mass: &[f64]| mass.iter().filter(|mass| **mass > 0.0).count();
        let free = |mass| symbols(mass).saturating_sub(1);
        let (statistic, degrees) = (samples as f64 * self.phi2(), free(&self.px) * free(&self.py));
        // Without a degree of freedom there is no distribution: a single symbol depends on nothing.
        let p_value = ChiSquared::new(degrees as f64).map_or(1.0, |law| law.sf(statistic));
        ChiSquare { statistic, degrees, p_value }
    }
}

/// A joint table of counts or probabilities and its marginals.
pub(super) struct Joint<'a> {
    table: Matrix<'a>,
    total: f64,
    pub px: Vec<f64>,
    pub py: Vec<f64>,
}

impl<'a> Joint<'a> {
    pub fn new(table: Matrix<'a>) -> Result<Self> {
        let (rows, columns) = (table.rows(), table.columns());
        let entries = || (0..rows).flat_map(|x| (0..columns).map(move |y| table.at(x, y)));
        if entries().any(|entry| entry < 0.0) {
            return Err(Error::Joint { problem: "has a negative entry" });
        }
        let total: f64 = entries().sum();
        if total <= 0.0 || !total.is_finite() {
            return Err(Error::Joint { problem: "has no mass, or its sum overflows" });
        }
        let p = |x: usize, y: usize| table.at(x, y) / total;
        let px = (0..rows).map(|x| (0..columns).map(|y| p(x, y)).sum()).collect();
        let py = (0..columns).map(|y| (0..rows).map(|x| p(x, y)).sum()).collect();
        Ok(Self { table, total, px, py })
    }

    /// Probability of a pair of symbols.
    pub fn p(&self, x: usize, y: usize) -> f64 {
        self.table.at(x, y) / self.total
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
    let joint = Joint::new(joint)?;
    let (px, py) = (&joint.px, &joint.py);
    let (rows, columns) = (px.len(), py.len());
    let xs: Vec<usize> = (0..rows).filter(|&x| px[x] > 0.0).collect();
    let ys: Vec<usize> = (0..columns).filter(|&y| py[y] > 0.0).collect();
    let b = Mat::from_fn(xs.len(), ys.len(), |i, j| {
        let mass = px[xs[i]] * py[ys[j]];
        (joint.p(xs[i], ys[j]) - mass) / mass.sqrt()
    });
    let mut found = singular(b).ok_or(Error::NotConverged { what: "SVD of the joint table" })?;
    // The constants of both sides are singular vectors too, for 0.
    let count = found.values.len() - 1;
    found.values.truncate(count);
    let spread = |symbols: &[usize], mass: &[f64], vectors: &Mat, mode: usize| {
        let mut values = vec![f64::NAN; mass.len()];
        for (index, &symbol) in symbols.iter().enumerate() {
            values[symbol] = vectors[(index, mode)] / mass[symbol].sqrt();
        }
        values
    };
    let mut modes =
        DiscreteModes { sigma: found.values, f: vec![], g: vec![], px: joint.px, py: joint.py };
    for mode in 0..count {
        let mut f = spread(&xs, &modes.px, &found.u, mode);
        let mut g = spread(&ys, &modes.py, &found.v, mode);
        if largest(&f) < 0.0 {
            f.iter_mut().chain(&mut g).for_each(|value| *value = -*value);
        }
        modes.f.push(f);
        modes.g.push(g);
    }
    Ok(modes)
}
