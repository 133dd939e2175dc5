//! Activation functions.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::Result;
use crate::cpu::{Float, PIECE, Values, check_inputs, slice, tensor_like, with_float};

/// Replaces negative elements by 0.
///
/// Definition: `y = max(x, 0)`, with derivative 0 at `x = 0`.
///
/// Shapes: any.
///
/// Errors: a tensor that is not f32 or f64 or not on the CPU.
///
/// Numerics: NaN stays NaN.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[-1f32, 0.0, 2.0], &Device::Cpu)?;
/// assert_eq!(av_ops::relu(&x)?.to_vec1::<f32>()?, [0.0, 0.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn relu(x: &Tensor) -> Result<Tensor> {
    check_inputs("relu", &[x])?;
    Ok(x.contiguous()?.apply_op1(Relu)?)
}

/// ReLU of one element; written so that NaN stays NaN.
#[inline(always)]
pub(crate) fn rectify<T: Float>(x: T) -> T {
    if x <= T::zero() { T::zero() } else { x }
}

/// Where ReLU gave `y`, the part of the gradient `dy` that passes.
#[inline(always)]
pub(crate) fn passing<T: Float>(y: T, dy: T) -> T {
    if y <= T::zero() { T::zero() } else { dy }
}

/// Applies `f` to each pair of elements of two slices of equal length, in parallel.
fn map_pairs<T: Float>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Sync) -> Vec<T> {
    let mut result = vec![T::zero(); a.len()];
    result.par_chunks_mut(PIECE).zip(a.par_chunks(PIECE).zip(b.par_chunks(PIECE))).for_each(
        |(result, (a, b))| {
            for (result, (&a, &b)) in result.iter_mut().zip(a.iter().zip(b)) {
                *result = f(a, b);
            }
        },
    );
    result
}

struct Relu;

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            let x = slice::<T>(x, layout)?;
            Ok(T::to_cpu_storage_owned(map_pairs(x, x, |x, _| rectify(x))))
        })?;
        Ok((y, layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let dx = map_pairs::<T>(Values::of(y).slice()?, Values::of(&dy).slice()?, passing);
            tensor_like(dx, y).map(Some)
        })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn nan_is_not_hidden() {
        let x = Tensor::new(&[f32::NAN, -1.0], &Device::Cpu).unwrap();
        let y = relu(&x).unwrap().to_vec1::<f32>().unwrap();
        assert!(y[0].is_nan());
        assert_eq!(y[1], 0.0);
    }

    #[test]
    fn the_derivative_at_zero_is_zero() {
        // candle 0.11.1 has 1 here.
        let x = Var::new(&[-1f64, -0.0, 0.0, 1e-300], &Device::Cpu).unwrap();
        let gradients = relu(&x).unwrap().backward().unwrap();
        let gradient = gradients.get(&x).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(gradient, [0.0, 0.0, 0.0, 1.0]);
    }
}
