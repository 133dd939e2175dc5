//! The clipping of gradients.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{Float, Values, check_inputs, with_float};
use crate::parameters::Parameters;
use crate::sums::sum;
use crate::vectorised::vectorised;
use crate::{Error, Result};

/// Elements whose squares are added before the sum goes on to the next.
const BLOCK: usize = 1024;

/// Shortens the gradient of all weights together to a largest norm, and gives the norm it had.
///
/// Definition: `norm = sqrt(sum of g^2)` over the elements of all gradients; where it exceeds
/// `max_norm`, every gradient is multiplied by `max_norm / norm`.
///
/// Errors: `max_norm` not above 0; a gradient that is infinite or not a number, with the name of
/// its weight; gradients that are not f32 or f64.
///
/// Numerics: the sum over the weights runs in f64 in name order, and so does that over the elements
/// on the CPU.
///
/// ```
/// use av_ops::{Init, Parameters, Streams, clip_grad_norm};
/// use candle_core::{DType, Device};
///
/// let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
/// let weight = parameters.scope("net").weight("weight", 1, Init::Constant(3.0))?;
/// let mut gradients = weight.sqr()?.sum_all()?.backward()?;
/// assert_eq!(clip_grad_norm(&mut gradients, &parameters, 1.5)?, 6.0);
/// let clipped = gradients.get(&weight).map(|gradient| gradient.to_vec1::<f64>()).transpose()?;
/// assert_eq!(clipped, Some(vec![1.5]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clip_grad_norm(
    gradients: &mut GradStore,
    parameters: &Parameters,
    max_norm: f64,
) -> Result<f64> {
    const NAME: &str = "clip_grad_norm";
    if max_norm.is_nan() || max_norm <= 0.0 {
        return Err(Error::Argument {
            operator: NAME,
            name: "max_norm",
            expected: "above 0",
            actual: max_norm.to_string(),
        });
    }
    let mut total = 0.0;
    for (name, weight) in parameters.trainable() {
        let Some(gradient) = gradients.get(weight) else {
            continue;
        };
        check_inputs(NAME, &[gradient])?;
        let squares = if composed::applies(gradient) {
            composed_squares(gradient)?
        } else {
            let gradient = gradient.contiguous()?;
            with_float!(gradient.dtype(), T => Ok(squares::<T>(Values::of(&gradient).slice()?)))?
        };
        if !squares.is_finite() {
            return Err(Error::NonFinite { name: name.to_owned() });
        }
        total += squares;
    }
    let norm = total.sqrt();
    if norm > max_norm {
        for (_, weight) in parameters.trainable() {
            if let Some(gradient) = gradients.remove(weight) {
                gradients.insert(weight, (gradient * (max_norm / norm))?);
            }
        }
    }
    Ok(norm)
}

/// The sum of squares in f64: those of large f32 values overflow f32.
fn squares<T: Float>(values: &[T]) -> f64 {
    let blocks = values.par_chunks(BLOCK).map(|values| {
        vectorised(
            #[inline(always)]
            || {
                let mut wide = [0.0; BLOCK];
                for (wide, value) in wide.iter_mut().zip(values) {
                    *wide = value.to_f64();
                }
                sum(&wide[..values.len()], |g| g * g)
            },
        )
    });
    // A sum of the parallel iterator would depend on how it is split.
    blocks.collect::<Vec<f64>>().into_iter().sum()
}

/// Off the CPU: the squares are those of parts of the largest element, as f64 may be missing.
fn composed_squares(gradient: &Tensor) -> Result<f64> {
    let number =
        |sum: Tensor| sum.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_scalar::<f64>();
    let gradient = gradient.detach();
    let largest = number(gradient.abs()?.max_all()?)?.max(f64::from(f32::MIN_POSITIVE));
    Ok(number((gradient * largest.recip())?.sqr()?.sum_all()?)? * largest * largest)
}
