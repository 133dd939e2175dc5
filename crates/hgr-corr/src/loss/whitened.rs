//! Views in f64 on the CPU, whitened by the Cholesky factor of their covariance.

use super::closed_form::accumulator;
use super::moments::second_moments;
use crate::estimate::Matrix;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use faer::{Mat, MatRef, Side};

/// A column with less than this share of its variance left, once those before it are taken out, follows from
/// them; a spread below this share of the mean is rounding.
const RANK: f64 = 1e-12;

/// A centred view and the factor L of its covariance plus ridge, `S = L L'`.
pub(super) struct Whitened {
    pub rows: Mat<f64>,
    factor: Mat<f64>,
}

impl Whitened {
    /// Errors: NaN or an infinity in the view, a covariance without inverse, told by the name `what`.
    pub fn new(what: &'static str, view: &Tensor, ridge: f64) -> Result<Self> {
        let (count, columns) = view.dims2()?;
        let host = view.detach().to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        let values: Vec<f64> = host.flatten_all()?.to_vec1()?;
        let matrix = Matrix::new(&values, count, columns)?;
        let means = matrix.means();
        let centred = matrix.centred(&means);
        let rows = MatRef::from_row_major_slice(&centred, count, columns).to_owned();
        let mut covariance = second_moments(rows.as_ref());
        covariance *= faer::Scale((count as f64 - 1.0).recip());
        let constant =
            |column: usize| covariance[(column, column)].sqrt() <= RANK * means[column].abs();
        let singular = || Error::Singular { what, rows: count, columns };
        if ridge == 0.0 && (count <= columns || (0..columns).any(constant)) {
            return Err(singular());
        }
        for column in 0..columns {
            covariance[(column, column)] += ridge;
        }
        let factor = covariance.llt(Side::Lower).map_err(|_| singular())?.L().to_owned();
        let independent = |column: usize| {
            let pivot = factor[(column, column)];
            pivot * pivot > RANK * covariance[(column, column)]
        };
        if (0..columns).all(independent) { Ok(Self { rows, factor }) } else { Err(singular()) }
    }

    /// `L^-1 m`.
    pub fn whiten(&self, mut m: Mat<f64>) -> Mat<f64> {
        self.factor.solve_lower_triangular_in_place(&mut m);
        m
    }

    /// `L'^-1 m`: weights of the columns from weights of the whitened ones.
    pub fn weights(&self, m: MatRef<f64>) -> Mat<f64> {
        let mut m = m.to_owned();
        self.factor.transpose().solve_upper_triangular_in_place(&mut m);
        m
    }
}

/// A table of numbers as a gradient of `view`: on its device, in the type its sums are accumulated in.
pub(super) fn gradient_of(view: &Tensor, table: MatRef<f64>) -> Result<Tensor> {
    let (rows, columns) = (table.nrows(), table.ncols());
    let values = (0..rows * columns).map(|index| table[(index / columns, index % columns)]);
    let tensor = Tensor::from_vec(values.collect(), (rows, columns), &Device::Cpu)?;
    Ok(tensor.to_dtype(accumulator(view.dtype()))?.to_device(view.device())?)
}
