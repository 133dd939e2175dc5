//! Pooling to a given size.

use std::ops::Range;

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{Float, Values, check_inputs, check_rank, slice, tensor_like, with_float};
use crate::pool::max::is_nan;
use crate::tape;
use crate::{Error, Result};

/// The mean of each of the windows that divide an image into a given number.
///
/// Definition: window `i` of `n` covers the rows from `i H / n`, rounded down, to `(i + 1) H / n`,
/// rounded up and excluded; columns likewise. Windows overlap where `n` does not divide `H`, and
/// repeat where `n` exceeds it.
///
/// Shapes: `x` (B, C, H, W); the result is (B, C, size.0, size.1).
///
/// Errors: a shape other than (B, C, H, W), an empty dimension or size, a tensor that is not f32 or
/// f64.
///
/// Numerics: sums run in f64.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 3.0, &Device::Cpu)?.reshape((1, 1, 1, 3))?;
/// let y = av_ops::adaptive_avg_pool2d(&x, (1, 2))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.5, 1.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn adaptive_avg_pool2d(x: &Tensor, size: (usize, usize)) -> Result<Tensor> {
    adaptive_mean("adaptive_avg_pool2d", x, size)
}

/// The largest element of each of the windows that divide an image into a given number.
///
/// Definition: the windows are those of [`adaptive_avg_pool2d`].
///
/// Shapes, Errors: as [`adaptive_avg_pool2d`].
///
/// Numerics: as [`max_pool2d`](crate::max_pool2d).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 3.0, &Device::Cpu)?.reshape((1, 1, 1, 3))?;
/// let y = av_ops::adaptive_max_pool2d(&x, (1, 2))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn adaptive_max_pool2d(x: &Tensor, size: (usize, usize)) -> Result<Tensor> {
    apply("adaptive_max_pool2d", x, size, Kind::Largest)
}

/// As [`adaptive_avg_pool2d`] by another name.
pub(super) fn adaptive_mean(
    operator: &'static str,
    x: &Tensor,
    size: (usize, usize),
) -> Result<Tensor> {
    apply(operator, x, size, Kind::Mean)
}

fn apply(operator: &'static str, x: &Tensor, size: (usize, usize), kind: Kind) -> Result<Tensor> {
    check_rank(operator, x, "B,C,H,W")?;
    check_inputs(operator, &[x])?;
    if size.0 == 0 || size.1 == 0 {
        return Err(Error::Argument {
            operator,
            name: "size",
            expected: "at least 1 x 1",
            actual: format!("{} x {}", size.0, size.1),
        });
    }
    let (_, _, height, width) = x.dims4()?;
    if composed::applies(x) {
        let windows = [(size.0, height), (size.1, width)].map(|(places, extent)| {
            (0..places).map(|place| window(place, places, extent)).collect()
        });
        return match kind {
            Kind::Largest => composed::largest(x, &windows),
            Kind::Mean => composed::mean(x, &windows, None),
        };
    }
    let op = Adaptive { operator, image: (height, width), size, kind };
    Ok(tape::apply1(&x.contiguous()?, op)?)
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Largest,
    Mean,
}

struct Adaptive {
    operator: &'static str,
    image: (usize, usize),
    size: (usize, usize),
    kind: Kind,
}

/// The elements that window `place` of `places` covers.
fn window(place: usize, places: usize, extent: usize) -> Range<usize> {
    place * extent / places..((place + 1) * extent).div_ceil(places)
}

impl Adaptive {
    /// For each window of a channel, where its lines lie in the channel.
    fn windows(&self) -> impl Iterator<Item = impl Iterator<Item = Range<usize>> + Clone> {
        let Self { image: (height, width), size, .. } = *self;
        (0..size.0 * size.1).map(move |place| {
            let columns = window(place % size.1, size.1, width);
            window(place / size.1, size.0, height)
                .map(move |row| row * width + columns.start..row * width + columns.end)
        })
    }

    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        let (plane, places) = (self.image.0 * self.image.1, self.size.0 * self.size.1);
        let mut y = vec![T::zero(); x.len() / plane * places];
        y.par_chunks_mut(places).zip(x.par_chunks(plane)).for_each(|(y, x)| {
            for (y, lines) in y.iter_mut().zip(self.windows()) {
                *y = match self.kind {
                    Kind::Largest => x[largest(lines, x)],
                    Kind::Mean => T::from_f64(mean(lines, x)),
                };
            }
        });
        y
    }

    fn gradient<T: Float>(&self, x: &[T], dy: &[T]) -> Vec<T> {
        let (plane, places) = (self.image.0 * self.image.1, self.size.0 * self.size.1);
        let mut dx = vec![T::zero(); x.len()];
        let inputs = x.par_chunks(plane).zip(dy.par_chunks(places));
        dx.par_chunks_mut(plane).zip(inputs).for_each(|(dx, (x, dy))| {
            for (&dy, lines) in dy.iter().zip(self.windows()) {
                match self.kind {
                    Kind::Largest => dx[largest(lines, x)] += dy,
                    Kind::Mean => {
                        let part = dy * T::from_f64(1.0 / elements(lines.clone()));
                        lines.for_each(|line| dx[line].iter_mut().for_each(|dx| *dx += part));
                    }
                }
            }
        });
        dx
    }
}

/// Where the first of the largest elements of a window lies, or the first NaN.
fn largest<T: Float>(lines: impl Iterator<Item = Range<usize>>, x: &[T]) -> usize {
    let places = lines.flatten();
    let first = places.reduce(|best, place| {
        let better = (x[place] > x[best]) | (is_nan(x[place]) & !is_nan(x[best]));
        if better { place } else { best }
    });
    first.unwrap_or_default() // a window has an element
}

fn elements(lines: impl Iterator<Item = Range<usize>>) -> f64 {
    lines.map(|line| line.len()).sum::<usize>() as f64
}

fn mean<T: Float>(lines: impl Iterator<Item = Range<usize>> + Clone, x: &[T]) -> f64 {
    let mut total = 0.0;
    for line in lines.clone() {
        x[line].iter().for_each(|x| total += x.to_f64());
    }
    total * (1.0 / elements(lines))
}

impl CustomOp1 for Adaptive {
    fn name(&self) -> &'static str {
        self.operator
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.forward::<T>(slice(x, layout)?)))
        })?;
        Ok((y, Shape::from((layout.dims()[0], layout.dims()[1], self.size.0, self.size.1))))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let (x_values, dy_values) = (Values::of(x), Values::of(&dy));
            let dx = self.gradient::<T>(x_values.slice()?, dy_values.slice()?);
            tensor_like(dx, x).map(Some)
        })
    }
}
