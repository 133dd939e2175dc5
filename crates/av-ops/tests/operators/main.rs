//! Operators by idea: values against loops that follow the definitions, and the edges.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod clip;
mod loss;
mod norm;
mod optim;
mod pool;
mod upsample;

use candle_core::Tensor;

/// f64 sums of at most a few thousand terms of order one.
const F64: f64 = 1e-13;
/// f32 sums of at most a few thousand terms of order one.
const F32: f64 = 1e-5;

/// The message of the error of an operator.
#[track_caller]
fn message(result: av_ops::Result<Tensor>) -> String {
    result.unwrap_err().to_string()
}
