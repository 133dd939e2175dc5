//! Rows of a table by their indices.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{
    Float, Values, check_devices, check_inputs, check_rank, slice, tensor_like, with_float,
};
use crate::tape;
use crate::{Error, Result};

const NAME: &str = "embedding";

/// Rows that one parallel piece copies or adds up.
const ROWS: usize = 256;

/// The rows of a table that indices name.
///
/// Definition: `y[..., d] = table[indices[...], d]`.
///
/// Shapes: `table` (V, D), `indices` any shape, of element type u32; the result has the shape of
/// the indices and a last dimension D.
///
/// Errors: an index outside of the table, with its place; an empty dimension; indices that are not
/// u32; a table that is not f32 or f64, or on another device than the indices.
///
/// Numerics: the gradient of a row is the sum over all places that name it, in f64 and in the order
/// of the places.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let table = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
/// let indices = Tensor::new(&[1u32, 1, 0], &Device::Cpu)?;
/// let y = av_ops::embedding(&table, &indices)?;
/// assert_eq!(y.to_vec2::<f32>()?, [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn embedding(table: &Tensor, indices: &Tensor) -> Result<Tensor> {
    check_rank(NAME, table, "V,D")?;
    check_inputs(NAME, &[table])?;
    check_devices(NAME, table, indices)?;
    if indices.dtype() != DType::U32 {
        return Err(Error::Argument {
            operator: NAME,
            name: "the element type of the indices",
            expected: "U32",
            actual: format!("{:?}", indices.dtype()),
        });
    }
    if indices.elem_count() == 0 {
        return Err(Error::Shape {
            operator: NAME,
            expected: "at least one index".to_owned(),
            actual: indices.dims().to_vec(),
        });
    }
    let (rows, width) = table.dims2()?;
    let row = |(place, &index): (usize, &u32)| {
        let row = usize::try_from(index).ok().filter(|&row| row < rows);
        row.ok_or(Error::Index { place, index, rows })
    };
    let indices_flat = indices.flatten_all()?.to_vec1::<u32>()?;
    let chosen = indices_flat.iter().enumerate().map(row).collect::<Result<_>>()?;
    let mut shape = indices.dims().to_vec();
    shape.push(width);
    if composed::applies(table) {
        return composed::embedding(table, indices, shape);
    }
    Ok(tape::apply1(&table.contiguous()?, EmbeddingOp { chosen, width, shape })?)
}

struct EmbeddingOp {
    /// The row of the table for each row of the result.
    chosen: Vec<usize>,
    /// Elements of a row.
    width: usize,
    shape: Vec<usize>,
}

impl EmbeddingOp {
    fn forward<T: Float>(&self, table: &[T]) -> Vec<T> {
        let width = self.width;
        let mut y = vec![T::zero(); self.chosen.len() * width];
        y.par_chunks_mut(ROWS * width).zip(self.chosen.par_chunks(ROWS)).for_each(|(y, chosen)| {
            for (y, &row) in y.chunks_exact_mut(width).zip(chosen) {
                y.copy_from_slice(&table[row * width..][..width]);
            }
        });
        y
    }

    /// Each piece holds some rows of the table, and finds its places among those sorted by row.
    fn gradient<T: Float>(&self, rows: usize, dy: &[T]) -> Vec<T> {
        let width = self.width;
        let mut places: Vec<(usize, usize)> =
            self.chosen.iter().enumerate().map(|(place, &row)| (row, place)).collect();
        places.par_sort_unstable();
        let mut gradient = vec![T::zero(); rows * width];
        gradient.par_chunks_mut(ROWS * width).enumerate().for_each(|(piece, gradient)| {
            let first = piece * ROWS;
            let before = |end: usize| places.partition_point(|&(row, _)| row < end);
            let places = &places[before(first)..before(first + ROWS)];
            let mut totals = vec![0.0; width];
            for places in places.chunk_by(|a, b| a.0 == b.0) {
                totals.fill(0.0);
                for &(_, place) in places {
                    let dy = &dy[place * width..][..width];
                    totals.iter_mut().zip(dy).for_each(|(total, dy)| *total += dy.to_f64());
                }
                let target = &mut gradient[(places[0].0 - first) * width..][..width];
                let pairs = target.iter_mut().zip(&totals);
                pairs.for_each(|(target, &total)| *target = T::from_f64(total));
            }
        });
        gradient
    }
}

impl CustomOp1 for EmbeddingOp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        table: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(table.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.forward::<T>(slice(table, layout)?)))
        })?;
        Ok((y, Shape::from(self.shape.as_slice())))
    }

    fn bwd(&self, table: &Tensor, _y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            let gradient = self.gradient::<T>(table.dims()[0], Values::of(&dy).slice()?);
            tensor_like(gradient, table).map(Some)
        })
    }
}
