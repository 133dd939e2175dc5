//! Soft-HGR of features and labels. The penalty is that of `pair`, of the features and a table with one row a class; the
//! cross term is apart, since it pairs each of many rows with one of few and needs the class sums alone.

use super::closed_form::Loss;
use super::pair::{Rows, Sum, in_form};
use super::penalty::{Side, Weights};
use crate::{Error, Result};
use candle_core::Tensor;

/// The Soft-HGR loss of features and labels, where the label's features are a table with one row a class.
///
/// Definition: [`soft_hgr`](crate::soft_hgr) of `f` and the rows of `table` that the labels choose, computed from
/// class counts and class sums alone: the label view is never formed. Cost of the penalty `B C K`, or `B K^2` where that is
/// less.
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
    let (cross, penalty, [df, dtable]) = in_form!(&[f, table], R => parts::<R>(f, labels, table))?;
    Loss::new(cross, penalty, &[(f, df), (table, dtable)])
}

/// Cross term, penalty and gradients.
pub(super) fn parts<R: Rows>(
    f: &Tensor,
    labels: &[u32],
    table: &Tensor,
) -> Result<(f64, f64, [Tensor; 2])> {
    let (rows, columns) = f.dims2()?;
    if rows < 2 {
        return Ok((0.0, 0.0, [R::zeros(f)?.into_tensor()?, R::zeros(table)?.into_tensor()?]));
    }
    let classes = table.dim(0)?;
    let mut counts = vec![0.0f64; classes];
    labels.iter().for_each(|&label| counts[label as usize] += 1.0);
    let roots: Vec<f64> = counts.iter().map(|count| count.sqrt()).collect();

    // The rows of the table minus their mean over the batch. Each as often as its class: times the root of that, their
    // moments are those of the label view.
    let x = R::read(f, None)?.centred(None)?;
    let entries = R::read(table, None)?.centred(Some(&counts))?;
    let weighted = entries.clone().times(&roots, (classes, 1))?;
    let mut sums = R::zeros(table)?;
    sums.add_at(labels, &x)?;

    let a = rows as f64 - 1.0;
    let cross = sums.inner(&entries)? / a;
    let gram = Side::Auto.is_gram([(rows, 1), (classes, 1)], columns);
    let mut sum = Sum::new();
    let pair = [sum.push(x, a), sum.push(weighted, a)];
    let penalty = sum.penalty(pair, Weights::PLUG_IN, gram, 1.0)?;
    let mut gradients = sum.gradients()?;
    let dtable = gradients.swap_remove(pair[1]).times(&roots, (classes, 1))?;
    let dtable = R::sum(Some(dtable), &[(-1.0 / a, &sums)], &[])?;
    let df = gradients.swap_remove(pair[0]);
    let df = R::sum(Some(df), &[(-1.0 / a, &entries.chosen(labels)?)], &[])?;
    Ok((cross, penalty, [df.into_tensor()?, dtable.into_tensor()?]))
}
