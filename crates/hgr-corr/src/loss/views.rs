//! Soft-HGR of all pairs of several views, whose rows may be missing.

use super::closed_form::{check_pair, with_gradient};
use super::pair::{Pair, Table, losses};
use super::penalty::Penalty;
use super::soft_hgr::SoftHgr;
use crate::{Error, Result};
use candle_core::Tensor;

/// Which rows of which views are present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    present: Vec<bool>,
    rows: usize,
    views: usize,
}

impl Mask {
    /// Row-major flags, one row of the batch after the other.
    ///
    /// Errors: a length other than `rows * views`.
    pub fn new(present: Vec<bool>, rows: usize, views: usize) -> Result<Self> {
        if present.len() != rows * views {
            return Err(Error::Shape {
                what: "the mask",
                expected: format!("{rows} x {views} flags"),
                actual: present.len().to_string(),
            });
        }
        Ok(Self { present, rows, views })
    }

    fn has(&self, row: usize, view: usize) -> bool {
        self.present[row * self.views + view]
    }
}

/// A weight for each pair of views.
#[derive(Clone, Debug, PartialEq)]
pub struct PairWeights {
    weights: Vec<f64>,
    views: usize,
}

impl PairWeights {
    /// A symmetric table, row-major; the diagonal is not used.
    ///
    /// Errors: a length other than `views * views`, a table that is not symmetric or not finite.
    pub fn new(weights: Vec<f64>, views: usize) -> Result<Self> {
        let table = Self { weights, views };
        let fits = table.weights.len() == views * views
            && (0..views).all(|i| {
                (0..i).all(|j| table.of(i, j) == table.of(j, i) && table.of(i, j).is_finite())
            });
        if fits {
            return Ok(table);
        }
        Err(Error::Shape {
            what: "the pair weights",
            expected: format!("a symmetric, finite table of {views} x {views}"),
            actual: format!("{:?}", table.weights),
        })
    }

    fn of(&self, i: usize, j: usize) -> f64 {
        self.weights[i * self.views + j]
    }
}

/// Which rows the covariances of a pair are taken from when rows are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The rows where both views are present.
    #[default]
    Pairwise,
    /// For each view all rows where it is present; the cross term still uses the shared rows.
    Available,
}

/// The loss over all pairs of several views.
#[derive(Clone, Debug)]
pub struct ViewLoss {
    /// Scalar to be minimised, with gradient.
    pub value: Tensor,
    /// The parts, for logs: pairs with i < j in order.
    pub pairs: Vec<PairTerm>,
}

/// The parts of one pair of views, before its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct PairTerm {
    /// First view.
    pub i: usize,
    /// Second view.
    pub j: usize,
    /// Rows where both are present.
    pub rows: usize,
    /// Weight of the pair in the sum.
    pub weight: f64,
    /// The cross term.
    pub cross: f64,
    /// Half the trace of the product of the covariances.
    pub penalty: f64,
}

/// The sum of Soft-HGR losses over all pairs of several views, some of whose rows may be missing.
///
/// Definition: `sum over i < j of w_ij loss(view_i, view_j)`, unbiased. Without a mask each view's covariance is
/// formed once, however many pairs it is in. With a mask each pair is computed from the rows that `missing`
/// says; a pair with fewer than two shared rows is 0.
///
/// Shapes: views all (B, K); mask B x views; weights views x views, 1 where not given.
///
/// Errors: fewer than two views, shapes that do not fit together.
///
/// Numerics: as [`soft_hgr`](crate::soft_hgr). What stands in a masked row, NaN too, has no influence and gets
/// gradient 0.
///
/// Source: Wang et al. 2019 (more than two modalities, missing modalities).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::{Mask, Missing, soft_hgr_views};
/// let f = Tensor::new(&[[1.0f64], [2.0], [6.0], [f64::NAN]], &Device::Cpu)?;
/// let g = Tensor::new(&[[0.0f64], [1.0], [2.0], [9.0]], &Device::Cpu)?;
/// let mask = Mask::new(vec![true, true, true, true, true, true, false, true], 4, 2)?;
/// let loss = soft_hgr_views(&[f, g], Some(&mask), None, Missing::Pairwise)?;
/// assert_eq!(loss.value.to_scalar::<f64>()?, 1.0);
/// assert_eq!(loss.pairs[0].rows, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn soft_hgr_views(
    views: &[Tensor],
    mask: Option<&Mask>,
    weights: Option<&PairWeights>,
    missing: Missing,
) -> Result<ViewLoss> {
    SoftHgrViews { missing, ..SoftHgrViews::default() }.loss(views, mask, weights)
}

/// The sum over all pairs of several views, with the choices of [`SoftHgr`] for each pair.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::{Penalty, SoftHgr, SoftHgrViews};
/// let f = Tensor::new(&[[1.0f64], [2.0], [6.0], [7.0]], &Device::Cpu)?;
/// let g = Tensor::new(&[[0.0f64], [1.0], [2.0], [9.0]], &Device::Cpu)?;
/// let pair = SoftHgr { penalty: Penalty::Unbiased, ..Default::default() };
/// let views = SoftHgrViews { pair, ..Default::default() };
/// let loss = views.loss(&[f.clone(), g.clone()], None, None)?;
/// assert_eq!(loss.pairs[0].penalty, pair.loss(&f, &g)?.penalty);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoftHgrViews {
    /// Convention, penalty and form of each pair. [`Penalty::Blend`] takes the rows of the data set in which both views are
    /// present as equal for all pairs.
    pub pair: SoftHgr,
    /// The rows of the covariances where rows are missing.
    pub missing: Missing,
}

impl SoftHgrViews {
    /// Value, gradient and parts; as [`soft_hgr_views`], but a pair is 0 with fewer shared rows than its penalty needs:
    /// four where the bias is removed.
    ///
    /// Errors: also [`Missing::Available`] with another penalty than [`Penalty::PlugIn`], which needs both views in all its
    /// rows; a data set of fewer rows in [`Penalty::Blend`] than a pair shares.
    pub fn loss(
        &self,
        views: &[Tensor],
        mask: Option<&Mask>,
        weights: Option<&PairWeights>,
    ) -> Result<ViewLoss> {
        let rows = check(views, mask, weights)?;
        if self.missing == Missing::Available && self.pair.penalty != Penalty::PlugIn {
            return Err(Error::Shape {
                what: "the penalty of views with `Missing::Available`",
                expected: format!("{:?}", Penalty::PlugIn),
                actual: format!("{:?}", self.pair.penalty),
            });
        }
        let mut plan = Plan::default();
        for (i, j) in (0..views.len()).flat_map(|i| (i + 1..views.len()).map(move |j| (i, j))) {
            let weight = weights.map_or(1.0, |weights| weights.of(i, j));
            let has = |view: usize, row: u32| mask.is_none_or(|m| m.has(row as usize, view));
            self.add(&mut plan, rows, (i, j), weight, has)?;
        }
        let divisor = |rows| self.pair.convention.divisors(rows).1;
        let table = |&(view, set): &(usize, usize)| {
            let own: &Vec<u32> = &plan.sets[set];
            let rows = (own.len() < rows).then_some(own.as_slice());
            Table { view, rows, centred: true, divisor: divisor(own.len()) }
        };
        let tables: Vec<Table> = plan.tables.iter().map(table).collect();
        let tensors: Vec<&Tensor> = views.iter().collect();
        let found = losses(&tensors, &tables, &plan.pairs, self.pair.side)?;
        for (term, (cross, penalty)) in plan.terms_of_pairs.iter().zip(found.parts) {
            let term = &mut plan.terms[*term];
            (term.cross, term.penalty) = (cross, penalty);
        }
        let value = plan.terms.iter().map(|term| term.weight * (term.penalty - term.cross)).sum();
        let inputs: Vec<(&Tensor, Tensor)> = views.iter().zip(found.gradients).collect();
        Ok(ViewLoss { value: with_gradient(value, &inputs)?, pairs: plan.terms })
    }

    /// Adds a pair of views, with the tables it needs.
    fn add(
        &self,
        plan: &mut Plan,
        rows: usize,
        (i, j): (usize, usize),
        weight: f64,
        has: impl Fn(usize, u32) -> bool,
    ) -> Result<()> {
        let of = |view| (0..rows as u32).filter(|row| has(view, *row)).collect::<Vec<u32>>();
        let shared: Vec<u32> = of(i).into_iter().filter(|row| has(j, *row)).collect();
        let count = shared.len();
        plan.terms.push(PairTerm { i, j, rows: count, weight, cross: 0.0, penalty: 0.0 });
        if count < self.pair.penalty.least_rows(count) {
            return Ok(());
        }
        let (divisor, b) = self.pair.convention.divisors(count);
        let weights = self.pair.penalty.weights(count, b)?;
        let cross = [i, j].map(|view| plan.table(view, shared.clone()));
        let penalty = match self.missing {
            Missing::Pairwise => cross,
            Missing::Available => [i, j].map(|view| plan.table(view, of(view))),
        };
        plan.terms_of_pairs.push(plan.terms.len() - 1);
        let cross_into = cross;
        plan.pairs.push(Pair { weight, cross, cross_into, divisor, penalty, weights });
        Ok(())
    }
}

/// The tables of all pairs: rows of a view that several pairs use are one table, with one covariance.
#[derive(Default)]
struct Plan {
    /// Sets of rows, none twice.
    sets: Vec<Vec<u32>>,
    /// Views and the numbers of their sets, none twice.
    tables: Vec<(usize, usize)>,
    /// Pairs with enough rows.
    pairs: Vec<Pair>,
    /// The place of each of them among all.
    terms_of_pairs: Vec<usize>,
    /// All pairs.
    terms: Vec<PairTerm>,
}

impl Plan {
    /// The number of the table of these rows of a view.
    fn table(&mut self, view: usize, rows: Vec<u32>) -> usize {
        let set = place(&mut self.sets, rows);
        place(&mut self.tables, (view, set))
    }
}

/// Where an item stands in a list, at whose end it is put if it is not there.
fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|other| *other == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// The number of rows of views, a mask and weights that fit together.
fn check(views: &[Tensor], mask: Option<&Mask>, weights: Option<&PairWeights>) -> Result<usize> {
    let first = views.first().filter(|_| views.len() > 1).ok_or(Error::Shape {
        what: "the views",
        expected: "at least two".into(),
        actual: views.len().to_string(),
    })?;
    for view in views {
        check_pair(first, view)?;
    }
    let rows = first.dim(0)?;
    let fits = |what, (r, v): (usize, usize)| {
        if (r, v) == (rows, views.len()) {
            return Ok(());
        }
        Err(Error::Shape {
            what,
            expected: format!("{rows} rows, {} views", views.len()),
            actual: format!("{r} rows, {v} views"),
        })
    };
    if let Some(weights) = weights {
        fits("the pair weights", (rows, weights.views))?;
    }
    if let Some(mask) = mask {
        fits("the mask", (mask.rows, mask.views))?;
    }
    Ok(rows)
}
