//! The faults of candle 0.11.1 that the operators of this crate replace: each on the input that
//! shows it. When one of the first asserts fails after an update, candle has mended that fault.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.
#![allow(clippy::disallowed_methods)] // The faulty operators are called on purpose.

mod support;

use av_ops::{Conv2dConfig, Pool2dConfig, avg_pool2d, conv2d, max_pool2d, relu};
use candle_core::{Device, Tensor, Var};
use support::{assert_close, backward, check_gradients, differences, normal, windows};

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

#[test]
fn max_pool2d_is_not_scaled_by_the_window() {
    for shape in [[2, 2, 6, 6], [1, 2, 7, 7]] {
        let x = [normal("x", &shape)];
        assert!(error_of(&x, &|t| t[0].max_pool2d(2).unwrap()) > 0.1, "candle is mended");
        check_gradients(&x, &|t| max_pool2d(&t[0], Pool2dConfig::square(2)).unwrap());
    }
}

#[test]
fn max_pool2d_takes_a_stride_other_than_the_kernel() {
    let x = Var::from_tensor(&normal("x", &[2, 2, 6, 6])).unwrap();
    let y = x.max_pool2d_with_stride(3, 2).unwrap();
    assert!(y.backward().is_err(), "candle is mended");
    check_gradients(&[x.as_detached_tensor()], &|t| max_pool2d(&t[0], windows(3, 2)).unwrap());
}

#[test]
fn avg_pool2d_is_right_on_odd_sizes() {
    let x = [normal("x", &[1, 2, 7, 7])];
    assert!(error_of(&x, &|t| t[0].avg_pool2d(2).unwrap()) > 0.1, "candle is mended");
    check_gradients(&x, &|t| avg_pool2d(&t[0], Pool2dConfig::square(2)).unwrap());
}

#[test]
fn conv2d_with_stride_two_is_right_on_eight_by_seven() {
    let x = Var::from_tensor(&normal("x", &[2, 3, 8, 7])).unwrap();
    let weight = normal("weight", &[4, 3, 3, 3]);
    let y = x.conv2d(&weight, 1, 2, 1, 1).unwrap();
    assert!(y.backward().is_err(), "candle is mended");
    let config = Conv2dConfig::square(2, 1);
    let ours = conv2d(&x, &weight, None, config).unwrap();
    assert_close(&support::values(&ours), &support::values(&y), 1e-13);
    check_gradients(&[x.as_detached_tensor(), weight], &|t| {
        conv2d(&t[0], &t[1], None, config).unwrap()
    });
}

#[test]
fn relu_has_derivative_zero_at_zero() {
    let x = Var::new(&[0.0_f64], &Device::Cpu).unwrap();
    let gradient = |y: Tensor| support::values(y.backward().unwrap().get(&x).unwrap());
    assert_eq!(gradient(x.relu().unwrap()), [1.0], "candle is mended");
    assert_eq!(gradient(relu(&x).unwrap()), [0.0]);
}
