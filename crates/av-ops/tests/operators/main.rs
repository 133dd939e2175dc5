//! Operators by idea: gradients against central differences, values against loops that follow the
//! definitions, the edges, and the same bits on any number of threads.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod loss;
mod norm;
mod optim;
mod pool;
mod upsample;

use candle_core::{DType, Tensor, Var};

/// f64 sums of at most a few thousand terms of order one.
const F64: f64 = 1e-13;
/// f32 sums of at most a few thousand terms of order one.
const F32: f64 = 1e-5;

/// The tensor in f32.
fn single(x: &Tensor) -> Tensor {
    x.to_dtype(DType::F32).unwrap()
}

/// The message of the error of an operator.
#[track_caller]
fn message(result: av_ops::Result<Tensor>) -> String {
    result.unwrap_err().to_string()
}

/// Panics unless result and gradients of an operator in f32 have the same bits on several numbers
/// of threads.
#[track_caller]
fn assert_same_bits(inputs: &[Tensor], f: &(dyn Fn(&[Tensor]) -> Tensor + Sync)) {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let vars: Vec<Var> =
                inputs.iter().map(|input| Var::from_tensor(&single(input)).unwrap()).collect();
            let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
            let y = f(&tensors);
            let dy = single(&support::normal("projection", y.dims()));
            let gradients = (&y * dy).unwrap().sum_all().unwrap().backward().unwrap();
            let gradients = vars.iter().map(|var| support::bits(gradients.get(var).unwrap()));
            std::iter::once(support::bits(&y)).chain(gradients).collect::<Vec<_>>()
        })
    };
    let one = run(1);
    for threads in [2, 3, 7] {
        assert!(run(threads) == one, "{threads} threads");
    }
}
