//! Dropout.

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType as _};

use crate::composed;
use crate::cpu::{Float, Values, check_inputs, slice, tensor_like, with_float};
use crate::random::{Mode, Rng};
use crate::tape;
use crate::{Error, Result};

const NAME: &str = "dropout";

/// Sets elements to 0 at random while training, and enlarges the rest so that the mean stays.
///
/// Definition: in training `y = x m / (1 - p)` with independent `m`, 0 with probability `p` and
/// else 1; in evaluation, and for `p = 0`, `y = x`.
///
/// Shapes: any.
///
/// Errors: `p` outside of `0 <= p < 1`; a tensor that is not f32 or f64.
///
/// Numerics: the mask depends on the generator alone, not on the element type or the device. With `p
/// = 0` nothing is drawn.
///
/// Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
/// JMLR 15 (2014), section 10 (the inverted form).
///
/// ```
/// use av_ops::{Mode, Streams, dropout};
/// use candle_core::{DType, Device, Tensor};
///
/// let x = Tensor::ones(1000, DType::F32, &Device::Cpu)?;
/// let mut rng = Streams::new(7).rng("dropout/1");
/// let y = dropout(&x, 0.75, &mut Mode::Train(&mut rng))?.to_vec1::<f32>()?;
/// assert!(y.iter().all(|&y| y == 0.0 || y == 4.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn dropout(x: &Tensor, p: f64, mode: &mut Mode<'_>) -> Result<Tensor> {
    if !(0.0..1.0).contains(&p) {
        return Err(Error::Argument {
            operator: NAME,
            name: "p",
            expected: "at least 0 and below 1",
            actual: p.to_string(),
        });
    }
    check_inputs(NAME, &[x])?;
    match mode {
        Mode::Train(rng) if p > 0.0 => {
            let mask = Mask::draw(x.elem_count(), p, rng);
            if composed::applies(x) {
                return composed::dropout(x, &mask.kept, mask.scale);
            }
            Ok(tape::apply1(&x.contiguous()?, mask)?)
        }
        Mode::Train(_) | Mode::Eval => Ok(x.clone()),
    }
}

/// Which elements stay, and what they are multiplied by.
struct Mask {
    kept: Vec<bool>,
    scale: f64,
}

impl Mask {
    fn draw(elements: usize, p: f64, rng: &mut Rng) -> Self {
        let threshold = p * 2.0_f64.powi(32);
        let kept = (0..elements).map(|_| f64::from(rng.bits()) >= threshold).collect();
        Self { kept, scale: 1.0 / (1.0 - p) }
    }

    fn apply<T: Float>(&self, values: &[T]) -> Vec<T> {
        let scale = T::from_f64(self.scale);
        let pairs = values.iter().zip(&self.kept);
        pairs.map(|(&value, &kept)| if kept { value * scale } else { T::zero() }).collect()
    }
}

impl CustomOp1 for Mask {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = with_float!(x.dtype(), T => {
            Ok(T::to_cpu_storage_owned(self.apply::<T>(slice(x, layout)?)))
        })?;
        Ok((y, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        with_float!(dy.dtype(), T => {
            tensor_like(self.apply::<T>(Values::of(&dy).slice()?), x).map(Some)
        })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::Streams;

    fn ones(elements: usize) -> Tensor {
        Tensor::ones(elements, DType::F32, &Device::Cpu).unwrap()
    }

    fn train(x: &Tensor, p: f64, name: &str) -> Vec<f32> {
        let mut rng = Streams::new(1).rng(name);
        dropout(x, p, &mut Mode::Train(&mut rng)).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn one_stream_gives_one_mask() {
        assert_eq!(train(&ones(99), 0.5, "a"), train(&ones(99), 0.5, "a"));
        assert_ne!(train(&ones(99), 0.5, "a"), train(&ones(99), 0.5, "b"));
    }

    #[test]
    fn the_mean_stays() {
        for p in [0.1, 0.5, 0.9] {
            let y = train(&ones(100_000), p, "mean");
            let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / 100_000.0;
            // Five standard errors of a mean of independent draws with variance p / (1 - p).
            let tolerance = 5.0 * (p / (1.0 - p) / 100_000.0_f64).sqrt();
            assert!((mean - 1.0).abs() < tolerance, "p {p}: mean {mean}");
        }
    }

    #[test]
    fn without_dropout_or_training_nothing_changes() {
        let x = Tensor::new(&[1.5_f32, -2.0], &Device::Cpu).unwrap();
        assert_eq!(train(&x, 0.0, "a"), [1.5, -2.0]);
        let y = dropout(&x, 0.9, &mut Mode::Eval).unwrap();
        assert_eq!(y.to_vec1::<f32>().unwrap(), [1.5, -2.0]);
    }

    #[test]
    fn probabilities_outside_of_the_range_are_refused() {
        for p in [-0.1, 1.0, f64::NAN] {
            let error = dropout(&ones(1), p, &mut Mode::Eval).unwrap_err();
            assert!(error.to_string().contains("p must be at least 0 and below 1"), "{error}");
        }
    }
}
