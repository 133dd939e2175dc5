//! One-dimensional convolution.

use candle_core::Tensor;

use super::{Conv2dConfig, conv2d};
use crate::Result;
use crate::cpu::check_rank;

const NAME: &str = "conv1d";

/// Options of a convolution over one direction, as in [`Conv2dConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv1dConfig {
    /// Input elements between two neighbouring output places, at least 1.
    pub stride: usize,
    /// Zeros added on both sides.
    pub padding: usize,
    /// Input elements between two neighbouring elements of the kernel, at least 1.
    pub dilation: usize,
    /// Groups that input and output channels fall into.
    pub groups: usize,
    /// Applies ReLU to the result in the same pass.
    pub relu: bool,
}

impl Default for Conv1dConfig {
    /// Stride 1, no padding, no dilation, one group, no ReLU.
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, groups: 1, relu: false }
    }
}

/// Convolves a batch of sequences with a bank of kernels.
///
/// Definition: `y[b,o,i] = bias[o] + sum over c,u of weight[o,c,u] x[b,c,i s+u d-p]`, as
/// [`conv2d`](fn@conv2d) over images of one row.
///
/// Shapes: `x` (B, C, L), `weight` (O, C / groups, kernel), `bias` (O); the result is (B, O, L') with
/// `L' = (L + 2 p - d (kernel - 1) - 1) / s + 1` rounded down.
///
/// Errors, Numerics: as [`conv2d`](fn@conv2d).
///
/// ```
/// use av_ops::{Conv1dConfig, conv1d};
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[[[1f32, 2.0, 4.0, 8.0]]], &Device::Cpu)?;
/// let difference = Tensor::new(&[[[-1f32, 1.0]]], &Device::Cpu)?;
/// let config = Conv1dConfig { dilation: 2, ..Conv1dConfig::default() };
/// assert_eq!(conv1d(&x, &difference, None, config)?.to_vec3::<f32>()?, [[[3.0, 6.0]]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conv1d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv1dConfig,
) -> Result<Tensor> {
    check_rank(NAME, x, "B,C,L")?;
    check_rank(NAME, weight, "O,C,kernel")?;
    let Conv1dConfig { stride, padding, dilation, groups, relu } = config;
    let config = Conv2dConfig {
        stride: [1, stride],
        padding: [0, padding],
        dilation: [1, dilation],
        groups,
        relu,
    };
    let y = conv2d(&x.unsqueeze(2)?, &weight.unsqueeze(2)?, bias, config)?;
    Ok(y.squeeze(2)?)
}
