//! H-scores with covariances that are not centred.

use super::closed_form::{Loss, check_pair};
use super::pair::{Pair, Table, loss_of_pair};
use super::penalty::{Side, Weights};
use crate::Result;
use candle_core::Tensor;

/// Which of the published H-scores with covariances that are not centred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HScore {
    /// H(f, g) of the definition: n everywhere.
    #[default]
    Jmlr,
    /// `neg_hscore` of the authors' program: n for the cross term, n - 1 for the second moments.
    Nfe,
}

/// Minus the H-score of two views, whose penalty keeps the column means and so drives them to 0.
///
/// Definition: with centred `f~`, `g~` and second moments `L_f = f' f / d` of the features as they are,
/// `loss = tr(L_f L_g) / 2 - sum(f~ o g~) / n`; d is n for [`HScore::Jmlr`], n - 1 for [`HScore::Nfe`]. Where the
/// column means are 0 this is [`soft_hgr`](crate::soft_hgr) with the divisors of
/// [`Convention::Population`](crate::Convention::Population) or
/// [`Convention::NegHscore`](crate::Convention::NegHscore), and elsewhere larger.
///
/// Shapes: `f` and `g` both (B, K), B rows of the same samples; `value` is a scalar.
///
/// Errors: shapes that differ or are not of rank 2.
///
/// Numerics: as [`soft_hgr`](crate::soft_hgr), but large column means are part of the value: at an offset of c
/// the penalty is near `(K c^2)^2 / 2` and the digits of what varies are lost. Centre features first, or take
/// [`soft_hgr`](crate::soft_hgr). One row gives 0 with gradient 0.
///
/// Source: Xu and Zheng, JMLR 25(142), 2024, and the program that comes with it.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::{HScore, h_score};
/// let f = Tensor::new(&[[1.0f64], [3.0]], &Device::Cpu)?;
/// let g = Tensor::new(&[[0.0f64], [2.0]], &Device::Cpu)?;
/// let jmlr = h_score(&f, &g, HScore::Jmlr)?.value.to_scalar::<f64>()?;
/// assert_eq!(jmlr, 5.0 * 2.0 / 2.0 - 1.0);
/// let nfe = h_score(&f, &g, HScore::Nfe)?.value.to_scalar::<f64>()?;
/// assert_eq!(nfe, 10.0 * 4.0 / 2.0 - 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn h_score(f: &Tensor, g: &Tensor, form: HScore) -> Result<Loss> {
    check_pair(f, g)?;
    let n = f.dim(0)? as f64;
    let divisor = match form {
        HScore::Jmlr => n,
        HScore::Nfe => n - 1.0,
    };
    // The cross term from centred rows, the penalty from the rows as they are.
    let table = |view, centred| Table { view, rows: None, centred, divisor };
    let tables = [table(0, true), table(1, true), table(0, false), table(1, false)];
    let (cross, penalty) = ([0, 1], [2, 3]);
    let (cross_into, weights) = (penalty, Weights::PLUG_IN);
    let pair = Pair { weight: 1.0, cross, cross_into, divisor: n, penalty, weights };
    loss_of_pair([f, g], &tables, pair, Side::Auto)
}
