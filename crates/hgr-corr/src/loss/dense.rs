//! The plug-in Soft-HGR loss on the CPU, on slices: the same products as on tensors, with half of the work of each
//! covariance and without a tensor for every step.

use super::moments::second_moments;
use super::penalty::Side;
use super::two_view::Parts;
use crate::Result;
use crate::vectorised::vectorised;
use candle_core::{DType, Device, Tensor, WithDType};
use faer::linalg::matmul::matmul;
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

/// Rows that are worked on at a time where their gradient takes their place.
const BLOCK: usize = 256;

fn parts<T: Number>(f: &Tensor, g: &Tensor, (a, b): (f64, f64), side: Side) -> Result<Parts> {
    let (rows, columns) = f.dims2()?;
    let (mut x, mut y) = (centred::<T>(f)?, centred::<T>(g)?);
    let cross = dot(&x, &y);
    let scales = (T::nearest(-1.0 / a), T::nearest(1.0 / (b * b)));
    let trace = if side.is_gram(rows, columns) {
        gram(&mut x, &mut y, columns, scales)
    } else {
        covariance(&mut x, &mut y, columns, scales)
    };
    let tensor = |values| Tensor::from_vec(values, (rows, columns), &Device::Cpu);
    let penalty = 0.5 * trace / (b * b);
    Ok(Parts { cross: cross / a, penalty, df: tensor(x)?, dg: tensor(y)? })
}

/// `tr(S_x S_y)` by the products of columns. The gradients `pull y + push x S_y` and `pull x + push y S_x` take
/// the places of x and y.
fn covariance<T: Number>(x: &mut [T], y: &mut [T], columns: usize, (pull, push): (T, T)) -> f64 {
    let (sx, sy) = (second_moments(matrix(x, columns)), second_moments(matrix(y, columns)));
    for (x, y) in x.chunks_mut(BLOCK * columns).zip(y.chunks_mut(BLOCK * columns)) {
        let old = swap_scaled(x, y, pull);
        add_product(x, matrix(&old.0, columns), sy.as_ref(), push);
        add_product(y, matrix(&old.1, columns), sx.as_ref(), push);
    }
    (0..columns).map(|column| dot(sx.col_as_slice(column), sy.col_as_slice(column))).sum()
}

/// The same by the products of rows, `tr(S_x S_y) = |x y'|^2`.
fn gram<T: Number>(x: &mut [T], y: &mut [T], columns: usize, (pull, push): (T, T)) -> f64 {
    let rows = x.len() / columns.max(1);
    let mut gram = Mat::<T>::zeros(rows, rows);
    let (xs, ys) = (matrix(x, columns), matrix(y, columns));
    matmul(&mut gram, Accum::Replace, xs, ys.transpose(), T::nearest(1.0), Par::Seq);
    let old = swap_scaled(x, y, pull);
    add_product(x, gram.as_ref(), matrix(&old.1, columns), push);
    add_product(y, gram.transpose(), matrix(&old.0, columns), push);
    (0..rows).map(|row| dot(gram.col_as_slice(row), gram.col_as_slice(row))).sum()
}

fn matrix<T>(values: &[T], columns: usize) -> MatRef<'_, T> {
    MatRef::from_row_major_slice(values, values.len() / columns.max(1), columns)
}

/// `into += scale left right`.
fn add_product<T: Number>(into: &mut [T], left: MatRef<T>, right: MatRef<T>, scale: T) {
    let into = MatMut::from_row_major_slice_mut(into, left.nrows(), right.ncols());
    matmul(into, Accum::Add, left, right, scale, Par::Seq);
}

/// The two sides as they were; in the place of each the other one times `scale`.
fn swap_scaled<T: Number>(x: &mut [T], y: &mut [T], scale: T) -> (Vec<T>, Vec<T>) {
    let old = (x.to_vec(), y.to_vec());
    vectorised(
        #[inline(always)]
        || {
            x.iter_mut().zip(&old.1).for_each(|(x, y)| *x = *y * scale);
            y.iter_mut().zip(&old.0).for_each(|(y, x)| *y = *x * scale);
        },
    );
    old
}

/// The rows minus the column means, which are summed and subtracted in f64.
fn centred<T: Number>(view: &Tensor) -> Result<Vec<T>> {
    let (rows, columns) = view.dims2()?;
    let mut values: Vec<T> = view.flatten_all()?.to_vec1()?;
    let mut means = vec![0.0; columns];
    vectorised(
        #[inline(always)]
        || {
            for row in values.chunks_exact(columns.max(1)) {
                means.iter_mut().zip(row).for_each(|(sum, value)| *sum += (*value).into());
            }
            means.iter_mut().for_each(|sum| *sum /= rows as f64);
            for row in values.chunks_exact_mut(columns.max(1)) {
                row.iter_mut()
                    .zip(&means)
                    .for_each(|(v, mean)| *v = T::nearest((*v).into() - mean));
            }
        },
    );
    Ok(values)
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
