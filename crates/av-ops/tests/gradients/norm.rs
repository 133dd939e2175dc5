//! Normalisation.

use av_ops::{
    BatchNormConfig, GroupNormConfig, Mode, Running, Streams, batch_norm, group_norm, layer_norm,
};
use candle_core::{DType, Device, Tensor, Var};

use crate::support::grid::{VIEWS, check_view, every};
use crate::support::normal;

/// Input, weight and bias.
fn inputs(shape: &[usize], features: usize) -> [Tensor; 3] {
    [normal("x", shape), normal("weight", &[features]), normal("bias", &[features])]
}

#[test]
fn batch_norm_has_the_right_gradients() {
    let shapes = [&[3, 2, 5, 3][..], &[1, 3, 2, 3], &[7, 4], &[2, 3, 5], &[2, 1, 4, 6], &[3, 1]];
    for [shape, relu, training, view] in every([shapes.len(), 2, 2, VIEWS.len()]) {
        let (shape, relu, training) = (shapes[shape], relu == 1, training == 1);
        let (view, tensors) = (VIEWS[view], inputs(shape, shape[1]));
        check_view(&(shape, relu, training, view), view, &tensors, &|t| {
            normalise(&t[0], &t[1], &t[2], relu, training)
        });
    }
}

fn normalise(x: &Tensor, weight: &Tensor, bias: &Tensor, relu: bool, training: bool) -> Tensor {
    let channels = x.dims()[1];
    let mean = Var::from_tensor(&normal("mean", &[channels])).unwrap();
    let variance = Tensor::full(1.7, channels, &Device::Cpu).unwrap();
    let variance = Var::from_tensor(&variance.to_dtype(DType::F64).unwrap()).unwrap();
    let running = Running { mean: &mean, variance: &variance };
    let config = BatchNormConfig { relu, ..BatchNormConfig::default() };
    let mut rng = Streams::new(0).rng("unused");
    let mode = if training { Mode::Train(&mut rng) } else { Mode::Eval };
    batch_norm(x, weight, bias, running, config, &mode).unwrap()
}

#[test]
fn layer_norm_has_the_right_gradients() {
    // More rows than one block of 64 in the last.
    let shapes = [&[5][..], &[1, 4], &[3, 17], &[2, 3, 6], &[4, 1], &[131, 3]];
    for [shape, epsilon, view] in every([shapes.len(), 2, VIEWS.len()]) {
        let (shape, epsilon, view) = (shapes[shape], [1e-5, 0.1][epsilon], VIEWS[view]);
        let tensors = inputs(shape, shape[shape.len() - 1]);
        check_view(&(shape, epsilon, view), view, &tensors, &|t| {
            layer_norm(&t[0], &t[1], &t[2], epsilon).unwrap()
        });
    }
}

#[test]
fn group_norm_has_the_right_gradients() {
    let shapes = [
        (&[2, 4, 3, 5][..], 2),
        (&[1, 3, 4], 3),
        (&[3, 6], 2),
        (&[2, 3, 7], 1),
        (&[1, 6, 2, 2], 3),
        (&[2, 4, 3], 4),
    ];
    for [shape, relu, epsilon, view] in every([shapes.len(), 2, 2, VIEWS.len()]) {
        let ((shape, groups), view) = (shapes[shape], VIEWS[view]);
        let config = GroupNormConfig { groups, epsilon: [1e-5, 0.1][epsilon], relu: relu == 1 };
        check_view(&(shape, config, view), view, &inputs(shape, shape[1]), &|t| {
            group_norm(&t[0], &t[1], &t[2], config).unwrap()
        });
    }
}
