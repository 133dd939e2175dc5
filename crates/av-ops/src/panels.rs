//! Matrices laid out for the kernels that many products share.

use rayon::prelude::*;

use crate::cpu::Float;
use crate::matrix::{Matrix, MatrixMut};
use crate::products::Products;
use crate::tiles::{BLOCK, Place, Run, Start, Weights, lanes};
use crate::turn::turn;
use crate::vectorised::{WIDEST, is_portable};

/// A right factor of products with few rows, or the gradient of one: blocks of [`BLOCK`] columns, in each of them row behind
/// row, with zeros that fill the last vector. The kernels of f32, and `gemm` for f64, read it as it is.
pub(crate) struct Panels<T> {
    values: Vec<T>,
    rows: usize,
    columns: usize,
}

impl<T: Float> Panels<T> {
    /// Copies a matrix into panels.
    pub fn new(matrix: Matrix<'_, T>) -> Self {
        let Matrix { values: source, rows, columns, row_stride, column_stride } = matrix;
        let mut panels = Self::zeros(rows, columns);
        panels.values.par_chunks_mut(rows * BLOCK).enumerate().for_each(|(index, panel)| {
            let (start, width) = (index * BLOCK, panel.len() / rows);
            let block = BLOCK.min(columns - start);
            let source = &source[start * column_stride..];
            if row_stride == 1 {
                turn(source, [block, rows], column_stride, panel, width);
            } else {
                for (row, panel) in panel.chunks_mut(width).enumerate() {
                    panel[..block].copy_from_slice(&source[row * row_stride..][..block]);
                }
            }
        });
        panels
    }

    /// Panels of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { values: vec![T::zero(); rows * lanes(columns)], rows, columns }
    }

    /// Adds `a` times this matrix to the rows in `target` that start `row_stride` elements apart.
    pub fn add_to(&self, a: Matrix<'_, T>, target: &mut [T], row_stride: usize) {
        assert_eq!(a.columns, self.rows, "the sizes of a matrix product must agree");
        T::add_panels(self, a, target, row_stride);
    }

    /// Adds the transpose of `a` times `b` to this matrix.
    pub fn add_transposed(&mut self, a: Matrix<'_, T>, b: Matrix<'_, T>) {
        let sizes = (a.columns, b.columns, a.rows);
        assert_eq!(
            sizes,
            (self.rows, self.columns, b.rows),
            "the sizes of a matrix product must agree"
        );
        T::add_into_panels(self, a, b);
    }

    /// Writes the columns one behind the other.
    pub fn turn_into(&self, target: &mut [T]) {
        let rows = self.rows;
        let targets = target.par_chunks_mut(rows * BLOCK);
        targets.zip(self.values.par_chunks(rows * BLOCK)).for_each(|(target, panel)| {
            let columns = target.len() / rows;
            turn(panel, [rows, columns], panel.len() / rows, target, rows);
        });
    }

    /// [`add_to`](Self::add_to) by `gemm`. Up to 48 rows are cheap; from there on it copies the panels.
    fn add_by_gemm(&self, a: Matrix<'_, T>, target: &mut [T], row_stride: usize) {
        let panels = self.values.chunks(self.rows * BLOCK);
        for (start, panel) in (0..self.columns).step_by(BLOCK).zip(panels) {
            let (columns, width) = (BLOCK.min(self.columns - start), panel.len() / self.rows);
            MatrixMut::new(&mut target[start..], a.rows, columns, row_stride)
                .add_product(a, Matrix::new(panel, self.rows, columns, width));
        }
    }

    /// [`add_transposed`](Self::add_transposed) by `gemm`.
    fn add_transposed_by_gemm(&mut self, a: Matrix<'_, T>, b: Matrix<'_, T>) {
        let (rows, columns) = (self.rows, self.columns);
        let panels = self.values.par_chunks_mut(rows * BLOCK).enumerate();
        panels.for_each(|(block, panel)| {
            let (start, width) = (block * BLOCK, panel.len() / rows);
            let columns = BLOCK.min(columns - start);
            let b = Matrix::new(&b.values[start..], b.rows, columns, b.row_stride);
            MatrixMut::new(panel, rows, columns, width).add_product(a.transposed(), b);
        });
    }
}

/// The products of [`Panels`] in the best way there is for an element type.
pub(crate) trait Packed: Sized {
    /// See [`Panels::add_to`].
    fn add_panels(panels: &Panels<Self>, a: Matrix<'_, Self>, target: &mut [Self], stride: usize);

    /// See [`Panels::add_transposed`].
    fn add_into_panels(panels: &mut Panels<Self>, a: Matrix<'_, Self>, b: Matrix<'_, Self>);
}

impl Packed for f64 {
    fn add_panels(panels: &Panels<Self>, a: Matrix<'_, Self>, target: &mut [Self], stride: usize) {
        panels.add_by_gemm(a, target, stride);
    }

    fn add_into_panels(panels: &mut Panels<Self>, a: Matrix<'_, Self>, b: Matrix<'_, Self>) {
        panels.add_transposed_by_gemm(a, b);
    }
}

/// Without wide vectors the kernels take one element at a time.
impl Packed for f32 {
    fn add_panels(panels: &Panels<Self>, a: Matrix<'_, Self>, target: &mut [Self], stride: usize) {
        if is_portable() {
            return panels.add_by_gemm(a, target, stride);
        }
        let weights =
            Weights { values: &panels.values, taps: panels.rows, channels: panels.columns };
        let run = Run { start: 0, length: panels.rows, tap: 0 };
        let places = places(a, stride);
        weights.sum(a.values, &[run], &places, Start::Before, f32::NEG_INFINITY, target);
    }

    fn add_into_panels(panels: &mut Panels<Self>, a: Matrix<'_, Self>, b: Matrix<'_, Self>) {
        // The last vector of the last row would not be there.
        if is_portable() || !panels.columns.is_multiple_of(WIDEST) {
            return panels.add_transposed_by_gemm(a, b);
        }
        let run = Run { start: 0, length: panels.rows, tap: 0 };
        let places = places(a, b.row_stride);
        let (x, dy, taps) = (a.values, b.values, panels.rows);
        let products = Products { taps, runs: &[run], places: &places, x, dy };
        let panels = panels.values.par_chunks_mut(taps * BLOCK).enumerate();
        panels.for_each(|(block, sums)| products.add(block, sums));
    }
}

/// The rows of a matrix, each with that of another whose rows start `stride` elements apart.
fn places(a: Matrix<'_, f32>, stride: usize) -> Vec<Place> {
    assert_eq!(a.column_stride, 1, "the kernels read rows of neighbours");
    (0..a.rows).map(|row| Place { from: row * a.row_stride, to: row * stride }).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    /// Less than a vector, than a panel, one, two and a part.
    const COLUMNS: [usize; 5] = [1, 16, 63, 64, 150];

    fn numbers<T: Float>(count: usize) -> Vec<T> {
        (0..count).map(|index| T::from_f64((index * 7 % 11) as f64 - 5.0)).collect()
    }

    /// Whole numbers have no rounding, whatever computes their products.
    fn a_product_with_panels_is_the_product<T: Float + Debug>() {
        for columns in COLUMNS {
            let (rows, inner) = (7, 5);
            let (a, b) = (numbers::<T>(rows * inner), numbers::<T>(inner * columns));
            let a = Matrix::new(&a, rows, inner, inner);
            for b in [
                Matrix::new(&b, inner, columns, columns),
                Matrix::new(&b, columns, inner, inner).transposed(),
            ] {
                let stride = columns + 2;
                let mut expected = vec![T::from_f64(0.5); rows * stride];
                let mut actual = expected.clone();
                MatrixMut::new(&mut expected, rows, columns, stride).add_product(a, b);
                Panels::new(b).add_to(a, &mut actual, stride);
                assert_eq!(actual, expected, "{columns} columns");
            }
        }
    }

    fn sums_over_rows_are_a_product<T: Float + Debug>() {
        // More rows than the kernel takes at once, and taps for which it copies rows that share sets of the cache.
        let sizes = [(3, 5, 2), (130, 5, 2), (130, 130, 2), (130, 130, WIDEST)];
        let sizes = COLUMNS.iter().flat_map(|&columns| sizes.map(|size| (columns, size)));
        for (columns, (rows, inner, more)) in sizes {
            let stride = columns + more;
            let (a, b) = (numbers::<T>(rows * inner), numbers::<T>(rows * stride));
            let a = Matrix::new(&a, rows, inner, inner);
            let b = Matrix::new(&b, rows, columns, stride);
            let mut sums = Panels::zeros(inner, columns);
            sums.add_transposed(a, b);
            sums.add_transposed(a, b);
            let mut actual = vec![T::from_f64(0.5); columns * inner];
            sums.turn_into(&mut actual);
            let mut expected = vec![T::from_f64(0.0); inner * columns];
            for _ in 0..2 {
                let sums = MatrixMut::new(&mut expected, inner, columns, columns);
                sums.add_product(a.transposed(), b);
            }
            for (index, actual) in actual.iter().enumerate() {
                let (column, row) = (index / inner, index % inner);
                assert_eq!(
                    *actual,
                    expected[row * columns + column],
                    "{rows} rows {stride} apart, {inner} by {columns} sums"
                );
            }
        }
    }

    #[test]
    fn products_are_those_of_gemm() {
        a_product_with_panels_is_the_product::<f32>();
        a_product_with_panels_is_the_product::<f64>();
        sums_over_rows_are_a_product::<f32>();
        sums_over_rows_are_a_product::<f64>();
    }
}
