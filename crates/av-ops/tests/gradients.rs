//! Every gradient against central differences in f64: odd sizes, stride 2, padding, a batch of one,
//! and transposed views.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod support;

use av_ops::{
    BatchNormConfig, Conv1dConfig, Conv2dConfig, Mode, Running, Streams, avg_pool2d, batch_norm,
    conv1d, conv2d, dropout, global_avg_pool, linear, max_pool2d, relu,
};
use candle_core::{DType, Device, Tensor, Var};
use support::{check_gradients, normal, windows};

#[test]
fn conv2d_has_the_right_gradients() {
    // (batch, channels, height, width, outputs, kernel height, kernel width, stride, padding)
    let cases = [
        (2, 3, 8, 7, 4, 3, 3, 2, 1),
        (1, 2, 5, 7, 3, 3, 3, 1, 1),
        (3, 2, 7, 5, 2, 3, 3, 3, 2),
        (2, 2, 6, 5, 3, 1, 1, 1, 0),
        (2, 2, 7, 5, 3, 1, 1, 2, 0),
        (1, 1, 5, 9, 2, 2, 5, 2, 3),
        (19, 1, 4, 3, 2, 3, 2, 1, 1),
    ];
    for (batch, channels, height, width, outputs, rows, columns, stride, padding) in cases {
        let inputs = [
            normal("x", &[batch, channels, height, width]),
            normal("weight", &[outputs, channels, rows, columns]),
            normal("bias", &[outputs]),
        ];
        let config = Conv2dConfig::square(stride, padding);
        check_gradients(&inputs, &|t| conv2d(&t[0], &t[1], Some(&t[2]), config).unwrap());
        check_gradients(&inputs[..2], &|t| conv2d(&t[0], &t[1], None, config).unwrap());
    }
}

#[test]
fn grouped_dilated_and_one_dimensional_convolutions_have_the_right_gradients() {
    let square = Conv2dConfig::square;
    // (height, width, kernel height, kernel width, options), four input and four output channels.
    let cases = [
        (7, 6, 3, 2, Conv2dConfig { stride: [2, 1], padding: [0, 1], ..square(1, 0) }),
        (9, 8, 3, 3, Conv2dConfig { dilation: [2, 3], ..square(1, 2) }),
        (8, 7, 2, 3, Conv2dConfig { dilation: [3, 2], ..square(2, 1) }),
        (6, 5, 3, 3, Conv2dConfig { groups: 2, ..square(2, 1) }),
        (5, 6, 3, 3, Conv2dConfig { groups: 4, dilation: [2, 1], ..square(1, 1) }),
        (3, 4, 1, 1, Conv2dConfig { groups: 2, ..square(1, 0) }),
    ];
    for (height, width, rows, columns, config) in cases {
        for batch in [1, 2] {
            let inputs = [
                normal("x", &[batch, 4, height, width]),
                normal("weight", &[4, 4 / config.groups, rows, columns]),
                normal("bias", &[4]),
            ];
            check_gradients(&inputs, &|t| conv2d(&t[0], &t[1], Some(&t[2]), config).unwrap());
        }
    }
    let config = Conv1dConfig { stride: 2, padding: 3, dilation: 2, groups: 2 };
    let inputs = [normal("x", &[2, 11, 4]), normal("weight", &[6, 2, 3]), normal("bias", &[6])];
    check_gradients(&inputs, &|t| {
        conv1d(&t[0].transpose(1, 2).unwrap(), &t[1], Some(&t[2]), config).unwrap()
    });
}

#[test]
fn conv2d_has_the_gradients_of_f64_in_f32() {
    let square = Conv2dConfig::square;
    // Batch, channels, height, width, outputs, kernel height and width, options. The kernels of f32 are others than those
    // of f64: one image and many, fewer and more channels than a block, more taps than one turn, several images at once.
    let cases = [
        (2, 3, 8, 7, 4, 3, 3, square(2, 1)),
        (1, 5, 5, 60, 9, 3, 3, square(1, 1)),
        (3, 40, 7, 5, 17, 3, 3, square(3, 2)),
        (2, 4, 7, 5, 3, 1, 1, square(2, 0)),
        (35, 3, 5, 9, 8, 2, 5, square(2, 3)),
        (2, 4, 9, 8, 6, 3, 3, Conv2dConfig { dilation: [2, 3], ..square(1, 2) }),
        (2, 8, 11, 8, 6, 2, 3, Conv2dConfig { dilation: [3, 2], groups: 2, ..square(2, 1) }),
        (2, 3, 3, 3, 3, 3, 3, Conv2dConfig { stride: [1, 4], padding: [2, 0], ..square(1, 0) }),
    ];
    for (batch, channels, height, width, outputs, rows, columns, config) in cases {
        let inputs = [
            normal("x", &[batch, channels, height, width]),
            normal("weight", &[outputs, channels / config.groups, rows, columns]),
        ];
        let single = inputs.each_ref().map(|input| input.to_dtype(DType::F32).unwrap());
        let wide = single.each_ref().map(|input| input.to_dtype(DType::F64).unwrap());
        let conv = |t: &[Tensor]| conv2d(&t[0], &t[1], None, config).unwrap();
        let gradients = support::backward(&single, &|t| conv(t).to_dtype(DType::F64).unwrap());
        for (actual, expected) in gradients.iter().zip(support::backward(&wide, &conv)) {
            // Sums of at most a few thousand products of order one.
            support::assert_close(actual, &expected, 3e-6);
        }
    }
}

#[test]
fn conv2d_has_the_right_gradients_when_an_image_takes_several_bands() {
    // 9 * 40 * 200 unfolded elements are more than one band of 65536 holds.
    let config = Conv2dConfig::square(1, 1);
    let x = normal("x", &[1, 1, 40, 200]);
    let check = |t: &[Tensor]| conv2d(&x, &t[0], Some(&t[1]), config).unwrap();
    check_gradients(&[normal("weight", &[2, 1, 3, 3]), normal("bias", &[2])], &check);
    // The input has too many elements for differences: its gradient is the transposed map.
    let weight = normal("weight", &[2, 1, 3, 3]);
    let dx = support::backward(std::slice::from_ref(&x), &|t| {
        conv2d(&t[0], &weight, None, config).unwrap()
    });
    let dy = support::values(&normal("projection", &[1, 2, 40, 200]));
    let y = support::values(&conv2d(&x, &weight, None, config).unwrap());
    let forward: f64 = y.iter().zip(&dy).map(|(y, dy)| y * dy).sum();
    let backward: f64 = support::values(&x).iter().zip(&dx[0]).map(|(x, dx)| x * dx).sum();
    assert!((forward / backward - 1.0).abs() < 1e-12, "{forward} {backward}");
}

#[test]
fn conv2d_takes_transposed_views() {
    let inputs = [normal("x", &[2, 3, 5, 7]), normal("weight", &[3, 4, 3, 2])];
    let config = Conv2dConfig::square(2, 1);
    check_gradients(&inputs, &|t| {
        let x = t[0].transpose(2, 3).unwrap();
        let weight = t[1].transpose(0, 1).unwrap().transpose(2, 3).unwrap();
        conv2d(&x, &weight, None, config).unwrap().transpose(1, 3).unwrap()
    });
}

#[test]
fn pooling_has_the_right_gradients() {
    // (height, width, kernel, stride): overlapping, with gaps, with a rest.
    for (height, width, kernel, stride) in [(7, 7, 2, 2), (7, 5, 3, 2), (6, 9, 2, 3), (5, 5, 3, 1)]
    {
        for batch in [1, 2] {
            let x = [normal("x", &[batch, 2, height, width])];
            check_gradients(&x, &|t| max_pool2d(&t[0], windows(kernel, stride)).unwrap());
            check_gradients(&x, &|t| avg_pool2d(&t[0], windows(kernel, stride)).unwrap());
            check_gradients(&x, &|t| global_avg_pool(&t[0]).unwrap());
            let turned = |t: &[Tensor]| t[0].transpose(1, 3).unwrap();
            check_gradients(&x, &|t| max_pool2d(&turned(t), windows(2, 1)).unwrap());
            check_gradients(&x, &|t| avg_pool2d(&turned(t), windows(2, 1)).unwrap());
            check_gradients(&x, &|t| global_avg_pool(&turned(t)).unwrap());
        }
    }
}

#[test]
fn the_first_of_equal_elements_receives_the_gradient_of_a_window() {
    let x = Var::new(&[[[[2.0_f64, 2.0, 1.0], [2.0, 0.0, 1.0]]]], &Device::Cpu).unwrap();
    let y = max_pool2d(&x, windows(2, 1)).unwrap();
    let gradients = y.backward().unwrap();
    assert_eq!(support::values(gradients.get(&x).unwrap()), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn batch_norm_has_the_right_gradients() {
    for shape in [&[3, 2, 5, 3][..], &[1, 3, 2, 3], &[7, 4], &[2, 3, 5]] {
        for relu in [false, true] {
            for training in [false, true] {
                let channels = shape[1];
                let inputs = [
                    normal("x", shape),
                    normal("weight", &[channels]),
                    normal("bias", &[channels]),
                ];
                check_gradients(&inputs, &|t| normalise(&t[0], &t[1], &t[2], relu, training));
            }
        }
    }
    let inputs = [normal("x", &[2, 5, 3, 4]), normal("weight", &[4]), normal("bias", &[4])];
    check_gradients(&inputs, &|t| {
        normalise(&t[0].transpose(1, 3).unwrap(), &t[1], &t[2], true, true)
    });
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
fn relu_has_the_right_gradient() {
    for shape in [&[1][..], &[3, 5], &[16_411]] {
        let x = normal("x", shape);
        if x.elem_count() < 100 {
            check_gradients(&[x], &|t| relu(&t[0]).unwrap());
        } else {
            // More than one parallel piece: the derivative is 0 or 1.
            let dx = support::backward(std::slice::from_ref(&x), &|t| relu(&t[0]).unwrap());
            let dy = support::values(&normal("projection", shape));
            for (index, x) in support::values(&x).into_iter().enumerate() {
                assert_eq!(dx[0][index], if x > 0.0 { dy[index] } else { 0.0 }, "element {index}");
            }
        }
    }
    check_gradients(&[normal("x", &[3, 5])], &|t| relu(&t[0].t().unwrap()).unwrap());
}

#[test]
fn linear_has_the_right_gradients() {
    // (rows, inputs, outputs); more rows and outputs than one piece of 64 in the last.
    for (rows, inputs, outputs) in [(1, 3, 2), (5, 1, 7), (67, 3, 2), (3, 2, 67)] {
        let tensors = [
            normal("x", &[rows, inputs]),
            normal("weight", &[outputs, inputs]),
            normal("bias", &[outputs]),
        ];
        check_gradients(&tensors, &|t| linear(&t[0], &t[1], Some(&t[2])).unwrap());
        check_gradients(&tensors[..2], &|t| linear(&t[0], &t[1], None).unwrap());
    }
    let views = [normal("x", &[3, 2, 5]), normal("weight", &[3, 4])];
    check_gradients(&views, &|t| {
        linear(&t[0].transpose(0, 2).unwrap(), &t[1].t().unwrap(), None).unwrap()
    });
}

#[test]
fn dropout_has_the_right_gradient() {
    check_gradients(&[normal("x", &[5, 7])], &|t| {
        let mut rng = Streams::new(2).rng("dropout/0");
        dropout(&t[0].t().unwrap(), 0.4, &mut Mode::Train(&mut rng)).unwrap()
    });
}
