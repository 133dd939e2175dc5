use super::closed_form::{Centred, inner, with_gradient};
use super::two_view::Loss;
use crate::{Error, Result};
use candle_core::Tensor;

/// The Soft-HGR loss of features and labels, where the label's features are a table with one row a class.
///
/// Definition: [`soft_hgr`](crate::soft_hgr) of `f` and the rows of `table` that the labels choose, computed from
/// class counts and class sums alone: the label view is never formed. Cost `B K^2 + C K^2`.
///
/// Shapes: `f` (B, K), B labels below C, `table` (C, K); the result is a scalar.
///
/// Errors: shapes that do not fit together, a label that the table has no row for.
///
/// Numerics: as [`soft_hgr`](crate::soft_hgr). A class without a row in the batch gets gradient 0.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use hgr_corr::{label_hgr, soft_hgr};
/// let f = Tensor::new(&[[1.0f64], [2.0], [6.0]], &Device::Cpu)?;
/// let table = Tensor::new(&[[0.5f64], [-1.0]], &Device::Cpu)?;
/// let short = label_hgr(&f, &[0, 0, 1], &table)?.value.to_scalar::<f64>()?;
/// let rows = Tensor::new(&[[0.5f64], [0.5], [-1.0]], &Device::Cpu)?;
/// let long = soft_hgr(&f, &rows)?.to_scalar::<f64>()?;
/// assert!((short - long).abs() < 1e-14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_hgr(f: &Tensor, labels: &[u32], table: &Tensor) -> Result<Loss> {
    let (rows, columns) = f.dims2()?;
    let (classes, width) = table.dims2()?;
    let largest = labels.iter().copied().max();
    let no_class = largest.is_some_and(|largest| largest as usize >= classes);
    if labels.len() != rows || width != columns || no_class {
        return Err(Error::Shape {
            what: "the label view",
            expected: format!("{rows} labels below {classes} and a table (C, {columns})"),
            actual: format!(
                "{} labels up to {} and a table {:?}",
                labels.len(),
                largest.unwrap_or(0),
                table.dims()
            ),
        });
    }
    let x = Centred::new(f)?;
    if rows < 2 {
        let nothing = [(f, x.rows), (table, table.detach().zeros_like()?)];
        return Ok(Loss { value: with_gradient(0.0, &nothing)?, cross: 0.0, penalty: 0.0 });
    }
    let a = rows as f64 - 1.0;
    let (dtype, device) = (x.rows.dtype(), x.rows.device());
    let index = Tensor::from_slice(labels, rows, device)?;
    let mut counts = vec![0.0f64; classes];
    labels.iter().for_each(|&label| counts[label as usize] += 1.0);
    let counts = Tensor::from_vec(counts, (classes, 1), device)?.to_dtype(dtype)?;

    // Class sums of the features, and the table centred by its mean over the rows of the batch.
    let sums = Tensor::zeros((classes, columns), dtype, device)?.index_add(&index, &x.rows, 0)?;
    let wide = table.detach().to_dtype(dtype)?;
    let mean = (wide.broadcast_mul(&counts)?.sum_keepdim(0)? / rows as f64)?;
    let entries = wide.broadcast_sub(&mean)?;
    let weighted = entries.broadcast_mul(&counts)?;

    let (sf, sg) = (x.covariance(a)?, (entries.t()?.matmul(&weighted)? / a)?);
    let cross = inner(&sums, &entries)? / a;
    let penalty = 0.5 * inner(&sf, &sg)?;
    let df = ((x.rows.matmul(&sg)? - entries.index_select(&index, 0)?)? / a)?;
    let dtable = ((weighted.matmul(&sf)? - sums)? / a)?;
    let value = with_gradient(penalty - cross, &[(f, df), (table, dtable)])?;
    Ok(Loss { value, cross, penalty })
}
