//! Two-dimensional pooling.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::cpu::{Float, Values, check_inputs, check_rank, slice, tensor_like, with_float};
use crate::{Error, Result};

/// The largest element of each window of an image.
///
/// Definition: `y[b,c,i,j] = max over u,v < kernel of x[b,c,i s+u,j s+v]` with stride `s`.
///
/// Shapes: `x` (B, C, H, W); the result is (B, C, H', W') with `H' = (H - kernel) / s + 1` rounded
/// down: rows and columns that fill no window are left out.
///
/// Errors: a shape other than (B, C, H, W), kernel or stride 0, a kernel larger than the image, a
/// tensor that is not f32 or f64 or not on the CPU.
///
/// Numerics: among equal elements the first in row-major order receives the whole gradient. A
/// window that holds a NaN gives NaN.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 15.0, &Device::Cpu)?.reshape((1, 1, 3, 5))?;
/// let y = av_ops::max_pool2d(&x, 2, 2)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [6.0, 8.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn max_pool2d(x: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let windows = Windows::new("max_pool2d", x, (kernel, kernel), stride)?;
    Ok(x.contiguous()?.apply_op1(MaxPool2d(windows))?)
}

/// The mean of each window of an image.
///
/// Definition: `y[b,c,i,j] = sum over u,v < kernel of x[b,c,i s+u,j s+v] / kernel^2` with stride
/// `s`.
///
/// Shapes, Errors: as [`max_pool2d`].
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 15.0, &Device::Cpu)?.reshape((1, 1, 3, 5))?;
/// let y = av_ops::avg_pool2d(&x, 2, 2)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [3.0, 5.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn avg_pool2d(x: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let windows = Windows::new("avg_pool2d", x, (kernel, kernel), stride)?;
    Ok(x.contiguous()?.apply_op1(AvgPool2d(windows))?)
}

/// The mean of each channel over the whole image.
///
/// Shapes: `x` (B, C, H, W); the result is (B, C).
///
/// Errors: as [`max_pool2d`].
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 15.0, &Device::Cpu)?.reshape((1, 1, 3, 5))?;
/// assert_eq!(av_ops::global_avg_pool(&x)?.to_vec2::<f32>()?, [[7.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn global_avg_pool(x: &Tensor) -> Result<Tensor> {
    check_rank("global_avg_pool", x, "B,C,H,W")?;
    let (batch, channels, height, width) = x.dims4()?;
    let windows = Windows::new("global_avg_pool", x, (height, width), 1)?;
    let y = x.contiguous()?.apply_op1(AvgPool2d(windows))?;
    Ok(y.reshape((batch, channels))?)
}

/// The windows that a pooling operator slides over each channel.
#[derive(Debug, Clone, Copy)]
struct Windows {
    width: usize,
    plane: usize,
    kernel: (usize, usize),
    stride: usize,
    out: (usize, usize),
}

impl Windows {
    fn new(
        operator: &'static str,
        x: &Tensor,
        kernel: (usize, usize),
        stride: usize,
    ) -> Result<Self> {
        check_rank(operator, x, "B,C,H,W")?;
        check_inputs(operator, &[x])?;
        let (_, _, height, width) = x.dims4()?;
        for (name, value) in [("kernel", kernel.0), ("stride", stride)] {
            if value == 0 {
                return Err(Error::Argument {
                    operator,
                    name,
                    expected: "at least 1",
                    actual: value.to_string(),
                });
            }
        }
        if kernel.0 > height || kernel.1 > width {
            return Err(Error::Shape {
                operator,
                expected: format!("an image of at least {} x {} elements", kernel.0, kernel.1),
                actual: x.dims().to_vec(),
            });
        }
        let out = ((height - kernel.0) / stride + 1, (width - kernel.1) / stride + 1);
        Ok(Self { width, plane: height * width, kernel, stride, out })
    }

    /// Elements of one channel of the result.
    fn places(&self) -> usize {
        self.out.0 * self.out.1
    }

    /// For each element of a window, where in a channel it lies in the first window of a row; the
    /// next windows follow at distances of the stride.
    fn taps(&self, row: usize) -> impl Iterator<Item = usize> {
        let Self { width, kernel, stride, .. } = *self;
        let lines = (0..kernel.0).map(move |line| (row * stride + line) * width);
        lines.flat_map(move |start| start..start + kernel.1)
    }

    /// Applies `pool` to each channel of `x` and the matching channel of the result.
    fn forward<T: Float>(&self, x: &[T], pool: impl Fn(&[T], &mut [T]) + Sync) -> Vec<T> {
        let mut y = vec![T::zero(); x.len() / self.plane * self.places()];
        y.par_chunks_mut(self.places()).zip(x.par_chunks(self.plane)).for_each(|(y, x)| pool(x, y));
        y
    }

    fn shape(&self, x: &Layout) -> Shape {
        Shape::from((x.dims()[0], x.dims()[1], self.out.0, self.out.1))
    }
}

struct MaxPool2d(Windows);

impl MaxPool2d {
    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        let windows = self.0;
        windows.forward(x, |x, y| {
            for (row, y) in y.chunks_exact_mut(windows.out.1).enumerate() {
                y.fill(T::from_f64(f64::NEG_INFINITY));
                for tap in windows.taps(row) {
                    for (y, &x) in y.iter_mut().zip(x[tap..].iter().step_by(windows.stride)) {
                        *y = if (x > *y) | is_nan(x) { x } else { *y };
                    }
                }
            }
        })
    }

    /// Gives each gradient to the first element of its window that equals the largest. It selects
    /// where it could branch, because random images would mispredict the branches.
    fn gradient<T: Float>(&self, x: &[T], y: &[T], dy: &[T]) -> Vec<T> {
        let Windows { plane, stride, out, .. } = self.0;
        let places = self.0.places();
        let mut dx = vec![T::zero(); x.len()];
        let inputs = x.par_chunks(plane).zip(y.par_chunks(places)).zip(dy.par_chunks(places));
        dx.par_chunks_mut(plane).zip(inputs).for_each(|(dx, ((x, y), dy))| {
            let mut left = vec![T::zero(); out.1];
            let rows = y.chunks_exact(out.1).zip(dy.chunks_exact(out.1));
            for (row, (y, dy)) in rows.enumerate() {
                left.copy_from_slice(dy);
                for tap in self.0.taps(row) {
                    let dx = dx[tap..].iter_mut().step_by(stride);
                    let elements = dx.zip(x[tap..].iter().step_by(stride));
                    for ((left, &y), (dx, &x)) in left.iter_mut().zip(y).zip(elements) {
                        let hit = (x == y) | is_nan(x);
                        *dx += if hit { *left } else { T::zero() };
                        *left = if hit { T::zero() } else { *left };
                    }
                }
            }
        });
        dx
    }
}

#[allow(clippy::eq_op)] // Only a NaN differs from itself.
#[inline]
fn is_nan<T: Float>(value: T) -> bool {
    value != value
}

impl CustomOp1 for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
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

struct AvgPool2d(Windows);

impl AvgPool2d {
    /// The weight of each element in the mean of its window.
    fn share(&self) -> f64 {
        let elements = self.0.kernel.0 * self.0.kernel.1;
        1.0 / elements as f64
    }

    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        let (windows, share) = (self.0, self.share());
        windows.forward(x, |x, y| {
            let mut totals = vec![0.0; windows.out.1];
            for (row, y) in y.chunks_exact_mut(windows.out.1).enumerate() {
                totals.fill(0.0);
                for tap in windows.taps(row) {
                    let elements = x[tap..].iter().step_by(windows.stride);
                    totals.iter_mut().zip(elements).for_each(|(total, x)| *total += x.to_f64());
                }
                y.iter_mut().zip(&totals).for_each(|(y, total)| *y = T::from_f64(total * share));
            }
        })
    }

    fn gradient<T: Float>(&self, elements: usize, dy: &[T]) -> Vec<T> {
        let (windows, share) = (self.0, T::from_f64(self.share()));
        let mut dx = vec![T::zero(); elements];
        let planes = dx.par_chunks_mut(windows.plane).zip(dy.par_chunks(windows.places()));
        planes.for_each(|(dx, dy)| {
            for (row, dy) in dy.chunks_exact(windows.out.1).enumerate() {
                for tap in windows.taps(row) {
                    let elements = dx[tap..].iter_mut().step_by(windows.stride);
                    elements.zip(dy).for_each(|(dx, &dy)| *dx += dy * share);
                }
            }
        });
        dx
    }
}

impl CustomOp1 for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.forward::<T>(slice(x, layout)?)))
        })?;
        Ok((y, self.0.shape(layout)))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let dx = self.gradient::<T>(x.elem_count(), Values::of(&dy).slice()?);
            tensor_like(dx, x).map(Some)
        })
    }
}
