//! Results against slow loops that follow the definitions, and the errors of the operators.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod support;

use av_ops::{
    BatchNormConfig, Conv1dConfig, Conv2dConfig, Mode, Pool2dConfig, Running, Streams, avg_pool2d,
    batch_norm, channels_last, conv1d, conv2d, global_avg_pool, linear, max_pool2d, relu,
};
use candle_core::{DType, Device, Tensor, Var};
use support::{assert_close, normal, values, windows};

/// f64 sums of at most a few thousand products of order one.
const F64: f64 = 1e-13;
/// f32 sums of at most a few hundred products of order one.
const F32: f64 = 1e-5;

/// The definition of a convolution: the element of the result at one place.
fn convolved(
    (x, image): (&[f64], [usize; 3]),
    (weight, kernel): (&[f64], [usize; 3]),
    (output, outputs): (usize, usize),
    place: [usize; 2],
    config: Conv2dConfig,
) -> f64 {
    let Conv2dConfig { stride, padding, dilation, groups, .. } = config;
    let first = output / (outputs / groups) * kernel[0];
    let mut total = 0.0;
    for c in 0..kernel[0] {
        for u in 0..kernel[1] {
            for v in 0..kernel[2] {
                let row = (place[0] * stride[0] + u * dilation[0]).checked_sub(padding[0]);
                let column = (place[1] * stride[1] + v * dilation[1]).checked_sub(padding[1]);
                let (Some(row), Some(column)) = (row, column) else { continue };
                if row < image[1] && column < image[2] {
                    total += weight[((output * kernel[0] + c) * kernel[1] + u) * kernel[2] + v]
                        * x[((first + c) * image[1] + row) * image[2] + column];
                }
            }
        }
    }
    total
}

#[test]
fn conv2d_equals_the_definition() {
    let square = Conv2dConfig::square;
    // Height and width, kernel, options; six input channels and 24 of the result.
    let cases = [
        ([8, 7], [3, 3], square(2, 1)),
        ([5, 9], [3, 3], square(1, 1)),
        ([7, 6], [2, 2], square(3, 0)),
        ([4, 5], [1, 1], square(2, 0)),
        ([40, 300], [3, 3], square(1, 1)),
        ([9, 7], [3, 2], Conv2dConfig { stride: [2, 1], padding: [1, 0], ..square(1, 0) }),
        ([9, 11], [3, 3], Conv2dConfig { dilation: [2, 3], ..square(1, 2) }),
        ([9, 11], [2, 4], Conv2dConfig { dilation: [3, 2], padding: [3, 5], ..square(2, 0) }),
        ([8, 7], [3, 3], Conv2dConfig { groups: 2, ..square(2, 1) }),
        ([8, 7], [3, 3], Conv2dConfig { groups: 6, ..square(1, 1) }),
        ([4, 5], [1, 1], Conv2dConfig { groups: 3, ..square(1, 0) }),
        ([6, 5], [3, 3], Conv2dConfig { relu: true, ..square(1, 1) }),
        // A place that reads nothing but padding.
        ([3, 3], [2, 2], Conv2dConfig { dilation: [5, 5], relu: true, ..square(1, 4) }),
    ];
    let (batch, channels, outputs) = (2, 6, 24);
    for ([height, width], kernel, config) in cases {
        let inputs = channels / config.groups;
        let x = normal("x", &[batch, channels, height, width]);
        let weight = normal("weight", &[outputs, inputs, kernel[0], kernel[1]]);
        let bias = normal("bias", &[outputs]);
        let (xs, ws, bs) = (values(&x), values(&weight), values(&bias));
        let places = |side: usize, extent: usize| {
            let cover = config.dilation[side] * (kernel[side] - 1) + 1;
            (extent + 2 * config.padding[side] - cover) / config.stride[side] + 1
        };
        let [rows, columns] = [places(0, height), places(1, width)];
        let mut expected = Vec::new();
        for image in xs.chunks(channels * height * width) {
            for (output, bias) in bs.iter().enumerate() {
                for place in (0..rows).flat_map(|row| (0..columns).map(move |c| [row, c])) {
                    let kernel = (ws.as_slice(), [inputs, kernel[0], kernel[1]]);
                    let image = (image, [channels, height, width]);
                    let sum = convolved(image, kernel, (output, outputs), place, config);
                    let sum = bias + sum;
                    expected.push(if config.relu { sum.max(0.0) } else { sum });
                }
            }
        }
        let y = conv2d(&x, &weight, Some(&bias), config).unwrap();
        assert_eq!(y.dims(), [batch, outputs, rows, columns]);
        assert_close(&values(&y), &expected, F64);
        let single = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
        for x in [single(&x), channels_last(&single(&x)).unwrap()] {
            let y = conv2d(&x, &single(&weight), Some(&single(&bias)), config).unwrap();
            assert_close(&values(&y), &expected, F32);
        }
    }
}

#[test]
fn conv1d_equals_the_definition() {
    let config = Conv1dConfig { stride: 2, padding: 3, dilation: 2, groups: 2, relu: false };
    let (x, weight) = (normal("x", &[2, 4, 11]), normal("weight", &[6, 2, 3]));
    let y = conv1d(&x, &weight, None, config).unwrap();
    let (xs, ws) = (values(&x), values(&weight));
    let mut expected = Vec::new();
    for x in xs.chunks(4 * 11) {
        for (output, kernels) in ws.chunks(2 * 3).enumerate() {
            // (11 + 2 * 3 - 2 * 2 - 1) / 2 + 1 places; three outputs a group of two channels.
            for place in 0..7 {
                let tap = |(tap, weight): (usize, &f64)| {
                    let at = (place * 2 + tap % 3 * 2).checked_sub(3).filter(|at| *at < 11);
                    at.map_or(0.0, |at| weight * x[(output / 3 * 2 + tap / 3) * 11 + at])
                };
                expected.push(kernels.iter().enumerate().map(tap).sum());
            }
        }
    }
    assert_eq!(y.dims(), [2, 6, 7]);
    assert_close(&values(&y), &expected, F64);
}

#[test]
fn pooling_equals_the_definition() {
    for (height, width, kernel, stride) in [(7, 7, 2, 2), (7, 5, 3, 2), (6, 9, 2, 3), (5, 5, 5, 1)]
    {
        let x = normal("x", &[2, 3, height, width]);
        let xs = values(&x);
        let (mut largest, mut means, mut overall) = (Vec::new(), Vec::new(), Vec::new());
        for channel in xs.chunks(height * width) {
            overall.push(channel.iter().sum::<f64>() / channel.len() as f64);
            for i in 0..(height - kernel) / stride + 1 {
                for j in 0..(width - kernel) / stride + 1 {
                    let window: Vec<f64> = (0..kernel * kernel)
                        .map(|k| (i * stride + k / kernel) * width + j * stride + k % kernel)
                        .map(|at| channel[at])
                        .collect();
                    largest.push(window.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                    means.push(window.iter().sum::<f64>() / window.len() as f64);
                }
            }
        }
        assert_close(&values(&max_pool2d(&x, windows(kernel, stride)).unwrap()), &largest, 0.0);
        assert_close(&values(&avg_pool2d(&x, windows(kernel, stride)).unwrap()), &means, F64);
        assert_close(&values(&global_avg_pool(&x).unwrap()), &overall, F64);
    }
}

#[test]
fn a_window_with_nan_pools_to_nan() {
    for place in 0..4 {
        let mut window = [3.0, 1.0, 2.0, 0.0];
        window[place] = f64::NAN;
        let x = Tensor::from_slice(&window, (1, 1, 2, 2), &Device::Cpu).unwrap();
        assert!(
            values(&max_pool2d(&x, Pool2dConfig::square(2)).unwrap())[0].is_nan(),
            "place {place}"
        );
    }
}

#[test]
fn linear_equals_the_definition() {
    let (x, weight, bias) =
        (normal("x", &[70, 5]), normal("weight", &[3, 5]), normal("bias", &[3]));
    let (xs, ws, bs) = (values(&x), values(&weight), values(&bias));
    let mut expected = Vec::new();
    for row in xs.chunks(5) {
        for (weights, bias) in ws.chunks(5).zip(&bs) {
            expected.push(bias + row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>());
        }
    }
    assert_close(&values(&linear(&x, &weight, Some(&bias)).unwrap()), &expected, F64);
    let deep = linear(&x.reshape((7, 2, 5, 5)).unwrap(), &weight, Some(&bias)).unwrap();
    assert_eq!(deep.dims(), [7, 2, 5, 3]);
    assert_close(&values(&deep), &expected, F64);
}

struct Channel {
    weight: Tensor,
    bias: Tensor,
    mean: Var,
    variance: Var,
}

impl Channel {
    /// One channel with weight 1, bias 0.5, running mean 0 and running variance 1.
    fn new(dtype: DType) -> Self {
        let one = Tensor::ones(1, dtype, &Device::Cpu).unwrap();
        let zero = Tensor::zeros(1, dtype, &Device::Cpu).unwrap();
        let (mean, variance) = (Var::from_tensor(&zero).unwrap(), Var::from_tensor(&one).unwrap());
        Self { bias: (&one * 0.5).unwrap(), weight: one, mean, variance }
    }

    fn normalise(&self, x: &Tensor, mode: &Mode<'_>) -> av_ops::Result<Tensor> {
        let running = Running { mean: &self.mean, variance: &self.variance };
        batch_norm(x, &self.weight, &self.bias, running, BatchNormConfig::default(), mode)
    }
}

#[test]
fn evaluation_uses_the_running_statistics_and_leaves_them() {
    let channel = Channel::new(DType::F64);
    let x = Tensor::new(&[[1.0_f64], [2.0], [6.0]], &Device::Cpu).unwrap();
    let mut rng = Streams::new(0).rng("step");
    let y = channel.normalise(&x, &Mode::Train(&mut rng)).unwrap();
    // Mean 3, variance 14 / 3 with divisor 3 and 7 with divisor 2.
    let scale = 1.0 / (14.0_f64 / 3.0 + 1e-5).sqrt();
    assert_close(&values(&y), &[-2.0 * scale + 0.5, -scale + 0.5, 3.0 * scale + 0.5], F64);
    assert_close(&values(&channel.mean), &[0.3], F64);
    assert_close(&values(&channel.variance), &[1.6], F64);
    for _ in 0..2 {
        let y = channel.normalise(&x, &Mode::Eval).unwrap();
        let scale = 1.0 / (1.6_f64 + 1e-5).sqrt();
        assert_close(&values(&y), &[1.0, 2.0, 6.0].map(|x| (x - 0.3) * scale + 0.5), F64);
    }
}

#[test]
fn a_large_mean_does_not_swamp_the_variance_in_f32() {
    let draws = normal("x", &[20_000, 1]);
    let x = (draws + 500.0).unwrap().to_dtype(DType::F32).unwrap();
    let mean = values(&x).iter().sum::<f64>() / 20_000.0;
    let squares: f64 = values(&x).iter().map(|x| (x - mean).powi(2)).sum();
    let channel = Channel::new(DType::F32);
    let mut rng = Streams::new(0).rng("step");
    channel.normalise(&x, &Mode::Train(&mut rng)).unwrap();
    let expected = 0.9 + 0.1 * squares / 19_999.0;
    assert_close(&values(&channel.variance), &[expected], 1e-6);
}

#[test]
fn a_constant_channel_gives_the_bias_and_a_single_element_an_error() {
    let channel = Channel::new(DType::F32);
    let mut rng = Streams::new(0).rng("step");
    let x = Tensor::full(7.3_f32, (4, 1), &Device::Cpu).unwrap();
    let y = channel.normalise(&x, &Mode::Train(&mut rng)).unwrap();
    assert_eq!(values(&y), [0.5; 4]);
    let single = Tensor::full(7.3_f32, (1, 1), &Device::Cpu).unwrap();
    let error = channel.normalise(&single, &Mode::Train(&mut rng)).unwrap_err().to_string();
    assert!(error.contains("at least two elements for each channel"), "{error}");
    assert!(channel.normalise(&single, &Mode::Eval).is_ok());
}

#[test]
fn wrong_inputs_are_refused_with_the_operator_and_the_shape() {
    let x = normal("x", &[1, 2, 3, 3]);
    let weight = normal("weight", &[1, 2, 3, 3]);
    let message = |result: av_ops::Result<Tensor>| result.unwrap_err().to_string();
    let config = Conv2dConfig::square;
    let cases = [
        (message(conv2d(&x, &weight, None, config(0, 0))), "stride must be at least 1"),
        (message(conv2d(&x, &weight, None, config(1, 3))), "padding must be smaller"),
        (message(conv2d(&x, &normal("w", &[1, 3, 3, 3]), None, config(1, 0))), "3 channels"),
        (message(conv2d(&x, &normal("w", &[1, 2, 4, 4]), None, config(1, 0))), "at least 4 x 4"),
        (message(conv2d(&x, &weight, Some(&normal("b", &[2])), config(1, 0))), "shape [1]"),
        (message(conv2d(&weight.squeeze(0).unwrap(), &weight, None, config(1, 0))), "B,C,H,W"),
        (
            message(conv2d(&x, &weight.to_dtype(DType::F32).unwrap(), None, config(1, 0))),
            "F64 together with F32",
        ),
        (message(conv2d(&x, &weight, None, Conv2dConfig { groups: 0, ..config(1, 0) })), "groups"),
        (message(conv2d(&x, &weight, None, Conv2dConfig { groups: 2, ..config(1, 0) })), "divisor"),
        (
            message(conv2d(&x, &weight, None, Conv2dConfig { dilation: [2, 1], ..config(1, 0) })),
            "5 x 3",
        ),
        (message(conv1d(&x, &weight, None, Conv1dConfig::default())), "B,C,L"),
        (message(max_pool2d(&x, windows(4, 1))), "at least 4 x 4"),
        (message(max_pool2d(&x, windows(0, 1))), "kernel must be at least 1"),
        (message(avg_pool2d(&x, windows(1, 0))), "stride must be at least 1"),
        (
            message(max_pool2d(&normal("x", &[0, 2, 3, 3]), windows(2, 1))),
            "without empty dimensions",
        ),
        (message(linear(&x, &normal("w", &[4, 2]), None)), "rows of 2 elements"),
        (message(relu(&x.to_dtype(DType::U8).unwrap())), "not in U8"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}
