//! Products of the columns of a matrix with each other.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::traits::RealField;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// `rows' rows`.
pub(super) fn second_moments<T: RealField>(rows: MatRef<T>) -> Mat<T> {
    let mut moments = Mat::<T>::zeros(rows.ncols(), rows.ncols());
    put_second_moments(moments.as_mut(), rows);
    moments
}

/// Puts `rows' rows` in the place of `moments`: one half is computed, the other copied.
pub(super) fn put_second_moments<T: RealField>(mut moments: MatMut<T>, rows: MatRef<T>) {
    let (half, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    matmul(
        moments.as_mut(),
        half,
        Accum::Replace,
        rows.transpose(),
        whole,
        rows,
        whole,
        T::one_impl(),
        Par::Seq,
    );
    for column in 1..moments.ncols() {
        for row in 0..column {
            moments[(row, column)] = moments[(column, row)].clone();
        }
    }
}
