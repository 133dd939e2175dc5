/// The mutual information of two Gaussian vectors with these canonical correlations, in nats.
///
/// Definition: `-1/2 sum of ln(1 - rho^2)`. Of other distributions it is the information that a Gaussian with
/// the same covariances has: a description of the correlations, no bound.
///
/// Numerics: f64, accurate for small correlations. A correlation of 1 or -1 gives infinity, one beyond or NaN gives
/// NaN. Fitted correlations are too large on few rows: take held-out ones.
///
/// Source: Gelfand and Yaglom, 1957.
///
/// ```
/// use hgr_corr::gaussian_mi;
/// assert!((gaussian_mi(&[0.6, -0.8]) + 0.8f64.ln() + 0.6f64.ln()).abs() < 1e-15);
/// ```
pub fn gaussian_mi(correlations: &[f64]) -> f64 {
    correlations.iter().map(|rho| -0.5 * (-rho * rho).ln_1p()).sum()
}
