//! The tasks, a file per group.

pub mod correlation;
pub mod operators;
pub mod picture;
pub mod prediction;
pub mod sound;
pub mod training;

use av_ops::Streams;
use candle_core::{Device, Tensor, Var};

/// Result of a step of a task: whatever error its crate has.
pub type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// The work of a task, ready to be called again and again on the same data.
pub type Work = Box<dyn FnMut() -> Answer<()>>;

/// Normal draws, the same for the same name.
fn draws(name: &str, count: usize) -> Vec<f64> {
    let mut stream = Streams::new(1).rng(name);
    (0..count).map(|_| stream.normal()).collect()
}

/// A tensor of normal draws.
fn normal(name: &str, shape: &[usize]) -> Answer<Tensor> {
    let values = draws(name, shape.iter().product()).into_iter().map(|value| value as f32);
    Ok(Tensor::from_vec(values.collect::<Vec<f32>>(), shape, &Device::Cpu)?)
}

/// A variable of normal draws.
fn variable(name: &str, shape: &[usize]) -> Answer<Var> {
    Ok(Var::from_tensor(&normal(name, shape)?)?)
}
