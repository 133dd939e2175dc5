//! Matrix products on slices: a checked front of the `gemm` crate.
#![allow(unsafe_code)] // `gemm` takes raw pointers; the constructors below check their ranges.

use std::ops::Range;

use crate::cpu::Float;

/// A read-only strided matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub values: &'a [T],
    pub rows: usize,
    pub columns: usize,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a, T: Float> Matrix<'a, T> {
    /// `rows` rows of `columns` neighbouring elements; rows start `row_stride` elements apart.
    pub(crate) fn new(values: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        check_extent(values.len(), rows, columns, row_stride);
        Self { values, rows, columns, row_stride, column_stride: 1 }
    }

    /// The number of columns.
    pub(crate) fn columns(self) -> usize {
        self.columns
    }

    /// Some of the rows of a matrix that is not transposed.
    pub(crate) fn rows(self, rows: Range<usize>) -> Self {
        let start = (rows.start * self.row_stride).min(self.values.len());
        Self::new(&self.values[start..], rows.len(), self.columns, self.row_stride)
    }

    /// The same elements with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A matrix inside a slice that a product is written to.
pub(crate) struct MatrixMut<'a, T> {
    values: &'a mut [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a, T: Float> MatrixMut<'a, T> {
    /// `rows` rows of `columns` neighbouring elements; rows start `row_stride` elements apart.
    pub(crate) fn new(values: &'a mut [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        check_extent(values.len(), rows, columns, row_stride);
        assert!(row_stride >= columns, "rows of a result must not overlap");
        Self { values, rows, columns, row_stride }
    }

    /// Sets this matrix to `a b`.
    pub(crate) fn set_product(self, a: Matrix<'_, T>, b: Matrix<'_, T>) {
        self.multiply(a, b, false);
    }

    /// Adds `a b` to this matrix.
    pub(crate) fn add_product(self, a: Matrix<'_, T>, b: Matrix<'_, T>) {
        self.multiply(a, b, true);
    }

    fn multiply(self, a: Matrix<'_, T>, b: Matrix<'_, T>, accumulate: bool) {
        assert_eq!(
            (self.rows, self.columns, a.columns),
            (a.rows, b.columns, b.rows),
            "the sizes of a matrix product must agree"
        );
        // SAFETY: the constructors checked that every element `row * row_stride + column *
        // column_stride` of the three matrices lies inside its slice; `self` borrows its slice
        // mutably, so that it overlaps neither `a` nor `b`; T is f32 or f64, which gemm knows.
        unsafe {
            gemm::gemm(
                self.rows,
                self.columns,
                a.columns,
                self.values.as_mut_ptr(),
                1,
                stride(self.row_stride),
                accumulate,
                a.values.as_ptr(),
                stride(a.column_stride),
                stride(a.row_stride),
                b.values.as_ptr(),
                stride(b.column_stride),
                stride(b.row_stride),
                T::one(),
                T::one(),
                false,
                false,
                false,
                // The callers split their work over threads by fixed pieces; a product never
                // splits itself.
                gemm::Parallelism::None,
            );
        }
    }
}

/// Strides index into a slice, whose length never exceeds `isize::MAX`.
fn stride(elements: usize) -> isize {
    isize::try_from(elements).unwrap_or(isize::MAX)
}

fn check_extent(length: usize, rows: usize, columns: usize, row_stride: usize) {
    assert!(rows > 0 && columns > 0, "a matrix has rows and columns");
    let last = (rows - 1).checked_mul(row_stride).and_then(|start| start.checked_add(columns - 1));
    assert!(
        last.is_some_and(|last| last < length),
        "a {rows} x {columns} matrix with row stride {row_stride} exceeds {length} elements"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strided_product_has_the_textbook_values() {
        // [1 2; 3 4] [5 6; 7 8] = [19 22; 43 50], the first with a gap after each row.
        let a = [1.0_f64, 2.0, -9.0, 3.0, 4.0];
        let b = [5.0, 6.0, 7.0, 8.0];
        let mut product = [0.5; 7];
        MatrixMut::new(&mut product, 2, 2, 5)
            .set_product(Matrix::new(&a, 2, 2, 3), Matrix::new(&b, 2, 2, 2));
        assert_eq!(product, [19.0, 22.0, 0.5, 0.5, 0.5, 43.0, 50.0]);
        MatrixMut::new(&mut product, 2, 2, 5)
            .add_product(Matrix::new(&a, 2, 2, 3), Matrix::new(&b, 2, 2, 2).transposed());
        // + [1 2; 3 4] [5 7; 6 8] = [17 23; 39 53]
        assert_eq!(product, [36.0, 45.0, 0.5, 0.5, 0.5, 82.0, 103.0]);
    }

    #[test]
    #[should_panic(expected = "exceeds 5 elements")]
    fn a_matrix_longer_than_its_slice_is_refused() {
        Matrix::new(&[0.0_f32; 5], 2, 3, 3);
    }

    #[test]
    #[should_panic(expected = "sizes of a matrix product must agree")]
    fn a_product_of_mismatched_sizes_is_refused() {
        let values = [0.0_f32; 6];
        let mut result = [0.0_f32; 4];
        MatrixMut::new(&mut result, 2, 2, 2)
            .set_product(Matrix::new(&values, 2, 3, 3), Matrix::new(&values, 2, 3, 3));
    }
}
