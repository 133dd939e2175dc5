//! Convolution of clips.

use candle_core::Tensor;

use crate::Result;
use crate::conv::{Conv2dConfig, conv2d};
use crate::cpu::check_rank;
use crate::init::Init;
use crate::parameters::Scope;

const NAME: &str = "Conv2Plus1d";

/// Options of a [`Conv2Plus1d`]; pairs are those of time and of space, which is the same in height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2Plus1dConfig {
    /// Elements of the kernels, at least 1.
    pub kernel: [usize; 2],
    /// Input elements between two neighbouring output places, at least 1.
    pub stride: [usize; 2],
    /// Zeros added on both sides.
    pub padding: [usize; 2],
    /// Channels between the two convolutions; without a number as many as give both together the weights of a convolution in
    /// three dimensions, or a few less.
    pub middle: Option<usize>,
}

impl Conv2Plus1dConfig {
    /// The same kernel, stride and padding in time and space, and channels in between by the number of weights.
    pub const fn cube(kernel: usize, stride: usize, padding: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], middle: None }
    }

    /// The number of weights of a convolution in three dimensions over that of both maps for one channel in between.
    fn middle(&self, inputs: usize, outputs: usize) -> usize {
        let [time, space] = [self.kernel[0], self.kernel[1] * self.kernel[1]];
        let one = (space * inputs + time * outputs).max(1);
        self.middle.unwrap_or((time * space * inputs * outputs / one).max(1))
    }
}

/// A convolution of clips in two factors: one over each frame, then one over time.
///
/// Definition: `z[b,m,t,i,j] = sum over c,u,v of space[m,c,u,v] x[b,c,t,i s+u-p,j s+v-p]` with stride `s` and padding `p` of
/// space, then `y[b,o,t,i,j] = bias[o] + sum over m,k of time[o,m,k] z[b,m,t s+k-p,i,j]` with those of time; elements outside
/// of the clip are 0. Together they are a convolution in three dimensions whose kernel is `sum over m of time[o,m,k]
/// space[m,c,u,v]`.
///
/// Source: Tran et al., "A closer look at spatiotemporal convolutions for action recognition", CVPR 2018, from where the
/// number of channels in between is too. There these are rectified; here, a layer between
/// [`forward_space`](Self::forward_space) and [`forward_time`](Self::forward_time) does that.
///
/// ```
/// use av_ops::{Conv2Plus1d, Conv2Plus1dConfig, Parameters, Streams};
/// use candle_core::{DType, Device, Tensor};
///
/// let mut parameters = Parameters::new(Streams::new(7), DType::F32, &Device::Cpu);
/// let config = Conv2Plus1dConfig { stride: [1, 2], ..Conv2Plus1dConfig::cube(3, 1, 1) };
/// let layer = Conv2Plus1d::new(&mut parameters.scope("net"), 3, 8, config)?;
/// let clips = Tensor::zeros((2, 3, 5, 9, 7), DType::F32, &Device::Cpu)?;
/// assert_eq!(layer.forward(&clips)?.dims(), [2, 8, 5, 5, 4]);
/// // 12 channels in between: 12 * 27 + 8 * 36 weights and 8 biases; in three dimensions 648 and 8.
/// assert_eq!(parameters.count(), 620);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Conv2Plus1d {
    space: Tensor,
    time: Tensor,
    bias: Option<Tensor>,
    config: Conv2Plus1dConfig,
}

impl Conv2Plus1d {
    /// Creates `space` (middle, inputs, kernel, kernel) and `time` (outputs, middle, kernel, 1) by [`Init::He`], and `bias`
    /// (outputs) of zeros.
    ///
    /// Errors: names that exist already.
    pub fn new(
        scope: &mut Scope<'_>,
        inputs: usize,
        outputs: usize,
        config: Conv2Plus1dConfig,
    ) -> Result<Self> {
        let bias = scope.weight("bias", outputs, Init::Constant(0.0))?;
        let layer = Self::without_bias(scope, inputs, outputs, config)?;
        Ok(Self { bias: Some(bias), ..layer })
    }

    /// As [`new`](Self::new) without a bias: batch normalisation after it would take it off again.
    pub fn without_bias(
        scope: &mut Scope<'_>,
        inputs: usize,
        outputs: usize,
        config: Conv2Plus1dConfig,
    ) -> Result<Self> {
        let (middle, [time, space]) = (config.middle(inputs, outputs), config.kernel);
        Ok(Self {
            space: scope.weight("space", (middle, inputs, space, space), Init::He)?,
            time: scope.weight("time", (outputs, middle, time, 1), Init::He)?,
            bias: None,
            config,
        })
    }

    /// Convolves clips `x` (B, inputs, T, H, W) over frames and time; the result is (B, outputs, T', H', W'), its sizes as
    /// those of [`conv2d`](fn@conv2d).
    ///
    /// Errors: as [`conv2d`](fn@conv2d).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_time(&self.forward_space(x)?)
    }

    /// The first factor alone, over each frame: (B, middle, T, H', W').
    ///
    /// Errors: as [`conv2d`](fn@conv2d).
    pub fn forward_space(&self, x: &Tensor) -> Result<Tensor> {
        check_rank(NAME, x, "B,C,T,H,W")?;
        let (batch, channels, frames, height, width) = x.dims5()?;
        let [_, stride] = self.config.stride;
        let [_, padding] = self.config.padding;
        // The frames are a batch of images.
        let x = x.transpose(1, 2)?.reshape((batch * frames, channels, height, width))?;
        let y = conv2d(&x, &self.space, None, Conv2dConfig::square(stride, padding))?;
        let (_, middle, height, width) = y.dims4()?;
        Ok(y.reshape((batch, frames, middle, height, width))?.transpose(1, 2)?)
    }

    /// The second factor alone, over time, from (B, middle, T, H, W).
    ///
    /// Errors: as [`conv2d`](fn@conv2d).
    pub fn forward_time(&self, x: &Tensor) -> Result<Tensor> {
        check_rank(NAME, x, "B,C,T,H,W")?;
        let (batch, middle, frames, height, width) = x.dims5()?;
        let [stride, _] = self.config.stride;
        let [padding, _] = self.config.padding;
        let config =
            Conv2dConfig { stride: [stride, 1], padding: [padding, 0], ..Conv2dConfig::default() };
        // The frames are the rows of an image, and all places of a frame one row.
        let x = x.reshape((batch, middle, frames, height * width))?;
        let y = conv2d(&x, &self.time, self.bias.as_ref(), config)?;
        let (_, outputs, frames, _) = y.dims4()?;
        Ok(y.reshape((batch, outputs, frames, height, width))?)
    }
}
