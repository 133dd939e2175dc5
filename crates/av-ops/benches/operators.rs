//! Operators, forward and backward, for reading: `cargo bench -p av-ops`.
//!
//! Whether a change made one slower is the question of `scripts/gate-speed`; what PyTorch takes for the same, of
//! docs/results.
#![allow(clippy::unwrap_used)] // A benchmark has no one to report an error to.
#![allow(missing_docs)] // `criterion_group` writes a function without documentation.

use std::hint::black_box;

use av_ops::{
    Conv2dConfig, Direction, Pool2dConfig, RecurrentWeights, Result, Streams, Tape, channels_last,
    conv2d, layer_norm, lstm, max_pool2d,
};
use candle_core::{Device, Tensor, Var};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Convolutions: name, image (B, C, H, W), channels out, side of the kernel, stride.
const CONVOLUTIONS: [(&str, [usize; 4], usize, usize, usize); 4] = [
    // The first of a network: three channels, hardly any work for each number that is read.
    ("first", [32, 3, 64, 64], 16, 3, 2),
    // The middle: products dominate.
    ("middle", [32, 32, 32, 32], 32, 3, 1),
    // The last: small images, the weights are as large as they are.
    ("last", [32, 64, 8, 8], 128, 3, 1),
    // One place each, a matrix product in all but name.
    ("pointwise", [32, 64, 16, 16], 64, 1, 1),
];

/// Long short-term memories: name, batch, steps, numbers in and out.
const RECURRENT: [(&str, usize, usize, usize); 2] = [
    // Features of a clip: many steps of small products, where the time between products counts.
    ("clip", 16, 100, 64),
    // A wide layer, where they do not.
    ("wide", 32, 20, 256),
];

/// Images of what has no products: as large as the first layers of a network have.
const IMAGES: [usize; 4] = [32, 32, 32, 32];

/// Rows and features of layer normalisation: a batch of a transformer.
const ROWS: [usize; 2] = [2048, 256];

fn normal(shape: &[usize]) -> Tensor {
    let mut rng = Streams::new(1).rng("benchmark");
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn var(shape: &[usize]) -> Var {
    Var::from_tensor(&normal(shape)).unwrap()
}

/// Forward, and backward from `gradient`.
fn step(gradient: &Tensor, operator: impl Fn() -> Result<Tensor>) {
    let tape = Tape::start().unwrap();
    let result = operator().unwrap();
    black_box(tape.backward_from(&result, gradient).unwrap());
}

fn convolutions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conv2d");
    for (name, shape, outputs, kernel, stride) in CONVOLUTIONS {
        // Channels last, as networks have their images between layers.
        let x = Var::from_tensor(&channels_last(&normal(&shape)).unwrap()).unwrap();
        let weight = var(&[outputs, shape[1], kernel, kernel]);
        let config = Conv2dConfig::square(stride, kernel / 2);
        let result = conv2d(&x, &weight, None, config).unwrap();
        let gradient = channels_last(&normal(result.dims())).unwrap();
        // Multiplications and additions of the three products: forward, and two backward.
        let products = 3 * 2 * result.elem_count() * shape[1] * kernel * kernel;
        group.throughput(Throughput::Elements(products as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| step(&gradient, || conv2d(&x, &weight, None, config)));
        });
    }
    group.finish();
}

fn recurrent(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lstm");
    for (name, batch, steps, width) in RECURRENT {
        let x = var(&[batch, steps, width]);
        let [input, hidden] = [var(&[4 * width, width]), var(&[4 * width, width])];
        let [input_bias, hidden_bias] = [var(&[4 * width]), var(&[4 * width])];
        let gradient = normal(&[batch, steps, width]);
        let weights = RecurrentWeights {
            input: &input,
            hidden: &hidden,
            input_bias: &input_bias,
            hidden_bias: &hidden_bias,
        };
        group.throughput(Throughput::Elements(steps as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                step(&gradient, || Ok(lstm(&x, weights, None, Direction::Forward)?.0));
            });
        });
    }
    group.finish();
}

/// Operators that wait for memory.
fn elementwise(criterion: &mut Criterion) {
    let images = var(&IMAGES);
    let pooled = normal(&[IMAGES[0], IMAGES[1], IMAGES[2] / 2, IMAGES[3] / 2]);
    criterion.bench_function("max_pool2d", |bencher| {
        bencher.iter(|| step(&pooled, || max_pool2d(&images, Pool2dConfig::square(2))));
    });
    let (rows, gradient) = (var(&ROWS), normal(&ROWS));
    let (weight, bias) = (var(&[ROWS[1]]), var(&[ROWS[1]]));
    criterion.bench_function("layer_norm", |bencher| {
        bencher.iter(|| step(&gradient, || layer_norm(&rows, &weight, &bias, 1e-5)));
    });
}

criterion_group!(benches, convolutions, recurrent, elementwise);
criterion_main!(benches);
