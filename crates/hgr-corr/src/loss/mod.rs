//! Losses on candle tensors, with value and gradient in closed form.

mod cca;
mod closed_form;
#[cfg(test)]
mod forms;
mod h_score;
mod label;
mod moments;
mod nested;
mod pair;
mod penalty;
mod soft_hgr;
mod stream;
mod views;
mod whitened;

pub use cca::{Cca, CcaLoss, CcaScore};
pub use closed_form::Loss;
pub use h_score::{HScore, h_score};
pub use label::label_hgr;
pub use nested::{Nesting, nested_h_score};
pub use penalty::{Penalty, Side};
pub use soft_hgr::{SoftHgr, soft_hgr};
pub use views::{Mask, Missing, PairTerm, PairWeights, SoftHgrViews, ViewLoss, soft_hgr_views};
