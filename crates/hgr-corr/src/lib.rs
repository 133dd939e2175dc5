//! Hirschfeld-Gebelein-Rényi (HGR) maximal correlation: losses to train with, estimators to measure with.
//!
//! The HGR maximal correlation of X and Y is the largest correlation that functions f(X) and g(Y) can have. It
//! is 0 for independent variables alone and sees every kind of dependence. Its continuation to `K` pairs of
//! functions is a spectrum `sigma_1 >= sigma_2 >= ...`; Soft-HGR finds the functions by training, without
//! inverting a covariance.
//!
//! | question | answer |
//! |---|---|
//! | two networks to train | [`soft_hgr`], [`SoftHgr`] for other conventions |
//! | batches too small for their own covariances | [`SoftHgr`] with [`Penalty::Unbiased`] or [`Penalty::Blend`] |
//! | the H-score as its authors define it | [`h_score`]: means count, soft_hgr is the one without them |
//! | modes in order, one a column | [`nested_h_score`] |
//! | a label | [`label_hgr`] |
//! | more views than two, missing views | [`soft_hgr_views`] |
//! | two networks, by canonical correlations | [`Cca`]: inverts covariances, views of any widths |
//! | two columns of data, or more | [`hgr`]; [`Hgr`] for several columns a side |
//! | are they independent? | [`Independence`] |
//! | two columns where a third is known | [`Hgr::given`] |
//! | estimators as in the literature | [`rdc`], [`double_kernel`]; linear CCA is [`spectrum`] |
//! | two columns of symbols or counts | [`discrete_modes`]: exact |
//! | the first mode of large tables | [`ace`] |
//! | are two columns of symbols independent? | [`DiscreteModes::chi_square`] |
//! | laws whose answer is known | [`truth`] |
//! | is what was learned real? | [`held_out_spectrum`], with [`shuffled_spectrum`] as the control |
//! | what features say about a label | [`one_sided_h`] |
//! | class probabilities without training a classifier | [`MaximalCorrelationRegression`] |
//! | two sets of features | [`spectrum`] |
//! | rows that come in parts, or from several workers | [`HgrState`] |
//! | a batch larger than memory, or spread over workers | [`HgrState::part`] |
//! | correlations as information | [`gaussian_mi`] |
//!
//! The losses need the feature `candle` (on by default); the estimators build without it.
//!
//! # Two networks to train
//!
//! ```
//! # #[cfg(feature = "candle")] {
//! use candle_core::{Device, Tensor};
//! use hgr_corr::soft_hgr;
//!
//! let f = Tensor::new(&[[1.0f64, 0.0], [0.0, 1.0], [-1.0, 0.5]], &Device::Cpu)?; // (B, K)
//! let g = Tensor::new(&[[0.9f64, 0.1], [0.2, 0.8], [-1.1, 0.4]], &Device::Cpu)?;
//! let loss = soft_hgr(&f, &g)?; // a scalar to be minimised, with gradient
//! assert!((loss.to_scalar::<f64>()? - (-0.620_833_333_333_333)).abs() < 1e-12);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Never read the value of a training batch as evidence of dependence: for independent Gaussian features with
//! 64 columns a batch of 64 rows gives a score of 32, as high as it can be. Measure on held-out rows.
//!
//! # Words
//!
//! *Mode*: a pair of functions f_k, g_k, uncorrelated with those before. *Cross term*: the sum of covariances of
//! matching columns. *Penalty*: half the trace of the product of the two covariances. *Score* S = cross - penalty; the
//! *loss* is -S. The largest score of `K` modes is half the sum of their squared correlations.
//!
//! # Source
//!
//! Wang et al., "An Efficient Approach to Informative Feature Extraction from Multimodal Data", AAAI 2019
//! (Soft-HGR). Huang et al., "On Universal Features for High-Dimensional Learning and Inference" (modes).

mod convention;
mod error;
mod estimate;
#[cfg(feature = "candle")]
mod loss;
mod moments;
mod state;
pub mod truth;
mod vectorised;

pub use convention::Convention;
pub use error::{Error, Result};
pub use estimate::{
    Ace, ChiSquare, ConditionalHgr, DiscreteModes, Hgr, HgrEstimate, Independence, Matrix,
    MaximalCorrelationRegression, Mode, OneSidedH, Spectrum, Stratum, Tested, ace, discrete_modes,
    double_kernel, gaussian_mi, held_out_spectrum, hgr, one_sided_h, rdc, shuffled_spectrum,
    spectrum,
};
#[cfg(feature = "candle")]
pub use loss::{
    Cca, CcaLoss, CcaScore, HScore, Loss, Mask, Missing, Nesting, PairTerm, PairWeights, Penalty,
    Side, SoftHgr, ViewLoss, h_score, label_hgr, nested_h_score, soft_hgr, soft_hgr_views,
};
pub use state::{HgrState, ScoreParts};
