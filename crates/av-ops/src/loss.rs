//! Classification loss.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{Float, PIECE, Values, check_inputs, check_rank, slice, tensor_like, with_float};
use crate::results::compute;
use crate::softmax::largest;
use crate::sums::sums;
use crate::tape;
use crate::vectorised::vectorised;
use crate::{Error, Result};

const NAME: &str = "cross_entropy";

/// Options of [`cross_entropy`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CrossEntropyConfig {
    /// Share of the target that is spread evenly over all classes, at least 0 and below 1.
    pub smoothing: f64,
    /// A weight for each class, at least 0; without them all are 1.
    pub weights: Option<Vec<f64>>,
}

/// The weighted mean of the cross-entropy between labels and the softmax of logits.
///
/// Definition: `loss = -sum over b,c of t[b,c] w[c] log softmax(logits[b])[c] / sum over b of
/// w[labels[b]]` with targets `t[b,c] = (1 - smoothing) [c = labels[b]] + smoothing / C` and class
/// weights `w`; without weights the mean over the rows.
///
/// Shapes: `logits` (B, C), B labels from 0 to C - 1, C weights; the result is a scalar.
///
/// Errors: a shape other than (B, C), an empty dimension, a number of labels other than B, a label
/// outside of the classes, a smoothing outside of `0 <= smoothing < 1`, a number of weights other
/// than C, a weight that is negative or not finite, weights that are 0 for every label, a tensor
/// that is not f32 or f64.
///
/// Numerics: the largest logit of a row is taken off before the exponential; sums run in f64. In
/// f32 the loss is right to 1e-6 of its size, or 1e-6 below 1, and an element of its gradient to
/// 1e-6 times the share of its row in the mean.
///
/// Source: the smoothing of Szegedy et al., "Rethinking the inception architecture", CVPR 2016,
/// section 7; with weights, the definition of PyTorch 2.15.
///
/// ```
/// use av_ops::{CrossEntropyConfig, cross_entropy};
/// use candle_core::{Device, Tensor};
///
/// let logits = Tensor::new(&[[0f64, 0.0], [0.0, 3f64.ln()]], &Device::Cpu)?;
/// let loss = cross_entropy(&logits, &[0, 0], &CrossEntropyConfig::default())?;
/// assert!((loss.to_scalar::<f64>()? - 8f64.ln() / 2.0).abs() < 1e-15);
/// let config = CrossEntropyConfig { weights: Some(vec![1.0, 3.0]), ..Default::default() };
/// let loss = cross_entropy(&logits, &[0, 1], &config)?;
/// let expected = (2f64.ln() + 3.0 * (4f64 / 3.0).ln()) / 4.0;
/// assert!((loss.to_scalar::<f64>()? - expected).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cross_entropy(
    logits: &Tensor,
    labels: &[u32],
    config: &CrossEntropyConfig,
) -> Result<Tensor> {
    check_rank(NAME, logits, "B,C")?;
    check_inputs(NAME, &[logits])?;
    let (batch, classes) = logits.dims2()?;
    if labels.len() != batch {
        let actual = format!("{} for {batch} rows", labels.len());
        return Err(argument("the number of labels", "the number of rows", actual));
    }
    let label = |(row, &label): (usize, &u32)| {
        let class = usize::try_from(label).ok().filter(|&class| class < classes);
        class.ok_or(Error::Label { row, label, classes })
    };
    let labels: Vec<usize> = labels.iter().enumerate().map(label).collect::<Result<_>>()?;
    check_config(config, classes)?;
    let CrossEntropyConfig { smoothing, weights } = config.clone();
    let weight = |&label: &usize| weights.as_ref().map_or(1.0, |weights| weights[label]);
    let total: f64 = labels.iter().map(weight).sum();
    if total == 0.0 {
        return Err(argument("weights", "above 0 for a label", "0 for all".to_owned()));
    }
    let op = CrossEntropy { labels, classes, smoothing, weights, total, rows: OnceLock::new() };
    if composed::applies(logits) {
        return op.compose(logits);
    }
    Ok(tape::apply1(&logits.contiguous()?, op)?)
}

fn argument(name: &'static str, expected: &'static str, actual: String) -> Error {
    Error::Argument { operator: NAME, name, expected, actual }
}

fn check_config(config: &CrossEntropyConfig, classes: usize) -> Result<()> {
    let smoothing = config.smoothing;
    if !(0.0..1.0).contains(&smoothing) {
        return Err(argument("smoothing", "at least 0 and below 1", smoothing.to_string()));
    }
    let Some(weights) = &config.weights else {
        return Ok(());
    };
    if weights.len() != classes {
        let actual = format!("{} for {classes} classes", weights.len());
        return Err(argument("the number of weights", "the number of classes", actual));
    }
    match weights.iter().find(|weight| !(0.0..f64::INFINITY).contains(*weight)) {
        Some(weight) => Err(argument("weights", "at least 0 and finite", weight.to_string())),
        None => Ok(()),
    }
}

struct CrossEntropy {
    labels: Vec<usize>,
    classes: usize,
    smoothing: f64,
    weights: Option<Vec<f64>>,
    /// The sum of the weights of the labels, by which the loss is divided.
    total: f64,
    /// Set by forward.
    rows: OnceLock<Vec<Row>>,
}

/// What forward learns about a row of logits.
#[derive(Debug, Clone, Copy)]
struct Row {
    largest: f64,
    /// The sum of the exponentials of the logits less the largest.
    total: f64,
    loss: f64,
}

impl CrossEntropy {
    /// Rows of one parallel piece.
    fn rows_per_piece(&self) -> usize {
        (PIECE / self.classes).max(1)
    }

    fn weight(&self, class: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[class])
    }

    fn compose(&self, logits: &Tensor) -> Result<Tensor> {
        let share = |class: usize| self.weight(class) / self.total;
        let hit = |&label: &usize| (1.0 - self.smoothing) * share(label);
        let floor = |class: usize| self.smoothing / self.classes as f64 * share(class);
        let floors = (self.smoothing > 0.0).then(|| (0..self.classes).map(floor).collect());
        let hits = self.labels.iter().map(hit).collect();
        composed::cross_entropy(logits, &self.labels, hits, floors)
    }

    /// The part of the target that every class has, times its weight: `smoothing w[c] / C`.
    fn floors<T: Float>(&self) -> Vec<T> {
        let share = self.smoothing / self.classes as f64;
        (0..self.classes).map(|class| T::from_f64(share * self.weight(class))).collect()
    }

    fn forward<T: Float>(&self, logits: &[T]) -> T {
        let (piece, floors) = (self.rows_per_piece(), self.floors());
        let pieces = logits.par_chunks(piece * self.classes).zip(self.labels.par_chunks(piece));
        let rows: Vec<Row> = pieces
            .flat_map_iter(|(logits, labels)| {
                vectorised(
                    #[inline(always)]
                    || {
                        let mut rows = Vec::with_capacity(labels.len());
                        for (row, &label) in logits.chunks_exact(self.classes).zip(labels) {
                            rows.push(self.row(row, label, &floors));
                        }
                        rows
                    },
                )
            })
            .collect();
        let loss: f64 = rows.iter().map(|row| row.loss).sum();
        self.rows.get_or_init(|| rows);
        T::from_f64(loss / self.total)
    }

    #[inline(always)]
    fn row<T: Float>(&self, row: &[T], label: usize, floors: &[T]) -> Row {
        let top = largest(row);
        let (total, spread) = if self.smoothing == 0.0 {
            // A logit of minus infinity for another class is a certainty and costs nothing.
            let [total] = sums(
                [row; 3],
                #[inline(always)]
                |x, _, _| [(x - top).exponential()],
            );
            (total, 0.0)
        } else {
            let [total, floor, spread] = sums(
                [row, floors, floors],
                #[inline(always)]
                |x, floor, _| [(x - top).exponential(), floor, floor * (x - top)],
            );
            (total, floor * total.ln() - spread)
        };
        let largest = top.to_f64();
        let loss = total.ln() - (row[label].to_f64() - largest);
        Row { largest, total, loss: (1.0 - self.smoothing) * self.weight(label) * loss + spread }
    }

    /// `(softmax(logits)[k] sum over c of t[c] w[c] - t[k] w[k]) dy / total` of each row.
    fn gradient<T: Float>(&self, rows: &[Row], logits: &[T], dy: f64) -> Vec<T> {
        let (classes, piece, share) = (self.classes, self.rows_per_piece(), dy / self.total);
        let floors = self.floors::<T>();
        let floor: f64 = (0..classes).map(|class| self.weight(class)).sum::<f64>() * self.smoothing
            / classes as f64;
        compute(logits.len(), piece * classes, |index, gradient| {
            let first = index * piece;
            let (labels, rows) = (&self.labels[first..], &rows[first..]);
            let logits = &logits[first * classes..];
            vectorised(
                #[inline(always)]
                || {
                    let inputs = logits.chunks_exact(classes).zip(labels).zip(rows);
                    let targets = gradient.chunks_exact_mut(classes);
                    for (gradient, ((logits, &label), row)) in targets.zip(inputs) {
                        let hit = (1.0 - self.smoothing) * self.weight(label);
                        let factor = (hit + floor) / row.total * share;
                        let [top, factor, share] = [row.largest, factor, share].map(T::from_f64);
                        let elements = gradient.iter_mut().zip(logits.iter().zip(&floors));
                        for (gradient, (&logit, &floor)) in elements {
                            *gradient = (logit - top).exponential() * factor - floor * share;
                        }
                        gradient[label] -= T::from_f64(hit) * share;
                    }
                },
            );
        })
    }
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
        let Some(rows) = self.rows.get() else {
            candle_core::bail!("{NAME}: backward before forward")
        };
        with_float!(dy.dtype(), T => {
            let dy = dy.to_scalar::<T>()?.to_f64();
            let gradient = self.gradient::<T>(rows, Values::of(logits).slice()?, dy);
            tensor_like(gradient, logits).map(Some)
        })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn smoothed(smoothing: f64) -> CrossEntropyConfig {
        CrossEntropyConfig { smoothing, weights: None }
    }

    fn loss(logits: &[[f64; 3]; 2], labels: &[u32], smoothing: f64) -> f64 {
        let logits = Tensor::new(logits, &Device::Cpu).unwrap();
        cross_entropy(&logits, labels, &smoothed(smoothing)).unwrap().to_scalar().unwrap()
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
            cross_entropy(&logits, labels, &smoothed(smoothing)).unwrap_err().to_string()
        };
        assert!(message(&[0, 2], 0.0).contains("row 1 has label 2"));
        assert!(message(&[0], 0.0).contains("1 for 2 rows"));
        assert!(message(&[0, 1], 1.0).contains("smoothing"));
        assert!(message(&[0, u32::MAX], 0.0).contains("4294967295"));
    }
}
