//! Normalisation by means and variances that gradients pass through.

use candle_core::shape::Dims;
use candle_core::{D, Tensor, Var};

use super::{channel_shape, relu};
use crate::Result;
use crate::norm::{BatchNormConfig, GroupNormConfig, Running};

/// Batch normalisation, with the moments of the batch in training or else the running ones.
pub(crate) fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running: Running<'_>,
    config: BatchNormConfig,
    training: bool,
) -> Result<Tensor> {
    let shape = channel_shape(x);
    let y = if training {
        let planes = x.reshape((x.dim(0)?, x.dim(1)?, ()))?;
        let (y, moments) = normalise(&planes, (0, 2), config.epsilon)?;
        update(running, moments, x.elem_count() / x.dim(1)?, config.momentum)?;
        y.reshape(x.shape())?
    } else {
        let deviation = (running.variance.as_detached_tensor() + config.epsilon)?.sqrt()?;
        let mean = running.mean.as_detached_tensor().reshape(shape.as_slice())?;
        x.broadcast_sub(&mean)?.broadcast_div(&deviation.reshape(shape.as_slice())?)?
    };
    scale_and_shift(&y, [weight, bias], &shape, config.relu)
}

/// Layer normalisation.
pub(crate) fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    let (y, _) = normalise(x, D::Minus1, epsilon)?;
    scale_and_shift(&y, [weight, bias], weight.dims(), false)
}

/// Group normalisation.
pub(crate) fn group_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    config: GroupNormConfig,
) -> Result<Tensor> {
    let GroupNormConfig { groups, epsilon, relu } = config;
    let (y, _) = normalise(&x.reshape((x.dim(0)?, groups, ()))?, 2, epsilon)?;
    scale_and_shift(&y.reshape(x.shape())?, [weight, bias], &channel_shape(x), relu)
}

/// What a tensor was normalised by.
struct Moments {
    mean: Tensor,
    /// With divisor n.
    variance: Tensor,
}

/// The tensor with mean 0 and variance 1 over some dimensions; the variance is that of the centred
/// values, so that a large mean does not swamp it.
fn normalise(x: &Tensor, dims: impl Dims + Copy, epsilon: f64) -> Result<(Tensor, Moments)> {
    // Centred twice: the mean of large values is only nearly right in the element type.
    let near = x.mean_keepdim(dims)?;
    let centred = x.broadcast_sub(&near)?;
    let rest = centred.mean_keepdim(dims)?;
    let centred = centred.broadcast_sub(&rest)?;
    let mean = (near + rest)?;
    let variance = centred.sqr()?.mean_keepdim(dims)?;
    let y = centred.broadcast_div(&(&variance + epsilon)?.sqrt()?)?;
    Ok((y, Moments { mean, variance }))
}

fn scale_and_shift(
    y: &Tensor,
    [weight, bias]: [&Tensor; 2],
    shape: &[usize],
    rectify: bool,
) -> Result<Tensor> {
    let y = y.broadcast_mul(&weight.reshape(shape)?)?.broadcast_add(&bias.reshape(shape)?)?;
    if rectify { relu(&y) } else { Ok(y) }
}

/// Moves the running statistics towards the moments of a batch.
fn update(running: Running<'_>, batch: Moments, elements: usize, momentum: f64) -> Result<()> {
    let unbiased = elements as f64 / (elements - 1) as f64;
    let move_towards = |target: &Var, batch: &Tensor, factor: f64| -> Result<()> {
        let batch = (batch.detach().flatten_all()? * (momentum * factor))?;
        let old = (target.as_detached_tensor() * (1.0 - momentum))?;
        Ok(target.set(&(old + batch)?)?)
    };
    move_towards(running.mean, &batch.mean, 1.0)?;
    move_towards(running.variance, &batch.variance, unbiased)
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::super::testing::{assert_close, check, composed, normal, values};
    use super::*;
    use crate::{Mode, Streams, batch_norm, group_norm, layer_norm};

    fn parameters(x: &Tensor, count: usize) -> [Tensor; 3] {
        [x.clone(), normal("weight", &[count]), normal("bias", &[count])]
    }

    #[test]
    fn batch_norm_agrees_with_the_kernel() {
        for shape in [&[3, 2, 5, 3][..], &[1, 3, 2, 3], &[7, 4], &[2, 3, 5]] {
            for relu in [false, true] {
                for training in [false, true] {
                    let inputs = parameters(&normal("x", shape), shape[1]);
                    let case = format!("{shape:?}, relu {relu}, training {training}");
                    check(&case, &inputs, &|t| normalised(t, relu, training, 1).0);
                }
            }
        }
        let x = normal("x", &[4, 5, 2, 3]).transpose(0, 1).unwrap();
        check("turned", &parameters(&x, 4), &|t| normalised(t, true, true, 1).0);
    }

    /// The result and the running statistics after some calls.
    fn normalised(t: &[Tensor], relu: bool, training: bool, calls: usize) -> (Tensor, [Var; 2]) {
        let start = |name, offset: f64| {
            let values = (normal(name, t[1].dims()).abs().unwrap() + offset).unwrap();
            Var::from_tensor(&values.to_dtype(t[1].dtype()).unwrap()).unwrap()
        };
        let statistics = [start("mean", -1.0), start("variance", 0.5)];
        let running = Running { mean: &statistics[0], variance: &statistics[1] };
        let config = BatchNormConfig { relu, momentum: 0.3, ..BatchNormConfig::default() };
        let mut rng = Streams::new(0).rng("unused");
        let mode = if training { Mode::Train(&mut rng) } else { Mode::Eval };
        let mut y = t[0].clone();
        for _ in 0..calls {
            y = batch_norm(&y, &t[1], &t[2], running, config, &mode).unwrap();
        }
        (y, statistics)
    }

    #[test]
    fn running_statistics_move_as_those_of_the_kernel() {
        let inputs = parameters(&normal("x", &[3, 4, 5]), 4);
        for training in [false, true] {
            let run =
                || normalised(&inputs, false, training, 2).1.map(|statistic| values(&statistic));
            for (actual, expected) in composed(run).iter().zip(run()) {
                assert_close("statistics", actual, &expected, 1e-12);
            }
        }
    }

    #[test]
    fn a_large_mean_swamps_nothing_in_f32() {
        let single = |x: Tensor| x.to_dtype(DType::F32).unwrap();
        let draws = single((normal("x", &[40_000, 1]) + 500.0).unwrap());
        let inputs = parameters(&draws, 1).map(single);
        let run = || {
            let (y, statistics) = normalised(&inputs, false, true, 1);
            [values(&y), values(&statistics[1])].concat()
        };
        // The kernel rounds its mean to f32, by 3e-5 / 2 at most.
        assert_close("large", &composed(run), &run(), 2e-5);
        let constant = single((normal("x", &[4, 1]).zeros_like().unwrap() + 7.3).unwrap());
        let (row, bias) = (constant.t().unwrap(), constant.squeeze(1).unwrap());
        let y = composed(|| layer_norm(&row, &bias, &bias, 1e-5).unwrap());
        assert_eq!(values(&y), values(&bias));
    }

    #[test]
    fn layer_norm_agrees_with_the_kernel() {
        for shape in [&[5][..], &[3, 7], &[2, 3, 4], &[4, 1]] {
            let width = shape[shape.len() - 1];
            let inputs = parameters(&normal("x", shape), width);
            check(&format!("{shape:?}"), &inputs, &|t| {
                layer_norm(&t[0], &t[1], &t[2], 1e-3).unwrap()
            });
        }
        let x = normal("x", &[5, 3]);
        check("turned", &parameters(&x, 5), &|t| {
            layer_norm(&t[0].t().unwrap(), &t[1], &t[2], 1e-5).unwrap()
        });
    }

    #[test]
    fn group_norm_agrees_with_the_kernel() {
        for shape in [&[3, 6, 5, 2][..], &[1, 6, 3], &[4, 6]] {
            for groups in [1, 2, 3] {
                for relu in [false, true] {
                    let config = GroupNormConfig { groups, relu, ..GroupNormConfig::default() };
                    let inputs = parameters(&normal("x", shape), 6);
                    check(&format!("{shape:?}, {config:?}"), &inputs, &|t| {
                        group_norm(&t[0], &t[1], &t[2], config).unwrap()
                    });
                }
            }
        }
    }
}
