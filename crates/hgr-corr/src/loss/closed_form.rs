//! What all losses share: number types, and a value that carries a gradient computed by hand.

use crate::{Error, Result};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Shape, Tensor};

/// A loss and its two parts: `value = penalty - cross`.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Scalar to be minimised, with gradient.
    pub value: Tensor,
    /// The cross term, sum of covariances of matching columns.
    pub cross: f64,
    /// Half the trace of the product of the covariances, or the estimate of it that was asked for.
    pub penalty: f64,
}

impl Loss {
    /// Of the two parts, and the gradient of `penalty - cross` at each input.
    pub(super) fn new(cross: f64, penalty: f64, inputs: &[(&Tensor, Tensor)]) -> Result<Self> {
        Ok(Self { value: with_gradient(penalty - cross, inputs)?, cross, penalty })
    }
}

/// Half types are accumulated in f32.
pub(super) fn accumulator(dtype: DType) -> DType {
    if dtype == DType::F64 { DType::F64 } else { DType::F32 }
}

pub(super) fn check_pair(f: &Tensor, g: &Tensor) -> Result<()> {
    if f.rank() == 2 && f.dims() == g.dims() {
        return Ok(());
    }
    Err(Error::Shape {
        what: "the views of a correlation",
        expected: "two tensors (B, K) of the same size".into(),
        actual: format!("{:?} and {:?}", f.dims(), g.dims()),
    })
}

/// The scalar `value` as a tensor whose gradient at each input is the given one.
pub(super) fn with_gradient(value: f64, inputs: &[(&Tensor, Tensor)]) -> Result<Tensor> {
    let mut total: Option<Tensor> = None;
    for (input, gradient) in inputs {
        let dtype = accumulator(total.as_ref().unwrap_or(input).dtype());
        let known = Known { value, gradient: gradient.clone(), dtype };
        total = Some(match (total, input.device().is_cpu()) {
            (None, true) => input.apply_op1(known)?,
            (Some(total), true) => total.apply_op2(input, known)?,
            (None, false) => {
                let value = Tensor::new(value, input.device())?.to_dtype(dtype)?;
                (value + product(input, gradient, dtype)?)?
            }
            (Some(total), false) => (total + product(input, gradient, dtype)?)?,
        });
    }
    total.ok_or(Error::Shape {
        what: "views",
        expected: "at least one".into(),
        actual: "none".into(),
    })
}

/// The number 0 whose derivative is the gradient, on any device: `sum((x - x.detach()) o gradient)`.
fn product(input: &Tensor, gradient: &Tensor, dtype: DType) -> Result<Tensor> {
    Ok(((input - input.detach())?.to_dtype(dtype)? * gradient)?.sum_all()?)
}

/// A value with its gradient at one input; with two arguments, the first is the value as it came from other inputs.
struct Known {
    value: f64,
    gradient: Tensor,
    dtype: DType,
}

impl Known {
    fn forward(&self) -> (CpuStorage, Shape) {
        let value = if self.dtype == DType::F64 {
            CpuStorage::F64(vec![self.value])
        } else {
            CpuStorage::F32(vec![self.value as f32])
        };
        (value, Shape::from(()))
    }

    fn backward(&self, input: &Tensor, of_result: &Tensor) -> candle_core::Result<Tensor> {
        let factor: f64 = of_result.to_dtype(DType::F64)?.to_scalar()?;
        let gradient = self.gradient.to_dtype(input.dtype())?;
        if factor == 1.0 { Ok(gradient) } else { gradient * factor }
    }
}

impl CustomOp1 for Known {
    fn name(&self) -> &'static str {
        "known-gradient"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok(self.forward())
    }

    fn bwd(
        &self,
        input: &Tensor,
        _: &Tensor,
        of_result: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        self.backward(input, of_result).map(Some)
    }
}

impl CustomOp2 for Known {
    fn name(&self) -> &'static str {
        "known-gradient"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok(self.forward())
    }

    fn bwd(
        &self,
        _: &Tensor,
        input: &Tensor,
        _: &Tensor,
        of_result: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(of_result.clone()), Some(self.backward(input, of_result)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn all_carriers_have_the_value_and_the_gradient() -> Result<()> {
        let gradient = Tensor::new(&[3.0f64, 0.5], &Device::Cpu)?;
        let dtype = DType::F64;
        let vars =
            [Var::new(&[2.0f32, -1.0], &Device::Cpu)?, Var::new(&[0.0f32, 4.0], &Device::Cpu)?];
        let inputs = vars.each_ref().map(|var| (var.as_tensor(), gradient.clone()));
        let any_device = product(&vars[0], &gradient, dtype)?;
        let any_device = ((any_device + product(&vars[1], &gradient, dtype)?)? + 7.0)?;
        let on_cpu = Known { value: 7.0, gradient: gradient.clone(), dtype };
        let on_cpu = vars[0].apply_op1(on_cpu)?;
        let second = Known { value: 7.0, gradient: gradient.clone(), dtype };
        for carrier in [any_device, on_cpu.apply_op2(&vars[1], second)?] {
            assert_eq!(carrier.to_scalar::<f64>()?, 7.0);
            // What the value is multiplied with multiplies the gradient.
            let gradients = (carrier * -2.0)?.backward()?;
            for var in &vars {
                let found = gradients.get(var).map(Tensor::to_vec1::<f32>).transpose()?;
                assert_eq!(found, Some(vec![-6.0, -1.0]));
            }
        }
        // The value itself is in the number type of sums, f32 here.
        assert_eq!(with_gradient(7.0, &inputs)?.to_scalar::<f32>()?, 7.0);
        Ok(())
    }
}
