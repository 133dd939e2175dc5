//! Operators together with their parameters.

mod attention;
mod clip;
mod embedding;
mod recurrent;

use candle_core::{Tensor, Var};

use crate::Result;
use crate::conv::{Conv2dConfig, conv2d};
use crate::init::Init;
use crate::linear::linear;
use crate::norm::{BatchNormConfig, GroupNormConfig, Running, batch_norm, group_norm, layer_norm};
use crate::parameters::Scope;
use crate::random::Mode;

pub use attention::Attention;
pub use clip::{Conv2Plus1d, Conv2Plus1dConfig};
pub use embedding::Embedding;
pub use recurrent::{Gru, Lstm};

/// A two-dimensional convolution with square kernels; see [`conv2d`](fn@conv2d).
#[derive(Debug, Clone)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    config: Conv2dConfig,
}

impl Conv2d {
    /// Creates `weight` (outputs, inputs / groups, kernel, kernel) by [`Init::He`] and `bias` (outputs) of
    /// zeros.
    ///
    /// Errors: names that exist already.
    pub fn new(
        scope: &mut Scope<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        config: Conv2dConfig,
    ) -> Result<Self> {
        let bias = scope.weight("bias", outputs, Init::Constant(0.0))?;
        let layer = Self::without_bias(scope, inputs, outputs, kernel, config)?;
        Ok(Self { bias: Some(bias), ..layer })
    }

    /// As [`new`](Self::new) without a bias: batch normalisation after it would take it off again.
    pub fn without_bias(
        scope: &mut Scope<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        config: Conv2dConfig,
    ) -> Result<Self> {
        // Groups of 0 are an error of the first call.
        let inputs = inputs / config.groups.max(1);
        let weight = scope.weight("weight", (outputs, inputs, kernel, kernel), Init::He)?;
        Ok(Self { weight, bias: None, config })
    }

    /// Convolves `x` (B, inputs, H, W).
    ///
    /// Errors: as [`conv2d`](fn@conv2d).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv2d(x, &self.weight, self.bias.as_ref(), self.config)
    }

    /// The one convolution that is this one, the normalisation in evaluation and ReLU, up to rounding: the normalisation is
    /// a factor and a summand for each channel then. Made once, it serves many inputs; it does not follow later training.
    ///
    /// Errors: a normalisation of another number of channels.
    pub fn with_norm_relu(&self, norm: &BatchNorm) -> Result<Self> {
        let [factor, shift] = norm.evaluation()?;
        let channels = factor.dims1()?;
        let weight = self.weight.broadcast_mul(&factor.reshape((channels, 1, 1, 1))?)?;
        let bias = match &self.bias {
            Some(bias) => (bias * factor)?.add(&shift)?,
            None => shift,
        };
        let config = Conv2dConfig { relu: true, ..self.config };
        Ok(Self { weight, bias: Some(bias), config })
    }
}

/// A batch normalisation with its running statistics; see [`batch_norm`].
#[derive(Debug, Clone)]
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    mean: Var,
    variance: Var,
}

impl BatchNorm {
    /// Creates `weight` of ones, `bias` of zeros, and the buffers `running_mean` of zeros and
    /// `running_variance` of ones, each (channels).
    ///
    /// Errors: names that exist already.
    pub fn new(scope: &mut Scope<'_>, channels: usize) -> Result<Self> {
        Ok(Self {
            weight: scope.weight("weight", channels, Init::Constant(1.0))?,
            bias: scope.weight("bias", channels, Init::Constant(0.0))?,
            mean: scope.buffer("running_mean", channels, 0.0)?,
            variance: scope.buffer("running_variance", channels, 1.0)?,
        })
    }

    /// Normalises `x` (B, channels, ...).
    ///
    /// Errors: as [`batch_norm`].
    pub fn forward(&self, x: &Tensor, mode: &Mode<'_>) -> Result<Tensor> {
        self.apply(x, BatchNormConfig::default(), mode)
    }

    /// Normalises `x` (B, channels, ...) and applies ReLU in the same pass.
    ///
    /// Errors: as [`batch_norm`].
    pub fn forward_relu(&self, x: &Tensor, mode: &Mode<'_>) -> Result<Tensor> {
        self.apply(x, BatchNormConfig { relu: true, ..BatchNormConfig::default() }, mode)
    }

    /// What each channel is multiplied by in evaluation, and what is added then.
    fn evaluation(&self) -> Result<[Tensor; 2]> {
        let (mean, variance) = (self.mean.as_detached_tensor(), self.variance.as_detached_tensor());
        let deviation = (variance + BatchNormConfig::default().epsilon)?.sqrt()?;
        let factor = self.weight.div(&deviation)?;
        let shift = (&self.bias - mean.mul(&factor)?)?;
        Ok([factor, shift])
    }

    fn apply(&self, x: &Tensor, config: BatchNormConfig, mode: &Mode<'_>) -> Result<Tensor> {
        let running = Running { mean: &self.mean, variance: &self.variance };
        batch_norm(x, &self.weight, &self.bias, running, config, mode)
    }
}

/// A layer normalisation with epsilon 1e-5; see [`layer_norm`].
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    /// Creates `weight` of ones and `bias` of zeros, each (features).
    ///
    /// Errors: names that exist already.
    pub fn new(scope: &mut Scope<'_>, features: usize) -> Result<Self> {
        Ok(Self {
            weight: scope.weight("weight", features, Init::Constant(1.0))?,
            bias: scope.weight("bias", features, Init::Constant(0.0))?,
        })
    }

    /// Normalises each row of `x` (..., features).
    ///
    /// Errors: as [`layer_norm`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(x, &self.weight, &self.bias, 1e-5)
    }
}

/// A group normalisation; see [`group_norm`].
#[derive(Debug, Clone)]
pub struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    config: GroupNormConfig,
}

impl GroupNorm {
    /// Creates `weight` of ones and `bias` of zeros, each (channels).
    ///
    /// Errors: names that exist already.
    pub fn new(scope: &mut Scope<'_>, channels: usize, config: GroupNormConfig) -> Result<Self> {
        Ok(Self {
            weight: scope.weight("weight", channels, Init::Constant(1.0))?,
            bias: scope.weight("bias", channels, Init::Constant(0.0))?,
            config,
        })
    }

    /// Normalises `x` (B, channels, ...).
    ///
    /// Errors: as [`group_norm`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        group_norm(x, &self.weight, &self.bias, self.config)
    }
}

/// A linear map with bias; see [`linear`](fn@linear).
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Creates `weight` (outputs, inputs) by [`Init::Glorot`] and `bias` (outputs) of zeros.
    ///
    /// Errors: names that exist already.
    pub fn new(scope: &mut Scope<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        Ok(Self {
            weight: scope.weight("weight", (outputs, inputs), Init::Glorot)?,
            bias: scope.weight("bias", outputs, Init::Constant(0.0))?,
        })
    }

    /// Maps each row of `x` (..., inputs).
    ///
    /// Errors: as [`linear`](fn@linear).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, Some(&self.bias))
    }
}
