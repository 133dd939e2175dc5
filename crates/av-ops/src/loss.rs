//! Classification loss.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};

use crate::cpu::{Float, Values, check_inputs, check_rank, slice, tensor_like, with_float};
use crate::{Error, Result};

const NAME: &str = "cross_entropy";

/// The mean cross-entropy between labels and the softmax of logits.
///
/// Definition: `loss = -1/B sum over b,c of t[b,c] log softmax(logits[b])[c]` with targets
/// `t[b,c] = (1 - smoothing) [c = labels[b]] + smoothing / C`.
///
/// Shapes: `logits` (B, C), B labels from 0 to C - 1; the result is a scalar.
///
/// Errors: a shape other than (B, C), an empty dimension, a number of labels other than B, a label
/// outside of the classes, a smoothing outside of `0 <= smoothing < 1`, a tensor that is not f32 or
/// f64 or not on the CPU.
///
/// Numerics: the largest logit of a row is taken off before the exponential; rows are computed in
/// f64.
///
/// Source: the smoothing of Szegedy et al., "Rethinking the inception architecture", CVPR 2016,
/// section 7.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let logits = Tensor::new(&[[0f64, 0.0], [0.0, 0.0]], &Device::Cpu)?;
/// let loss = av_ops::cross_entropy(&logits, &[0, 1], 0.0)?;
/// assert!((loss.to_scalar::<f64>()? - 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cross_entropy(logits: &Tensor, labels: &[u32], smoothing: f64) -> Result<Tensor> {
    check_rank(NAME, logits, "B,C")?;
    check_inputs(NAME, &[logits])?;
    let (batch, classes) = logits.dims2()?;
    let argument =
        |name, expected, actual| Error::Argument { operator: NAME, name, expected, actual };
    if labels.len() != batch {
        let actual = format!("{} for {batch} rows", labels.len());
        return Err(argument("the number of labels", "the number of rows", actual));
    }
    if !(0.0..1.0).contains(&smoothing) {
        return Err(argument("smoothing", "at least 0 and below 1", smoothing.to_string()));
    }
    let label = |(row, &label): (usize, &u32)| {
        let class = usize::try_from(label).ok().filter(|&class| class < classes);
        class.ok_or(Error::Label { row, label, classes })
    };
    let labels = labels.iter().enumerate().map(label).collect::<Result<_>>()?;
    Ok(logits.contiguous()?.apply_op1(CrossEntropy { labels, classes, smoothing })?)
}

struct CrossEntropy {
    labels: Vec<usize>,
    classes: usize,
    smoothing: f64,
}

impl CrossEntropy {
    fn forward<T: Float>(&self, logits: &[T]) -> T {
        let rows = logits.chunks_exact(self.classes).zip(&self.labels);
        let total: f64 = rows.map(|(row, &label)| self.row_loss(row, label)).sum();
        T::from_f64(total / self.labels.len() as f64)
    }

    fn row_loss<T: Float>(&self, row: &[T], label: usize) -> f64 {
        let log_total = log_sum_exp(row);
        let loss = log_total - row[label].to_f64();
        if self.smoothing == 0.0 {
            // A logit of minus infinity for another class is a certainty and costs nothing.
            return loss;
        }
        let mean = row.iter().map(|logit| logit.to_f64()).sum::<f64>() / self.classes as f64;
        (1.0 - self.smoothing) * loss + self.smoothing * (log_total - mean)
    }

    /// `(softmax(logits) - target) dy / B`.
    fn gradient<T: Float>(&self, logits: &[T], dy: f64) -> Vec<T> {
        let share = dy / self.labels.len() as f64;
        let floor = self.smoothing / self.classes as f64;
        let mut gradient = Vec::with_capacity(logits.len());
        for (row, &label) in logits.chunks_exact(self.classes).zip(&self.labels) {
            let log_total = log_sum_exp(row);
            gradient.extend(row.iter().enumerate().map(|(class, logit)| {
                let hit = if class == label { 1.0 - self.smoothing } else { 0.0 };
                T::from_f64(((logit.to_f64() - log_total).exp() - hit - floor) * share)
            }));
        }
        gradient
    }
}

fn log_sum_exp<T: Float>(row: &[T]) -> f64 {
    let largest = row.iter().map(|logit| logit.to_f64()).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = row.iter().map(|logit| (logit.to_f64() - largest).exp()).sum();
    largest + total.ln()
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let loss = with_float!(logits.dtype(), T => {
            Ok(T::to_cpu_storage_owned(vec![self.forward::<T>(slice(logits, layout)?)]))
        })?;
        Ok((loss, Shape::from(())))
    }

    fn bwd(
        &self,
        logits: &Tensor,
        _loss: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        with_float!(dy.dtype(), T => {
            let dy = dy.to_scalar::<T>()?.to_f64();
            tensor_like(self.gradient::<T>(Values::of(logits).slice()?, dy), logits).map(Some)
        })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn loss(logits: &[[f64; 3]; 2], labels: &[u32], smoothing: f64) -> f64 {
        let logits = Tensor::new(logits, &Device::Cpu).unwrap();
        cross_entropy(&logits, labels, smoothing).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn the_loss_equals_the_definition() {
        let logits = [[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]];
        let labels = [2, 0];
        for smoothing in [0.0, 0.1, 0.5] {
            let mut expected = 0.0;
            for (row, label) in logits.iter().zip([2, 0]) {
                let total: f64 = row.iter().map(|l: &f64| l.exp()).sum();
                for (class, logit) in row.iter().enumerate() {
                    let hit = if class == label { 1.0 - smoothing } else { 0.0 };
                    expected -= (hit + smoothing / 3.0) * (logit.exp() / total).ln() / 2.0;
                }
            }
            let actual = loss(&logits, &labels, smoothing);
            assert!((actual - expected).abs() < 1e-15, "{smoothing}: {actual} {expected}");
        }
    }

    #[test]
    fn large_logits_neither_overflow_nor_vanish() {
        assert_eq!(loss(&[[2000.0, 0.0, 0.0], [0.0, 0.0, -2000.0]], &[1, 2], 0.0), {
            (2000.0 + 2000.0 + 2f64.ln()) / 2.0
        });
    }

    #[test]
    fn a_nan_logit_gives_a_nan_loss() {
        assert!(loss(&[[0.0, f64::NAN, 0.0], [0.0; 3]], &[0, 0], 0.0).is_nan());
    }

    #[test]
    fn wrong_labels_are_named() {
        let logits = Tensor::new(&[[0f32, 1.0], [2.0, 3.0]], &Device::Cpu).unwrap();
        let message = |labels: &[u32], smoothing| {
            cross_entropy(&logits, labels, smoothing).unwrap_err().to_string()
        };
        assert!(message(&[0, 2], 0.0).contains("row 1 has label 2"));
        assert!(message(&[0], 0.0).contains("1 for 2 rows"));
        assert!(message(&[0, 1], 1.0).contains("smoothing"));
        assert!(message(&[0, u32::MAX], 0.0).contains("4294967295"));
    }
}
