//! The loss of rows that come in parts. It shares the tables of `pair` but not its sum: covariances and means are those
//! of the state, known before the rows, and the penalty is the share that these rows have in it.

use super::closed_form::{Loss, accumulator, check_pair};
use super::pair::{Product, Rows, in_form};
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
        let (cross, penalty, [df, dg]) =
            in_form!(&[f, g], R => share::<R>(self, convention, f, g))?;
        Loss::new(cross, penalty, &[(f, df), (g, dg)])
    }
}

/// Cross term, penalty and gradients of rows of the state.
pub(super) fn share<R: Rows>(
    state: &HgrState,
    convention: Convention,
    f: &Tensor,
    g: &Tensor,
) -> Result<(f64, f64, [Tensor; 2])> {
    if state.rows() < 2 {
        return Ok((0.0, 0.0, [R::zeros(f)?.into_tensor()?, R::zeros(g)?.into_tensor()?]));
    }
    let (a, b) = convention.divisors(state.rows());
    let (columns, _) = state.columns();
    let covariance = |moments: &[f64]| -> Result<R> {
        let table = (Tensor::from_slice(moments, (columns, columns), &Device::Cpu)? / b)?;
        R::read(&table.to_dtype(accumulator(f.dtype()))?.to_device(f.device())?, None)
    };
    let x = R::read(f, None)?.minus(state.f_means())?;
    let y = R::read(g, None)?.minus(state.g_means())?;
    let push = |left: &R, moments: &[f64]| -> Result<R> {
        let right = &covariance(moments)?;
        R::sum(None, &[], &[Product { scale: 1.0 / b, left, transposed: false, right }])
    };
    let (from_g, from_f) = (push(&x, state.m_gg())?, push(&y, state.m_ff())?);
    let (cross, penalty) = (x.inner(&y)? / a, 0.5 * x.inner(&from_g)?);
    let pull = |push: R, other: &R| R::sum(Some(push), &[(-1.0 / a, other)], &[])?.into_tensor();
    Ok((cross, penalty, [pull(from_g, &y)?, pull(from_f, &x)?]))
}
