//! Operators on sequences: gradients against central differences, values against slow loops that
//! follow the definitions, errors, and the same bits on any number of threads.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod attention;
mod embedding;
mod recurrent;
#[path = "../support/mod.rs"]
mod support;

use candle_core::{DType, Tensor, Var};
use support::bits;

fn single(tensor: &Tensor) -> Tensor {
    tensor.to_dtype(DType::F32).unwrap()
}

/// All elements of some tensors one after the other.
fn joined(tensors: &[Tensor]) -> Tensor {
    let flat: Vec<Tensor> = tensors.iter().map(|t| t.flatten_all().unwrap()).collect();
    Tensor::cat(&flat, 0).unwrap()
}

/// The bits of `f` and of the gradients of the sum of its squares, in f32 on some threads.
fn bits_on(
    threads: usize,
    inputs: &[Tensor],
    f: &(dyn Fn(&[Tensor]) -> Tensor + Sync),
) -> Vec<Vec<u32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let vars: Vec<Var> = inputs.iter().map(|t| Var::from_tensor(&single(t)).unwrap()).collect();
        let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let y = f(&tensors);
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let gradients = vars.iter().map(|var| bits(gradients.get(var).unwrap()));
        std::iter::once(bits(&y)).chain(gradients).collect()
    })
}

/// Panics unless `f` and its gradients have the same bits on any number of threads.
#[track_caller]
fn check_threads(inputs: &[Tensor], f: &(dyn Fn(&[Tensor]) -> Tensor + Sync)) {
    let one = bits_on(1, inputs, f);
    for threads in [2, 3, 7] {
        assert!(bits_on(threads, inputs, f) == one, "{threads} threads");
    }
}

fn message<T>(result: av_ops::Result<T>) -> String {
    result.err().unwrap().to_string()
}
