use super::closed_form::{check_pair, inner, with_gradient};
use super::two_view::Loss;
use crate::{Convention, Error, HgrState, Matrix, Result};
use candle_core::{DType, Device, Tensor};

impl HgrState {
    /// Adds rows of tensors of any number type on any device.
    ///
    /// Shapes: `f` and `g` (B, p) and (B, q), as the state.
    ///
    /// Errors: shapes that do not fit, NaN or an infinity.
    ///
    /// Numerics: the values are copied to f64 on the CPU; no gradient passes.
    pub fn push_tensors(&mut self, f: &Tensor, g: &Tensor) -> Result<()> {
        let values = |view: &Tensor| -> Result<(Vec<f64>, usize, usize)> {
            let (rows, columns) = view.dims2()?;
            let wide = view.detach().to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
            Ok((wide.flatten_all()?.to_vec1()?, rows, columns))
        };
        let (f, g) = (values(f)?, values(g)?);
        self.push(Matrix::new(&f.0, f.1, f.2)?, Matrix::new(&g.0, g.1, g.2)?)
    }

    /// The share that some rows have in the loss of all rows of the state: exact over micro-batches and workers.
    ///
    /// Definition: with means, `S_f`, `S_g` and n of the state, the sum over the rows given of
    /// `(f~_i' S_g f~_i / 2 - f~_i . g~_i) / (n - 1)`, other divisors by the convention. Over disjoint parts that
    /// make up the state's rows, values, `cross`, `penalty` and gradients add up to those of [`SoftHgr::loss`](crate::SoftHgr::loss) on
    /// all rows at once. The mean of the parts' own losses is another, biased objective. Where gradients are
    /// averaged over W workers, multiply by W.
    ///
    /// Shapes: `f` and `g` both (B, K) with B at most the rows of the state; the result is a scalar.
    ///
    /// Errors: shapes that do not fit together or to the state.
    ///
    /// Numerics: as [`soft_hgr`](crate::soft_hgr). The state must hold the very features given here: nothing can
    /// check that, and if weights or dropout change in between, the gradient belongs to no loss.
    ///
    /// A batch that is larger than memory takes two passes, the first without a graph:
    ///
    /// ```
    /// use candle_core::{Device, Tensor, Var};
    /// use hgr_corr::{Convention, HgrState, soft_hgr};
    /// let x = Tensor::new(&[[1.0f64], [2.0], [6.0], [-1.0]], &Device::Cpu)?;
    /// let y = Tensor::new(&[[0.0f64], [1.0], [2.0], [3.0]], &Device::Cpu)?;
    /// let w = Var::new(&[[0.5f64]], &Device::Cpu)?;
    /// let encode = |x: &Tensor| x.matmul(&w); // the network
    ///
    /// let mut state = HgrState::new(1, 1);
    /// for row in [0, 2] {
    ///     state.push_tensors(&encode(&x.narrow(0, row, 2)?)?.detach(), &y.narrow(0, row, 2)?)?;
    /// }
    /// let mut gradient = 0.0;
    /// for row in [0, 2] {
    ///     let f = encode(&x.narrow(0, row, 2)?)?;
    ///     let part = state.part(Convention::Unbiased, &f, &y.narrow(0, row, 2)?)?;
    ///     let gradients = part.value.backward()?; // the graph of one micro-batch alone
    ///     gradient += gradients.get(&w).ok_or("not in the graph")?.sum_all()?.to_scalar::<f64>()?;
    /// }
    /// let gradients = soft_hgr(&encode(&x)?, &y)?.backward()?;
    /// let whole = gradients.get(&w).ok_or("not in the graph")?.sum_all()?.to_scalar::<f64>()?;
    /// assert!((gradient - whole).abs() < 1e-14 && (whole - 68.0 / 9.0).abs() < 1e-14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn part(&self, convention: Convention, f: &Tensor, g: &Tensor) -> Result<Loss> {
        check_pair(f, g)?;
        let (rows, columns) = f.dims2()?;
        if self.columns() != (columns, columns) || rows > self.rows() {
            return Err(Error::Shape {
                what: "a part of the state's rows",
                expected: format!("{:?} columns, at most {} rows", self.columns(), self.rows()),
                actual: format!("{:?}", f.dims()),
            });
        }
        let (x, y) = (centred(f, self.f_means())?, centred(g, self.g_means())?);
        if self.rows() < 2 {
            let nothing = [(f, x.zeros_like()?), (g, y.zeros_like()?)];
            return Ok(Loss { value: with_gradient(0.0, &nothing)?, cross: 0.0, penalty: 0.0 });
        }
        let (a, b) = convention.divisors(self.rows());
        let covariance = |moments: &[f64]| -> Result<Tensor> {
            let table = (Tensor::from_slice(moments, (columns, columns), &Device::Cpu)? / b)?;
            Ok(table.to_dtype(x.dtype())?.to_device(x.device())?)
        };
        let from_g = (x.matmul(&covariance(self.m_gg())?)? / b)?;
        let from_f = (y.matmul(&covariance(self.m_ff())?)? / b)?;
        let (cross, penalty) = (inner(&x, &y)? / a, 0.5 * inner(&x, &from_g)?);
        let (df, dg) = ((from_g - (&y / a)?)?, (from_f - (&x / a)?)?);
        Ok(Loss { value: with_gradient(penalty - cross, &[(f, df), (g, dg)])?, cross, penalty })
    }
}

/// A detached view minus given means, half types in f32.
///
/// A mean of 1e4 rounded to f32 is off by up to 5e-4, so what the rounding lost is subtracted after it.
fn centred(view: &Tensor, means: &[f64]) -> Result<Tensor> {
    let dtype = if view.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let exact = Tensor::from_slice(means, (1, means.len()), &Device::Cpu)?;
    let high = exact.to_dtype(dtype)?;
    let low = (exact - high.to_dtype(DType::F64)?)?.to_dtype(dtype)?;
    let wide = view.detach().to_dtype(dtype)?;
    let near = wide.broadcast_sub(&high.to_device(view.device())?)?;
    Ok(near.broadcast_sub(&low.to_device(view.device())?)?)
}
