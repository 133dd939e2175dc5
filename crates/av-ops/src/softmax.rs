//! The softmax and its logarithm.

use crate::composed;
use crate::cpu::{Float, PIECE, Values, check_inputs, slice, tensor_like, with_float};
use crate::results::compute;
use crate::sums::{sum, sums};
use crate::tape;
use crate::vectorised::vectorised;
use crate::{Error, Result};
use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};

/// Independent partial maxima, so that the compiler can compare several elements at once.
const LANES: usize = 16;

/// The exponentials of each row, divided by their sum.
///
/// Definition: `y[r,i] = exp(x[r,i]) / sum over j of exp(x[r,j])`.
///
/// Shapes: `x` (..., N) with any leading dimensions; the result has the shape of `x`.
///
/// Errors: a scalar, an empty dimension, a tensor that is not f32 or f64.
///
/// Numerics: the largest element of a row is taken off before the exponential; sums run in f64. In
/// f32 the result is within 5e-7 of the true one. A row that holds a NaN or an infinity other than
/// minus infinity, or nothing but minus infinity, gives NaN.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[0f64, 3f64.ln()], &Device::Cpu)?;
/// let y = av_ops::softmax(&x)?.to_vec1::<f64>()?;
/// assert!((y[0] - 0.25).abs() < 1e-15 && (y[1] - 0.75).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    apply("softmax", x, false)
}

/// The logarithm of the [`softmax`] of each row.
///
/// Definition: `y[r,i] = x[r,i] - log sum over j of exp(x[r,j])`.
///
/// Shapes, Errors: as [`softmax`].
///
/// Numerics: as [`softmax`]; a small probability has a finite logarithm even where the probability
/// itself would be 0. In f32 the result is right to 5e-7 times the larger of 1 and its size.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[0f64, 2000.0], &Device::Cpu)?;
/// assert_eq!(av_ops::log_softmax(&x)?.to_vec1::<f64>()?, [-2000.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn log_softmax(x: &Tensor) -> Result<Tensor> {
    apply("log_softmax", x, true)
}

fn apply(operator: &'static str, x: &Tensor, log: bool) -> Result<Tensor> {
    let width = match x.dims() {
        [.., width] if x.elem_count() > 0 => *width,
        dims => {
            return Err(Error::Shape {
                operator,
                expected: "rows (...,N) without empty dimensions".to_owned(),
                actual: dims.to_vec(),
            });
        }
    };
    check_inputs(operator, &[x])?;
    if composed::applies(x) {
        return if log { composed::log_softmax(x) } else { composed::softmax(x) };
    }
    Ok(tape::apply1(&x.contiguous()?, Softmax { operator, width, log })?)
}

/// The largest element of a row; NaN does not count.
#[inline(always)]
pub(crate) fn largest<T: Float>(row: &[T]) -> T {
    let mut lanes = [T::from_f64(f64::NEG_INFINITY); LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    let all = lanes.into_iter().chain(rest.iter().copied());
    all.fold(lanes[0], |largest, x| if x > largest { x } else { largest })
}

struct Softmax {
    operator: &'static str,
    width: usize,
    log: bool,
}

impl Softmax {
    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        self.map_rows(
            x,
            x,
            #[inline(always)]
            |x, _, y| {
                let top = largest(x);
                if self.log {
                    let total = sum(
                        x,
                        #[inline(always)]
                        |x| (x - top).exponential(),
                    );
                    let rest = T::from_f64(total.ln());
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - top) - rest);
                } else {
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - top).exponential());
                    let share = T::from_f64(1.0 / sum(y, |y| y));
                    y.iter_mut().for_each(|y| *y *= share);
                }
            },
        )
    }

    /// `dx = y (dy - sum(dy y))`, or of the logarithm `dx = dy - exp(y) sum(dy)`.
    fn gradient<T: Float>(&self, y: &[T], dy: &[T]) -> Vec<T> {
        self.map_rows(
            y,
            dy,
            #[inline(always)]
            |y, dy, dx| {
                let elements = dx.iter_mut().zip(y.iter().zip(dy));
                if self.log {
                    let total = T::from_f64(sum(dy, |dy| dy));
                    elements.for_each(|(dx, (&y, &dy))| *dx = dy - y.exponential() * total);
                } else {
                    let [total] = sums([y, dy, dy], |y, dy, _| [y * dy]);
                    let total = T::from_f64(total);
                    elements.for_each(|(dx, (&y, &dy))| *dx = y * (dy - total));
                }
            },
        )
    }

    /// Writes each row of a result from the rows of two inputs.
    fn map_rows<T: Float>(
        &self,
        a: &[T],
        b: &[T],
        write: impl Fn(&[T], &[T], &mut [T]) + Sync,
    ) -> Vec<T> {
        let piece = (PIECE / self.width).max(1) * self.width;
        compute(a.len(), piece, |index, result| {
            let (a, b) = (&a[index * piece..], &b[index * piece..]);
            vectorised(
                #[inline(always)]
                || {
                    let inputs = a.chunks_exact(self.width).zip(b.chunks_exact(self.width));
                    for (result, (a, b)) in result.chunks_exact_mut(self.width).zip(inputs) {
                        write(a, b, result);
                    }
                },
            );
        })
    }
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        self.operator
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.forward::<T>(slice(x, layout)?)))
        })?;
        Ok((y, layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let dx = self.gradient::<T>(Values::of(y).slice()?, Values::of(&dy).slice()?);
            tensor_like(dx, y).map(Some)
        })
    }
}
