//! Losses on candle tensors, with value and gradient in closed form.

mod cca;
mod closed_form;
mod dense;
mod h_score;
mod label;
mod moments;
mod nested;
mod penalty;
mod stream;
mod two_view;
mod views;
mod whitened;

pub use cca::{Cca, CcaLoss, CcaScore};
pub use h_score::{HScore, h_score};
pub use label::label_hgr;
pub use nested::{Nesting, nested_h_score};
pub use penalty::{Penalty, Side};
pub use two_view::{Loss, SoftHgr, soft_hgr};
pub use views::{Mask, Missing, PairTerm, PairWeights, ViewLoss, soft_hgr_views};
