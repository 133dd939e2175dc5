//! The one room of Soft-HGR: values and gradients of pairs of tables, whichever loss they come from and whatever holds
//! their numbers. `sum` is the mathematics, `rows` what it asks of a table, `slices` and `tensors` the two that answer.

mod rows;
mod slices;
mod sum;
mod tensors;

pub(super) use rows::{Product, Rows};
pub(super) use slices::Slices;
pub(super) use sum::Sum;

use super::closed_form::{Loss, accumulator};
use super::penalty::{Side, Weights};
use crate::Result;
use candle_core::{DType, Tensor};

/// What holds the numbers of some tensors.
pub(super) enum Form {
    /// Slices of f32, half types too.
    F32,
    /// Slices of f64.
    F64,
    /// Tensors: off the CPU, and where number types differ.
    Tensors,
}

impl Form {
    pub fn of(tensors: &[&Tensor]) -> Self {
        let all =
            |dtype| tensors.iter().all(|t| t.device().is_cpu() && accumulator(t.dtype()) == dtype);
        if all(DType::F32) {
            Self::F32
        } else if all(DType::F64) {
            Self::F64
        } else {
            Self::Tensors
        }
    }
}

/// Evaluates an expression with a type name bound to the tables that hold the numbers of some tensors.
macro_rules! in_form {
    ($tensors:expr, $rows:ident => $body:expr) => {
        match $crate::loss::pair::Form::of($tensors) {
            $crate::loss::pair::Form::F32 => {
                type $rows = $crate::loss::pair::Slices<f32>;
                $body
            }
            $crate::loss::pair::Form::F64 => {
                type $rows = $crate::loss::pair::Slices<f64>;
                $body
            }
            $crate::loss::pair::Form::Tensors => {
                type $rows = candle_core::Tensor;
                $body
            }
        }
    };
}
pub(super) use in_form;

/// Rows of a view as a table.
pub(super) struct Table<'a> {
    /// Which view.
    pub view: usize,
    /// Which of its rows; all where not given.
    pub rows: Option<&'a [u32]>,
    /// Minus the column means of these rows.
    pub centred: bool,
    /// What the sums of products of its columns are divided by.
    pub divisor: f64,
}

/// A pair of tables in a sum of losses.
pub(super) struct Pair {
    pub weight: f64,
    /// The tables of the cross term, row by row of the same samples.
    pub cross: [usize; 2],
    /// The tables that get the gradient of the cross term: the same, or others of the same rows.
    pub cross_into: [usize; 2],
    /// What the cross term is divided by.
    pub divisor: f64,
    /// The tables of the penalty.
    pub penalty: [usize; 2],
    /// The estimate of the penalty; those other than the plug-in need rows of the same samples.
    pub weights: Weights,
}

/// Cross term and penalty of each pair, before its weight, and the gradient of the weighted sum at each view.
pub(super) struct Found {
    pub parts: Vec<(f64, f64)>,
    pub gradients: Vec<Tensor>,
}

/// The loss of two views that are one pair: 0 with gradients 0 where they have fewer than two rows.
pub(super) fn loss_of_pair(
    views: [&Tensor; 2],
    tables: &[Table],
    pair: Pair,
    side: Side,
) -> Result<Loss> {
    let found = if views[0].dim(0)? < 2 {
        losses(&views, &[], &[], side)?
    } else {
        losses(&views, tables, &[pair], side)?
    };
    let (cross, penalty) = found.parts.first().copied().unwrap_or((0.0, 0.0));
    let inputs: Vec<(&Tensor, Tensor)> = views.into_iter().zip(found.gradients).collect();
    Loss::new(cross, penalty, &inputs)
}

/// The sum of the losses of some pairs of tables.
pub(super) fn losses(
    views: &[&Tensor],
    tables: &[Table],
    pairs: &[Pair],
    side: Side,
) -> Result<Found> {
    in_form!(views, R => losses_of::<R>(views, tables, pairs, side))
}

pub(super) fn losses_of<R: Rows>(
    views: &[&Tensor],
    tables: &[Table],
    pairs: &[Pair],
    side: Side,
) -> Result<Found> {
    let columns = views.first().map_or(Ok(0), |view| view.dim(1))?;
    let mut sum = Sum::new();
    for table in tables {
        let rows = R::read(views[table.view], table.rows)?;
        sum.push(if table.centred { rows.centred(None)? } else { rows }, table.divisor);
    }
    let shares =
        |table: usize| pairs.iter().flat_map(|p| p.penalty).filter(|t| *t == table).count();
    let mut parts = vec![];
    for pair in pairs {
        let cross = sum.cross(pair.cross, pair.cross_into, pair.divisor, pair.weight)?;
        let gram =
            side.is_gram(pair.penalty.map(|table| (sum.rows(table), shares(table))), columns);
        parts.push((cross, sum.penalty(pair.penalty, pair.weights, gram, pair.weight)?));
    }
    let mut gradients: Vec<Option<R>> = vec![None; views.len()];
    let has_gradient: Vec<bool> = (0..tables.len()).map(|table| sum.has_gradient(table)).collect();
    for ((table, own), has) in tables.iter().zip(sum.gradients()?).zip(has_gradient) {
        if !has {
            continue;
        }
        let total = &mut gradients[table.view];
        *total = Some(match (total.take(), table.rows) {
            (None, None) => own,
            (Some(total), None) => R::sum(Some(total), &[(1.0, &own)], &[])?,
            (total, Some(rows)) => {
                let mut total =
                    if let Some(total) = total { total } else { R::zeros(views[table.view])? };
                total.add_at(rows, &own)?;
                total
            }
        });
    }
    let gradients = gradients.into_iter().zip(views).map(|(gradient, view)| {
        if let Some(gradient) = gradient { gradient } else { R::zeros(view)? }.into_tensor()
    });
    Ok(Found { parts, gradients: gradients.collect::<Result<_>>()? })
}
