//! Batch normalisation.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Shape, Tensor, Var, WithDType as _};
use rayon::prelude::*;

use crate::activation::{passing, rectify};
use crate::cpu::{
    Float, Gradients, Values, check_inputs, check_shape, slice, tensor_like, with_float,
};
use crate::random::Mode;
use crate::sums::{sum, sum_pairs};
use crate::{Error, Result};

const NAME: &str = "batch_norm";

/// Options of batch normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormConfig {
    /// The weight of the newest batch in the running statistics, from 0 to 1.
    pub momentum: f64,
    /// Added to the variance, so that a constant channel is not divided by zero; above 0.
    pub epsilon: f64,
    /// Applies ReLU to the result in the same pass.
    pub relu: bool,
}

impl Default for BatchNormConfig {
    /// Momentum 0.1, epsilon 1e-5, no ReLU.
    fn default() -> Self {
        Self { momentum: 0.1, epsilon: 1e-5, relu: false }
    }
}

/// The running mean and variance of each channel: set in training, used in evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Running<'v> {
    /// Running mean, shape (C).
    pub mean: &'v Var,
    /// Running variance with divisor n - 1, shape (C).
    pub variance: &'v Var,
}

/// Normalises each channel to mean 0 and variance 1, then scales and shifts it.
///
/// Definition: `y = weight (x - mean) / sqrt(variance + epsilon) + bias`, for each channel. In
/// training, mean and variance (divisor n) are those of the batch over all dimensions but the
/// second, and the running statistics move towards them: `running = (1 - momentum) running +
/// momentum batch`, with divisor n - 1 for the running variance. In evaluation they are the
/// running statistics.
///
/// Shapes: `x` (B, C, ...), `weight` and `bias` (C); the result has the shape of `x`.
///
/// Errors: shapes that do not fit together, an empty dimension; in training a single element for
/// each channel, which has no variance (a batch of one row: drop it or join it to another batch);
/// epsilon or momentum out of range; tensors that are not f32 or f64 or not on the CPU.
///
/// Numerics: means and variances are added in f64 and the variance is that of the centred values,
/// so that a large mean does not swamp it. A constant channel gives `bias` with gradient 0.
///
/// ```
/// use av_ops::{BatchNormConfig, Mode, Running, Streams, batch_norm};
/// use candle_core::{DType, Device, Tensor, Var};
///
/// let x = Tensor::new(&[[1f64], [3.0]], &Device::Cpu)?;
/// let (one, zero) = (Tensor::ones(1, DType::F64, &Device::Cpu)?, Tensor::zeros(1, DType::F64, &Device::Cpu)?);
/// let (mean, variance) = (Var::from_tensor(&zero)?, Var::from_tensor(&one)?);
/// let running = Running { mean: &mean, variance: &variance };
/// let mut rng = Streams::new(0).rng("step");
/// let y = batch_norm(&x, &one, &zero, running, BatchNormConfig::default(), &Mode::Train(&mut rng))?;
/// assert!((y.to_vec2::<f64>()?[1][0] - 1.0).abs() < 1e-5);
/// assert_eq!(mean.to_vec1::<f64>()?, [0.2]); // 0.9 * 0 + 0.1 * 2
/// assert_eq!(variance.to_vec1::<f64>()?, [1.1]); // 0.9 * 1 + 0.1 * 2
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running: Running<'_>,
    config: BatchNormConfig,
    mode: &Mode<'_>,
) -> Result<Tensor> {
    check(x, weight, bias, running, config)?;
    let x = x.contiguous()?;
    let planes = Planes::of(x.dims());
    let training = mode.is_train();
    let (mean, variance) = if training {
        let elements = planes.batch * planes.area;
        if elements < 2 {
            return Err(Error::Shape {
                operator: NAME,
                expected: "at least two elements for each channel in training".to_owned(),
                actual: x.dims().to_vec(),
            });
        }
        let moments = with_float!(x.dtype(), T => planes.moments::<T>(Values::of(&x).slice()?))?;
        update(running, &moments, elements, config.momentum)?;
        moments
    } else {
        (channel_values(running.mean)?, channel_values(running.variance)?)
    };
    let scale = variance.iter().map(|variance| 1.0 / (variance + config.epsilon).sqrt());
    let op = BatchNormOp { planes, mean, scale: scale.collect(), training, relu: config.relu };
    Ok(x.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?)
}

fn check(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running: Running<'_>,
    config: BatchNormConfig,
) -> Result<()> {
    if x.rank() < 2 || x.elem_count() == 0 {
        return Err(Error::Shape {
            operator: NAME,
            expected: "a tensor (B,C,...) without empty dimensions".to_owned(),
            actual: x.dims().to_vec(),
        });
    }
    check_inputs(NAME, &[x, weight, bias, running.mean, running.variance])?;
    let channels = &x.dims()[1..2];
    check_shape(NAME, weight, "weight", channels)?;
    check_shape(NAME, bias, "bias", channels)?;
    check_shape(NAME, running.mean, "running mean", channels)?;
    check_shape(NAME, running.variance, "running variance", channels)?;
    let argument = |name, expected, actual: f64| Error::Argument {
        operator: NAME,
        name,
        expected,
        actual: actual.to_string(),
    };
    if !(0.0..=1.0).contains(&config.momentum) {
        return Err(argument("momentum", "from 0 to 1", config.momentum));
    }
    if !(config.epsilon > 0.0 && config.epsilon.is_finite()) {
        return Err(argument("epsilon", "above 0 and finite", config.epsilon));
    }
    Ok(())
}

/// Moves the running statistics towards the moments of a batch.
fn update(
    running: Running<'_>,
    (mean, variance): &(Vec<f64>, Vec<f64>),
    elements: usize,
    momentum: f64,
) -> Result<()> {
    let unbiased = elements as f64 / (elements - 1) as f64;
    for (target, batch, factor) in
        [(running.mean, mean, 1.0), (running.variance, variance, unbiased)]
    {
        let old = channel_values(target)?;
        let moved: Vec<f64> = old
            .iter()
            .zip(batch)
            .map(|(old, batch)| (1.0 - momentum) * old + momentum * factor * batch)
            .collect();
        target.set(&Tensor::new(moved, &Device::Cpu)?.to_dtype(target.dtype())?)?;
    }
    Ok(())
}

fn channel_values(values: &Var) -> Result<Vec<f64>> {
    Ok(values.to_dtype(candle_core::DType::F64)?.to_vec1()?)
}

/// A tensor (B, C, ...) seen as B x C planes of neighbouring elements.
#[derive(Debug, Clone, Copy)]
struct Planes {
    batch: usize,
    channels: usize,
    area: usize,
}

impl Planes {
    fn of(dims: &[usize]) -> Self {
        Self { batch: dims[0], channels: dims[1], area: dims[2..].iter().product() }
    }

    /// The planes of one channel in the order of the batch.
    fn channel<'v, T>(&self, values: &'v [T], channel: usize) -> impl Iterator<Item = &'v [T]> {
        let Self { channels, area, .. } = *self;
        values.chunks_exact(channels * area).map(move |image| &image[channel * area..][..area])
    }

    /// The mean and the variance with divisor n of each channel.
    fn moments<T: Float>(&self, x: &[T]) -> candle_core::Result<(Vec<f64>, Vec<f64>)> {
        let elements = (self.batch * self.area) as f64;
        let moments = (0..self.channels).into_par_iter().map(|channel| {
            let mean = self.channel(x, channel).map(|x| sum(x, |x| x)).sum::<f64>() / elements;
            let centre = T::from_f64(mean);
            let squares = self
                .channel(x, channel)
                .map(|x| sum(x, |x| (x - centre) * (x - centre)))
                .sum::<f64>();
            (mean, squares / elements)
        });
        Ok(moments.unzip())
    }

    /// Changes each plane in place, images in parallel.
    fn for_each_plane<T: Float>(
        &self,
        values: &mut [T],
        change: impl Fn(usize, usize, &mut [T]) + Sync,
    ) {
        let Self { channels, area, .. } = *self;
        values.par_chunks_mut(channels * area).enumerate().for_each(|(image, planes)| {
            for (channel, plane) in planes.chunks_exact_mut(area).enumerate() {
                change(channel, (image * channels + channel) * area, plane);
            }
        });
    }
}

struct BatchNormOp {
    planes: Planes,
    mean: Vec<f64>,
    /// `1 / sqrt(variance + epsilon)` of each channel.
    scale: Vec<f64>,
    /// Whether mean and scale depend on the input.
    training: bool,
    relu: bool,
}

impl BatchNormOp {
    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let mut y = vec![T::zero(); x.len()];
        self.planes.for_each_plane(&mut y, |channel, start, y| {
            let (centre, shift) = (T::from_f64(self.mean[channel]), bias[channel]);
            let factor = T::from_f64(weight[channel].to_f64() * self.scale[channel]);
            let x = &x[start..start + y.len()];
            if self.relu {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = rectify((x - centre) * factor + shift));
            } else {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - centre) * factor + shift);
            }
        });
        y
    }

    /// The gradients of input, weight and bias.
    ///
    /// With `n` elements in a channel, `u = (x - mean) scale`, and `d` the gradient of the value
    /// before ReLU: `dx = weight scale (d - sum(d) / n - u sum(d u) / n)`, `dweight = sum(d u)`,
    /// `dbias = sum(d)`. The two sums over the channel fall away where mean and scale are fixed.
    fn gradient<T: Float>(&self, x: &[T], weight: &[T], y: &[T], dy: &[T]) -> [Vec<T>; 3] {
        let planes = &self.planes;
        let mut d = dy.to_vec();
        if self.relu {
            planes.for_each_plane(&mut d, |_, start, d| {
                let y = &y[start..start + d.len()];
                d.iter_mut().zip(y).for_each(|(d, &y)| *d = passing(y, *d));
            });
        }
        let sums: Vec<(f64, f64)> = (0..planes.channels)
            .into_par_iter()
            .map(|channel| {
                let centre = T::from_f64(self.mean[channel]);
                let mut sums = (0.0, 0.0);
                for (d, x) in planes.channel(&d, channel).zip(planes.channel(x, channel)) {
                    sums.0 += sum(d, |d| d);
                    sums.1 += sum_pairs(d, x, |d, x| d * (x - centre)) * self.scale[channel];
                }
                sums
            })
            .collect();
        let elements = (planes.batch * planes.area) as f64;
        planes.for_each_plane(&mut d, |channel, start, d| {
            let scale = self.scale[channel];
            let factor = weight[channel].to_f64() * scale;
            let (d_mean, slope) = if self.training {
                (sums[channel].0 / elements, sums[channel].1 / elements * scale)
            } else {
                (0.0, 0.0)
            };
            let [centre, factor, d_mean, slope] =
                [self.mean[channel], factor, d_mean, slope].map(T::from_f64);
            let x = &x[start..start + d.len()];
            for (d, &x) in d.iter_mut().zip(x) {
                *d = factor * (*d - d_mean - (x - centre) * slope);
            }
        });
        let d_weight = sums.iter().map(|sums| T::from_f64(sums.1)).collect();
        let d_bias = sums.iter().map(|sums| T::from_f64(sums.0)).collect();
        [d, d_weight, d_bias]
    }
}

impl CustomOp3 for BatchNormOp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            let (x, weight) = (slice::<T>(x, x_layout)?, slice(weight, weight_layout)?);
            let y = self.forward(x, weight, slice(bias, bias_layout)?);
            Ok(T::to_cpu_storage_owned(y))
        })?;
        Ok((y, x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let [dx, d_weight, d_bias] = self.gradient::<T>(
                Values::of(x).slice()?,
                Values::of(weight).slice()?,
                Values::of(y).slice()?,
                Values::of(&dy).slice()?,
            );
            Ok((
                Some(tensor_like(dx, x)?),
                Some(tensor_like(d_weight, weight)?),
                Some(tensor_like(d_bias, bias)?),
            ))
        })
    }
}
