//! Convolutions of clips.

use av_ops::{Conv2Plus1d, Conv2Plus1dConfig, Parameters, Streams};
use candle_core::{DType, Device, Tensor};

use crate::support::{assert_close, normal, single, values};
use crate::{F32, F64, message};

/// The element of row-major values of some shape, 0 outside of it.
fn at<const N: usize>(values: &[f64], shape: [usize; N], place: [isize; N]) -> f64 {
    let mut index = 0;
    for (extent, place) in shape.into_iter().zip(place) {
        match usize::try_from(place) {
            Ok(place) if place < extent => index = index * extent + place,
            _ => return 0.0,
        }
    }
    values[index]
}

/// A convolution in three dimensions, by its definition, of 2 clips of 3 channels.
fn expected(
    (x, size): (&[f64], [usize; 3]),
    (kernel, outputs): (&dyn Fn([usize; 5]) -> f64, usize),
    bias: &[f64],
    config: Conv2Plus1dConfig,
) -> Vec<f64> {
    let sides = [0, 1, 1];
    let [kernels, strides, paddings] = [config.kernel, config.stride, config.padding];
    let out = |axis: usize| {
        let side = sides[axis];
        (size[axis] + 2 * paddings[side] - kernels[side]) / strides[side] + 1
    };
    let from = |axis: usize, place: usize, tap: usize| {
        (place * strides[sides[axis]] + tap) as isize - paddings[sides[axis]] as isize
    };
    let [frames, height, width] = size;
    let mut y = Vec::new();
    for (b, o) in (0..2).flat_map(|b| (0..outputs).map(move |o| (b, o))) {
        for place in 0..out(0) * out(1) * out(2) {
            let (t, i, j) = (place / (out(1) * out(2)), place / out(2) % out(1), place % out(2));
            let mut sum = bias[o];
            for tap in 0..3 * kernels[0] * kernels[1] * kernels[1] {
                let (v, u) = (tap % kernels[1], tap / kernels[1] % kernels[1]);
                let rest = tap / (kernels[1] * kernels[1]);
                let (k, c) = (rest % kernels[0], rest / kernels[0]);
                let place = [b, c as isize, from(0, t, k), from(1, i, u), from(2, j, v)];
                sum += kernel([o, c, k, u, v]) * at(x, [2, 3, frames, height, width], place);
            }
            y.push(sum);
        }
    }
    y
}

/// The weight of a layer under this name.
fn weight(parameters: &Parameters, name: &str) -> Tensor {
    let name = format!("net.{name}");
    parameters.trainable().find(|(n, _)| *n == name).unwrap().1.as_tensor().clone()
}

#[test]
fn two_factors_are_a_convolution_in_three_dimensions() {
    let cases = [
        ([5, 6, 7], Conv2Plus1dConfig::cube(3, 1, 1)),
        ([4, 5, 3], Conv2Plus1dConfig::cube(2, 2, 0)),
        (
            [6, 4, 5],
            Conv2Plus1dConfig { kernel: [2, 3], stride: [1, 2], padding: [1, 2], middle: Some(2) },
        ),
        (
            [3, 4, 5],
            Conv2Plus1dConfig { kernel: [3, 1], stride: [2, 1], padding: [2, 0], middle: Some(1) },
        ),
    ];
    for (size, config) in cases {
        let mut parameters = Parameters::new(Streams::new(3), DType::F64, &Device::Cpu);
        let layer = Conv2Plus1d::new(&mut parameters.scope("net"), 3, 4, config).unwrap();
        let (_, bias) = parameters.trainable().next().unwrap();
        bias.set(&normal("bias", &[4])).unwrap();
        let (space, time) = (weight(&parameters, "space"), weight(&parameters, "time"));
        let (middle, _, _, side) = space.dims4().unwrap();
        let (spaces, times) = (values(&space), values(&time));
        let kernel = |[o, c, k, u, v]: [usize; 5]| -> f64 {
            let time = |m: usize| times[(o * middle + m) * config.kernel[0] + k];
            let space = |m: usize| spaces[((m * 3 + c) * side + u) * side + v];
            (0..middle).map(|m| time(m) * space(m)).sum()
        };
        let [frames, height, width] = size;
        let x = normal("x", &[2, 3, frames, height, width]);
        let truth = expected((&values(&x), size), (&kernel, 4), &values(bias), config);
        assert_close(&values(&layer.forward(&x).unwrap()), &truth, F64);
        // The same weights in f32.
        let mut narrow = Parameters::new(Streams::new(3), DType::F32, &Device::Cpu);
        let layer = Conv2Plus1d::new(&mut narrow.scope("net"), 3, 4, config).unwrap();
        narrow.trainable().next().unwrap().1.set(&single(bias)).unwrap();
        assert_close(&values(&layer.forward(&single(&x)).unwrap()), &truth, F32);
    }
}

#[test]
fn channels_in_between_are_those_of_the_paper() {
    // The first residual block of R(2+1)D has 144 channels between 64 and 64.
    for (inputs, outputs, kernel, middle) in [(64, 64, 3, 144), (64, 128, 3, 230), (1, 1, 1, 1)] {
        let mut parameters = Parameters::new(Streams::new(3), DType::F32, &Device::Cpu);
        let config = Conv2Plus1dConfig::cube(kernel, 1, 0);
        let scope = &mut parameters.scope("net");
        Conv2Plus1d::without_bias(scope, inputs, outputs, config).unwrap();
        assert_eq!(weight(&parameters, "space").dims(), [middle, inputs, kernel, kernel]);
        assert_eq!(weight(&parameters, "time").dims(), [outputs, middle, kernel, 1]);
    }
}

#[test]
fn wrong_clips_are_refused() {
    let mut parameters = Parameters::new(Streams::new(3), DType::F64, &Device::Cpu);
    let config = Conv2Plus1dConfig { middle: Some(5), ..Conv2Plus1dConfig::cube(3, 1, 0) };
    let layer = Conv2Plus1d::new(&mut parameters.scope("net"), 2, 4, config).unwrap();
    let with = |shape: &[usize]| message(layer.forward(&normal("x", shape)));
    let cases = [
        (with(&[2, 3, 4, 5]), "Conv2Plus1d needs a tensor (B,C,T,H,W)"),
        (with(&[2, 2, 0, 5, 5]), "without empty dimensions"),
        (with(&[2, 3, 4, 5, 5]), "2 channels and at least 3 x 3 elements"),
        (with(&[2, 2, 2, 5, 5]), "5 channels and at least 3 x 1 elements"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}
