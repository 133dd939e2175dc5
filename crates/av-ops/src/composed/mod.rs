//! The operators put together from operations of candle, for tensors that are not on the CPU.
//!
//! The kernels of this crate read the memory of the CPU. Elsewhere an operator is a composition of
//! operations whose gradients are right in candle 0.11.1: products of matrices, arithmetic with
//! broadcasting, sums, selection by index and by mask. Its own convolution, pooling, ReLU, largest
//! element and softmax are avoided, as their gradients are wrong or absent in places.
//!
//! Inputs were checked by the public operators, whose definitions hold here too. Sums run in the
//! element type and in the order of the device.

mod activation;
mod attention;
mod conv;
mod linear;
mod norm;
mod pool;
mod recurrent;
mod softmax;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod upsample;

pub(crate) use activation::{dropout, gelu, relu, silu};
pub(crate) use attention::attention;
pub(crate) use conv::conv2d;
pub(crate) use linear::{embedding, linear};
pub(crate) use norm::{batch_norm, group_norm, layer_norm};
pub(crate) use pool::{largest, mean};
pub(crate) use recurrent::{gru, lstm};
pub(crate) use softmax::{cross_entropy, log_softmax, softmax};
#[cfg(test)]
use testing::forced;
pub(crate) use upsample::upsample;

use candle_core::{Device, Shape, Tensor};

use crate::Result;

/// Whether an operator on this tensor is composed.
pub(crate) fn applies(x: &Tensor) -> bool {
    !x.device().is_cpu() || forced()
}

/// Tests compose on the CPU, and compare with the kernels.
#[cfg(not(test))]
const fn forced() -> bool {
    false
}

/// Numbers in the element type and on the device of `like`. They are converted on the CPU, because
/// not every device has f64.
fn constant(values: Vec<f64>, shape: impl Into<Shape>, like: &Tensor) -> Result<Tensor> {
    let values = Tensor::from_vec(values, shape.into(), &Device::Cpu)?;
    Ok(values.to_dtype(like.dtype())?.to_device(like.device())?)
}

/// The elements of `x` at these places of a dimension.
fn select(x: &Tensor, dim: usize, places: impl Iterator<Item = usize>) -> Result<Tensor> {
    let places: Vec<i64> = places.map(|place| place as i64).collect();
    let count = places.len();
    let places = Tensor::from_vec(places, count, x.device())?;
    Ok(x.contiguous()?.index_select(&places, dim)?)
}

/// The shape (1, C, 1, ...) by which a value for each channel is broadcast over `x` (B, C, ...).
fn channel_shape(x: &Tensor) -> Vec<usize> {
    x.dims().iter().enumerate().map(|(dim, &size)| if dim == 1 { size } else { 1 }).collect()
}
