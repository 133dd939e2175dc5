//! Layer normalisation.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{
    Float, Gradients, PIECE, Values, check_inputs, check_shape, slice, tensor_like, with_float,
};
use crate::norm::{Moments, check_epsilon};
use crate::sums::{add_in_order, sums};
use crate::tape;
use crate::vectorised::vectorised;
use crate::{Error, Result};

const NAME: &str = "layer_norm";

/// Rows whose gradients of weight and bias are added in the element type before they go into f64.
const BLOCK: usize = 64;

/// Pieces that the rows are split into for the gradients of weight and bias; a constant, so that
/// their sums do not depend on the number of threads.
const PIECES: usize = 32;

/// Normalises each row to mean 0 and variance 1, then scales and shifts its elements.
///
/// Definition: `y[r,i] = weight[i] (x[r,i] - mean[r]) / sqrt(variance[r] + epsilon) + bias[i]` with
/// the mean and the variance (divisor n) of row `r`.
///
/// Shapes: `x` (..., N) with any leading dimensions, `weight` and `bias` (N); the result has the
/// shape of `x`.
///
/// Errors: shapes that do not fit together, an empty dimension, epsilon not above 0 or not finite,
/// tensors that are not f32 or f64 or not on one device.
///
/// Numerics: means and variances are added in f64 and the variance is that of the centred values,
/// so that a large mean does not swamp it. A constant row gives `bias`.
///
/// Source: Ba, Kiros and Hinton, "Layer normalization", 2016, equations 3 and 4.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
///
/// let x = Tensor::new(&[[1f64, 3.0], [-5.0, 5.0]], &Device::Cpu)?;
/// let (one, zero) = (Tensor::ones(2, DType::F64, &Device::Cpu)?, Tensor::zeros(2, DType::F64, &Device::Cpu)?);
/// let y = av_ops::layer_norm(&x, &one, &zero, 1e-5)?.to_vec2::<f64>()?;
/// assert!((y[0][1] - 1.0).abs() < 1e-5 && (y[1][0] + 1.0).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    let features = match x.dims() {
        [.., features] if x.elem_count() > 0 => *features,
        dims => {
            return Err(Error::Shape {
                operator: NAME,
                expected: "rows (...,N) without empty dimensions".to_owned(),
                actual: dims.to_vec(),
            });
        }
    };
    check_inputs(NAME, &[x, weight, bias])?;
    check_shape(NAME, weight, "weight", &[features])?;
    check_shape(NAME, bias, "bias", &[features])?;
    check_epsilon(NAME, epsilon)?;
    if composed::applies(x) {
        return composed::layer_norm(x, weight, bias, epsilon);
    }
    let op = LayerNormOp { features, epsilon, rows: OnceLock::new() };
    Ok(tape::apply3([&x.contiguous()?, &weight.contiguous()?, &bias.contiguous()?], op)?)
}

struct LayerNormOp {
    features: usize,
    epsilon: f64,
    /// Set by forward.
    rows: OnceLock<Vec<Row>>,
}

/// What a row is normalised by.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    mean: f64,
    /// `1 / sqrt(variance + epsilon)`.
    scale: f64,
}

impl LayerNormOp {
    /// Rows of one parallel piece where rows do not depend on each other.
    fn rows_per_piece(&self) -> usize {
        (PIECE / self.features).max(1)
    }

    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let features = self.features;
        let mut y = vec![T::zero(); x.len()];
        let mut rows = vec![Row::default(); x.len() / features];
        let piece = self.rows_per_piece();
        let pieces = y.par_chunks_mut(piece * features).zip(x.par_chunks(piece * features));
        pieces.zip(rows.par_chunks_mut(piece)).for_each(|((y, x), rows)| {
            vectorised(
                #[inline(always)]
                || {
                    let pairs = y.chunks_exact_mut(features).zip(x.chunks_exact(features));
                    for ((y, x), row) in pairs.zip(rows) {
                        let moments = Moments::of([x].into_iter(), features);
                        *row = Row { mean: moments.mean, scale: moments.scale(self.epsilon) };
                        let [centre, scale] = [row.mean, row.scale].map(T::from_f64);
                        let parameters = weight.iter().zip(bias);
                        for ((y, &x), (&weight, &bias)) in y.iter_mut().zip(x).zip(parameters) {
                            *y = (x - centre) * scale * weight + bias;
                        }
                    }
                },
            );
        });
        self.rows.get_or_init(|| rows);
        y
    }

    /// The gradients of input (empty where it is not wanted), weight and bias, in one pass over the
    /// rows.
    fn gradients<T: Float>(
        &self,
        rows: &[Row],
        [x, weight, dy]: [&[T]; 3],
        wanted: bool,
    ) -> [Vec<T>; 3] {
        let features = self.features;
        let piece = rows.len().div_ceil(PIECES).next_multiple_of(BLOCK);
        let mut dx = vec![T::zero(); if wanted { x.len() } else { 0 }];
        let mut targets: Vec<&mut [T]> = dx.chunks_mut(piece * features).collect();
        targets.resize_with(rows.len().div_ceil(piece), Default::default);
        let inputs = x.par_chunks(piece * features).zip(dy.par_chunks(piece * features));
        let parts = rows.par_chunks(piece).zip(inputs).zip(targets);
        let parts = parts.map(|((rows, (x, dy)), dx)| {
            let mut totals = vec![0.0; 2 * features];
            let mut partial = vec![T::zero(); 2 * features];
            let mut dx = dx.chunks_exact_mut(features);
            let blocks = x.chunks(BLOCK * features).zip(dy.chunks(BLOCK * features));
            for (rows, (x, dy)) in rows.chunks(BLOCK).zip(blocks) {
                vectorised(
                    #[inline(always)]
                    || {
                        partial.fill(T::zero());
                        let (d_weight, d_bias) = partial.split_at_mut(features);
                        let inputs = x.chunks_exact(features).zip(dy.chunks_exact(features));
                        for (row, (x, dy)) in rows.iter().zip(inputs) {
                            row.add_parameter_gradients(x, dy, d_weight, d_bias);
                            if let Some(dx) = dx.next() {
                                row.input_gradient(x, weight, dy, dx);
                            }
                        }
                        for (total, partial) in totals.iter_mut().zip(&partial) {
                            *total += partial.to_f64();
                        }
                    },
                );
            }
            totals
        });
        let totals = add_in_order(parts.collect());
        let (d_weight, d_bias) = totals.split_at(features);
        let [d_weight, d_bias] = [d_weight, d_bias]
            .map(|totals| totals.iter().map(|&total| T::from_f64(total)).collect());
        [dx, d_weight, d_bias]
    }
}

impl Row {
    /// With `u = (x - mean) scale` and `d = dy weight`: `dx = scale (d - mean(d) - u mean(d u))`.
    #[inline(always)]
    fn input_gradient<T: Float>(&self, x: &[T], weight: &[T], dy: &[T], dx: &mut [T]) {
        let [centre, scale] = [self.mean, self.scale].map(T::from_f64);
        let [d, du] = sums(
            [x, weight, dy],
            #[inline(always)]
            |x, weight, dy| [dy * weight, dy * weight * (x - centre)],
        )
        .map(|total| total / x.len() as f64);
        let [mean, slope] = [d, du * self.scale * self.scale].map(T::from_f64);
        let inputs = x.iter().zip(weight.iter().zip(dy));
        for (dx, (&x, (&weight, &dy))) in dx.iter_mut().zip(inputs) {
            *dx = scale * (dy * weight - mean - (x - centre) * slope);
        }
    }

    /// Adds `dy u` and `dy`.
    #[inline(always)]
    fn add_parameter_gradients<T: Float>(
        &self,
        x: &[T],
        dy: &[T],
        weight: &mut [T],
        bias: &mut [T],
    ) {
        let [centre, scale] = [self.mean, self.scale].map(T::from_f64);
        let totals = weight.iter_mut().zip(bias);
        for ((weight, bias), (&x, &dy)) in totals.zip(x.iter().zip(dy)) {
            *weight += dy * ((x - centre) * scale);
            *bias += dy;
        }
    }
}

impl CustomOp3 for LayerNormOp {
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
        let Some(rows) = self.rows.get() else {
            candle_core::bail!("{NAME}: backward before forward")
        };
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let values = [x, weight, &dy].map(Values::of);
            let [x_values, weights, dy] = values.each_ref().map(Values::slice::<T>);
            let slices = [x_values?, weights?, dy?];
            let [dx, d_weight, d_bias] = self.gradients(rows, slices, x.track_op());
            Ok((
                x.track_op().then(|| tensor_like(dx, x)).transpose()?,
                weight.track_op().then(|| tensor_like(d_weight, weight)).transpose()?,
                bias.track_op().then(|| tensor_like(d_bias, bias)).transpose()?,
            ))
        })
    }
}
