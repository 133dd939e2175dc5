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

/// Stride and padding of a convolution, the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Input elements between two neighbouring output places, at least 1.
    pub stride: usize,
    /// Zeros added on each of the four sides.
    pub padding: usize,
}

impl Default for Conv2dConfig {
    /// Stride 1, no padding.
    fn default() -> Self {
        Self { stride: 1, padding: 0 }
    }
}

/// Convolves a batch of images with a bank of kernels.
///
/// Definition: `y[b,o,i,j] = bias[o] + sum over c,u,v of weight[o,c,u,v] x[b,c,i s+u-p,j s+v-p]`
/// with stride `s` and padding `p`; elements outside of the image are 0.
///
/// Shapes: `x` (B, C, H, W), `weight` (O, C, kernel height, kernel width), `bias` (O); the result
/// is (B, O, H', W') with `H' = (H + 2 p - kernel height) / s + 1` rounded down.
///
/// Errors: shapes that do not fit together, an empty dimension, stride 0, padding not smaller than the
/// kernel, a kernel larger than the padded image, tensors that are not f32 or f64 or not on the CPU.
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
    Ok(x.apply_op3(&weight, &bias, Conv2dOp { geometry, outputs })?)
}

fn geometry(x: &Tensor, weight: &Tensor, config: Conv2dConfig) -> Result<Geometry> {
    let (_, channels, height, width) = x.dims4()?;
    let (_, weight_channels, kernel_height, kernel_width) = weight.dims4()?;
    let Conv2dConfig { stride, padding } = config;
    if stride == 0 {
        return Err(Error::Argument {
            operator: NAME,
            name: "stride",
            expected: "at least 1",
            actual: stride.to_string(),
        });
    }
    let places = |extent: usize, kernel: usize| {
        let padded = padding.checked_mul(2)?.checked_add(extent)?;
        Some(padded.checked_sub(kernel)? / stride + 1)
    };
    if padding >= kernel_height.max(kernel_width) {
        return Err(Error::Argument {
            operator: NAME,
            name: "padding",
            expected: "smaller than the kernel",
            actual: padding.to_string(),
        });
    }
    let out = places(height, kernel_height).zip(places(width, kernel_width));
    match out {
        Some(out) if weight_channels == channels => Ok(Geometry {
            channels,
            height,
            width,
            kernel: (kernel_height, kernel_width),
            stride,
            padding,
            out,
        }),
        _ => Err(Error::Shape {
            operator: NAME,
            expected: format!(
                "{weight_channels} channels and at least {kernel_height} x {kernel_width} \
                 elements with padding {padding}"
            ),
            actual: x.dims().to_vec(),
        }),
    }
}

struct Conv2dOp {
    geometry: Geometry,
    outputs: usize,
}

impl Conv2dOp {
    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let geometry = &self.geometry;
        let (places, taps, outputs) = (geometry.places(), geometry.taps(), self.outputs);
        let batch = x.len() / geometry.image();
        let mut y = vec![T::zero(); batch * outputs * places];
        let weight = Matrix::new(weight, outputs, taps, taps);
        let per_piece = batch.div_ceil(PIECES);
        y.par_chunks_mut(per_piece * outputs * places)
            .zip(x.par_chunks(per_piece * geometry.image()))
            .for_each(|(y, x)| {
                let mut unfolded = Unfolded::new(geometry);
                for (y, image) in
                    y.chunks_exact_mut(outputs * places).zip(x.chunks_exact(geometry.image()))
                {
                    for band in unfolded.bands() {
                        let start = band.start * geometry.out.1;
                        let columns = unfolded.fill(image, band);
                        MatrixMut::new(&mut y[start..], outputs, columns.columns(), places)
                            .set_product(weight, columns);
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
        let weight = Matrix::new(weight, outputs, taps, taps).transposed();
        let per_piece = batch.div_ceil(PIECES);
        dx.par_chunks_mut(per_piece * geometry.image())
            .zip(dy.par_chunks(per_piece * outputs * places))
            .for_each(|(dx, dy)| {
                let mut unfolded = Unfolded::new(geometry);
                for (dx, dy) in
                    dx.chunks_exact_mut(geometry.image()).zip(dy.chunks_exact(outputs * places))
                {
                    if geometry.is_identity() {
                        MatrixMut::new(dx, taps, places, places)
                            .set_product(weight, Matrix::new(dy, outputs, places, places));
                        continue;
                    }
                    for band in unfolded.bands() {
                        let start = band.start * geometry.out.1;
                        let columns = band.len() * geometry.out.1;
                        let matrix = &mut unfolded.matrix[..taps * columns];
                        MatrixMut::new(matrix, taps, columns, columns).set_product(
                            weight,
                            Matrix::new(&dy[start..], outputs, columns, places),
                        );
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
                let mut dw = vec![T::zero(); outputs * taps];
                let mut unfolded = Unfolded::new(geometry);
                for (dy, image) in
                    dy.chunks_exact(outputs * places).zip(x.chunks_exact(geometry.image()))
                {
                    for band in unfolded.bands() {
                        let start = band.start * geometry.out.1;
                        let columns = unfolded.fill(image, band);
                        let dy = Matrix::new(&dy[start..], outputs, columns.columns(), places);
                        MatrixMut::new(&mut dw, outputs, taps, taps)
                            .add_product(dy, columns.transposed());
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
        let (height, width) = self.geometry.out;
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
        let row = geometry.taps() * geometry.out.1;
        let rows_per_band = (BAND / row).clamp(1, geometry.out.0);
        let length = if geometry.is_identity() { 0 } else { rows_per_band * row };
        Self { geometry, rows_per_band, matrix: vec![T::zero(); length] }
    }

    /// The output rows of an image in bands.
    fn bands(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (rows, step) = (self.geometry.out.0, self.rows_per_band);
        (0..rows).step_by(step).map(move |start| start..rows.min(start + step))
    }

    /// The inputs of a band of output rows, one column for each output place.
    fn fill<'a>(&'a mut self, image: &'a [T], band: Range<usize>) -> Matrix<'a, T> {
        let geometry = self.geometry;
        let (taps, columns) = (geometry.taps(), band.len() * geometry.out.1);
        if geometry.is_identity() {
            return Matrix::new(
                &image[band.start * geometry.out.1..],
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
