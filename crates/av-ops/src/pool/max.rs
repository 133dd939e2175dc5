//! The largest element of each window.

use crate::Result;
use crate::composed;
use crate::cpu::{Float, Values, slice, tensor_like, with_float};
use crate::pool::{Pool2dConfig, Windows, gather};
use crate::results::{compute, compute_with};
use crate::tape;
use crate::vectorised::vectorised;
use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};

const NAME: &str = "max_pool2d";

/// The largest element of each window of an image.
///
/// Definition: `y[b,c,i,j] = max over u,v of x[b,c,i s+u-p,j t+v-q]` over the window `0 <= u,v <
/// kernel` with stride `(s, t)` and padding `(p, q)`; elements outside of the image do not count.
///
/// Shapes: `x` (B, C, H, W); the result is (B, C, H', W') with `H' = (H + 2 p - kernel) / s + 1`
/// rounded down: rows and columns that fill no window are left out.
///
/// Errors: a shape other than (B, C, H, W), kernel or stride 0, padding above half of the kernel, a
/// kernel larger than the padded image, a tensor that is not f32 or f64.
///
/// Numerics: among equal elements the first in row-major order receives the whole gradient. A
/// window that holds a NaN gives NaN.
///
/// ```
/// use av_ops::{Pool2dConfig, max_pool2d};
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 15.0, &Device::Cpu)?.reshape((1, 1, 3, 5))?;
/// let y = max_pool2d(&x, Pool2dConfig::square(2))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [6.0, 8.0]);
/// let y = max_pool2d(&x, Pool2dConfig { padding: (1, 1), ..Pool2dConfig::square(2) })?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.0, 2.0, 4.0, 10.0, 12.0, 14.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn max_pool2d(x: &Tensor, config: Pool2dConfig) -> Result<Tensor> {
    let windows = Windows::new(NAME, x, config)?;
    if composed::applies(x) {
        return composed::largest(x, &windows.ranges());
    }
    Ok(tape::apply1(&x.contiguous()?, MaxPool2d(windows))?)
}

struct MaxPool2d(Windows);

impl MaxPool2d {
    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        let (plane, places) = (self.0.plane(), self.0.places());
        compute(x.len() / plane * places, places, |index, y| {
            let x = &x[index * plane..][..plane];
            vectorised(
                #[inline(always)]
                || self.pool(x, y),
            );
        })
    }

    #[inline(always)]
    fn pool<T: Float>(&self, x: &[T], y: &mut [T]) {
        let windows = self.0;
        let columns = windows.columns;
        for (row, y) in y.chunks_exact_mut(columns.out).enumerate() {
            y.fill(T::from_f64(f64::NEG_INFINITY));
            for start in windows.lines(row) {
                let line = &x[start..][..columns.extent];
                if windows.are_pairs() {
                    let (pairs, _) = line.as_chunks::<2>();
                    y.iter_mut().zip(pairs).for_each(|(y, x)| *y = larger(larger(*y, x[0]), x[1]));
                    continue;
                }
                for tap in 0..columns.kernel {
                    let (places, first) = columns.inside(tap);
                    if !places.is_empty() {
                        gather(&mut y[places], &line[first..], columns.stride, |y, x| {
                            *y = larger(*y, x);
                        });
                    }
                }
            }
        }
    }

    /// Gives each gradient to the first element of its window that equals the largest. It selects
    /// where it could branch, because random images would mispredict the branches.
    fn gradient<T: Float>(&self, x: &[T], y: &[T], dy: &[T]) -> Vec<T> {
        let (plane, places) = (self.0.plane(), self.0.places());
        let room = || vec![T::zero(); self.0.columns.out];
        compute_with(x.len(), plane, room, |left, index, dx| {
            let x = &x[index * plane..][..plane];
            let [y, dy] = [y, dy].map(|values| &values[index * places..][..places]);
            vectorised(
                #[inline(always)]
                || {
                    let rows = y.chunks_exact(left.len()).zip(dy.chunks_exact(left.len()));
                    for (row, (y, dy)) in rows.enumerate() {
                        left.copy_from_slice(dy);
                        self.give(row, left, x, y, dx);
                    }
                },
            );
        })
    }

    /// Adds the gradients of an output row, which `left` holds, onto those of the input.
    #[inline(always)]
    fn give<T: Float>(&self, row: usize, left: &mut [T], x: &[T], y: &[T], dx: &mut [T]) {
        let columns = self.0.columns;
        for start in self.0.lines(row) {
            let x = &x[start..][..columns.extent];
            let dx = &mut dx[start..][..columns.extent];
            if self.0.are_pairs() {
                let (dx, x) = (dx.as_chunks_mut::<2>().0, x.as_chunks::<2>().0);
                for ((left, &y), (dx, x)) in left.iter_mut().zip(y).zip(dx.iter_mut().zip(x)) {
                    let (first, rest) = share(*left, x[0], y);
                    let (second, rest) = share(rest, x[1], y);
                    *dx = [dx[0] + first, dx[1] + second];
                    *left = rest;
                }
                continue;
            }
            for tap in 0..columns.kernel {
                let (places, first) = columns.inside(tap);
                if places.is_empty() {
                    continue;
                }
                let inputs = x[first..].iter().step_by(columns.stride);
                let inputs = dx[first..].iter_mut().step_by(columns.stride).zip(inputs);
                let outputs = left[places.clone()].iter_mut().zip(&y[places]);
                for ((left, &y), (dx, &x)) in outputs.zip(inputs) {
                    let (part, rest) = share(*left, x, y);
                    *dx += part;
                    *left = rest;
                }
            }
        }
    }
}

#[inline(always)]
fn larger<T: Float>(y: T, x: T) -> T {
    if (x > y) | is_nan(x) { x } else { y }
}

/// The part of a gradient that an element of the window takes, all or nothing, and what is left for
/// the elements after it.
#[inline(always)]
fn share<T: Float>(left: T, x: T, y: T) -> (T, T) {
    let hit = (x == y) | is_nan(x);
    (if hit { left } else { T::zero() }, if hit { T::zero() } else { left })
}

#[allow(clippy::eq_op)] // Only a NaN differs from itself.
#[inline(always)]
pub(super) fn is_nan<T: Float>(value: T) -> bool {
    value != value
}

impl CustomOp1 for MaxPool2d {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.forward::<T>(slice(x, layout)?)))
        })?;
        Ok((y, self.0.shape(layout)))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let (x_values, y_values, dy_values) = (Values::of(x), Values::of(y), Values::of(&dy));
            let dx = self.gradient::<T>(x_values.slice()?, y_values.slice()?, dy_values.slice()?);
            tensor_like(dx, x).map(Some)
        })
    }
}
