//! Products of the columns of a matrix with each other.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::traits::RealField;
use faer::{Accum, Mat, MatRef, Par};

/// `rows' rows`: one half is computed, the other copied.
pub(super) fn second_moments<T: RealField>(rows: MatRef<T>) -> Mat<T> {
    let mut moments = Mat::<T>::zeros(rows.ncols(), rows.ncols());
    let (half, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    matmul(
        &mut moments,
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
    moments
}
