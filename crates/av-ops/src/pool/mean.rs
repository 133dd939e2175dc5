//! The mean of each window.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::Result;
use crate::composed;
use crate::cpu::{Float, Values, slice, tensor_like, with_float};
use crate::pool::{Pool2dConfig, Windows, gather};
use crate::tape;
use crate::vectorised::vectorised;

const NAME: &str = "avg_pool2d";

/// The mean of each window of an image.
///
/// Definition: `y[b,c,i,j] = sum over u,v of x[b,c,i s+u-p,j t+v-q] / n` over the window `0 <= u,v
/// < kernel` with stride `(s, t)` and padding `(p, q)`; elements outside of the image are 0. `n` is
/// the number of elements of the window, or, without `count_padding`, of those inside of the image.
///
/// Shapes, Errors: as [`max_pool2d`](crate::max_pool2d).
///
/// Numerics: sums run in f64.
///
/// ```
/// use av_ops::{Pool2dConfig, avg_pool2d};
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 15.0, &Device::Cpu)?.reshape((1, 1, 3, 5))?;
/// let y = avg_pool2d(&x, Pool2dConfig::square(2))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [3.0, 5.0]);
/// let config = Pool2dConfig { padding: (1, 0), ..Pool2dConfig::square(2) };
/// let y = avg_pool2d(&x, config)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.25, 1.25, 8.0, 10.0]);
/// let y = avg_pool2d(&x, Pool2dConfig { count_padding: false, ..config })?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.5, 2.5, 8.0, 10.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn avg_pool2d(x: &Tensor, config: Pool2dConfig) -> Result<Tensor> {
    let windows = Windows::new(NAME, x, config)?;
    if composed::applies(x) {
        let kernel = config.count_padding.then_some([config.kernel.0, config.kernel.1]);
        return composed::mean(x, &windows.ranges(), kernel);
    }
    Ok(tape::apply1(&x.contiguous()?, AvgPool2d(windows))?)
}

struct AvgPool2d(Windows);

impl AvgPool2d {
    /// The weight of each element in the mean of its window, for the windows of an output row.
    #[inline(always)]
    fn shares(&self, row: usize) -> impl Iterator<Item = f64> {
        let Windows { rows, columns, count_padding } = self.0;
        let height = if count_padding { rows.kernel } else { rows.window(row).len() };
        (0..columns.out).map(move |place| {
            let width = if count_padding { columns.kernel } else { columns.window(place).len() };
            1.0 / (height * width) as f64
        })
    }

    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        let (plane, places) = (self.0.plane(), self.0.places());
        let mut y = vec![T::zero(); x.len() / plane * places];
        let room = || vec![0.0; self.0.columns.out];
        let planes = y.par_chunks_mut(places).zip(x.par_chunks(plane));
        planes.for_each_init(room, |totals, (y, x)| {
            vectorised(
                #[inline(always)]
                || {
                    for (row, y) in y.chunks_exact_mut(totals.len()).enumerate() {
                        totals.fill(0.0);
                        self.add(row, x, totals);
                        for ((y, total), share) in y.iter_mut().zip(&*totals).zip(self.shares(row))
                        {
                            *y = T::from_f64(total * share);
                        }
                    }
                },
            );
        });
        y
    }

    /// Adds the elements of the windows of an output row.
    #[inline(always)]
    fn add<T: Float>(&self, row: usize, x: &[T], totals: &mut [f64]) {
        let columns = self.0.columns;
        for start in self.0.lines(row) {
            let line = &x[start..][..columns.extent];
            for tap in 0..columns.kernel {
                let (places, first) = columns.inside(tap);
                if !places.is_empty() {
                    gather(&mut totals[places], &line[first..], columns.stride, |total, x| {
                        *total += x.to_f64();
                    });
                }
            }
        }
    }

    fn gradient<T: Float>(&self, elements: usize, dy: &[T]) -> Vec<T> {
        let (plane, places) = (self.0.plane(), self.0.places());
        let mut dx = vec![T::zero(); elements];
        let room = || vec![T::zero(); self.0.columns.out];
        let planes = dx.par_chunks_mut(plane).zip(dy.par_chunks(places));
        planes.for_each_init(room, |parts, (dx, dy)| {
            vectorised(
                #[inline(always)]
                || {
                    for (row, dy) in dy.chunks_exact(parts.len()).enumerate() {
                        for ((part, &dy), share) in parts.iter_mut().zip(dy).zip(self.shares(row)) {
                            *part = dy * T::from_f64(share);
                        }
                        self.give(row, parts, dx);
                    }
                },
            );
        });
        dx
    }

    /// Adds the part that each element of a window receives onto the gradients of the input.
    #[inline(always)]
    fn give<T: Float>(&self, row: usize, parts: &[T], dx: &mut [T]) {
        let columns = self.0.columns;
        for start in self.0.lines(row) {
            let line = &mut dx[start..][..columns.extent];
            if self.0.are_pairs() {
                let pairs = line.as_chunks_mut::<2>().0;
                pairs.iter_mut().zip(parts).for_each(|(x, &part)| *x = [x[0] + part, x[1] + part]);
                continue;
            }
            for tap in 0..columns.kernel {
                let (places, first) = columns.inside(tap);
                if !places.is_empty() {
                    let line = line[first..].iter_mut().step_by(columns.stride);
                    line.zip(&parts[places]).for_each(|(x, &part)| *x += part);
                }
            }
        }
    }
}

impl CustomOp1 for AvgPool2d {
    fn name(&self) -> &'static str {
        NAME
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
