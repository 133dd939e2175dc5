//! Linear maps.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{
    Float, Gradients, Values, check_inputs, check_rank, check_shape, slice, tensor_like, with_float,
};
use crate::matrix::{Matrix, MatrixMut};
use crate::results::compute;
use crate::tape;
use crate::{Error, Result};

const NAME: &str = "linear";

/// Rows of a result that one parallel piece computes; a constant, so that the products and their
/// bits do not depend on the number of threads.
const ROWS: usize = 64;

/// Maps each row linearly.
///
/// Definition: `y[b,o] = bias[o] + sum over i of x[b,i] weight[o,i]`.
///
/// Shapes: `x` (..., I) with any leading dimensions, `weight` (O, I), `bias` (O); the result is
/// (..., O).
///
/// Errors: shapes that do not fit together, an empty dimension, tensors that are not f32 or f64 or
/// not on one device.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[[1f32, 2.0]], &Device::Cpu)?;
/// let weight = Tensor::new(&[[3f32, 4.0], [5.0, 6.0]], &Device::Cpu)?;
/// let bias = Tensor::new(&[0.5f32, 0.0], &Device::Cpu)?;
/// let y = av_ops::linear(&x, &weight, Some(&bias))?;
/// assert_eq!(y.to_vec2::<f32>()?, [[11.5, 17.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    check_rank(NAME, weight, "O,I")?;
    let (outputs, inputs) = weight.dims2()?;
    if x.dims().last() != Some(&inputs) || x.elem_count() == 0 {
        return Err(Error::Shape {
            operator: NAME,
            expected: format!("rows of {inputs} elements"),
            actual: x.dims().to_vec(),
        });
    }
    let bias = match bias {
        Some(bias) => bias.contiguous()?,
        None => Tensor::zeros(outputs, weight.dtype(), weight.device())?,
    };
    check_inputs(NAME, &[x, weight, &bias])?;
    check_shape(NAME, &bias, "bias", &[outputs])?;
    if composed::applies(x) {
        return composed::linear(x, weight, &bias);
    }
    let op = LinearOp { inputs, outputs };
    Ok(tape::apply3([&x.contiguous()?, &weight.contiguous()?, &bias], op)?)
}

struct LinearOp {
    inputs: usize,
    outputs: usize,
}

impl LinearOp {
    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let Self { inputs, outputs } = *self;
        let weight = Matrix::new(weight, outputs, inputs, inputs).transposed();
        let mut y = bias.repeat(x.len() / inputs);
        y.par_chunks_mut(ROWS * outputs).zip(x.par_chunks(ROWS * inputs)).for_each(|(y, x)| {
            let rows = x.len() / inputs;
            MatrixMut::new(y, rows, outputs, outputs)
                .add_product(Matrix::new(x, rows, inputs, inputs), weight);
        });
        y
    }

    fn input_gradient<T: Float>(&self, weight: &[T], dy: &[T]) -> Vec<T> {
        let Self { inputs, outputs } = *self;
        let weight = Matrix::new(weight, outputs, inputs, inputs);
        compute(dy.len() / outputs * inputs, ROWS * inputs, |piece, dx| {
            let rows = dx.len() / inputs;
            let dy = Matrix::new(&dy[piece * ROWS * outputs..], rows, outputs, outputs);
            MatrixMut::new(dx, rows, inputs, inputs).set_product(dy, weight);
        })
    }

    /// Each piece holds some rows of the gradient and sums over the whole batch.
    fn weight_gradient<T: Float>(&self, x: &[T], dy: &[T]) -> Vec<T> {
        let Self { inputs, outputs } = *self;
        let batch = x.len() / inputs;
        let x = Matrix::new(x, batch, inputs, inputs);
        compute(outputs * inputs, ROWS * inputs, |piece, dw| {
            let rows = dw.len() / inputs;
            let dy = Matrix::new(&dy[piece * ROWS..], batch, rows, outputs).transposed();
            MatrixMut::new(dw, rows, inputs, inputs).set_product(dy, x);
        })
    }

    fn bias_gradient<T: Float>(&self, dy: &[T]) -> Vec<T> {
        let mut totals = vec![0.0; self.outputs];
        for row in dy.chunks_exact(self.outputs) {
            for (total, dy) in totals.iter_mut().zip(row) {
                *total += dy.to_f64();
            }
        }
        totals.into_iter().map(T::from_f64).collect()
    }
}

impl CustomOp3 for LinearOp {
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
        let mut shape = x_layout.dims().to_vec();
        shape.pop();
        shape.push(self.outputs);
        Ok((y, Shape::from(shape)))
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
        with_float!(dy.dtype(), T => {
            let (x_values, weight_values, dy_values) =
                (Values::of(x), Values::of(weight), Values::of(&dy));
            let dy = dy_values.slice::<T>()?;
            let dx = || tensor_like(self.input_gradient(weight_values.slice()?, dy), x);
            let dw = || tensor_like(self.weight_gradient(x_values.slice()?, dy), weight);
            let db = || tensor_like(self.bias_gradient(dy), bias);
            Ok((
                x.track_op().then(dx).transpose()?,
                weight.track_op().then(dw).transpose()?,
                bias.track_op().then(db).transpose()?,
            ))
        })
    }
}
