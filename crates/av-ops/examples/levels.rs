//! How much the wide vector instructions of this machine are worth: the same work with all of them, with those of AVX2 and
//! with the portable ones, in turns, each in a process of its own.
//!
//! Run: `cargo run --release -p av-ops --example levels`

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use av_ops::{
    BatchNorm, Conv2d, Conv2dConfig, Direction, Linear, Lstm, Mode, Parameters, Streams, Tape,
    channels_last, gelu,
};
use candle_core::{DType, Device, Tensor};

type Answer<T> = Result<T, Box<dyn Error>>;

/// The values of `AV_OPS_SIMD`; the first has no effect.
const LEVELS: [&str; 3] = ["avx512", "avx2", "portable"];
const ROUNDS: usize = 4;
/// Calls of a task in a round, of which the fastest counts.
const CALLS: usize = 8;

fn main() -> Answer<()> {
    let mut tasks = tasks()?;
    if env::args().nth(1).as_deref() == Some("measure") {
        for (_, task) in &mut tasks {
            println!("{}", fastest(task)?);
        }
        return Ok(());
    }
    let mut seconds = vec![[f64::INFINITY; LEVELS.len()]; tasks.len()];
    for _ in 0..ROUNDS {
        for (at, level) in LEVELS.iter().enumerate() {
            let measured = measure(level)?;
            for (seconds, measured) in seconds.iter_mut().zip(measured) {
                seconds[at] = seconds[at].min(measured);
            }
        }
    }
    println!("{:24} {:>9} {:>9} {:>9}", "forward and backward", "widest", "AVX2", "portable");
    for ((name, _), [widest, avx2, portable]) in tasks.iter().zip(seconds) {
        let (avx2, portable) = (avx2 / widest, portable / widest);
        println!("{name:24} {:6.2} ms {avx2:8.2}x {portable:8.2}x", widest * 1e3);
    }
    Ok(())
}

/// The seconds of all tasks in a process with these instructions.
fn measure(level: &str) -> Answer<Vec<f64>> {
    let output =
        Command::new(env::current_exe()?).arg("measure").env("AV_OPS_SIMD", level).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.lines().map(str::parse).collect::<Result<_, _>>()?)
}

fn fastest(task: &mut Task) -> Answer<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..CALLS {
        let start = Instant::now();
        task()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

type Task = Box<dyn FnMut() -> Answer<()>>;

fn tasks() -> Answer<Vec<(&'static str, Task)>> {
    let streams = Streams::new(1);
    let mut parameters = Parameters::new(streams, DType::F32, &Device::Cpu);
    let mut scope = parameters.scope("levels");
    let conv = Conv2d::new(&mut scope.scope("conv"), 32, 32, 3, Conv2dConfig::square(1, 1))?;
    let norm = BatchNorm::new(&mut scope.scope("norm"), 32)?;
    let linear = Linear::new(&mut scope.scope("linear"), 512, 256)?;
    let lstm = Lstm::new(&mut scope.scope("lstm"), 64, 128, Direction::Forward)?;
    let images = channels_last(&normal(streams, &[8, 32, 24, 24])?)?;
    let (rows, sequences) = (normal(streams, &[256, 512])?, normal(streams, &[64, 20, 64])?);
    let normalised = images.clone();
    let mut rng = streams.rng("norm");
    Ok(vec![
        ("conv2d", task(move || Ok(conv.forward(&images)?))),
        (
            "batch norm + ReLU",
            task(move || Ok(norm.forward_relu(&normalised, &Mode::Train(&mut rng))?)),
        ),
        ("linear + GELU", task(move || Ok(gelu(&linear.forward(&rows)?)?))),
        ("lstm", task(move || Ok(lstm.forward(&sequences)?.0))),
    ])
}

/// Forward and backward from the result itself.
fn task(mut forward: impl FnMut() -> Answer<Tensor> + 'static) -> Task {
    Box::new(move || {
        let tape = Tape::start()?;
        let y = forward()?;
        black_box(tape.backward_from(&y, &y.detach())?);
        Ok(())
    })
}

fn normal(streams: Streams, shape: &[usize]) -> Answer<Tensor> {
    let mut rng = streams.rng("input");
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}
