use super::closed_form::{Centred, check_pair, inner, with_gradient};
use super::two_view::SoftHgr;
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

    fn all(rows: usize, views: usize) -> Self {
        Self { present: vec![true; rows * views], rows, views }
    }

    fn has(&self, row: usize, view: usize) -> bool {
        self.present[row * self.views + view]
    }

    /// Rows for which `keep` holds.
    fn rows(&self, keep: impl Fn(usize) -> bool) -> Vec<u32> {
        (0u32..).zip(0..self.rows).filter(|(_, row)| keep(*row)).map(|(row, _)| row).collect()
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
    let full = Mask::all(rows, views.len());
    let mask = mask.unwrap_or(&full);
    fits("the mask", (mask.rows, mask.views))?;
    let weight = |i, j| weights.map_or(1.0, |weights| weights.of(i, j));
    if mask.present.iter().all(|&present| present) {
        complete(views, weight)
    } else {
        masked(views, mask, weight, missing)
    }
}

/// All rows present: one covariance a view, however many pairs.
fn complete(views: &[Tensor], weight: impl Fn(usize, usize) -> f64) -> Result<ViewLoss> {
    let centred: Vec<Centred> = views.iter().map(Centred::new).collect::<Result<_>>()?;
    let rows = centred[0].count;
    let a = (rows as f64 - 1.0).max(1.0);
    let spreads: Vec<Tensor> =
        centred.iter().map(|view| view.covariance(a)).collect::<Result<_>>()?;
    let mut pairs = vec![];
    let mut value = 0.0;
    for i in 0..views.len() {
        for j in i + 1..views.len() {
            let cross = inner(&centred[i].rows, &centred[j].rows)? / a;
            let penalty = 0.5 * inner(&spreads[i], &spreads[j])?;
            value += weight(i, j) * (penalty - cross);
            pairs.push(PairTerm { i, j, rows, weight: weight(i, j), cross, penalty });
        }
    }
    let mut gradients = vec![];
    for (i, view) in views.iter().enumerate() {
        let mut sum = centred[i].rows.zeros_like()?;
        let mut spread = spreads[i].zeros_like()?;
        for j in (0..views.len()).filter(|&j| j != i) {
            sum = (sum + (&centred[j].rows * weight(i, j))?)?;
            spread = (spread + (&spreads[j] * weight(i, j))?)?;
        }
        gradients.push((view, ((centred[i].rows.matmul(&spread)? - sum)? / a)?));
    }
    Ok(ViewLoss { value: with_gradient(value, &gradients)?, pairs })
}

/// Rows missing: each pair from its own rows.
fn masked(
    views: &[Tensor],
    mask: &Mask,
    weight: impl Fn(usize, usize) -> f64,
    missing: Missing,
) -> Result<ViewLoss> {
    let mut pairs = vec![];
    let mut value = 0.0;
    let mut gradients: Vec<(Tensor, Tensor)> = vec![];
    let select = |view: usize, rows: &[u32]| -> Result<Tensor> {
        let rows = Tensor::from_vec(rows.to_vec(), rows.len(), views[view].device())?;
        Ok(views[view].index_select(&rows, 0)?)
    };
    for i in 0..views.len() {
        for j in i + 1..views.len() {
            let shared = mask.rows(|row| mask.has(row, i) && mask.has(row, j));
            let w = weight(i, j);
            let mut term =
                PairTerm { i, j, rows: shared.len(), weight: w, cross: 0.0, penalty: 0.0 };
            if shared.len() >= 2 {
                let (f, g) = (select(i, &shared)?, select(j, &shared)?);
                let (x, y) = (Centred::new(&f)?, Centred::new(&g)?);
                match missing {
                    Missing::Pairwise => {
                        let parts = SoftHgr::default().parts(&x, &y)?;
                        (term.cross, term.penalty) = (parts.cross, parts.penalty);
                        gradients.push((f, (parts.df * w)?));
                        gradients.push((g, (parts.dg * w)?));
                    }
                    Missing::Available => {
                        let a = shared.len() as f64 - 1.0;
                        term.cross = inner(&x.rows, &y.rows)? / a;
                        gradients.push((f, (&y.rows * (-w / a))?));
                        gradients.push((g, (&x.rows * (-w / a))?));
                        let f = select(i, &mask.rows(|row| mask.has(row, i)))?;
                        let g = select(j, &mask.rows(|row| mask.has(row, j)))?;
                        let (x, y) = (Centred::new(&f)?, Centred::new(&g)?);
                        let (a, b) = (x.count as f64 - 1.0, y.count as f64 - 1.0);
                        let (sx, sy) = (x.covariance(a)?, y.covariance(b)?);
                        term.penalty = 0.5 * inner(&sx, &sy)?;
                        gradients.push((f, (x.rows.matmul(&sy)? * (w / a))?));
                        gradients.push((g, (y.rows.matmul(&sx)? * (w / b))?));
                    }
                }
            }
            value += w * (term.penalty - term.cross);
            pairs.push(term);
        }
    }
    let inputs: Vec<(&Tensor, Tensor)> = gradients.iter().map(|(x, d)| (x, d.clone())).collect();
    if inputs.is_empty() {
        let nothing = views[0].zeros_like()?.sum_all()?;
        return Ok(ViewLoss { value: nothing, pairs });
    }
    Ok(ViewLoss { value: with_gradient(value, &inputs)?, pairs })
}
