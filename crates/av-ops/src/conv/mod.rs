//! Two-dimensional convolution.

mod direct;
mod geometry;
mod one;
mod pieces;
mod portable;
mod winograd;

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, DType, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::activation::relu_gradient;
use crate::columns::column_sums;
use crate::composed;
use crate::cpu::{
    Float, Gradients, Values, check_inputs, check_rank, check_shape, slice, tensor_like, with_float,
};
use crate::order::Order;
use crate::sums::sum;
use crate::tape;
use crate::{Error, Result};

use geometry::Geometry;
pub use one::{Conv1dConfig, conv1d};

const NAME: &str = "conv2d";

/// Options of a convolution; pairs are those of the height and of the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Input elements between two neighbouring output places, at least 1.
    pub stride: [usize; 2],
    /// Zeros added on both sides.
    pub padding: [usize; 2],
    /// Input elements between two neighbouring elements of the kernel, at least 1.
    pub dilation: [usize; 2],
    /// Groups that input and output channels fall into, neighbours together; an output sees the inputs of
    /// its group alone.
    pub groups: usize,
    /// Applies ReLU to the result in the same pass.
    pub relu: bool,
}

impl Default for Conv2dConfig {
    /// Stride 1, no padding, no dilation, one group, no ReLU.
    fn default() -> Self {
        Self::square(1, 0)
    }
}

impl Conv2dConfig {
    /// The same stride and padding in both directions, no dilation, one group, no ReLU.
    pub const fn square(stride: usize, padding: usize) -> Self {
        Self {
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [1; 2],
            groups: 1,
            relu: false,
        }
    }
}

/// Convolves a batch of images with a bank of kernels.
///
/// Definition: `y[b,o,i,j] = bias[o] + sum over c,u,v of weight[o,c,u,v] x[b,c,i s+u d-p,j s+v d-p]`
/// with stride `s`, padding `p` and dilation `d` of the direction, over the channels `c` of the group of
/// `o`; elements outside of the image are 0. With `relu` what is below 0 becomes 0.
///
/// Shapes: `x` (B, C, H, W), in f32 best with its [channels last](crate::channels_last), `weight` (O, C / groups,
/// kernel height, kernel width), `bias` (O); the result is (B, O, H', W') with
/// `H' = (H + 2 p - d (kernel height - 1) - 1) / s + 1` rounded down.
///
/// Errors: shapes that do not fit together, an empty dimension, a stride, a dilation or a number of groups
/// of 0, groups that do not divide the channels, padding not smaller than the dilated kernel, a kernel
/// larger than the padded image, tensors that are not f32 or f64 or not on one device.
///
/// Numerics: sums run in the element type, in an order that does not depend on the number of
/// threads. In f32, kernels of 3 x 3 at stride 1 with many channels go by Winograd's tiles of 2 x 2 places: results round
/// otherwise, as little, and an element that is not finite reaches all places of its tile.
///
/// ```
/// use av_ops::{Conv2dConfig, conv2d};
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 9.0, &Device::Cpu)?.reshape((1, 1, 3, 3))?;
/// let sum = Tensor::ones((1, 1, 2, 2), x.dtype(), &Device::Cpu)?;
/// let y = conv2d(&x, &sum, None, Conv2dConfig::default())?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [8.0, 12.0, 20.0, 24.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    check_rank(NAME, x, "B,C,H,W")?;
    check_rank(NAME, weight, "O,C,kernel height,kernel width")?;
    let geometry = geometry(x, weight, config)?;
    // In f64, and where there are few channels, matrix products are the best way.
    let is_last = x.dtype() == DType::F32
        && direct::suits(geometry.outputs / geometry.groups)
        && Order::of(x) == Order::Last;
    let (order, x) =
        if is_last { (Order::Last, x.clone()) } else { (Order::First, x.contiguous()?) };
    let weight = weight.contiguous()?;
    let outputs = weight.dims()[0];
    let bias = match bias {
        Some(bias) => bias.contiguous()?,
        None => Tensor::zeros(outputs, weight.dtype(), weight.device())?,
    };
    check_inputs(NAME, &[&x, &weight, &bias])?;
    check_shape(NAME, &bias, "bias", &[outputs])?;
    if composed::applies(&x) {
        return composed::conv2d(&x, &weight, &bias, config, geometry.out);
    }
    Ok(tape::apply3_in(
        order,
        [&x, &weight, &bias],
        Conv2dOp { geometry, order, relu: config.relu },
    )?)
}

fn geometry(x: &Tensor, weight: &Tensor, config: Conv2dConfig) -> Result<Geometry> {
    let (_, channels, height, width) = x.dims4()?;
    let (outputs, weight_channels, kernel_height, kernel_width) = weight.dims4()?;
    let Conv2dConfig { stride, padding, dilation, groups, .. } = config;
    let argument = |name, expected, actual: usize| Error::Argument {
        operator: NAME,
        name,
        expected,
        actual: actual.to_string(),
    };
    for (name, [rows, columns]) in
        [("stride", stride), ("dilation", dilation), ("the number of groups", [groups; 2])]
    {
        if rows.min(columns) == 0 {
            return Err(argument(name, "at least 1", 0));
        }
    }
    if outputs % groups != 0 {
        return Err(argument("the number of groups", "a divisor of the output channels", groups));
    }
    let kernel = [kernel_height, kernel_width];
    // What a kernel covers of the image, from its first to its last element.
    let cover =
        [0, 1].map(|side| dilation[side].saturating_mul(kernel[side] - 1).saturating_add(1));
    for side in [0, 1] {
        if padding[side] >= cover[0].max(cover[1]) {
            return Err(argument("padding", "smaller than the dilated kernel", padding[side]));
        }
    }
    let places = |side: usize, extent: usize| {
        let padded = padding[side].checked_mul(2)?.checked_add(extent)?;
        Some(padded.checked_sub(cover[side])? / stride[side] + 1)
    };
    match places(0, height).zip(places(1, width)) {
        Some((rows, columns)) if weight_channels * groups == channels => Ok(Geometry {
            channels,
            outputs,
            groups,
            height,
            width,
            kernel,
            stride,
            padding,
            dilation,
            out: [rows, columns],
        }),
        _ => Err(Error::Shape {
            operator: NAME,
            expected: format!(
                "{} channels and at least {} x {} elements with their padding",
                weight_channels * groups,
                cover[0],
                cover[1]
            ),
            actual: x.dims().to_vec(),
        }),
    }
}

/// The products behind a convolution, in the best way there is for an element type. Images lie in the given order;
/// another one than [`Order::First`] is given where [`direct::suits`] the channels of the result.
trait Convolve: Float {
    fn forward(
        geometry: &Geometry,
        _: Order,
        x: &[Self],
        weight: &[Self],
        finish: Finish<'_, Self>,
    ) -> Vec<Self> {
        portable::forward(geometry, x, weight, finish)
    }

    fn input_gradient(geometry: &Geometry, _: Order, weight: &[Self], dy: &[Self]) -> Vec<Self> {
        portable::input_gradient(geometry, weight, dy)
    }

    fn weight_gradient(geometry: &Geometry, _: Order, x: &[Self], dy: &[Self]) -> Vec<Self> {
        portable::weight_gradient(geometry, x, dy)
    }
}

impl Convolve for f64 {}

impl Convolve for f32 {
    fn forward(
        geometry: &Geometry,
        order: Order,
        x: &[Self],
        weight: &[Self],
        finish: Finish<'_, Self>,
    ) -> Vec<Self> {
        if order == Order::Last && winograd::suits(geometry) {
            winograd::forward(geometry, x, weight, finish)
        } else if is_direct(geometry, order, geometry.outputs) {
            direct::forward(geometry, order, x, weight, finish)
        } else {
            portable::forward(geometry, x, weight, finish)
        }
    }

    fn input_gradient(
        geometry: &Geometry,
        order: Order,
        weight: &[Self],
        dy: &[Self],
    ) -> Vec<Self> {
        if order == Order::Last && winograd::suits(geometry) {
            winograd::input_gradient(geometry, weight, dy)
        } else if is_direct(geometry, order, geometry.channels) {
            direct::input_gradient(geometry, order, weight, dy)
        } else {
            portable::input_gradient(geometry, weight, dy)
        }
    }

    fn weight_gradient(geometry: &Geometry, order: Order, x: &[Self], dy: &[Self]) -> Vec<Self> {
        if order == Order::Last && winograd::suits(geometry) {
            winograd::weight_gradient(geometry, x, dy)
        } else if is_direct(geometry, order, geometry.outputs) {
            direct::weight_gradient(geometry, order, x, dy)
        } else {
            portable::weight_gradient(geometry, x, dy)
        }
    }
}

/// Whether the direct kernels compute so many channels of a result.
fn is_direct(geometry: &Geometry, order: Order, channels: usize) -> bool {
    order == Order::Last || direct::suits(channels / geometry.groups) && !geometry.is_identity()
}

/// What becomes of the sums of a convolution.
#[derive(Clone, Copy)]
struct Finish<'a, T> {
    /// Added to each channel.
    bias: &'a [T],
    relu: bool,
}

struct Conv2dOp {
    geometry: Geometry,
    order: Order,
    relu: bool,
}

impl Conv2dOp {
    /// The gradients of input, weight and bias; none for those that no variable leads to.
    fn gradients<T: Convolve>(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let Self { ref geometry, order, .. } = *self;
        let (x_values, weight_values, dy_values) =
            (Values::in_order(order, x), Values::of(weight), Values::of(dy));
        let (x_slice, weight_slice) = (x_values.slice()?, weight_values.slice()?);
        let dy = dy_values.slice::<T>()?;
        let wanted = [x, weight, bias].map(Tensor::track_op);
        // Side by side: what the one does on a single thread is the other's time.
        let (dx, (dw, db)) = rayon::join(
            || wanted[0].then(|| T::input_gradient(geometry, order, weight_slice, dy)),
            || {
                let dw = wanted[1].then(|| T::weight_gradient(geometry, order, x_slice, dy));
                (dw, wanted[2].then(|| self.bias_gradient(dy)))
            },
        );
        Ok((
            dx.map(|dx| order.tensor(dx, x.dims())).transpose()?,
            dw.map(|dw| tensor_like(dw, weight)).transpose()?,
            db.map(|db| tensor_like(db, bias)).transpose()?,
        ))
    }

    fn bias_gradient<T: Float>(&self, dy: &[T]) -> Vec<T> {
        let Geometry { outputs, .. } = self.geometry;
        if self.order == Order::Last {
            return column_sums(dy, outputs).into_iter().map(T::from_f64).collect();
        }
        let places = self.geometry.places();
        (0..outputs)
            .into_par_iter()
            .map(|output| {
                let images = dy.chunks_exact(outputs * places);
                let total: f64 =
                    images.map(|dy| sum(&dy[output * places..][..places], |dy| dy)).sum();
                T::from_f64(total)
            })
            .collect()
    }

    /// The sizes of the result in the order of its memory.
    fn shape(&self, x: &Layout) -> Shape {
        let [height, width] = self.geometry.out;
        Shape::from(self.order.dims(&[x.dims()[0], self.geometry.outputs, height, width]))
    }
}

impl CustomOp3 for Conv2dOp {
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
            let x = self.order.slice::<T>(x, x_layout)?;
            let weight = slice(weight, weight_layout)?;
            let bias = slice(bias, bias_layout)?;
            let finish = Finish { bias, relu: self.relu };
            Ok(T::to_cpu_storage_owned(T::forward(&self.geometry, self.order, x, weight, finish)))
        })?;
        Ok((y, self.shape(x_layout)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let dy = if self.relu { relu_gradient(y, dy)? } else { dy.contiguous()? };
        with_float!(dy.dtype(), T => self.gradients::<T>(x, weight, bias, &dy))
    }
}
