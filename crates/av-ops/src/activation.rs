//! Activation functions.

use crate::Result;
use crate::composed;
use crate::cpu::{Float, PIECE, Values, check_inputs, slice, tensor_like, with_float};
use crate::results::compute;
use crate::tape;
use crate::vectorised::vectorised;
use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};

/// Replaces negative elements by 0.
///
/// Definition: `y = max(x, 0)`, with derivative 0 at `x = 0`.
///
/// Shapes: any.
///
/// Errors: a tensor that is not f32 or f64.
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
    if composed::applies(x) {
        return composed::relu(x);
    }
    Ok(tape::apply1(&x.contiguous()?, Relu)?)
}

/// The Gaussian error linear unit.
///
/// Definition: `y = x P(x)` with the standard normal distribution `P(x) = (1 + erf(x / sqrt(2))) /
/// 2`; this is the exact form, not the one by the hyperbolic tangent.
///
/// Shapes: any.
///
/// Errors: a tensor that is not f32 or f64.
///
/// Numerics: NaN stays NaN, and minus infinity gives NaN. In f32 the result is right to 1e-6 of its
/// size from -1 upwards, and to 1e-6 below that.
///
/// Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016, section 2.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[-1f64, 0.0, 1.0], &Device::Cpu)?;
/// let y = av_ops::gelu(&x)?.to_vec1::<f64>()?;
/// assert!((y[0] + 0.158_655_253_931_457_05).abs() < 1e-15 && y[1] == 0.0);
/// assert!((y[2] - 0.841_344_746_068_542_9).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    check_inputs("gelu", &[x])?;
    if composed::applies(x) {
        return composed::gelu(x);
    }
    Ok(tape::apply1(&x.contiguous()?, Gated::Gelu)?)
}

/// The sigmoid linear unit, also called swish.
///
/// Definition: `y = x / (1 + exp(-x))`.
///
/// Shapes: any.
///
/// Errors: a tensor that is not f32 or f64.
///
/// Numerics: NaN stays NaN, and minus infinity gives NaN.
///
/// Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
/// approximation in reinforcement learning", Neural Networks 107 (2018), equation 10.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[0f64, 3f64.ln()], &Device::Cpu)?;
/// let y = av_ops::silu(&x)?.to_vec1::<f64>()?;
/// assert!(y[0] == 0.0 && (y[1] - 0.75 * 3f64.ln()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn silu(x: &Tensor) -> Result<Tensor> {
    check_inputs("silu", &[x])?;
    if composed::applies(x) {
        return composed::silu(x);
    }
    Ok(tape::apply1(&x.contiguous()?, Gated::Silu)?)
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

/// The gradient before ReLU, from its result and the gradient of that.
pub(crate) fn relu_gradient(y: &Tensor, dy: &Tensor) -> candle_core::Result<Tensor> {
    let dy = dy.contiguous()?;
    with_float!(dy.dtype(), T => {
        let (y, dy_values) = (Values::of(y), Values::of(&dy));
        tensor_like(map_pairs::<T>(y.slice()?, dy_values.slice()?, passing), &dy)
    })
}

/// Applies `f` to each pair of elements of two slices of equal length, in parallel.
fn map_pairs<T: Float>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Sync) -> Vec<T> {
    compute(a.len(), PIECE, |index, result| {
        let (a, b) = (&a[index * PIECE..], &b[index * PIECE..]);
        vectorised(
            #[inline(always)]
            || {
                for (result, (&a, &b)) in result.iter_mut().zip(a.iter().zip(b)) {
                    *result = f(a, b);
                }
            },
        );
    })
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
        relu_gradient(y, dy).map(Some)
    }
}

/// A function `x g(x)` with a gate `g` from 0 to 1.
#[derive(Debug, Clone, Copy)]
enum Gated {
    Gelu,
    Silu,
}

impl Gated {
    fn forward<T: Float>(self, x: &[T]) -> Vec<T> {
        match self {
            Gated::Gelu => map_pairs(
                x,
                x,
                #[inline(always)]
                |x, _| x * x.normal().0,
            ),
            Gated::Silu => map_pairs(
                x,
                x,
                #[inline(always)]
                |x, _| x * x.sigmoid(),
            ),
        }
    }

    fn gradient<T: Float>(self, x: &[T], dy: &[T]) -> Vec<T> {
        match self {
            Gated::Gelu => map_pairs(
                x,
                dy,
                #[inline(always)]
                |x, dy| {
                    let (below, density) = x.normal();
                    dy * (below + x * density)
                },
            ),
            Gated::Silu => map_pairs(
                x,
                dy,
                #[inline(always)]
                |x, dy| {
                    let gate = x.sigmoid();
                    dy * gate * (T::one() + x * (T::one() - gate))
                },
            ),
        }
    }
}

impl CustomOp1 for Gated {
    fn name(&self) -> &'static str {
        match self {
            Gated::Gelu => "gelu",
            Gated::Silu => "silu",
        }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.forward::<T>(slice(x, layout)?)))
        })?;
        Ok((y, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let dx = self.gradient::<T>(Values::of(x).slice()?, Values::of(&dy).slice()?);
            tensor_like(dx, x).map(Some)
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
