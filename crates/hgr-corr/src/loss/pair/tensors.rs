//! The tables of the losses as tensors, on any device.

use super::rows::{Product, Rows};
use crate::Result;
use crate::loss::closed_form::accumulator;
use candle_core::{DType, Device, Tensor};

impl Rows for Tensor {
    fn read(view: &Tensor, rows: Option<&[u32]>) -> Result<Self> {
        let view = view.detach();
        let view = if let Some(rows) = rows { view.chosen(rows)? } else { view };
        Ok(view.to_dtype(accumulator(view.dtype()))?)
    }

    fn zeros(view: &Tensor) -> Result<Self> {
        Ok(Tensor::zeros(view.shape(), accumulator(view.dtype()), view.device())?)
    }

    fn into_tensor(self) -> Result<Tensor> {
        Ok(self)
    }

    fn size(&self) -> (usize, usize) {
        self.dims2().unwrap_or((0, 0))
    }

    fn centred(self, counts: Option<&[f64]>) -> Result<Self> {
        let (rows, _) = self.size();
        let mean = match counts {
            None => (self.sum_keepdim(0)? / rows.max(1) as f64)?,
            Some(counts) => {
                let weighted = self.clone().times(counts, (rows, 1))?;
                (weighted.sum_keepdim(0)? / counts.iter().sum::<f64>().max(1.0))?
            }
        };
        Ok(self.broadcast_sub(&mean)?)
    }

    /// A mean of 1e4 rounded to f32 is off by up to 5e-4, so what the rounding lost is subtracted after it.
    fn minus(self, means: &[f64]) -> Result<Self> {
        let exact = Tensor::from_slice(means, (1, means.len()), &Device::Cpu)?;
        let high = exact.to_dtype(self.dtype())?;
        let low = (exact - high.to_dtype(DType::F64)?)?.to_dtype(self.dtype())?;
        let near = self.broadcast_sub(&high.to_device(self.device())?)?;
        Ok(near.broadcast_sub(&low.to_device(self.device())?)?)
    }

    fn chosen(&self, rows: &[u32]) -> Result<Self> {
        Ok(self.index_select(&Tensor::from_slice(rows, rows.len(), self.device())?, 0)?)
    }

    fn add_at(&mut self, rows: &[u32], other: &Self) -> Result<()> {
        let rows = Tensor::from_slice(rows, rows.len(), self.device())?;
        *self = self.index_add(&rows, other, 0)?;
        Ok(())
    }

    fn times(self, factors: &[f64], size: (usize, usize)) -> Result<Self> {
        let factors = Tensor::from_slice(factors, size, &Device::Cpu)?.to_dtype(self.dtype())?;
        Ok(self.broadcast_mul(&factors.to_device(self.device())?)?)
    }

    fn inner(&self, other: &Self) -> Result<f64> {
        Ok((self * other)?.sum_all()?.to_dtype(DType::F64)?.to_scalar()?)
    }

    fn row_inner(&self, other: &Self) -> Result<Vec<f64>> {
        Ok((self * other)?.sum(1)?.to_dtype(DType::F64)?.to_vec1()?)
    }

    fn transposed(&self) -> Result<Self> {
        Ok(self.t()?.contiguous()?)
    }

    fn moments(&self) -> Result<Self> {
        self.cross_moments(self)
    }

    fn cross_moments(&self, other: &Self) -> Result<Self> {
        Ok(self.t()?.matmul(other)?)
    }

    fn gram(&self, other: &Self) -> Result<Self> {
        Ok(self.matmul(&other.t()?)?)
    }

    fn sum(
        start: Option<Self>,
        tables: &[(f64, &Self)],
        products: &[Product<Self>],
    ) -> Result<Self> {
        let mut terms: Vec<Tensor> = start.into_iter().collect();
        for (scale, table) in tables {
            terms.push((*table * *scale)?);
        }
        for Product { scale, left, transposed, right } in products {
            let left = if *transposed { left.t()? } else { (*left).clone() };
            terms.push((left.matmul(right)? * *scale)?);
        }
        let total = terms.into_iter().map(Ok).reduce(|total, term| total? + term?);
        match total {
            Some(total) => Ok(total?),
            None => Ok(Tensor::zeros((0, 0), DType::F32, &Device::Cpu)?),
        }
    }
}
