//! What all losses share: centring, number types, and a value that carries a gradient computed by hand.

use crate::{Error, Result};
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor};

/// A detached view minus its column means, in the number type that sums are accumulated in.
pub(super) struct Centred {
    pub rows: Tensor,
    pub count: usize,
    pub columns: usize,
}

impl Centred {
    pub fn new(view: &Tensor) -> Result<Self> {
        let (count, columns) = view.dims2()?;
        let wide = wide(view)?;
        let mean = (wide.sum_keepdim(0)? / count.max(1) as f64)?;
        Ok(Self { rows: wide.broadcast_sub(&mean)?, count, columns })
    }

    /// `rows' rows / divisor`.
    pub fn covariance(&self, divisor: f64) -> Result<Tensor> {
        moments(&self.rows, divisor)
    }
}

/// A detached view as it is, in the number type that sums are accumulated in.
pub(super) fn wide(view: &Tensor) -> Result<Tensor> {
    Ok(view.detach().to_dtype(accumulator(view.dtype()))?)
}

/// `rows' rows / divisor`.
pub(super) fn moments(rows: &Tensor, divisor: f64) -> Result<Tensor> {
    Ok((rows.t()?.matmul(rows)? / divisor)?)
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
    let (first, _) = inputs.first().ok_or(Error::Shape {
        what: "views",
        expected: "at least one".into(),
        actual: "none".into(),
    })?;
    let dtype = accumulator(first.dtype());
    let mut total = Tensor::new(value, first.device())?.to_dtype(dtype)?;
    for (input, gradient) in inputs {
        let nothing = if input.device().is_cpu() {
            input.apply_op1(Known { gradient: gradient.clone(), dtype })?
        } else {
            product(input, gradient, dtype)?
        };
        total = (total + nothing)?;
    }
    Ok(total)
}

/// The number 0 whose derivative is the gradient, on any device: `sum((x - x.detach()) o gradient)`.
fn product(input: &Tensor, gradient: &Tensor, dtype: DType) -> Result<Tensor> {
    Ok(((input - input.detach())?.to_dtype(dtype)? * gradient)?.sum_all()?)
}

/// The number 0 with a gradient that is known.
struct Known {
    gradient: Tensor,
    dtype: DType,
}

impl CustomOp1 for Known {
    fn name(&self) -> &'static str {
        "known-gradient"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let double = self.dtype == DType::F64;
        let nothing = if double { CpuStorage::F64(vec![0.0]) } else { CpuStorage::F32(vec![0.0]) };
        Ok((nothing, Shape::from(())))
    }

    fn bwd(
        &self,
        input: &Tensor,
        _: &Tensor,
        of_result: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        let factor: f64 = of_result.to_dtype(DType::F64)?.to_scalar()?;
        let gradient = self.gradient.to_dtype(input.dtype())?;
        if factor == 1.0 { Ok(Some(gradient)) } else { (gradient * factor).map(Some) }
    }
}

pub(super) fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(tensor.to_dtype(DType::F64)?.to_scalar()?)
}

/// `sum(a o b)` in the tensors' type.
pub(super) fn inner(a: &Tensor, b: &Tensor) -> Result<f64> {
    scalar(&(a * b)?.sum_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn both_carriers_have_the_gradient_and_the_value_nothing() -> Result<()> {
        let input = Var::new(&[2.0f32, -1.0], &Device::Cpu)?;
        let gradient = Tensor::new(&[3.0f64, 0.5], &Device::Cpu)?;
        let dtype = DType::F64;
        let known = input.apply_op1(Known { gradient: gradient.clone(), dtype })?;
        for carrier in [known, product(&input, &gradient, dtype)?] {
            assert_eq!(carrier.to_scalar::<f64>()?, 0.0);
            // What the value is multiplied with multiplies the gradient.
            let gradients = (carrier * -2.0)?.backward()?;
            let found = gradients.get(&input).map(Tensor::to_vec1::<f32>).transpose()?;
            assert_eq!(found, Some(vec![-6.0, -1.0]));
        }
        Ok(())
    }
}
