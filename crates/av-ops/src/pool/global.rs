//! The mean over whole images.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType};
use rayon::prelude::*;

use super::adaptive::adaptive_mean;
use crate::columns::{Rows, sum_columns};
use crate::cpu::{Float, Values, check_inputs, check_rank, with_float};
use crate::order::Order;
use crate::results::compute;
use crate::{Result, composed, tape};

const NAME: &str = "global_avg_pool";

/// The mean of each channel over the whole image.
///
/// Shapes: `x` (B, C, H, W); the result is (B, C).
///
/// Errors, Numerics: as [`adaptive_avg_pool2d`](crate::adaptive_avg_pool2d).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 15.0, &Device::Cpu)?.reshape((1, 1, 3, 5))?;
/// assert_eq!(av_ops::global_avg_pool(&x)?.to_vec2::<f32>()?, [[7.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn global_avg_pool(x: &Tensor) -> Result<Tensor> {
    if Order::of(x) == Order::First || composed::applies(x) {
        let y = adaptive_mean(NAME, x, (1, 1))?;
        let (batch, channels, _, _) = y.dims4()?;
        return Ok(y.reshape((batch, channels))?);
    }
    check_rank(NAME, x, "B,C,H,W")?;
    check_inputs(NAME, &[x])?;
    Ok(tape::apply1(x, Mean)?)
}

/// Of images whose channels lie side by side.
struct Mean;

impl Mean {
    fn forward<T: Float>(&self, x: &[T], channels: usize, places: usize) -> Vec<T> {
        let means = x.par_chunks(places * channels).flat_map_iter(|x| {
            let [sums] = sum_columns(
                x.len(),
                channels,
                [Rows::Of(x)],
                #[inline(always)]
                |[x]| [x],
            );
            sums.into_iter().map(move |sum| T::from_f64(sum * (1.0 / places as f64)))
        });
        means.collect()
    }

    fn gradient<T: Float>(&self, dy: &[T], channels: usize, places: usize) -> Vec<T> {
        let share = T::from_f64(1.0 / places as f64);
        compute(dy.len() * places, places * channels, |image, dx| {
            let dy = &dy[image * channels..][..channels];
            for dx in dx.chunks_exact_mut(channels) {
                dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = dy * share);
            }
        })
    }
}

impl CustomOp1 for Mean {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let y = with_float!(x.dtype(), T => {
            let x = Order::Last.slice::<T>(x, layout)?;
            Ok(T::to_cpu_storage_owned(self.forward(x, channels, height * width)))
        })?;
        Ok((y, Shape::from((batch, channels))))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let (dy, (_, channels, height, width)) = (dy.contiguous()?, x.dims4()?);
        with_float!(dy.dtype(), T => {
            let dx = self.gradient::<T>(Values::of(&dy).slice()?, channels, height * width);
            Order::Last.tensor(dx, x.dims()).map(Some)
        })
    }
}
