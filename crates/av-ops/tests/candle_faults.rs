//! The faults of candle 0.11.1 that the operators of this crate replace: each on the input that shows it, and ours on the
//! same one. When an assert that says so fails after an update, candle has mended that fault.
//!
//! Faults without a test here, as no operator of this crate takes candle's way:
//!
//! * `scatter` with initial values, `conv_transpose1d`, `rms_norm`, `abs` at 0: there is no such operator, and none is made
//!   of them;
//! * `affine` by 0 cuts the way back: no operator is made of it. Where a loss is multiplied by 0, weights have no gradient,
//!   and the optimisers leave them as they are (`training.rs`);
//! * `norm`, `powf`, `pow` and `recip` at 0: none is made of them. Roots and logarithms at 0 are below;
//! * no convolution in three dimensions: `Conv2Plus1d` is its factorised form. No inverses and eigenvalues: none is needed.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.
#![allow(clippy::disallowed_methods)] // The faulty operators are called on purpose.

mod support;

use av_ops::{
    BatchNormConfig, Conv1dConfig, Conv2dConfig, CrossEntropyConfig, GroupNormConfig, Init, Mode,
    Parameters, Pool2dConfig, Running, Streams, adaptive_max_pool2d, avg_pool2d, batch_norm,
    conv1d, conv2d, cross_entropy, group_norm, layer_norm, linear, log_softmax, max_pool2d, relu,
    softmax, upsample_bilinear2d, upsample_nearest2d,
};
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{Module as _, VarMap};
use support::{
    assert_close, backward, check_gradients, differences, normal, single, values, windows,
};

/// The largest relative error of candle's gradient against central differences.
fn error_of(inputs: &[Tensor], f: &dyn Fn(&[Tensor]) -> Tensor) -> f64 {
    let mut worst = 0.0_f64;
    for (actual, expected) in backward(inputs, f).iter().zip(differences(inputs, f)) {
        let scale = expected.iter().fold(1e-9_f64, |scale, v| scale.max(v.abs()));
        for (actual, expected) in actual.iter().zip(expected) {
            worst = worst.max((actual - expected).abs() / scale);
        }
    }
    worst
}

/// The gradient of the sum of `y`.
fn gradient(y: &Tensor, x: &Var) -> Vec<f64> {
    values(y.sum_all().unwrap().backward().unwrap().get(x).unwrap())
}

/// Whether the sum of `y` has a gradient, of any value.
fn has_gradient(y: &Tensor, x: &Var) -> bool {
    y.sum_all().unwrap().backward().unwrap().get(x).is_some()
}

#[test]
fn max_pool2d_is_not_scaled_by_the_window() {
    for shape in [[2, 2, 6, 6], [1, 2, 7, 7]] {
        let x = [normal("x", &shape)];
        assert!(error_of(&x, &|t| t[0].max_pool2d(2).unwrap()) > 0.1, "candle is mended");
        check_gradients(&x, &|t| max_pool2d(&t[0], Pool2dConfig::square(2)).unwrap());
    }
}

#[test]
fn pooling_takes_a_stride_other_than_the_kernel() {
    let x = Var::from_tensor(&normal("x", &[2, 2, 6, 6])).unwrap();
    for y in [x.max_pool2d_with_stride(3, 2).unwrap(), x.avg_pool2d_with_stride(3, 2).unwrap()] {
        assert!(y.backward().is_err(), "candle is mended");
    }
    let x = [x.as_detached_tensor()];
    check_gradients(&x, &|t| max_pool2d(&t[0], windows(3, 2)).unwrap());
    check_gradients(&x, &|t| avg_pool2d(&t[0], windows(3, 2)).unwrap());
}

#[test]
fn avg_pool2d_is_right_on_odd_sizes() {
    let x = [normal("x", &[1, 2, 7, 7])];
    assert!(error_of(&x, &|t| t[0].avg_pool2d(2).unwrap()) > 0.1, "candle is mended");
    check_gradients(&x, &|t| avg_pool2d(&t[0], Pool2dConfig::square(2)).unwrap());
}

#[test]
fn one_of_equal_largest_elements_has_the_gradient() {
    let x = Var::new(&[[[[2.0_f64, 2.0, 1.0]]]], &Device::Cpu).unwrap();
    assert_eq!(gradient(&x.max(D::Minus1).unwrap(), &x), [1.0, 1.0, 0.0], "candle is mended");
    assert_eq!(gradient(&adaptive_max_pool2d(&x, (1, 1)).unwrap(), &x), [1.0, 0.0, 0.0]);
}

#[test]
fn conv1d_takes_a_weight_that_is_not_contiguous() {
    let x = normal("x", &[2, 3, 7]);
    let weight = normal("weight", &[3, 4, 3]).transpose(0, 1).unwrap();
    let whole = values(&x.conv1d(&weight.contiguous().unwrap(), 1, 2, 1, 1).unwrap());
    assert_ne!(values(&x.conv1d(&weight, 1, 2, 1, 1).unwrap()), whole, "candle is mended");
    let config = Conv1dConfig { stride: 2, padding: 1, ..Conv1dConfig::default() };
    assert_close(&values(&conv1d(&x, &weight, None, config).unwrap()), &whole, 1e-13);
}

#[test]
fn conv1d_has_the_right_gradient_of_its_weight_over_a_batch() {
    let inputs = [normal("x", &[2, 3, 7]), normal("weight", &[4, 3, 3])];
    let candles = |t: &[Tensor]| t[0].conv1d(&t[1], 1, 1, 1, 1).unwrap();
    assert!(error_of(&inputs, &candles) > 0.1, "candle is mended");
    let config = Conv1dConfig { padding: 1, ..Conv1dConfig::default() };
    check_gradients(&inputs, &|t| conv1d(&t[0], &t[1], None, config).unwrap());
}

#[test]
fn conv2d_with_stride_two_is_right_on_eight_by_seven() {
    let x = Var::from_tensor(&normal("x", &[2, 3, 8, 7])).unwrap();
    let weight = normal("weight", &[4, 3, 3, 3]);
    let y = x.conv2d(&weight, 1, 2, 1, 1).unwrap();
    assert!(y.backward().is_err(), "candle is mended");
    let config = Conv2dConfig::square(2, 1);
    let ours = conv2d(&x, &weight, None, config).unwrap();
    assert_close(&values(&ours), &values(&y), 1e-13);
    check_gradients(&[x.as_detached_tensor(), weight], &|t| {
        conv2d(&t[0], &t[1], None, config).unwrap()
    });
}

#[test]
fn conv2d_in_bf16_is_refused_with_what_to_do() {
    let [x, weight] = [&[1, 3, 5, 5], &[2, 3, 3, 3]]
        .map(|shape| normal("x", shape).to_dtype(DType::BF16).unwrap());
    assert!(x.conv2d(&weight, 1, 1, 1, 1).is_err(), "candle is mended");
    let error = conv2d(&x, &weight, None, Conv2dConfig::square(1, 1)).unwrap_err().to_string();
    assert_eq!(error, "conv2d computes in f32 or f64, not in BF16; convert its input");
}

#[test]
fn an_upsampled_tensor_that_is_used_twice_receives_both_gradients() {
    let x = Var::from_tensor(&normal("x", &[1, 1, 2, 2])).unwrap();
    let twice = |f: &dyn Fn() -> Tensor| gradient(&(f() + f()).unwrap(), &x);
    assert_eq!(twice(&|| x.upsample_nearest2d(4, 4).unwrap()), [4.0; 4], "candle is mended");
    assert_eq!(twice(&|| upsample_nearest2d(&x, (4, 4)).unwrap()), [8.0; 4]);
    assert_eq!(twice(&|| upsample_bilinear2d(&x, (4, 4)).unwrap()), [8.0; 4]);
}

#[test]
fn upsampling_goes_to_any_size_and_back() {
    let x = Var::from_tensor(&normal("x", &[1, 2, 2, 3])).unwrap();
    let candles = [
        x.upsample_nearest2d(3, 5).unwrap(),
        x.upsample_nearest2d(4, 3).unwrap(),
        x.upsample_bilinear2d(4, 6, false).unwrap(),
    ];
    for y in candles {
        assert!(y.backward().is_err(), "candle is mended");
    }
    let x = [x.as_detached_tensor()];
    for size in [(3, 5), (4, 3), (4, 6)] {
        check_gradients(&x, &|t| upsample_nearest2d(&t[0], size).unwrap());
        check_gradients(&x, &|t| upsample_bilinear2d(&t[0], size).unwrap());
    }
}

#[test]
fn layer_norm_has_gradients_and_runs_in_f64() {
    let inputs = [normal("x", &[3, 5]), normal("weight", &[5]), normal("bias", &[5])];
    let [x, weight, bias] = inputs.each_ref().map(single);
    let x = Var::from_tensor(&x).unwrap();
    let candles = candle_nn::LayerNorm::new(weight.clone(), bias.clone(), 1e-5);
    assert!(!has_gradient(&candles.forward(&x).unwrap(), &x), "candle is mended");
    assert!(has_gradient(&layer_norm(&x, &weight, &bias, 1e-5).unwrap(), &x));
    let [x, weight, bias] = &inputs;
    assert!(candle_nn::ops::layer_norm(x, weight, bias, 1e-5).is_err(), "candle is mended");
    check_gradients(&inputs, &|t| layer_norm(&t[0], &t[1], &t[2], 1e-5).unwrap());
}

#[test]
fn softmax_has_gradients() {
    let x = Var::from_tensor(&normal("x", &[3, 5])).unwrap();
    let y = candle_nn::ops::softmax_last_dim(&x).unwrap();
    assert!(!has_gradient(&y, &x), "candle is mended");
    assert_close(&values(&softmax(&x).unwrap()), &values(&y), 1e-13);
    check_gradients(&[x.as_detached_tensor()], &|t| softmax(&t[0]).unwrap());
}

#[test]
fn relu_has_derivative_zero_at_zero() {
    let x = Var::new(&[0.0_f64], &Device::Cpu).unwrap();
    assert_eq!(gradient(&x.relu().unwrap(), &x), [1.0], "candle is mended");
    assert_eq!(gradient(&relu(&x).unwrap(), &x), [0.0]);
}

#[test]
fn a_root_of_zero_does_not_spoil_the_gradient() {
    let x = Var::from_tensor(&Tensor::full(7.25_f64, (1, 4), &Device::Cpu).unwrap()).unwrap();
    let centred = x.broadcast_sub(&x.mean_keepdim(1).unwrap()).unwrap();
    let deviation = centred.sqr().unwrap().mean_keepdim(1).unwrap().sqrt().unwrap();
    assert!(gradient(&deviation, &x).iter().all(|d| d.is_nan()), "candle is mended");
    let (weight, bias) = (normal("weight", &[4]), normal("bias", &[4]));
    let row = layer_norm(&x, &weight, &bias, 1e-5).unwrap();
    let group = group_norm(&x, &weight, &bias, GroupNormConfig::default()).unwrap();
    // A constant row takes no part of its own: what comes back is centred.
    for y in [row, group] {
        let dx = gradient(&y, &x);
        assert!(dx.iter().all(|d| d.is_finite()) && dx.iter().sum::<f64>().abs() < 1e-9, "{dx:?}");
    }
    let x = Var::from_tensor(&x.t().unwrap().contiguous().unwrap()).unwrap();
    let channel = Channel::new();
    let mut rng = Streams::new(0).rng("unused");
    let y = channel.normalise(&x, &Mode::Train(&mut rng));
    assert_eq!(gradient(&y, &x), [0.0; 4]);
}

#[test]
fn a_logarithm_of_zero_does_not_spoil_the_gradient() {
    let x = Var::new(&[[0.0_f64, -2000.0]], &Device::Cpu).unwrap();
    let candles = candle_nn::ops::softmax(&x, 1).unwrap().log().unwrap();
    assert!(gradient(&candles, &x).iter().any(|d| d.is_nan()), "candle is mended");
    assert_eq!(gradient(&log_softmax(&x).unwrap(), &x), [-1.0, 1.0]);
}

#[test]
fn a_large_logit_of_two_classes_has_a_loss() {
    let x = Tensor::new(&[-200.0_f32], &Device::Cpu).unwrap();
    let target = Tensor::new(&[0.0_f32], &Device::Cpu).unwrap();
    let loss = candle_nn::loss::binary_cross_entropy_with_logit(&x, &target).unwrap();
    assert!(values(&loss)[0].is_nan(), "candle is mended");
    // The logit of one class against the other is the difference of two.
    let logits = Tensor::new(&[[0.0_f32, -200.0]], &Device::Cpu).unwrap();
    for (label, expected) in [(0, 0.0), (1, 200.0)] {
        let loss = cross_entropy(&logits, &[label], &CrossEntropyConfig::default()).unwrap();
        assert_eq!(values(&loss), [expected]);
    }
}

#[test]
fn random_numbers_have_a_seed() {
    assert!(Device::Cpu.set_seed(7).is_err(), "candle is mended");
    let draw = |seed| {
        let mut parameters = Parameters::new(Streams::new(seed), DType::F64, &Device::Cpu);
        values(&parameters.scope("net").weight("weight", 9, Init::He).unwrap())
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

#[test]
fn parameters_have_an_order() {
    let names: Vec<String> = (0..30).map(|index| format!("{index:02}")).collect();
    // Each map hashes with a key of its own, so that two of them agree on the order by an accident of one in 30!.
    let candles = || {
        let map = VarMap::new();
        for (index, name) in names.iter().enumerate() {
            let init = candle_nn::Init::Const(index as f64);
            map.get(1, name, init, DType::F64, &Device::Cpu).unwrap();
        }
        map.all_vars().iter().flat_map(|var| values(var)).collect::<Vec<_>>()
    };
    assert_ne!(candles(), candles(), "candle is mended");
    let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
    for name in names.iter().rev() {
        parameters.scope(name).weight("weight", 1, Init::Constant(0.0)).unwrap();
    }
    let found: Vec<&str> = parameters.trainable().map(|(name, _)| &name[..2]).collect();
    assert_eq!(found, names);
}

/// One channel with weight 2 and bias 0, running mean 0 and running variance 1.
struct Channel {
    weight: Tensor,
    bias: Tensor,
    mean: Var,
    variance: Var,
}

impl Channel {
    fn new() -> Self {
        let value = |value: f64| Var::new(&[value], &Device::Cpu).unwrap();
        let (weight, bias) = (value(2.0).as_detached_tensor(), value(0.0).as_detached_tensor());
        Self { weight, bias, mean: value(0.0), variance: value(1.0) }
    }

    fn normalise(&self, x: &Tensor, mode: &Mode<'_>) -> Tensor {
        let running = Running { mean: &self.mean, variance: &self.variance };
        let config = BatchNormConfig::default();
        batch_norm(x, &self.weight, &self.bias, running, config, mode).unwrap()
    }
}

#[test]
fn statistics_that_are_set_before_backward_do_not_change_the_gradient() {
    // Running statistics are variables that forward itself sets: a pass in training comes between the pass in evaluation
    // and its gradient, which is that of the statistics before.
    let channel = Channel::new();
    let x = Var::new(&[[1.0_f64], [2.0], [60.0]], &Device::Cpu).unwrap();
    let y = channel.normalise(&x, &Mode::Eval);
    let mut rng = Streams::new(0).rng("unused");
    channel.normalise(&x, &Mode::Train(&mut rng));
    assert!(values(&channel.variance)[0] > 10.0);
    assert_close(&gradient(&y, &x), &[2.0 / 1.00001_f64.sqrt(); 3], 1e-13);
}

#[test]
fn what_the_result_suffices_for_does_not_change_with_the_input() {
    let x = Var::new(&[1.0_f64, -1.0], &Device::Cpu).unwrap();
    let (candles, ours) = (x.relu().unwrap(), relu(&x).unwrap());
    x.set(&x.neg().unwrap()).unwrap();
    assert_eq!(gradient(&candles, &x), [0.0, 1.0], "candle is mended");
    assert_eq!(gradient(&ours, &x), [1.0, 0.0]);
}

#[test]
fn a_weight_that_is_set_before_backward_is_read_anew() {
    // This fault is ours too: candle does not tell an operator that a variable changed, and a copy of every weight would
    // have to be made to hide it. Nothing in this crate sets a weight before backward: the optimisers need its result.
    let x = Var::new(&[[1.0_f64]], &Device::Cpu).unwrap();
    let weight = Var::new(&[[2.0_f64]], &Device::Cpu).unwrap();
    let (candles, ours) = (x.matmul(&weight).unwrap(), linear(&x, &weight, None).unwrap());
    weight.set(&Tensor::new(&[[3.0_f64]], &Device::Cpu).unwrap()).unwrap();
    for y in [candles, ours] {
        assert_eq!((values(&y), gradient(&y, &x)), (vec![2.0], vec![3.0]));
    }
}
