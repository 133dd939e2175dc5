//! Batch normalisation.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Shape, Tensor, Var, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{
    Float, Gradients, Values, check_inputs, check_shape, slice, tensor_like, with_float,
};
use crate::norm::map::Map;
use crate::norm::{Moments, check_epsilon, places};
use crate::order::Order;
use crate::random::Mode;
use crate::tape;
use crate::vectorised::vectorised;
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
/// epsilon or momentum out of range; tensors that are not f32 or f64 or not on one device.
///
/// Numerics: means and variances are added in f64 and the variance is that of the centred values,
/// so that a large mean does not swamp it. A constant channel gives `bias`.
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
    let planes = Planes::of(x.dims());
    let elements = planes.batch * planes.area;
    let training = mode.is_train();
    if training && elements < 2 {
        return Err(Error::Shape {
            operator: NAME,
            expected: "at least two elements for each channel in training".to_owned(),
            actual: x.dims().to_vec(),
        });
    }
    if composed::applies(x) {
        return composed::batch_norm(x, weight, bias, running, config, training);
    }
    let moments = Arc::new(OnceLock::new());
    if !training {
        let means = channel_values(running.mean)?.into_iter();
        let pairs = means.zip(channel_values(running.variance)?);
        moments.get_or_init(|| pairs.map(|(mean, variance)| Moments { mean, variance }).collect());
    }
    let BatchNormConfig { epsilon, relu, .. } = config;
    let order = Order::of(x);
    let x = if order == Order::Last { x.clone() } else { x.contiguous()? };
    let op = BatchNormOp { order, planes, moments: moments.clone(), epsilon, training, relu };
    let y = tape::apply3_in(order, [&x, &weight.contiguous()?, &bias.contiguous()?], op)?;
    if let (true, Some(moments)) = (training, moments.get()) {
        update(running, moments, elements, config.momentum)?;
    }
    Ok(y)
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
    if !(0.0..=1.0).contains(&config.momentum) {
        let (expected, actual) = ("from 0 to 1", config.momentum.to_string());
        return Err(Error::Argument { operator: NAME, name: "momentum", expected, actual });
    }
    check_epsilon(NAME, config.epsilon)
}

/// Moves the running statistics towards the moments of a batch.
fn update(running: Running<'_>, batch: &[Moments], elements: usize, momentum: f64) -> Result<()> {
    let unbiased = elements as f64 / (elements - 1) as f64;
    let move_towards = |target: &Var, value: fn(&Moments) -> f64, factor: f64| -> Result<()> {
        let old = channel_values(target)?;
        let moved = old
            .iter()
            .zip(batch)
            .map(|(old, batch)| (1.0 - momentum) * old + momentum * factor * value(batch));
        let moved = Tensor::from_iter(moved, &Device::Cpu)?;
        Ok(target.set(&moved.to_dtype(target.dtype())?)?)
    };
    move_towards(running.mean, |moments| moments.mean, 1.0)?;
    move_towards(running.variance, |moments| moments.variance, unbiased)
}

fn channel_values(values: &Var) -> Result<Vec<f64>> {
    Ok(values.to_dtype(candle_core::DType::F64)?.to_vec1()?)
}

/// A tensor (B, C, ...) seen as B x C planes of neighbouring elements.
///
/// Channels run in parallel and each is finished before the next: its planes stay in the
/// second-level cache between the passes over them.
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

    /// The elements of one channel.
    fn elements(&self) -> usize {
        self.batch * self.area
    }

    /// The planes of one channel in the order of the batch.
    fn channel<'v, T>(
        &self,
        values: &'v [T],
        channel: usize,
    ) -> impl Iterator<Item = &'v [T]> + Clone {
        let Self { channels, area, .. } = *self;
        values.chunks_exact(channels * area).map(move |image| &image[channel * area..][..area])
    }

    /// The planes of every channel, to be written.
    fn channels_mut<'v, T>(&self, values: &'v mut [T]) -> Vec<Vec<&'v mut [T]>> {
        let mut channels: Vec<Vec<_>> =
            (0..self.channels).map(|_| Vec::with_capacity(self.batch)).collect();
        for image in values.chunks_exact_mut(self.channels * self.area) {
            let planes = image.chunks_exact_mut(self.area);
            channels.iter_mut().zip(planes).for_each(|(channel, plane)| channel.push(plane));
        }
        channels
    }
}

struct BatchNormOp {
    order: Order,
    planes: Planes,
    /// Of each channel: those of the batch, which forward sets, or the running ones.
    moments: Arc<OnceLock<Vec<Moments>>>,
    epsilon: f64,
    /// Whether the moments depend on the input.
    training: bool,
    relu: bool,
}

impl BatchNormOp {
    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let planes = &self.planes;
        if self.order == Order::Last {
            let moments = self.moments.get_or_init(|| places::moments(x, planes.channels));
            return places::apply(&self.maps(moments, weight, bias), self.relu, x);
        }
        let fixed = self.moments.get();
        let mut y = vec![T::zero(); x.len()];
        let channels = planes.channels_mut(&mut y).into_par_iter().enumerate();
        let moments: Vec<Moments> = channels
            .map(|(channel, y)| {
                vectorised(
                    #[inline(always)]
                    || {
                        let moments = match fixed {
                            Some(fixed) => fixed[channel],
                            None => Moments::of(planes.channel(x, channel), planes.elements()),
                        };
                        let map = Map::new(moments, self.epsilon, weight[channel], bias[channel]);
                        for (y, x) in y.into_iter().zip(planes.channel(x, channel)) {
                            map.write(self.relu, x, y);
                        }
                        moments
                    },
                )
            })
            .collect();
        self.moments.get_or_init(|| moments);
        y
    }

    /// The gradients of input, weight and bias; the first is empty where it is not wanted.
    ///
    /// With `n` elements in a channel, `u = (x - mean) scale`, and `d` the gradient of the value
    /// before ReLU: `dx = weight scale (d - sum(d) / n - u sum(d u) / n)`, `dweight = sum(d u)`,
    /// `dbias = sum(d)`. The two sums over the channel fall away where the moments are fixed.
    fn gradient<T: Float>(
        &self,
        maps: &[Map<T>],
        x: &[T],
        dy: &[T],
        wanted: bool,
    ) -> (Vec<T>, Vec<[f64; 2]>) {
        let planes = &self.planes;
        let mean = |total| if self.training { total / planes.elements() as f64 } else { 0.0 };
        if self.order == Order::Last {
            let sums = places::sums(maps, self.relu, x, dy);
            let means: Vec<[f64; 2]> = sums.iter().map(|sums| sums.map(mean)).collect();
            let dx = wanted.then(|| places::gradient(maps, self.relu, &means, x, dy));
            return (dx.unwrap_or_default(), sums);
        }
        let mut dx = vec![T::zero(); if wanted { x.len() } else { 0 }];
        let channels = planes.channels_mut(&mut dx).into_par_iter().zip(maps).enumerate();
        let sums = channels.map(|(channel, (dx, map))| {
            vectorised(
                #[inline(always)]
                || {
                    let pairs = planes.channel(x, channel).zip(planes.channel(dy, channel));
                    let mut totals = [0.0; 2];
                    for (x, dy) in pairs.clone() {
                        let [d, du] = map.sums(self.relu, x, dy);
                        totals = [totals[0] + d, totals[1] + du];
                    }
                    let means = totals.map(mean);
                    for (dx, (x, dy)) in dx.into_iter().zip(pairs) {
                        map.write_gradient(self.relu, means, x, dy, dx);
                    }
                    totals
                },
            )
        });
        let sums = sums.collect();
        (dx, sums)
    }

    fn maps<T: Float>(&self, moments: &[Moments], weight: &[T], bias: &[T]) -> Vec<Map<T>> {
        let parameters = weight.iter().zip(bias);
        moments
            .iter()
            .zip(parameters)
            .map(|(moments, (&weight, &bias))| Map::new(*moments, self.epsilon, weight, bias))
            .collect()
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
            let (x, weight) = (self.order.slice::<T>(x, x_layout)?, slice(weight, weight_layout)?);
            let y = self.forward(x, weight, slice(bias, bias_layout)?);
            Ok(T::to_cpu_storage_owned(y))
        })?;
        Ok((y, Shape::from(self.order.dims(x_layout.dims()))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let dy = dy.contiguous()?;
        let Some(moments) = self.moments.get() else {
            candle_core::bail!("{NAME}: backward before forward")
        };
        with_float!(dy.dtype(), T => {
            let (weights, biases) = (Values::of(weight), Values::of(bias));
            let maps = self.maps::<T>(moments, weights.slice()?, biases.slice()?);
            let (x_values, dy_values) = (Values::in_order(self.order, x), Values::of(&dy));
            let (dx, sums) =
                self.gradient(&maps, x_values.slice()?, dy_values.slice()?, x.track_op());
            let part = |part: usize| sums.iter().map(|sums| T::from_f64(sums[part])).collect();
            Ok((
                x.track_op().then(|| self.order.tensor(dx, x.dims())).transpose()?,
                weight.track_op().then(|| tensor_like::<T>(part(1), weight)).transpose()?,
                bias.track_op().then(|| tensor_like::<T>(part(0), bias)).transpose()?,
            ))
        })
    }
}
