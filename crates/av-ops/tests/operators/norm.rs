//! Layer and group normalisation, and batch normalisation together with a convolution.

use av_ops::{
    BatchNorm, Conv2d, Conv2dConfig, GroupNorm, GroupNormConfig, LayerNorm, Mode, Parameters,
    Streams, group_norm, layer_norm,
};
use candle_core::{DType, Device, Tensor};

use crate::support::{assert_close, normal, single, values};
use crate::{F32, F64, message};

const EPSILON: f64 = 1e-5;

fn parameters(features: usize) -> [Tensor; 2] {
    [normal("weight", &[features]), normal("bias", &[features])]
}

/// Normalises `x` in place, with weights and biases that repeat.
fn normalise(x: &mut [f64], weight: &[f64], bias: &[f64], repeat: usize) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    for (index, x) in x.iter_mut().enumerate() {
        let at = index / repeat;
        *x = (*x - mean) / (variance + EPSILON).sqrt() * weight[at] + bias[at];
    }
}

#[test]
fn layer_norm_equals_the_definition() {
    for (rows, features) in [(3, 5), (70, 64), (2, 2100), (40, 1)] {
        let x = (normal("x", &[rows, features]) + 3.0).unwrap();
        let [weight, bias] = parameters(features);
        let mut expected = values(&x);
        for row in expected.chunks_mut(features) {
            normalise(row, &values(&weight), &values(&bias), 1);
        }
        let y = layer_norm(&x, &weight, &bias, EPSILON).unwrap();
        assert_eq!(y.dims(), x.dims());
        assert_close(&values(&y), &expected, F64);
        let y = layer_norm(&single(&x), &single(&weight), &single(&bias), EPSILON).unwrap();
        assert_close(&values(&y), &expected, F32);
    }
}

#[test]
fn group_norm_equals_the_definition() {
    for (channels, groups, area) in [(6, 3, 35), (4, 1, 700), (5, 5, 3)] {
        let x = (normal("x", &[3, channels, area]) + 3.0).unwrap();
        let [weight, bias] = parameters(channels);
        let mut expected = values(&x);
        let members = channels / groups;
        for (index, group) in expected.chunks_mut(members * area).enumerate() {
            let first = index % groups * members;
            normalise(group, &values(&weight)[first..], &values(&bias)[first..], area);
        }
        let config = GroupNormConfig { groups, ..GroupNormConfig::default() };
        let y = group_norm(&x, &weight, &bias, config).unwrap();
        assert_eq!(y.dims(), x.dims());
        assert_close(&values(&y), &expected, F64);
        let y = group_norm(&single(&x), &single(&weight), &single(&bias), config).unwrap();
        assert_close(&values(&y), &expected, F32);
        let y = group_norm(&x, &weight, &bias, GroupNormConfig { relu: true, ..config }).unwrap();
        let expected: Vec<f64> = expected.into_iter().map(|y| y.max(0.0)).collect();
        assert_close(&values(&y), &expected, F64);
    }
}

#[test]
fn a_constant_row_gives_the_bias_and_a_nan_stays_in_its_row() {
    let (one, half) = (single(&Tensor::ones(3, DType::F64, &Device::Cpu).unwrap()), 0.5);
    let bias = (&one * half).unwrap();
    let x =
        Tensor::new(&[[7.3_f32, 7.3, 7.3], [1.0, f32::NAN, 2.0], [0.0, 0.0, 0.0]], &Device::Cpu);
    let x = x.unwrap();
    let grouped = GroupNormConfig::default();
    for y in [
        layer_norm(&x, &one, &bias, EPSILON).unwrap(),
        group_norm(&x, &one, &bias, grouped).unwrap(),
    ] {
        let y = values(&y);
        assert_eq!((&y[..3], &y[6..]), (&[half; 3][..], &[half; 3][..]));
        assert!(y[3..6].iter().all(|y| y.is_nan()), "{y:?}");
    }
}

#[test]
fn layers_start_as_plain_normalisation() {
    let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
    let mut scope = parameters.scope("net");
    let layer = LayerNorm::new(&mut scope.scope("layer"), 6).unwrap();
    let config = GroupNormConfig { groups: 2, ..GroupNormConfig::default() };
    let group = GroupNorm::new(&mut scope.scope("group"), 6, config).unwrap();
    let x = normal("x", &[4, 6]);
    let (ones, zeros) = ([1.0; 6], [0.0; 6]);
    let mut rows = values(&x);
    rows.chunks_mut(6).for_each(|row| normalise(row, &ones, &zeros, 1));
    assert_close(&values(&layer.forward(&x).unwrap()), &rows, F64);
    let mut groups = values(&x);
    groups.chunks_mut(3).for_each(|group| normalise(group, &ones, &zeros, 1));
    assert_close(&values(&group.forward(&x).unwrap()), &groups, F64);
    let names: Vec<&str> = parameters.trainable().map(|(name, _)| name).collect();
    let expected = ["net.group.bias", "net.group.weight", "net.layer.bias", "net.layer.weight"];
    assert_eq!(names, expected);
}

#[test]
fn in_evaluation_convolution_and_normalisation_are_one() {
    let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
    let mut scope = parameters.scope("net");
    let config = Conv2dConfig::square(2, 1);
    let with_bias = Conv2d::new(&mut scope.scope("a"), 3, 8, 3, config).unwrap();
    let without = Conv2d::without_bias(&mut scope.scope("b"), 3, 8, 3, config).unwrap();
    let norm = BatchNorm::new(&mut scope.scope("norm"), 8).unwrap();
    for (name, var) in parameters.trainable().chain(parameters.buffers()) {
        let draws = normal(name, var.dims());
        let positive = name.contains("variance");
        var.set(&if positive { draws.sqr().unwrap() } else { draws }).unwrap();
    }
    let x = normal("x", &[4, 3, 7, 5]);
    for conv in [with_bias, without] {
        let apart = norm.forward_relu(&conv.forward(&x).unwrap(), &Mode::Eval).unwrap();
        let together = conv.with_norm_relu(&norm).unwrap().forward(&x).unwrap();
        assert_close(&values(&together), &values(&apart), F64);
        assert!(values(&together).iter().any(|y| *y > 0.0));
    }
}

#[test]
fn wrong_inputs_are_refused() {
    let x = normal("x", &[2, 6]);
    let [weight, bias] = parameters(6);
    let group = |groups, epsilon| {
        let config = GroupNormConfig { groups, epsilon, relu: false };
        message(group_norm(&x, &weight, &bias, config))
    };
    let cases = [
        (message(layer_norm(&x, &weight, &bias, 0.0)), "epsilon must be above 0"),
        (message(layer_norm(&x, &normal("w", &[5]), &bias, 1.0)), "a weight of shape [6]"),
        (message(layer_norm(&x, &weight, &normal("b", &[1]), 1.0)), "a bias of shape [6]"),
        (
            message(layer_norm(&normal("x", &[0, 6]), &weight, &bias, 1.0)),
            "without empty dimensions",
        ),
        (message(layer_norm(&x, &single(&weight), &bias, 1.0)), "F64 together with F32"),
        (group(4, 1.0), "groups must be a divisor of the number of channels, not 4 for 6"),
        (group(0, 1.0), "0 for 6 channels"),
        (group(2, f64::NAN), "epsilon must be above 0"),
        (
            message(group_norm(&normal("x", &[3]), &weight, &bias, GroupNormConfig::default())),
            "a tensor (B,C,...)",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}
