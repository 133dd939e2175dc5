//! Convolutions of clips.

use av_ops::{Conv2Plus1d, Conv2Plus1dConfig, Parameters, Streams};
use candle_core::{DType, Device, Tensor};

use crate::support::grid::{VIEWS, View, check_view, pairwise};
use crate::support::{Named, assert_close, normal, values};

#[derive(Debug)]
struct Case {
    batch: usize,
    /// Frames, height, width.
    size: [usize; 3],
    config: Conv2Plus1dConfig,
    bias: bool,
    view: View,
}

fn cases() -> Vec<Case> {
    let sizes = [[4, 5, 3], [3, 4, 6], [1, 3, 3]];
    let kernels = [[3, 3], [1, 2], [2, 1]];
    let strides = [[1, 1], [2, 1], [1, 2], [3, 3]];
    let paddings = [[0, 0], [1, 1], [2, 0], [0, 1]];
    let levels = [2, sizes.len(), kernels.len(), strides.len(), paddings.len(), 2, VIEWS.len()];
    pairwise(levels, |[batch, size, kernel, stride, padding, bias, view]| {
        let (size, kernel, padding) = (sizes[size], kernels[kernel], paddings[padding]);
        let config =
            Conv2Plus1dConfig { kernel, stride: strides[stride], padding, middle: Some(2) };
        let fits = kernel[0] <= size[0] + 2 * padding[0]
            && padding[0] < kernel[0]
            && padding[1] < kernel[1];
        let (bias, view) = (bias == 1, VIEWS[view]);
        fits.then_some(Case { batch: batch + 1, size, config, bias, view })
    })
}

#[test]
fn conv2plus1d_has_the_right_gradients() {
    for case in cases() {
        let mut parameters = Parameters::new(Streams::new(3), DType::F64, &Device::Cpu);
        let new = if case.bias { Conv2Plus1d::new } else { Conv2Plus1d::without_bias };
        let layer = new(&mut parameters.scope("net"), 2, 3, case.config).unwrap();
        let [frames, height, width] = case.size;
        let x = [normal("x", &[case.batch, 2, frames, height, width])];
        check_view(&case, case.view, &x, &|t| layer.forward(&t[0]).unwrap());
        let _named = Named(&case);
        check_weights(&parameters, &|| layer.forward(&x[0]).unwrap());
    }
}

/// Panics unless the gradient of every weight is that by central differences.
fn check_weights(parameters: &Parameters, f: &dyn Fn() -> Tensor) {
    const STEP: f64 = 1e-5;
    let dy = normal("projection", f().dims());
    let loss = || (f() * &dy).unwrap().sum_all().unwrap();
    let gradients = loss().backward().unwrap();
    for (_, weight) in parameters.trainable() {
        let start = values(weight);
        let set = |values: Vec<f64>| {
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu).unwrap()).unwrap();
        };
        let slope = |element: usize| {
            let at = |step: f64| {
                let mut moved = start.clone();
                moved[element] += step;
                set(moved);
                values(&loss())[0]
            };
            (at(STEP) - at(-STEP)) / (2.0 * STEP)
        };
        let expected: Vec<f64> = (0..start.len()).map(slope).collect();
        set(start.clone());
        assert_close(&values(gradients.get(weight).unwrap()), &expected, 1e-8);
    }
}
