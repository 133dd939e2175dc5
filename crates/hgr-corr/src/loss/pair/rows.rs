//! What the mathematics of the losses asks of a table of numbers. Written once for this, it runs on slices and on
//! tensors.

use crate::Result;
use candle_core::Tensor;

/// A table of numbers, in the number type that sums are accumulated in, without a graph.
pub(in crate::loss) trait Rows: Clone + Sized {
    /// All rows of a view, or those that are named, in their order; others are not looked at.
    fn read(view: &Tensor, rows: Option<&[u32]>) -> Result<Self>;

    /// As large as a view, of zeros.
    fn zeros(view: &Tensor) -> Result<Self>;

    /// On the device of the view that was read.
    fn into_tensor(self) -> Result<Tensor>;

    /// Rows and columns.
    fn size(&self) -> (usize, usize);

    /// Minus the column means, in which rows count as often as `counts` says, once where that is not given.
    fn centred(self, counts: Option<&[f64]>) -> Result<Self>;

    /// Minus one number per column, in f64 or as good as that.
    fn minus(self, means: &[f64]) -> Result<Self>;

    /// The named rows, in their order and as often as they are named.
    fn chosen(&self, rows: &[u32]) -> Result<Self>;

    /// Adds each row of `other` to the row that is named for it.
    fn add_at(&mut self, rows: &[u32], other: &Self) -> Result<()>;

    /// Entry by entry times a row-major table of this size; one row of it, or one column, serves all.
    fn times(self, factors: &[f64], size: (usize, usize)) -> Result<Self>;

    /// The sum of products of matching entries.
    fn inner(&self, other: &Self) -> Result<f64>;

    /// The same for each row.
    fn row_inner(&self, other: &Self) -> Result<Vec<f64>>;

    fn transposed(&self) -> Result<Self>;

    /// `x' x`.
    fn moments(&self) -> Result<Self>;

    /// `x' y`.
    fn cross_moments(&self, other: &Self) -> Result<Self>;

    /// `x y'`.
    fn gram(&self, other: &Self) -> Result<Self>;

    /// `start + sum of c T + sum of c A B`: what all gradients are made of. Nothing at all gives a table without rows.
    fn sum(
        start: Option<Self>,
        tables: &[(f64, &Self)],
        products: &[Product<Self>],
    ) -> Result<Self>;

    /// Gradients of tables by each other.
    fn gradients(tables: Vec<Gradient<Self>>) -> Result<Vec<Self>> {
        let gradient = |table: &Gradient<Self>| {
            let pulls: Vec<(f64, &Self)> =
                table.pulls.iter().map(|(scale, other)| (*scale, &tables[*other].rows)).collect();
            let (left, transposed) = (&table.rows, false);
            let push = table.push.map(|(scale, right)| Product { scale, left, transposed, right });
            Self::sum(table.rest.clone(), &pulls, push.as_slice())
        };
        tables.iter().map(gradient).collect()
    }
}

/// `scale left right`, or `scale left' right`.
pub(in crate::loss) struct Product<'a, R> {
    pub scale: f64,
    pub left: &'a R,
    pub transposed: bool,
    pub right: &'a R,
}

/// `rest + sum of c y + c rows S`, of a table among others: those in `pulls` have as many rows.
pub(in crate::loss) struct Gradient<'a, R> {
    pub rows: R,
    pub rest: Option<R>,
    /// Factors c and the numbers of the tables y.
    pub pulls: Vec<(f64, usize)>,
    /// A factor c and S, which has as many columns as the table.
    pub push: Option<(f64, &'a R)>,
}
