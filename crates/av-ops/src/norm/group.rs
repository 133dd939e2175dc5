//! Group normalisation.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{
    Float, Gradients, Values, check_inputs, check_shape, slice, tensor_like, with_float,
};
use crate::norm::map::Map;
use crate::norm::{Moments, check_epsilon};
use crate::tape;
use crate::vectorised::vectorised;
use crate::{Error, Result};

const NAME: &str = "group_norm";

/// Options of group normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupNormConfig {
    /// Groups of neighbouring channels; the number of channels is a multiple of it.
    pub groups: usize,
    /// Added to the variance, so that a constant group is not divided by zero; above 0.
    pub epsilon: f64,
    /// Applies ReLU to the result in the same pass.
    pub relu: bool,
}

impl Default for GroupNormConfig {
    /// One group of all channels, epsilon 1e-5, no ReLU.
    fn default() -> Self {
        Self { groups: 1, epsilon: 1e-5, relu: false }
    }
}

/// Normalises each group of channels of each image to mean 0 and variance 1, then scales and shifts
/// each channel.
///
/// Definition: `y[b,c,...] = weight[c] (x[b,c,...] - mean) / sqrt(variance + epsilon) + bias[c]`
/// with the mean and the variance (divisor n) of `x[b]` over the channels of the group of `c`. No
/// element of the batch depends on another, so training and evaluation are the same.
///
/// Shapes: `x` (B, C, ...), `weight` and `bias` (C); the result has the shape of `x`.
///
/// Errors: shapes that do not fit together, an empty dimension, channels that do not divide into
/// the groups, epsilon not above 0 or not finite, tensors that are not f32 or f64 or not on one
/// device.
///
/// Numerics: as [`batch_norm`](crate::batch_norm).
///
/// Source: Wu and He, "Group normalization", ECCV 2018, equations 1 to 7.
///
/// ```
/// use av_ops::{GroupNormConfig, group_norm};
/// use candle_core::{DType, Device, Tensor};
///
/// let x = Tensor::new(&[[1f64, 3.0, -5.0, 5.0]], &Device::Cpu)?;
/// let (one, zero) = (Tensor::ones(4, DType::F64, &Device::Cpu)?, Tensor::zeros(4, DType::F64, &Device::Cpu)?);
/// let config = GroupNormConfig { groups: 2, ..GroupNormConfig::default() };
/// let y = group_norm(&x, &one, &zero, config)?.to_vec2::<f64>()?;
/// assert!((y[0][1] - 1.0).abs() < 1e-5 && (y[0][2] + 1.0).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn group_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    config: GroupNormConfig,
) -> Result<Tensor> {
    let GroupNormConfig { groups, epsilon, relu } = config;
    let (channels, area) = match x.dims() {
        [_, channels, area @ ..] if x.elem_count() > 0 => (*channels, area.iter().product()),
        dims => {
            return Err(Error::Shape {
                operator: NAME,
                expected: "a tensor (B,C,...) without empty dimensions".to_owned(),
                actual: dims.to_vec(),
            });
        }
    };
    check_inputs(NAME, &[x, weight, bias])?;
    check_shape(NAME, weight, "weight", &[channels])?;
    check_shape(NAME, bias, "bias", &[channels])?;
    check_epsilon(NAME, epsilon)?;
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(Error::Argument {
            operator: NAME,
            name: "groups",
            expected: "a divisor of the number of channels",
            actual: format!("{groups} for {channels} channels"),
        });
    }
    if composed::applies(x) {
        return composed::group_norm(x, weight, bias, config);
    }
    let members = channels / groups;
    let op = GroupNormOp { channels, members, area, epsilon, relu, moments: OnceLock::new() };
    Ok(tape::apply3([&x.contiguous()?, &weight.contiguous()?, &bias.contiguous()?], op)?)
}

struct GroupNormOp {
    channels: usize,
    /// Channels of one group.
    members: usize,
    /// Elements of one channel of one image.
    area: usize,
    epsilon: f64,
    relu: bool,
    /// Of each group of each image, set by forward.
    moments: OnceLock<Vec<Moments>>,
}

impl GroupNormOp {
    /// Elements of one group of one image; they are neighbours.
    fn group(&self) -> usize {
        self.members * self.area
    }

    /// The map of each channel of a group of an image, counted through the batch.
    fn maps<T: Float>(
        &self,
        index: usize,
        moments: Moments,
        weight: &[T],
        bias: &[T],
    ) -> impl Iterator<Item = Map<T>> {
        let first = index * self.members % self.channels;
        let parameters = weight[first..][..self.members].iter().zip(&bias[first..]);
        parameters.map(move |(&weight, &bias)| Map::new(moments, self.epsilon, weight, bias))
    }

    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let mut y = vec![T::zero(); x.len()];
        let groups = y.par_chunks_mut(self.group()).zip(x.par_chunks(self.group())).enumerate();
        let normalise = |(index, (y, x)): (usize, (&mut [T], &[T]))| {
            vectorised(
                #[inline(always)]
                || {
                    let moments = Moments::of([x].into_iter(), x.len());
                    let planes = y.chunks_exact_mut(self.area).zip(x.chunks_exact(self.area));
                    for ((y, x), map) in planes.zip(self.maps(index, moments, weight, bias)) {
                        map.write(self.relu, x, y);
                    }
                    moments
                },
            )
        };
        let moments = groups.map(normalise).collect();
        self.moments.get_or_init(|| moments);
        y
    }

    /// The gradient of the input, and of each channel of each image the sums that the gradients of
    /// bias and weight are made of.
    ///
    /// With `n` elements in a group, `u = (x - mean) scale`, and `d` the gradient of the value
    /// before ReLU: `dx = scale (d weight - sum(d weight) / n - u sum(d weight u) / n)`.
    fn gradient<T: Float>(
        &self,
        moments: &[Moments],
        [x, weight, bias, dy]: [&[T]; 4],
    ) -> (Vec<T>, Vec<[f64; 2]>) {
        let mut dx = vec![T::zero(); x.len()];
        let mut sums = vec![[0.0; 2]; x.len() / self.area];
        let inputs = x.par_chunks(self.group()).zip(dy.par_chunks(self.group())).zip(moments);
        let results = dx.par_chunks_mut(self.group()).zip(sums.par_chunks_mut(self.members));
        results.zip(inputs).enumerate().for_each(|(index, ((dx, sums), ((x, dy), moments)))| {
            vectorised(
                #[inline(always)]
                || {
                    let planes = x.chunks_exact(self.area).zip(dy.chunks_exact(self.area));
                    let maps = || self.maps(index, *moments, weight, bias);
                    let mut means = [0.0; 2];
                    for (((x, dy), map), sums) in planes.clone().zip(maps()).zip(sums) {
                        *sums = map.sums(self.relu, x, dy);
                        for (mean, sum) in means.iter_mut().zip(*sums) {
                            *mean += map.weight() * sum / self.group() as f64;
                        }
                    }
                    let dx = dx.chunks_exact_mut(self.area);
                    for ((dx, (x, dy)), map) in dx.zip(planes).zip(maps()) {
                        map.write_shared_gradient(self.relu, means, x, dy, dx);
                    }
                },
            );
        });
        (dx, sums)
    }
}

impl CustomOp3 for GroupNormOp {
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
        _y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let Some(moments) = self.moments.get() else {
            candle_core::bail!("{NAME}: backward before forward")
        };
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let values = [x, weight, bias, &dy].map(Values::of);
            let [x_values, weights, biases, dy] = values.each_ref().map(Values::slice::<T>);
            let (dx, sums) = self.gradient(moments, [x_values?, weights?, biases?, dy?]);
            let over_batch = |part: usize| {
                let mut totals = vec![0.0; self.channels];
                for sums in sums.chunks_exact(self.channels) {
                    totals.iter_mut().zip(sums).for_each(|(total, sums)| *total += sums[part]);
                }
                totals.into_iter().map(T::from_f64).collect::<Vec<T>>()
            };
            Ok((
                x.track_op().then(|| tensor_like(dx, x)).transpose()?,
                weight.track_op().then(|| tensor_like(over_batch(1), weight)).transpose()?,
                bias.track_op().then(|| tensor_like(over_batch(0), bias)).transpose()?,
            ))
        })
    }
}
