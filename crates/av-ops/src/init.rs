//! Initial values of parameters.

use candle_core::{DType, Device, Tensor};

use crate::Result;
use crate::random::Rng;

/// How a new parameter gets its value.
///
/// The fans of a weight of shape (O, I, ...) are `fan_in = I k` and `fan_out = O k`, where `k` is
/// the product of the dimensions after the second: the numbers of products that enter one output
/// and that one input enters.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// Every element has this value.
    Constant(f64),
    /// Normal with mean 0 and variance `2 / fan_in`, for weights in front of a ReLU.
    ///
    /// Source: He et al., "Delving deep into rectifiers", ICCV 2015, equation 10.
    He,
    /// Uniform with mean 0 and variance `2 / (fan_in + fan_out)`, for other weights.
    ///
    /// Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward
    /// neural networks", AISTATS 2010, equation 16.
    Glorot,
    /// Normal with mean 0 and this standard deviation.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
}

impl Init {
    /// A tensor drawn in f64 and converted, so that f32 and f64 networks start at the same place.
    pub(crate) fn tensor(
        self,
        shape: &[usize],
        dtype: DType,
        device: &Device,
        rng: &mut Rng,
    ) -> Result<Tensor> {
        let elements: usize = shape.iter().product();
        let (fan_in, fan_out) = fans(shape);
        let values: Vec<f64> = match self {
            Init::Constant(value) => vec![value; elements],
            Init::He => normal(elements, (2.0 / fan_in).sqrt(), rng),
            Init::Glorot => {
                let bound = (6.0 / (fan_in + fan_out)).sqrt();
                (0..elements).map(|_| (2.0 * rng.uniform() - 1.0) * bound).collect()
            }
            Init::Normal { deviation } => normal(elements, deviation, rng),
        };
        // Converted before it is moved: not every device has f64.
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
    }
}

fn normal(elements: usize, deviation: f64, rng: &mut Rng) -> Vec<f64> {
    (0..elements).map(|_| rng.normal() * deviation).collect()
}

/// The fans of a weight, as defined at [`Init`]; a vector counts as a single row of inputs.
fn fans(shape: &[usize]) -> (f64, f64) {
    let (outputs, rest) = match shape {
        [inputs] => (1, *inputs),
        [outputs, rest @ ..] => (*outputs, rest.iter().product()),
        [] => (1, 1),
    };
    let taps: usize = shape.iter().skip(2).product();
    (rest as f64, (outputs * taps) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streams;

    fn variance(init: Init, shape: &[usize]) -> f64 {
        let mut rng = Streams::new(5).rng("init/test");
        let tensor = init.tensor(shape, DType::F64, &Device::Cpu, &mut rng).unwrap();
        let values = tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn variances_are_those_of_the_papers() {
        // 28 800 draws: five standard errors of a variance are 4.2 % (normal), 2.7 % (uniform).
        let shape = [100, 32, 3, 3];
        let cases = [
            (Init::He, 2.0 / 288.0),
            (Init::Glorot, 2.0 / (288.0 + 900.0)),
            (Init::Normal { deviation: 0.02 }, 0.0004),
            (Init::Constant(3.0), 9.0),
        ];
        for (init, expected) in cases {
            let actual = variance(init, &shape);
            assert!((actual / expected - 1.0).abs() < 0.042, "{init:?}: {actual} {expected}");
        }
    }
}
