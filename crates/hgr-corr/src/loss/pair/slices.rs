//! The tables of the losses as slices, on the CPU: the same sums as on tensors, with half of the work of each covariance
//! and one pass over a gradient for all it is made of.

use super::rows::{Product, Rows};
use crate::Result;
use crate::loss::moments::put_second_moments;
use crate::vectorised::vectorised;
use candle_core::{Device, Storage, Tensor, WithDType};
use faer::linalg::matmul::matmul;
use faer::traits::RealField;
use faer::{Accum, MatMut, MatRef, Par};
use std::ops::Range;

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

/// Rows of a sum that are worked on at a time, so that they are still in the cache when a product is added to them.
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

    /// Adds `scale other` to these values of the table, and brings them into being where it ends before them.
    fn add_scaled(&mut self, at: Range<usize>, scale: f64, other: &Self) {
        let (scale, source) = (T::nearest(scale), &other.values[at.clone()]);
        if self.values.len() < at.end {
            self.values.extend(source.iter().map(|value| *value * scale));
            return;
        }
        let own = &mut self.values[at];
        vectorised(
            #[inline(always)]
            || own.iter_mut().zip(source).for_each(|(own, value)| *own += *value * scale),
        );
    }

    /// Adds these rows of a product.
    fn add_product(&mut self, rows: Range<usize>, product: &Product<Self>) {
        let left = product.left.matrix();
        let left = if product.transposed { left.transpose() } else { left };
        let left = left.subrows(rows.start, rows.len());
        let into = &mut self.values[rows.start * self.columns..rows.end * self.columns];
        let into = MatMut::from_row_major_slice_mut(into, rows.len(), self.columns);
        let scale = T::nearest(product.scale);
        matmul(into, Accum::Add, left, product.right.matrix(), scale, Par::Seq);
    }
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
        let mut sum = start.unwrap_or_else(|| Self {
            values: Vec::with_capacity(rows * columns),
            rows,
            columns,
        });
        for first in (0..rows).step_by(BLOCK) {
            let rows = first..rows.min(first + BLOCK);
            let at = rows.start * columns..rows.end * columns;
            for (scale, table) in tables {
                sum.add_scaled(at.clone(), *scale, table);
            }
            if sum.values.len() < at.end {
                sum.values.resize(at.end, T::nearest(0.0));
            }
            for product in products {
                sum.add_product(rows.clone(), product);
            }
        }
        Ok(sum)
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
