//! The mathematics of Soft-HGR, once: cross terms, penalties and gradients of a sum over pairs of tables.
//!
//! A pair of tables x and y with weight w adds `w (penalty - cross)` to the loss, where `cross = <x, y> / a` and, plug-in,
//! `penalty = <x' x, y' y> / (2 b_x b_y)`. So the gradient at x is
//!
//! ```text
//! x (sum over pairs of w y' y / (b_x b_y)) - sum over pairs of w y / a
//! ```
//!
//! one product for each table, however many pairs it is in. In the Gram form the product of a pair is `(x y') y`.

use super::rows::{Gradient, Product, Rows};
use crate::Result;
use crate::loss::penalty::Weights;
use std::cell::OnceCell;

/// Tables, and what their pairs add to their gradients.
pub(in crate::loss) struct Sum<R> {
    entries: Vec<Entry<R>>,
}

struct Entry<R> {
    rows: R,
    divisor: f64,
    /// `x' x`, once it is needed.
    moments: OnceCell<R>,
    /// Other tables in the gradient, with their factors.
    pulls: Vec<(f64, usize)>,
    /// Other tables with whose moments this one is multiplied, with their factors.
    pushes: Vec<(f64, usize)>,
    /// The rest of the gradient, in which each pair has a product of its own.
    rest: Option<R>,
    /// Whether the columns of the rest have means.
    off_centre: bool,
}

impl<R: Rows> Entry<R> {
    fn moments(&self) -> Result<&R> {
        if let Some(moments) = self.moments.get() {
            return Ok(moments);
        }
        let moments = self.rows.moments()?;
        Ok(self.moments.get_or_init(|| moments))
    }
}

impl<R: Rows> Sum<R> {
    pub fn new() -> Self {
        Self { entries: vec![] }
    }

    /// Adds a table, the sums of products of whose columns are divided by `divisor`; gives its number.
    pub fn push(&mut self, rows: R, divisor: f64) -> usize {
        let (moments, pulls, pushes) = (OnceCell::new(), vec![], vec![]);
        let (rest, off_centre) = (None, false);
        self.entries.push(Entry { rows, divisor, moments, pulls, pushes, rest, off_centre });
        self.entries.len() - 1
    }

    /// How many rows a table has.
    pub fn rows(&self, index: usize) -> usize {
        self.entries[index].rows.size().0
    }

    /// The cross term of two tables, whose gradient is added `-weight` times, to those of two tables of the same rows: the
    /// same two, or those that have the penalty.
    pub fn cross(
        &mut self,
        [i, j]: [usize; 2],
        into: [usize; 2],
        divisor: f64,
        weight: f64,
    ) -> Result<f64> {
        let cross = self.entries[i].rows.inner(&self.entries[j].rows)? / divisor;
        self.entries[into[0]].pulls.push((-weight / divisor, j));
        self.entries[into[1]].pulls.push((-weight / divisor, i));
        Ok(cross)
    }

    /// Whether a pair so far has added to the gradient of a table.
    pub fn has_gradient(&self, index: usize) -> bool {
        let Entry { pulls, pushes, rest, .. } = &self.entries[index];
        rest.is_some() || !(pulls.is_empty() && pushes.is_empty())
    }

    /// The penalty of two tables, whose gradient is added `weight` times.
    pub fn penalty(
        &mut self,
        [i, j]: [usize; 2],
        weights: Weights,
        gram: bool,
        weight: f64,
    ) -> Result<f64> {
        let divisor = self.entries[i].divisor * self.entries[j].divisor;
        let scale = weight / divisor;
        let trace = if gram {
            self.gram([i, j], weights, scale)?
        } else {
            self.covariance([i, j], weights, scale)?
        };
        let own = if weights == Weights::PLUG_IN { 0.0 } else { self.own([i, j], weights, scale)? };
        Ok(0.5 * (trace + own) / divisor)
    }

    /// `a <x' x, y' y> + b tr(x' y x' y)` from the products of rows with rows, M: the sums of `M o M` and `M o M'`.
    fn gram(&mut self, [i, j]: [usize; 2], weights: Weights, scale: f64) -> Result<f64> {
        let mut gram = self.entries[i].rows.gram(&self.entries[j].rows)?;
        let mut trace = weights.a * gram.inner(&gram)?;
        if weights != Weights::PLUG_IN {
            let turned = gram.transposed()?;
            trace += weights.b * gram.inner(&turned)?;
            gram = R::sum(None, &[(weights.a, &gram), (weights.b, &turned)], &[])?;
        }
        for (into, from, transposed) in [(i, j, false), (j, i, true)] {
            let rest = self.entries[into].rest.take();
            let right = &self.entries[from].rows;
            let product = Product { scale, left: &gram, transposed, right };
            self.entries[into].rest = Some(R::sum(rest, &[], &[product])?);
        }
        Ok(trace)
    }

    /// The same from the moments and, where they have a weight, the cross-moments.
    fn covariance(&mut self, [i, j]: [usize; 2], weights: Weights, scale: f64) -> Result<f64> {
        let (x, y) = (&self.entries[i], &self.entries[j]);
        let mut trace = weights.a * x.moments()?.inner(y.moments()?)?;
        if weights != Weights::PLUG_IN {
            let cross = x.rows.cross_moments(&y.rows)?;
            let turned = cross.transposed()?;
            trace += weights.b * cross.inner(&turned)?;
            let scale = weights.b * scale;
            for (into, from, right) in [(i, j, &cross), (j, i, &turned)] {
                let rest = self.entries[into].rest.take();
                let left = &self.entries[from].rows;
                let product = Product { scale, left, transposed: false, right };
                self.entries[into].rest = Some(R::sum(rest, &[], &[product])?);
            }
        }
        self.entries[i].pushes.push((weights.a * scale, j));
        self.entries[j].pushes.push((weights.a * scale, i));
        Ok(trace)
    }

    /// The products of rows with themselves, `d sum(m o m) + t (sum m)^2`, which the U-statistic takes out. Their
    /// gradient, unlike that of the other sums, is not centred by itself.
    fn own(&mut self, [i, j]: [usize; 2], weights: Weights, scale: f64) -> Result<f64> {
        let own = self.entries[i].rows.row_inner(&self.entries[j].rows)?;
        let sum: f64 = own.iter().sum();
        let squares: f64 = own.iter().map(|own| own * own).sum();
        let slopes: Vec<f64> =
            own.iter().map(|own| scale * (weights.d * own + weights.t * sum)).collect();
        for (into, from) in [(i, j), (j, i)] {
            let slope = self.entries[from].rows.clone().times(&slopes, (slopes.len(), 1))?;
            let entry = &mut self.entries[into];
            entry.rest = Some(R::sum(entry.rest.take(), &[(1.0, &slope)], &[])?);
            entry.off_centre = true;
        }
        Ok(weights.d * squares + weights.t * sum * sum)
    }

    /// What all pairs have added to the gradient of each table.
    pub fn gradients(self) -> Result<Vec<R>> {
        let mut summed = vec![];
        for entry in &self.entries {
            let mut pushes: Vec<(f64, &R)> = vec![];
            for (factor, other) in &entry.pushes {
                pushes.push((*factor, self.entries[*other].moments()?));
            }
            summed.push(if pushes.len() > 1 { Some(R::sum(None, &pushes, &[])?) } else { None });
        }
        let (mut moments, mut only, mut tables, mut off_centre) = (vec![], vec![], vec![], vec![]);
        for Entry { rows, moments: own, pulls, pushes, rest, off_centre: off, .. } in self.entries {
            moments.push(own.into_inner());
            only.push(pushes.first().copied());
            tables.push(Gradient { rows, rest, pulls, push: None });
            off_centre.push(off);
        }
        for ((table, summed), only) in tables.iter_mut().zip(&summed).zip(only) {
            let only = only.and_then(|(factor, other)| Some((factor, moments[other].as_ref()?)));
            table.push = summed.as_ref().map(|all| (1.0, all)).or(only);
        }
        let gradients = R::gradients(tables)?.into_iter().zip(off_centre);
        gradients.map(|(table, off)| if off { table.centred(None) } else { Ok(table) }).collect()
    }
}
