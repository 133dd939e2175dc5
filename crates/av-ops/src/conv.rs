//! Two-dimensional convolution.

use std::ops::Range;

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::cpu::{
    Float, Gradients, Values, check_inputs, check_rank, check_shape, slice, tensor_like, with_float,
};
use crate::matrix::{Matrix, MatrixMut};
use crate::sums::{add_in_order, sum};
use crate::unfold::Geometry;
use crate::{Error, Result};

const NAME: &str = "conv2d";

/// Pieces that a batch is split into for parallel work. It is a constant and not the number of
/// threads, because the sum over pieces in the weight gradient must not depend on the machine.
const PIECES: usize = 16;

/// Elements of an unfolded band of an image: a band stays in the second-level cache between its
/// unfolding and its product.
const BAND: usize = 1 << 16;

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
}

impl Default for Conv2dConfig {
    /// Stride 1, no padding, no dilation, one group.
    fn default() -> Self {
        Self::square(1, 0)
    }
}

impl Conv2dConfig {
    /// The same stride and padding in both directions, no dilation, one group.
    pub const fn square(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], padding: [padding; 2], dilation: [1; 2], groups: 1 }
    }
}

/// Convolves a batch of images with a bank of kernels.
///
/// Definition: `y[b,o,i,j] = bias[o] + sum over c,u,v of weight[o,c,u,v] x[b,c,i s+u d-p,j s+v d-p]`
/// with stride `s`, padding `p` and dilation `d` of the direction, over the channels `c` of the group of
/// `o`; elements outside of the image are 0.
///
/// Shapes: `x` (B, C, H, W), `weight` (O, C / groups, kernel height, kernel width), `bias` (O); the
/// result is (B, O, H', W') with `H' = (H + 2 p - d (kernel height - 1) - 1) / s + 1` rounded down.
///
/// Errors: shapes that do not fit together, an empty dimension, a stride, a dilation or a number of groups
/// of 0, groups that do not divide the channels, padding not smaller than the dilated kernel, a kernel
/// larger than the padded image, tensors that are not f32 or f64 or not on the CPU.
///
/// Numerics: sums run in the element type, in an order that does not depend on the number of
/// threads.
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
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let outputs = weight.dims()[0];
    let bias = match bias {
        Some(bias) => bias.contiguous()?,
        None => Tensor::zeros(outputs, weight.dtype(), weight.device())?,
    };
    check_inputs(NAME, &[&x, &weight, &bias])?;
    check_shape(NAME, &bias, "bias", &[outputs])?;
    Ok(x.apply_op3(&weight, &bias, Conv2dOp { geometry, outputs, groups: config.groups })?)
}

fn geometry(x: &Tensor, weight: &Tensor, config: Conv2dConfig) -> Result<Geometry> {
    let (_, channels, height, width) = x.dims4()?;
    let (outputs, weight_channels, kernel_height, kernel_width) = weight.dims4()?;
    let Conv2dConfig { stride, padding, dilation, groups } = config;
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

struct Conv2dOp {
    geometry: Geometry,
    outputs: usize,
    groups: usize,
}

/// Of one group: its output channels, and its rows of the unfolded image.
struct Group {
    outputs: Range<usize>,
    taps: Range<usize>,
}

impl Conv2dOp {
    fn groups(&self) -> impl Iterator<Item = Group> + use<> {
        let (outputs, taps) = (self.outputs / self.groups, self.geometry.taps() / self.groups);
        (0..self.groups).map(move |group| Group {
            outputs: group * outputs..(group + 1) * outputs,
            taps: group * taps..(group + 1) * taps,
        })
    }

    /// The weight as a matrix: a row for each output channel.
    fn matrix<'w, T: Float>(&self, weight: &'w [T]) -> Matrix<'w, T> {
        let taps = self.geometry.taps() / self.groups;
        Matrix::new(weight, self.outputs, taps, taps)
    }

    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let geometry = &self.geometry;
        let (places, outputs) = (geometry.places(), self.outputs);
        let batch = x.len() / geometry.image();
        let mut y = vec![T::zero(); batch * outputs * places];
        let weight = self.matrix(weight);
        let per_piece = batch.div_ceil(PIECES);
        y.par_chunks_mut(per_piece * outputs * places)
            .zip(x.par_chunks(per_piece * geometry.image()))
            .for_each(|(y, x)| {
                let mut unfolded = Unfolded::new(geometry);
                for (y, image) in
                    y.chunks_exact_mut(outputs * places).zip(x.chunks_exact(geometry.image()))
                {
                    for band in unfolded.bands() {
                        let start = band.start * geometry.out[1];
                        let columns = unfolded.fill(image, band);
                        for Group { outputs, taps } in self.groups() {
                            let y = &mut y[start + outputs.start * places..];
                            MatrixMut::new(y, outputs.len(), columns.columns(), places)
                                .set_product(weight.rows(outputs), columns.rows(taps));
                        }
                    }
                    for (y, &bias) in y.chunks_exact_mut(places).zip(bias) {
                        if bias != T::zero() {
                            y.iter_mut().for_each(|y| *y += bias);
                        }
                    }
                }
            });
        y
    }

    /// The gradient of the input: the transposed product, folded back onto the image.
    fn input_gradient<T: Float>(&self, weight: &[T], dy: &[T]) -> Vec<T> {
        let geometry = &self.geometry;
        let (places, taps, outputs) = (geometry.places(), geometry.taps(), self.outputs);
        let batch = dy.len() / (outputs * places);
        let mut dx = vec![T::zero(); batch * geometry.image()];
        let weight = self.matrix(weight);
        let per_piece = batch.div_ceil(PIECES);
        dx.par_chunks_mut(per_piece * geometry.image())
            .zip(dy.par_chunks(per_piece * outputs * places))
            .for_each(|(dx, dy)| {
                let mut unfolded = Unfolded::new(geometry);
                for (dx, dy) in
                    dx.chunks_exact_mut(geometry.image()).zip(dy.chunks_exact(outputs * places))
                {
                    let product = |matrix: &mut [T], dy: &[T], columns: usize| {
                        let dy = Matrix::new(dy, outputs, columns, places);
                        for Group { outputs, taps } in self.groups() {
                            let matrix = &mut matrix[taps.start * columns..];
                            MatrixMut::new(matrix, taps.len(), columns, columns).set_product(
                                weight.rows(outputs.clone()).transposed(),
                                dy.rows(outputs),
                            );
                        }
                    };
                    if geometry.is_identity() {
                        product(dx, dy, places);
                        continue;
                    }
                    for band in unfolded.bands() {
                        let start = band.start * geometry.out[1];
                        let columns = band.len() * geometry.out[1];
                        let matrix = &mut unfolded.matrix[..taps * columns];
                        product(matrix, &dy[start..], columns);
                        geometry.fold(matrix, band, dx);
                    }
                }
            });
        dx
    }

    /// The gradient of the weight: a partial sum for each piece of the batch, added in order.
    fn weight_gradient<T: Float>(&self, x: &[T], dy: &[T]) -> Vec<T> {
        let geometry = &self.geometry;
        let (places, taps, outputs) = (geometry.places(), geometry.taps(), self.outputs);
        let batch = x.len() / geometry.image();
        let per_piece = batch.div_ceil(PIECES);
        let parts = dy
            .par_chunks(per_piece * outputs * places)
            .zip(x.par_chunks(per_piece * geometry.image()))
            .map(|(dy, x)| {
                let mut dw = vec![T::zero(); outputs * taps / self.groups];
                let mut unfolded = Unfolded::new(geometry);
                for (dy, image) in
                    dy.chunks_exact(outputs * places).zip(x.chunks_exact(geometry.image()))
                {
                    for band in unfolded.bands() {
                        let start = band.start * geometry.out[1];
                        let columns = unfolded.fill(image, band);
                        let dy = Matrix::new(&dy[start..], outputs, columns.columns(), places);
                        for Group { outputs, taps } in self.groups() {
                            let dw = &mut dw[outputs.start * taps.len()..];
                            MatrixMut::new(dw, outputs.len(), taps.len(), taps.len())
                                .add_product(dy.rows(outputs), columns.rows(taps).transposed());
                        }
                    }
                }
                dw
            })
            .collect();
        add_in_order(parts)
    }

    fn bias_gradient<T: Float>(&self, dy: &[T]) -> Vec<T> {
        let places = self.geometry.places();
        (0..self.outputs)
            .into_par_iter()
            .map(|output| {
                let images = dy.chunks_exact(self.outputs * places);
                let total: f64 =
                    images.map(|dy| sum(&dy[output * places..][..places], |dy| dy)).sum();
                T::from_f64(total)
            })
            .collect()
    }

    /// The gradients of input, weight and bias; none for those that no variable leads to.
    fn gradients<T: Float>(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let (x_values, weight_values, dy_values) =
            (Values::of(x), Values::of(weight), Values::of(dy));
        let dy = dy_values.slice::<T>()?;
        let dx = || tensor_like(self.input_gradient(weight_values.slice()?, dy), x);
        let dw = || tensor_like(self.weight_gradient(x_values.slice()?, dy), weight);
        let db = || tensor_like(self.bias_gradient(dy), bias);
        Ok((
            x.track_op().then(dx).transpose()?,
            weight.track_op().then(dw).transpose()?,
            bias.track_op().then(db).transpose()?,
        ))
    }

    fn shape(&self, x: &Layout) -> Shape {
        let [height, width] = self.geometry.out;
        Shape::from((x.dims()[0], self.outputs, height, width))
    }
}

/// Room for the unfolded band of an image, used again for every band.
struct Unfolded<'g, T> {
    geometry: &'g Geometry,
    rows_per_band: usize,
    matrix: Vec<T>,
}

impl<'g, T: Float> Unfolded<'g, T> {
    fn new(geometry: &'g Geometry) -> Self {
        let row = geometry.taps() * geometry.out[1];
        let rows_per_band = (BAND / row).clamp(1, geometry.out[0]);
        let length = if geometry.is_identity() { 0 } else { rows_per_band * row };
        Self { geometry, rows_per_band, matrix: vec![T::zero(); length] }
    }

    /// The output rows of an image in bands.
    fn bands(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (rows, step) = (self.geometry.out[0], self.rows_per_band);
        (0..rows).step_by(step).map(move |start| start..rows.min(start + step))
    }

    /// The inputs of a band of output rows, one column for each output place.
    fn fill<'a>(&'a mut self, image: &'a [T], band: Range<usize>) -> Matrix<'a, T> {
        let geometry = self.geometry;
        let (taps, columns) = (geometry.taps(), band.len() * geometry.out[1]);
        if geometry.is_identity() {
            return Matrix::new(
                &image[band.start * geometry.out[1]..],
                taps,
                columns,
                geometry.places(),
            );
        }
        let matrix = &mut self.matrix[..taps * columns];
        geometry.unfold(image, band, matrix);
        Matrix::new(matrix, taps, columns, columns)
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
            let (x, weight) = (slice::<T>(x, x_layout)?, slice(weight, weight_layout)?);
            let bias = slice(bias, bias_layout)?;
            Ok(T::to_cpu_storage_owned(self.forward(x, weight, bias)))
        })?;
        Ok((y, self.shape(x_layout)))
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
        with_float!(dy.dtype(), T => self.gradients::<T>(x, weight, bias, &dy))
    }
}
