//! Seeded tensors, comparisons that name the worst element, and central differences.
#![allow(dead_code)] // Each test program uses a part of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test says what it expects by panicking.

pub mod attention;
pub mod grid;
pub mod recurrent;

use std::fmt::Debug;

use av_ops::{Pool2dConfig, Streams};
use candle_core::{DType, Device, Tensor, Var};

/// A tensor of normal draws from the stream `name`.
pub fn normal(name: &str, shape: &[usize]) -> Tensor {
    let mut rng = Streams::new(11).rng(name);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.normal()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The tensor in f32.
pub fn single(tensor: &Tensor) -> Tensor {
    tensor.to_dtype(DType::F32).unwrap()
}

/// Indices into a table of `rows` rows, some of them several times.
pub fn indices(rows: usize, shape: &[usize]) -> Tensor {
    let places = shape.iter().product::<usize>();
    let index = |place: usize| u32::try_from((place * 7 + place / 3) % rows).unwrap();
    Tensor::from_vec((0..places).map(index).collect(), shape, &Device::Cpu).unwrap()
}

/// Square windows of a pooling operator.
pub fn windows(kernel: usize, stride: usize) -> Pool2dConfig {
    Pool2dConfig { stride: (stride, stride), ..Pool2dConfig::square(kernel) }
}

/// The elements in row-major order, as f64.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.contiguous().unwrap().flatten_all().unwrap();
    flat.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The bits of an f32 tensor.
pub fn bits(tensor: &Tensor) -> Vec<u32> {
    let flat = tensor.contiguous().unwrap().flatten_all().unwrap();
    flat.to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Panics unless all elements differ by at most `tolerance` times the largest expected one.
#[track_caller]
pub fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "number of elements");
    let scale = expected.iter().fold(1e-9_f64, |scale, v| scale.max(v.abs()));
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let error = (actual - expected).abs() / scale;
        assert!(
            error <= tolerance,
            "element {index}: {actual} instead of {expected}, relative error {error:e}"
        );
    }
}

/// The gradients of `sum(f(inputs) r)` with a fixed random `r`, by backward.
pub fn backward(inputs: &[Tensor], f: &dyn Fn(&[Tensor]) -> Tensor) -> Vec<Vec<f64>> {
    let vars: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(input).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let y = f(&tensors);
    let gradients = project(&y, &projection(&y)).backward().unwrap();
    vars.iter().map(|var| values(gradients.get(var).expect("a gradient"))).collect()
}

/// The same gradients by central differences.
pub fn differences(inputs: &[Tensor], f: &dyn Fn(&[Tensor]) -> Tensor) -> Vec<Vec<f64>> {
    // The error of a central difference is about STEP^2 + 1e-16 / STEP, smallest near this step.
    const STEP: f64 = 1e-5;
    let weights = projection(&f(inputs));
    let value_at = |input: usize, element: usize, step: f64| {
        let mut inputs = inputs.to_vec();
        let mut moved = values(&inputs[input]);
        moved[element] += step;
        inputs[input] = Tensor::from_vec(moved, inputs[input].shape(), &Device::Cpu).unwrap();
        project(&f(&inputs), &weights).to_scalar::<f64>().unwrap()
    };
    let slope = |input, element| {
        (value_at(input, element, STEP) - value_at(input, element, -STEP)) / (2.0 * STEP)
    };
    let slopes = |(input, tensor): (usize, &Tensor)| {
        (0..tensor.elem_count()).map(|element| slope(input, element)).collect()
    };
    inputs.iter().enumerate().map(slopes).collect()
}

/// Panics unless backward and central differences agree for every input.
#[track_caller]
pub fn check_gradients(inputs: &[Tensor], f: &dyn Fn(&[Tensor]) -> Tensor) {
    for (actual, expected) in backward(inputs, f).iter().zip(differences(inputs, f)) {
        assert_close(actual, &expected, 1e-8);
    }
}

/// Panics unless result and gradients in f32, whose kernels may be others, are those in f64 from the same numbers.
#[track_caller]
pub fn check_single(inputs: &[Tensor], tolerance: f64, f: &dyn Fn(&[Tensor]) -> Tensor) {
    let narrow: Vec<Tensor> = inputs.iter().map(single).collect();
    let wide: Vec<Tensor> = narrow.iter().map(|t| t.to_dtype(DType::F64).unwrap()).collect();
    let run = |t: &[Tensor]| f(t).to_dtype(DType::F64).unwrap();
    assert_close(&values(&run(&narrow)), &values(&run(&wide)), tolerance);
    for (actual, expected) in backward(&narrow, &run).iter().zip(backward(&wide, &run)) {
        assert_close(actual, &expected, tolerance);
    }
}

/// As [`check_gradients`]; a failure names the case.
#[track_caller]
pub fn check_case(case: &dyn Debug, inputs: &[Tensor], f: &dyn Fn(&[Tensor]) -> Tensor) {
    let _named = Named(case);
    check_gradients(inputs, f);
}

/// Tells which case it was when the test panics, wherever that happens.
pub struct Named<'c>(pub &'c dyn Debug);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the case that failed: {:?}", self.0);
        }
    }
}

/// The random `r` for a result.
fn projection(y: &Tensor) -> Tensor {
    normal("projection", y.dims())
}

fn project(y: &Tensor, weights: &Tensor) -> Tensor {
    (y * weights).unwrap().sum_all().unwrap()
}
