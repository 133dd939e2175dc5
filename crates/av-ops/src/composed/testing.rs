//! Both ways of an operator on the CPU, and comparisons between them.

use std::cell::Cell;

use candle_core::{DType, Device, Tensor, Var};

use crate::Streams;

thread_local! {
    static FORCED: Cell<bool> = const { Cell::new(false) };
}

/// Whether operators are composed on the CPU too.
pub(super) fn forced() -> bool {
    FORCED.get()
}

/// What `work` gives when its operators are composed.
pub(super) fn composed<R>(work: impl FnOnce() -> R) -> R {
    FORCED.set(true);
    let result = work();
    FORCED.set(false);
    result
}

/// A tensor of normal draws from the stream `name`.
pub(super) fn normal(name: &str, shape: &[usize]) -> Tensor {
    let mut rng = Streams::new(11).rng(name);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.normal()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The elements in row-major order, as f64.
pub(super) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The bits of an f32 tensor.
pub(super) fn bits(tensor: &Tensor) -> Vec<u32> {
    let flat = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    flat.into_iter().map(f32::to_bits).collect()
}

/// Panics unless all elements differ by at most `tolerance` times the larger of 1 and the largest
/// finite one; a NaN equals a NaN.
#[track_caller]
pub(super) fn assert_close(case: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{case}: number of elements");
    let finite = expected.iter().filter(|v| v.is_finite());
    let scale = finite.fold(1.0_f64, |scale, v| scale.max(v.abs()));
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let same = actual == expected
            || (actual - expected).abs() <= tolerance * scale
            || (actual.is_nan() && expected.is_nan());
        assert!(same, "{case}: element {index} is {actual} instead of {expected}");
    }
}

/// Panics unless both ways agree, in the shape and the elements of the result and of the gradients
/// of its product with fixed draws: to 1e-12 in f64 and to 1e-5 in f32.
#[track_caller]
pub(super) fn check(case: &str, inputs: &[Tensor], f: &dyn Fn(&[Tensor]) -> Tensor) {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let run = || {
            let var = |input: &Tensor| Var::from_tensor(&input.to_dtype(dtype).unwrap()).unwrap();
            let vars: Vec<Var> = inputs.iter().map(var).collect();
            let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
            let y = f(&tensors);
            let dy = normal("projection", y.dims()).to_dtype(dtype).unwrap();
            let gradients = (&y * dy).unwrap().sum_all().unwrap().backward().unwrap();
            let gradients = vars.iter().map(|var| values(gradients.get(var).unwrap()));
            (y.dims().to_vec(), std::iter::once(values(&y)).chain(gradients).collect::<Vec<_>>())
        };
        let ((shape, expected), (own_shape, actual)) = (run(), composed(run));
        assert_eq!(own_shape, shape, "{case}");
        for (part, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            let part = if part == 0 { "result".to_owned() } else { format!("gradient {part}") };
            assert_close(&format!("{case}, {dtype:?}, {part}"), actual, expected, tolerance);
        }
    }
}
