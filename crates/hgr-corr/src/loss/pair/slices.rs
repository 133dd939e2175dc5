//! The tables of the losses as slices, on the CPU: the same sums as on tensors, with half of the work of each covariance,
//! and gradients in the place of what they are computed from.

use super::rows::{Gradient, Product, Rows};
use crate::Result;
use crate::loss::moments::put_second_moments;
use crate::vectorised::vectorised;
use candle_core::{Device, Storage, Tensor, WithDType};
use faer::linalg::matmul::matmul;
use faer::traits::RealField;
use faer::{Accum, MatMut, MatRef, Par};

/// A number type with products.
pub(in crate::loss) trait Number: WithDType + RealField + Into<f64> {
    /// The nearest number of this type.
    fn nearest(value: f64) -> Self;
}

impl Number for f32 {
    fn nearest(value: f64) -> Self {
        value as Self
    }
}

impl Number for f64 {
    fn nearest(value: f64) -> Self {
        value
    }
}

/// Row-major numbers.
#[derive(Clone)]
pub(in crate::loss) struct Slices<T> {
    values: Vec<T>,
    rows: usize,
    columns: usize,
}

/// Rows that are worked on at a time where their gradient takes their place.
const BLOCK: usize = 256;

impl<T: Number> Slices<T> {
    fn new(rows: usize, columns: usize) -> Self {
        Self { values: vec![T::nearest(0.0); rows * columns], rows, columns }
    }

    fn matrix(&self) -> MatRef<'_, T> {
        MatRef::from_row_major_slice(&self.values, self.rows, self.columns)
    }

    fn matrix_mut(&mut self) -> MatMut<'_, T> {
        MatMut::from_row_major_slice_mut(&mut self.values, self.rows, self.columns)
    }

    /// One row after the other; none where there is no column.
    fn each(&self) -> impl Iterator<Item = &[T]> {
        self.values.chunks_exact(self.columns.max(1))
    }

    fn each_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.values.chunks_exact_mut(self.columns.max(1))
    }

    fn of_product(left: MatRef<T>, right: MatRef<T>) -> Self {
        let mut product = Self::new(left.nrows(), right.ncols());
        let one = T::nearest(1.0);
        matmul(product.matrix_mut(), Accum::Replace, left, right, one, Par::Seq);
        product
    }

    /// `own += scale left right`.
    fn add_product(own: &mut [T], left: MatRef<T>, right: &Self, scale: f64) {
        let own = MatMut::from_row_major_slice_mut(own, left.nrows(), right.columns);
        matmul(own, Accum::Add, left, right.matrix(), T::nearest(scale), Par::Seq);
    }
}

/// `own += scale other`, or `own = scale other`.
fn add_scaled<T: Number>(own: &mut [T], scale: f64, other: &[T], replace: bool) {
    let scale = T::nearest(scale);
    vectorised(
        #[inline(always)]
        || {
            let pairs = own.iter_mut().zip(other);
            if replace {
                pairs.for_each(|(own, other)| *own = *other * scale);
            } else {
                pairs.for_each(|(own, other)| *own += *other * scale);
            }
        },
    );
}

impl<T: Number> Rows for Slices<T> {
    fn read(view: &Tensor, rows: Option<&[u32]>) -> Result<Self> {
        let (count, columns) = view.dims2()?;
        let view = view.detach().to_dtype(T::DTYPE)?.contiguous()?;
        let (storage, layout) = view.storage_and_layout();
        let Storage::Cpu(numbers) = &*storage else {
            return Err(candle_core::Error::Msg("slices of a tensor off the CPU".into()).into());
        };
        let all = T::cpu_storage_as_slice(numbers)?;
        let all = &all[layout.start_offset()..][..count * columns];
        let Some(rows) = rows else {
            return Ok(Self { values: all.to_vec(), rows: count, columns });
        };
        let mut values = Vec::with_capacity(rows.len() * columns);
        for &row in rows {
            values.extend_from_slice(&all[row as usize * columns..][..columns]);
        }
        Ok(Self { values, rows: rows.len(), columns })
    }

    fn zeros(view: &Tensor) -> Result<Self> {
        let (rows, columns) = view.dims2()?;
        Ok(Self::new(rows, columns))
    }

    fn into_tensor(self) -> Result<Tensor> {
        Ok(Tensor::from_vec(self.values, (self.rows, self.columns), &Device::Cpu)?)
    }

    fn size(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    fn centred(self, counts: Option<&[f64]>) -> Result<Self> {
        let mut means = vec![0.0; self.columns];
        vectorised(
            #[inline(always)]
            || {
                let Some(counts) = counts else {
                    for row in self.each() {
                        means.iter_mut().zip(row).for_each(|(sum, value)| *sum += (*value).into());
                    }
                    means.iter_mut().for_each(|sum| *sum /= self.rows as f64);
                    return;
                };
                for (row, count) in self.each().zip(counts) {
                    let add = |(sum, value): (&mut f64, &T)| *sum += count * (*value).into();
                    means.iter_mut().zip(row).for_each(add);
                }
                let total = counts.iter().sum::<f64>().max(1.0);
                means.iter_mut().for_each(|sum| *sum /= total);
            },
        );
        self.minus(&means)
    }

    fn minus(mut self, means: &[f64]) -> Result<Self> {
        vectorised(
            #[inline(always)]
            || {
                for row in self.each_mut() {
                    row.iter_mut()
                        .zip(means)
                        .for_each(|(v, mean)| *v = T::nearest((*v).into() - mean));
                }
            },
        );
        Ok(self)
    }

    fn chosen(&self, rows: &[u32]) -> Result<Self> {
        let mut values = Vec::with_capacity(rows.len() * self.columns);
        for &row in rows {
            values.extend_from_slice(&self.values[row as usize * self.columns..][..self.columns]);
        }
        Ok(Self { values, rows: rows.len(), columns: self.columns })
    }

    fn add_at(&mut self, rows: &[u32], other: &Self) -> Result<()> {
        let columns = self.columns;
        vectorised(
            #[inline(always)]
            || {
                for (&row, other) in rows.iter().zip(other.each()) {
                    let own = &mut self.values[row as usize * columns..][..columns];
                    own.iter_mut().zip(other).for_each(|(own, value)| *own += *value);
                }
            },
        );
        Ok(())
    }

    fn times(mut self, factors: &[f64], (rows, columns): (usize, usize)) -> Result<Self> {
        for (index, row) in self.each_mut().enumerate() {
            let factors = if rows == 1 { factors } else { &factors[index * columns..] };
            if columns == 1 {
                let factor = T::nearest(factors[0]);
                row.iter_mut().for_each(|value| *value *= factor);
            } else {
                row.iter_mut().zip(factors).for_each(|(value, f)| *value *= T::nearest(*f));
            }
        }
        Ok(self)
    }

    fn inner(&self, other: &Self) -> Result<f64> {
        Ok(dot(&self.values, &other.values))
    }

    fn row_inner(&self, other: &Self) -> Result<Vec<f64>> {
        Ok(self.each().zip(other.each()).map(|(x, y)| dot(x, y)).collect())
    }

    fn transposed(&self) -> Result<Self> {
        let mut turned = Self::new(self.columns, self.rows);
        for (row, values) in self.each().enumerate() {
            for (column, value) in values.iter().enumerate() {
                turned.values[column * self.rows + row] = *value;
            }
        }
        Ok(turned)
    }

    fn moments(&self) -> Result<Self> {
        let mut moments = Self::new(self.columns, self.columns);
        put_second_moments(moments.matrix_mut(), self.matrix());
        Ok(moments)
    }

    fn cross_moments(&self, other: &Self) -> Result<Self> {
        Ok(Self::of_product(self.matrix().transpose(), other.matrix()))
    }

    fn gram(&self, other: &Self) -> Result<Self> {
        Ok(Self::of_product(self.matrix(), other.matrix().transpose()))
    }

    fn sum(
        start: Option<Self>,
        tables: &[(f64, &Self)],
        products: &[Product<Self>],
    ) -> Result<Self> {
        let of_product = products.first().map(|product| {
            let (rows, columns) = product.left.size();
            (if product.transposed { columns } else { rows }, product.right.columns)
        });
        let size = start.as_ref().or(tables.first().map(|(_, table)| *table)).map(Self::size);
        let (rows, columns) = size.or(of_product).unwrap_or((0, 0));
        let mut sum = start.unwrap_or_else(|| Self::new(rows, columns));
        for (scale, table) in tables {
            add_scaled(&mut sum.values, *scale, &table.values, false);
        }
        for Product { scale, left, transposed, right } in products {
            let left = if *transposed { left.matrix().transpose() } else { left.matrix() };
            Self::add_product(&mut sum.values, left, right, *scale);
        }
        Ok(sum)
    }

    /// Each in the place of its table, some rows at a time: what a row needs of others is in the same row.
    fn gradients(mut tables: Vec<Gradient<Self>>) -> Result<Vec<Self>> {
        let rows = tables.iter().map(|table| table.rows.rows).max().unwrap_or(0);
        let mut old: Vec<Vec<T>> = vec![vec![]; tables.len()];
        for first in (0..rows).step_by(BLOCK) {
            let part = |table: &Self| {
                let rows = first.min(table.rows)..table.rows.min(first + BLOCK);
                rows.start * table.columns..rows.end * table.columns
            };
            for (old, table) in old.iter_mut().zip(&tables) {
                old.clear();
                old.extend_from_slice(&table.rows.values[part(&table.rows)]);
            }
            for (table, own) in tables.iter_mut().zip(&old) {
                let Gradient { rows, rest, pulls, push } = table;
                let at = part(rows);
                let mut replace = rest.is_none();
                let into = &mut rest.as_mut().unwrap_or(rows).values[at];
                for (scale, other) in pulls {
                    add_scaled(into, *scale, &old[*other], replace);
                    replace = false;
                }
                if replace {
                    into.fill(T::nearest(0.0));
                }
                if let Some((scale, right)) = push {
                    let rows = own.len() / right.columns.max(1);
                    let left = MatRef::from_row_major_slice(own, rows, right.columns);
                    Self::add_product(into, left, right, *scale);
                }
            }
        }
        Ok(tables.into_iter().map(|table| table.rest.unwrap_or(table.rows)).collect())
    }
}

/// The sum of products in f64, in as many running sums as a wide register holds.
fn dot<T: Number>(a: &[T], b: &[T]) -> f64 {
    const LANES: usize = 16;
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    vectorised(
        #[inline(always)]
        || {
            for (a, b) in a_chunks.iter().zip(b_chunks) {
                for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += (*a).into() * (*b).into();
                }
            }
        },
    );
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| (*a).into() * (*b).into());
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}
