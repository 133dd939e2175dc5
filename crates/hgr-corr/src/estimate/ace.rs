use super::discrete::Joint;
use super::matrix::Matrix;
use crate::{Error, Result};

/// A standard deviation below this share of the values' size is rounding: the values are constant.
const CONSTANT: f64 = 1e-12;

/// Where alternating conditional expectations have got to.
#[derive(Clone, Debug, PartialEq)]
pub struct Ace {
    /// The correlation of f and g after each round: it does not fall, and tends to the maximal correlation.
    pub rho: Vec<f64>,
    /// The value f(x) of each symbol x: mean 0 and variance 1 under its probabilities, or all 0 where x and y are
    /// independent. NaN where x has no mass.
    pub f: Vec<f64>,
    /// The value g(y) of each symbol y, as `f`.
    pub g: Vec<f64>,
}

/// Alternating conditional expectations on a joint table of counts or probabilities, one row an x, one column a y.
///
/// Definition: a round sets f to `E[g | x]` and then g to `E[f | y]`, each brought to mean 0 and variance 1; rho
/// is the standard deviation of `E[f | y]`. This is the power method for the first mode of
/// [`discrete_modes`](crate::discrete_modes), without a decomposition: the error of g shrinks by
/// `(sigma_2 / sigma_1)^2` a round, that of rho by the square of that. The start decides the signs.
///
/// Shapes: one value of `start` for each y.
///
/// Errors: a table that is no distribution, another number of starting values, one that is not finite, a start
/// that is constant.
///
/// Numerics: f64. A start that is uncorrelated with the first mode finds a later one.
///
/// Source: Breiman and Friedman, "Estimating Optimal Transformations for Multiple Regression and Correlation",
/// JASA 1985.
///
/// ```
/// use hgr_corr::{Matrix, ace};
/// // A bit sent through a channel that flips one in ten.
/// let found = ace(Matrix::new(&[45.0, 5.0, 5.0, 45.0], 2, 2)?, &[0.0, 1.0], 1)?;
/// assert!((found.rho[0] - 0.8).abs() < 1e-15 && (found.f[1] - 1.0).abs() < 1e-15);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn ace(joint: Matrix, start: &[f64], rounds: usize) -> Result<Ace> {
    let joint = Joint::new(joint)?;
    if start.len() != joint.py.len() {
        return Err(Error::Shape {
            what: "the start",
            expected: format!("one value for each of {} columns", joint.py.len()),
            actual: start.len().to_string(),
        });
    }
    Matrix::new(start, 1, start.len())?;
    let size = start.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
    let (spread, mut g) = standardised(start.to_vec(), &joint.py, CONSTANT * size);
    if spread == 0.0 && joint.py.iter().filter(|mass| **mass > 0.0).count() > 1 {
        return Err(Error::Shape {
            what: "the start",
            expected: "values that differ between symbols with mass".into(),
            actual: format!("{start:?}"),
        });
    }
    let (mut f, mut rho) = (vec![0.0; joint.px.len()], vec![]);
    for _ in 0..rounds {
        let mean = |x: usize| expectation(joint.px[x], &g, |y| joint.p(x, y));
        f = standardised((0..joint.px.len()).map(mean).collect(), &joint.px, CONSTANT).1;
        let mean = |y: usize| expectation(joint.py[y], &f, |x| joint.p(x, y));
        let (spread, next) =
            standardised((0..joint.py.len()).map(mean).collect(), &joint.py, CONSTANT);
        rho.push(spread);
        g = next;
    }
    let massless = |values: &mut [f64], mass: &[f64]| {
        let pairs = values.iter_mut().zip(mass);
        pairs.filter(|(_, mass)| **mass == 0.0).for_each(|(value, _)| *value = f64::NAN);
    };
    massless(&mut f, &joint.px);
    massless(&mut g, &joint.py);
    Ok(Ace { rho, f, g })
}

/// The mean of `values` under `p / mass`; 0 without mass.
fn expectation(mass: f64, values: &[f64], p: impl Fn(usize) -> f64) -> f64 {
    let sum: f64 = values.iter().enumerate().map(|(symbol, value)| p(symbol) * value).sum();
    if mass > 0.0 { sum / mass } else { 0.0 }
}

/// The standard deviation under `mass`, and the values with mean 0 and variance 1.
///
/// A deviation of at most `least` counts as 0, and the values become 0.
pub(super) fn standardised(mut values: Vec<f64>, mass: &[f64], least: f64) -> (f64, Vec<f64>) {
    let mean: f64 = values.iter().zip(mass).map(|(value, mass)| mass * value).sum();
    values.iter_mut().for_each(|value| *value -= mean);
    let variance: f64 = values.iter().zip(mass).map(|(value, mass)| mass * value * value).sum();
    let spread = variance.sqrt();
    if spread <= least {
        return (0.0, vec![0.0; values.len()]);
    }
    values.iter_mut().for_each(|value| *value /= spread);
    (spread, values)
}
