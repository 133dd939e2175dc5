//! Hirschfeld-Gebelein-Rényi (HGR) maximal correlation: estimators to measure with, losses to train with.
//!
//! The HGR maximal correlation of X and Y is the largest correlation that functions f(X) and g(Y) can have. It
//! is 0 for independent variables alone and sees every kind of dependence. Its continuation to `K` pairs of
//! functions is a spectrum `sigma_1 >= sigma_2 >= ...`; Soft-HGR finds the functions by training, without
//! inverting a covariance.
//!
//! *Mode*: a pair of functions f_k, g_k, uncorrelated with those before. *Cross term*: the sum of covariances of
//! matching columns. *Penalty*: half the trace of the product of the two covariances. *Score* S = cross - penalty; the
//! *loss* is -S. The largest score of `K` modes is half the sum of their squared correlations.
//!
//! # Two columns of data
//!
//! [`hgr`] for numbers, with an interval and a p-value; [`Hgr`] for several columns a side and for data with gaps,
//! [`Hgr::given`] where a third column is known. [`discrete_modes`] for a table of counts or probabilities: exact, with
//! [`DiscreteModes::chi_square`] as the test; [`ace`] for its first mode where the table is large. [`Independence`] is the
//! test alone.
//!
//! ```
//! // A circle: the columns are uncorrelated and yet each says much about the other.
//! let angles = (0..500).map(|i| f64::from(i) * 0.4);
//! let (x, y): (Vec<f64>, Vec<f64>) = angles.map(|angle| (angle.cos(), angle.sin())).unzip();
//! let found = hgr_corr::hgr(&x, &y)?;
//! assert!(found.sigma > 0.99 && found.p_value < 0.01);
//! # Ok::<(), hgr_corr::Error>(())
//! ```
//!
//! As in the literature, fitted and measured on the same rows: [`smoothed_ace`], [`rdc`], [`double_kernel`], linear CCA as
//! [`spectrum`].
//! [`truth`] has laws whose answer is known; [`gaussian_mi`] turns correlations into information.
//!
//! # Two sets of features, learned or given
//!
//! [`spectrum`] has their canonical correlations and the modes. Whether what was learned is real:
//! [`held_out_spectrum`], with [`shuffled_spectrum`] as the control.
//!
//! # A label
//!
//! [`one_sided_h`]: what features say about it, and the best function of it.
//! [`MaximalCorrelationRegression`]: class probabilities from that, without training a classifier.
//!
//! # Many machines, or rows that come in parts
//!
//! [`HgrState`] is what a part contributes: it merges, is stored (feature `serde`), and gives the spectrum and the score
//! of all rows. [`ScoreParts`] are the score's two terms, by [`Convention`].
//!
//! ```
//! use hgr_corr::{HgrState, Matrix};
//! let x: Vec<f64> = (0..60).map(|i| f64::from(i % 7)).collect();
//! let y: Vec<f64> = (0..60).map(|i| f64::from(i % 5)).collect();
//! let part = |rows: std::ops::Range<usize>| {
//!     let mut state = HgrState::new(1, 1);
//!     let (x, y) = (&x[rows.clone()], &y[rows]);
//!     state.push(Matrix::new(x, x.len(), 1)?, Matrix::new(y, y.len(), 1)?)?;
//!     Ok::<_, hgr_corr::Error>(state)
//! };
//! let mut whole = part(0..20)?;
//! whole.merge(&part(20..60)?)?;
//! let difference = whole.spectrum()?.sigma[0] - part(0..60)?.spectrum()?.sigma[0];
//! assert!(difference.abs() < 1e-12);
//! # Ok::<(), hgr_corr::Error>(())
//! ```
#![cfg_attr(feature = "candle", doc = include_str!("losses.md"))]
#![cfg_attr(
    not(feature = "candle"),
    doc = "# Networks to train\n\nThe losses need the feature `candle`, which this build does not have."
)]
//!
//! # Programs to read
//!
//! In the folder `examples`: `channel` (a joint table), `gaussian`, `streaming` (parts from several threads), `two_networks` (two views of
//! handwritten digits), `fairness` (a regression that must not depend on a column). `truth`, `bias` and `sides` write tables of the
//! documentation.
//!
//! # Source
//!
//! Wang et al., "An Efficient Approach to Informative Feature Extraction from Multimodal Data", AAAI 2019
//! (Soft-HGR). Huang et al., "On Universal Features for High-Dimensional Learning and Inference" (modes).

mod convention;
mod error;
mod estimate;
mod linear;
#[cfg(feature = "candle")]
mod loss;
mod state;
pub mod truth;
mod vectorised;

pub use convention::Convention;
pub use error::{Error, Result};
pub use estimate::{
    Ace, ChiSquare, ConditionalHgr, DiscreteModes, Hgr, HgrEstimate, Independence, Matrix,
    MaximalCorrelationRegression, Mode, NanPolicy, OneSidedH, Spectrum, Stratum, Tested, ace,
    discrete_modes, double_kernel, gaussian_mi, held_out_spectrum, hgr, one_sided_h, rdc,
    shuffled_spectrum, smoothed_ace, spectrum,
};
#[cfg(feature = "candle")]
pub use loss::{
    Cca, CcaLoss, CcaScore, HScore, Loss, Mask, Missing, Nesting, PairTerm, PairWeights, Penalty,
    Side, SoftHgr, SoftHgrViews, ViewLoss, h_score, label_hgr, nested_h_score, soft_hgr,
    soft_hgr_views,
};
pub use state::{HgrState, ScoreParts};
