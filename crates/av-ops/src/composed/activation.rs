//! Element-wise operators.

use std::f64::consts::FRAC_1_SQRT_2;

use candle_core::Tensor;

use crate::Result;

/// ReLU; unlike candle's, with derivative 0 at 0.
pub(crate) fn relu(x: &Tensor) -> Result<Tensor> {
    Ok(x.le(0.0)?.where_cond(&x.zeros_like()?, x)?)
}

/// The Gaussian error linear unit.
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    let below = (x * FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)?;
    Ok((x * below)?)
}

/// The sigmoid linear unit.
pub(crate) fn silu(x: &Tensor) -> Result<Tensor> {
    Ok((x * sigmoid(x)?)?)
}

/// 1 / (1 + e^-x), by the hyperbolic tangent, which does not overflow and neither does its gradient.
pub(super) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok((x * 0.5)?.tanh()?.affine(0.5, 0.5)?)
}

/// Dropout with a mask that was drawn on the CPU.
pub(crate) fn dropout(x: &Tensor, kept: &[bool], scale: f64) -> Result<Tensor> {
    let kept: Vec<u8> = kept.iter().map(|&kept| u8::from(kept)).collect();
    let kept = Tensor::from_vec(kept, x.shape(), x.device())?;
    // Selected and not multiplied, as what is dropped may be infinite.
    Ok(kept.where_cond(&(x * scale)?, &x.zeros_like()?)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::super::testing::{assert_close, bits, check, composed, normal, values};
    use super::*;
    use crate::{Mode, Streams, dropout, gelu, relu, silu};

    #[test]
    fn activations_agree_with_the_kernels() {
        for shape in [&[][..], &[1], &[7, 3], &[2, 3, 1, 5]] {
            let x = [(normal("x", shape) * 3.0).unwrap()];
            let case = format!("{shape:?}");
            check(&case, &x, &|t| relu(&t[0]).unwrap());
            check(&case, &x, &|t| gelu(&t[0]).unwrap());
            check(&case, &x, &|t| silu(&t[0]).unwrap());
        }
        check("turned", &[normal("x", &[7, 3])], &|t| {
            gelu(&relu(&t[0].t().unwrap()).unwrap()).unwrap()
        });
    }

    #[test]
    fn the_ends_are_those_of_the_kernels() {
        let ends = [-1000.0_f32, -90.0, -0.0, 0.0, 90.0, 1000.0, f32::NAN];
        let x = Var::new(&ends, &Device::Cpu).unwrap();
        for (name, operator) in
            [("relu", relu as fn(&Tensor) -> crate::Result<Tensor>), ("gelu", gelu), ("silu", silu)]
        {
            let run = || {
                let y = operator(&x).unwrap();
                [values(&y), values(y.backward().unwrap().get(&x).unwrap())].concat()
            };
            assert_close(name, &composed(run), &run(), 1e-6);
        }
    }

    #[test]
    fn dropout_draws_the_same_mask() {
        let run = |t: &[Tensor]| {
            let mut rng = Streams::new(3).rng("dropout/1");
            dropout(&t[0].t().unwrap(), 0.4, &mut Mode::Train(&mut rng)).unwrap()
        };
        check("mask", &[normal("x", &[9, 5])], &run);
        let infinite = [(normal("x", &[9, 5]).ones_like().unwrap() * f64::INFINITY).unwrap()];
        let single = infinite.map(|x| x.to_dtype(candle_core::DType::F32).unwrap());
        assert_eq!(composed(|| bits(&run(&single))), bits(&run(&single)));
    }
}
