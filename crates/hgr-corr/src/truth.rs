//! Joint laws whose maximal correlations are known in closed form: to test estimators against.

/// The first `modes` maximal correlations of two normal variables with this correlation: its powers.
///
/// The functions are the Hermite polynomials. Source: Gebelein 1941; Lancaster 1957.
///
/// ```
/// assert_eq!(hgr_corr::truth::gaussian(-0.5, 3), [0.5, 0.25, 0.125]);
/// ```
pub fn gaussian(correlation: f64, modes: usize) -> Vec<f64> {
    let power = |previous: &f64| Some(previous * correlation.abs());
    std::iter::successors(Some(correlation.abs()), power).take(modes).collect()
}

/// The maximal correlation of a fair bit and the bit that is received, flipped with this probability.
///
/// ```
/// assert_eq!(hgr_corr::truth::binary_symmetric(0.25), 0.5);
/// ```
pub fn binary_symmetric(flipped: f64) -> f64 {
    (1.0 - 2.0 * flipped).abs()
}

/// The maximal correlation of a fair bit and what is received, erased with this probability.
///
/// ```
/// assert_eq!(hgr_corr::truth::binary_erasure(0.75), 0.5);
/// ```
pub fn binary_erasure(erased: f64) -> f64 {
    (1.0 - erased).sqrt()
}

/// The maximal correlation of the sums of the first `m` and of all `n` of independent variables with one law,
/// whatever it is, m at most n.
///
/// Source: Dembo, Kagan and Shepp, "Remarks on the Maximum Correlation Coefficient", Bernoulli 2001.
///
/// ```
/// assert_eq!(hgr_corr::truth::partial_sums(1, 4), 0.5);
/// ```
pub fn partial_sums(m: u32, n: u32) -> f64 {
    (f64::from(m) / f64::from(n)).sqrt()
}
