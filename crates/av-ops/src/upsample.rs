//! Images in another size.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{Float, Values, check_inputs, check_rank, slice, tensor_like, with_float};
use crate::tape;
use crate::vectorised::vectorised;
use crate::{Error, Result};

/// Images in another size, each element a copy of one.
///
/// Definition: `y[b,c,i,j] = x[b,c,k,l]` with `k = i H / H'` and `l = j W / W'`, rounded down.
///
/// Shapes: `x` (B, C, H, W); the result is (B, C, H', W') with `(H', W') = size`, larger or
/// smaller.
///
/// Errors: a shape other than (B, C, H, W), an empty dimension or size, a tensor that is not f32 or
/// f64.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[[[[1f32, 2.0]]]], &Device::Cpu)?;
/// let y = av_ops::upsample_nearest2d(&x, (1, 5))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [1.0, 1.0, 1.0, 2.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn upsample_nearest2d(x: &Tensor, size: (usize, usize)) -> Result<Tensor> {
    apply("upsample_nearest2d", x, size, Axis::nearest)
}

/// Images in another size, each element a mean of up to four, weighted by how near they are.
///
/// Definition: in each direction an element at place `i` of `H'` lies at `s = max(0, (i + 1/2) H /
/// H' - 1/2)` of the input, between `k = s` rounded down, which has the weight `1 - (s - k)`, and
/// the element after it, which has the rest; the last element stands in for the one after it.
/// Corners are not aligned.
///
/// Shapes, Errors: as [`upsample_nearest2d`]. A smaller size is not smoothed.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[[[[0f32, 4.0]]]], &Device::Cpu)?;
/// let y = av_ops::upsample_bilinear2d(&x, (1, 4))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn upsample_bilinear2d(x: &Tensor, size: (usize, usize)) -> Result<Tensor> {
    apply("upsample_bilinear2d", x, size, Axis::linear)
}

fn apply(
    operator: &'static str,
    x: &Tensor,
    size: (usize, usize),
    axis: fn(usize, usize) -> Axis,
) -> Result<Tensor> {
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
    let (rows, columns) = (axis(height, size.0), axis(width, size.1));
    if composed::applies(x) {
        return composed::upsample(x, [&rows.taps, &columns.taps]);
    }
    Ok(tape::apply1(&x.contiguous()?, Upsample { operator, rows, columns })?)
}

/// What the result reads in one direction.
struct Axis {
    extent: usize,
    taps: Vec<Tap>,
}

/// The elements that one element of the result is a mean of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    pub(crate) first: usize,
    pub(crate) second: usize,
    /// The weight of the second element.
    pub(crate) share: f64,
}

impl Axis {
    fn nearest(extent: usize, out: usize) -> Self {
        let tap = |place: usize| {
            let first = place * extent / out;
            Tap { first, second: first, share: 0.0 }
        };
        Self { extent, taps: (0..out).map(tap).collect() }
    }

    fn linear(extent: usize, out: usize) -> Self {
        let tap = |place: usize| {
            // (place + 1/2) extent / out - 1/2 as a fraction of whole numbers, which is exact.
            let twice = ((2 * place + 1) * extent).saturating_sub(out);
            let first = twice / (2 * out);
            let share = (twice % (2 * out)) as f64 / (2 * out) as f64;
            Tap { first, second: (first + 1).min(extent - 1), share }
        };
        Self { extent, taps: (0..out).map(tap).collect() }
    }
}

struct Upsample {
    operator: &'static str,
    rows: Axis,
    columns: Axis,
}

impl Upsample {
    /// Elements of one channel, and of one channel of the result.
    fn planes(&self) -> (usize, usize) {
        let Self { rows, columns, .. } = self;
        (rows.extent * columns.extent, rows.taps.len() * columns.taps.len())
    }

    /// Where the columns of the result read, and the weights of their second elements.
    fn columns<T: Float>(&self) -> Vec<(usize, usize, T)> {
        let column = |tap: &Tap| (tap.first, tap.second, T::from_f64(tap.share));
        self.columns.taps.iter().map(column).collect()
    }

    /// First a mean of two lines, then one of neighbours in it.
    fn forward<T: Float>(&self, x: &[T]) -> Vec<T> {
        let (plane, places) = self.planes();
        let (width, columns) = (self.columns.extent, self.columns::<T>());
        let mut y = vec![T::zero(); x.len() / plane * places];
        let room = || vec![T::zero(); width];
        let planes = y.par_chunks_mut(places).zip(x.par_chunks(plane));
        planes.for_each_init(room, |line, (y, x)| {
            vectorised(
                #[inline(always)]
                || {
                    for (y, row) in y.chunks_exact_mut(columns.len()).zip(&self.rows.taps) {
                        let share = T::from_f64(row.share);
                        let second = &x[row.second * width..][..width];
                        line.copy_from_slice(&x[row.first * width..][..width]);
                        if row.share > 0.0 {
                            for (line, &second) in line.iter_mut().zip(second) {
                                *line = mix(*line, second, share);
                            }
                        }
                        for (y, &(first, second, share)) in y.iter_mut().zip(&columns) {
                            *y = mix(line[first], line[second], share);
                        }
                    }
                },
            );
        });
        y
    }

    /// The same steps transposed: each gradient goes back to where its value was read.
    fn gradient<T: Float>(&self, elements: usize, dy: &[T]) -> Vec<T> {
        let (plane, places) = self.planes();
        let (width, columns) = (self.columns.extent, self.columns::<T>());
        let mut dx = vec![T::zero(); elements];
        let room = || vec![T::zero(); width];
        let planes = dx.par_chunks_mut(plane).zip(dy.par_chunks(places));
        planes.for_each_init(room, |line, (dx, dy)| {
            vectorised(
                #[inline(always)]
                || {
                    for (dy, row) in dy.chunks_exact(columns.len()).zip(&self.rows.taps) {
                        line.fill(T::zero());
                        for (&dy, &(first, second, share)) in dy.iter().zip(&columns) {
                            line[first] += dy * (T::one() - share);
                            line[second] += dy * share;
                        }
                        for (at, share) in [(row.first, 1.0 - row.share), (row.second, row.share)] {
                            let share = T::from_f64(share);
                            for (dx, &line) in dx[at * width..][..width].iter_mut().zip(&*line) {
                                *dx += line * share;
                            }
                        }
                    }
                },
            );
        });
        dx
    }
}

/// `(1 - share) first + share second`; without a share an infinite second element does not matter.
#[inline(always)]
fn mix<T: Float>(first: T, second: T, share: T) -> T {
    let mean = (T::one() - share) * first + share * second;
    if share == T::zero() { first } else { mean }
}

impl CustomOp1 for Upsample {
    fn name(&self) -> &'static str {
        self.operator
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.forward::<T>(slice(x, layout)?)))
        })?;
        let (height, width) = (self.rows.taps.len(), self.columns.taps.len());
        Ok((y, Shape::from((layout.dims()[0], layout.dims()[1], height, width))))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let dx = self.gradient::<T>(x.elem_count(), Values::of(&dy).slice()?);
            tensor_like(dx, x).map(Some)
        })
    }
}
