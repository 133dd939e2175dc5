//! The plug-in Soft-HGR loss on the CPU, on slices: the same products as on tensors, with half of the work of each
//! covariance and without a tensor for every step.

use super::penalty::Side;
use super::two_view::Parts;
use crate::Result;
use candle_core::{DType, Device, Tensor, WithDType};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular};
use faer::traits::RealField;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// A number type with products.
trait Number: WithDType + RealField + Into<f64> {
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

/// Cross term, penalty and gradients, with the divisors of the cross term and of the covariances. Nothing for
/// tensors that are not on the CPU, or of another type than f32 and f64.
pub(super) fn plug_in(
    f: &Tensor,
    g: &Tensor,
    divisors: (f64, f64),
    side: Side,
) -> Result<Option<Parts>> {
    let dtype = f.dtype();
    if !f.device().is_cpu() || g.dtype() != dtype {
        Ok(None)
    } else if dtype == DType::F32 {
        parts::<f32>(f, g, divisors, side).map(Some)
    } else if dtype == DType::F64 {
        parts::<f64>(f, g, divisors, side).map(Some)
    } else {
        Ok(None)
    }
}

fn parts<T: Number>(f: &Tensor, g: &Tensor, (a, b): (f64, f64), side: Side) -> Result<Parts> {
    let (rows, columns) = f.dims2()?;
    let (x, y) = (centred::<T>(f)?, centred::<T>(g)?);
    let cross: f64 = x.iter().zip(&y).map(|(x, y)| (*x).into() * (*y).into()).sum();
    // Each gradient begins with the pull of the other side, to which the products add.
    let pull = |side: &[T]| side.iter().map(|v| *v * T::nearest(-1.0 / a)).collect::<Vec<T>>();
    let (mut df, mut dg) = (pull(&y), pull(&x));
    let (xs, ys) = (
        MatRef::from_row_major_slice(&x, rows, columns),
        MatRef::from_row_major_slice(&y, rows, columns),
    );
    let dx = MatMut::from_row_major_slice_mut(&mut df, rows, columns);
    let dy = MatMut::from_row_major_slice_mut(&mut dg, rows, columns);
    let scale = T::nearest(1.0 / (b * b));
    let trace = if side.is_gram(rows, columns) {
        let mut gram = Mat::<T>::zeros(rows, rows);
        matmul(&mut gram, Accum::Replace, xs, ys.transpose(), T::nearest(1.0), Par::Seq);
        matmul(dx, Accum::Add, &gram, ys, scale, Par::Seq);
        matmul(dy, Accum::Add, gram.transpose(), xs, scale, Par::Seq);
        inner(&gram, &gram)
    } else {
        let (sx, sy) = (second_moments(xs), second_moments(ys));
        matmul(dx, Accum::Add, xs, &sy, scale, Par::Seq);
        matmul(dy, Accum::Add, ys, &sx, scale, Par::Seq);
        inner(&sx, &sy)
    };
    let tensor = |values| Tensor::from_vec(values, (rows, columns), &Device::Cpu);
    let penalty = 0.5 * trace / (b * b);
    Ok(Parts { cross: cross / a, penalty, df: tensor(df)?, dg: tensor(dg)? })
}

/// The rows minus the column means, which are summed and subtracted in f64.
fn centred<T: Number>(view: &Tensor) -> Result<Vec<T>> {
    let (rows, columns) = view.dims2()?;
    let mut values: Vec<T> = view.flatten_all()?.to_vec1()?;
    let mut means = vec![0.0; columns];
    for row in values.chunks_exact(columns.max(1)) {
        means.iter_mut().zip(row).for_each(|(sum, value)| *sum += (*value).into());
    }
    means.iter_mut().for_each(|sum| *sum /= rows as f64);
    for row in values.chunks_exact_mut(columns.max(1)) {
        row.iter_mut().zip(&means).for_each(|(v, mean)| *v = T::nearest((*v).into() - mean));
    }
    Ok(values)
}

/// `rows' rows`: one half is computed, the other copied.
fn second_moments<T: Number>(rows: MatRef<T>) -> Mat<T> {
    let mut moments = Mat::<T>::zeros(rows.ncols(), rows.ncols());
    let (half, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    let one = T::nearest(1.0);
    triangular(
        &mut moments,
        half,
        Accum::Replace,
        rows.transpose(),
        whole,
        rows,
        whole,
        one,
        Par::Seq,
    );
    for column in 1..moments.ncols() {
        for row in 0..column {
            moments[(row, column)] = moments[(column, row)];
        }
    }
    moments
}

/// `sum(a o b)`, summed in f64.
fn inner<T: Number>(a: &Mat<T>, b: &Mat<T>) -> f64 {
    let column = |c: usize| -> f64 {
        a.col(c).iter().zip(b.col(c).iter()).map(|(a, b)| (*a).into() * (*b).into()).sum()
    };
    (0..a.ncols()).map(column).sum()
}
