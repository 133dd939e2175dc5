//! Forward and backward of a small convolutional network, with these operators and with candle's.
//!
//! `cargo bench -p av-ops` prints both times of each pair; the work is the same: three
//! convolutions 3 -> 16 -> 32 -> 64 with stride 2 on 32 images of 3 x 64 x 64, each followed by
//! batch normalisation and ReLU, then a mean over the image, a linear map and the loss.
#![allow(clippy::unwrap_used)] // A benchmark has no one to report an error to.
#![allow(clippy::disallowed_methods)] // candle's operators are called to compare with.
#![allow(missing_docs)] // `criterion_group` writes a function without documentation.

use std::hint::black_box;

use av_ops::{
    BatchNorm, Conv2d, Conv2dConfig, CrossEntropyConfig, Init, Linear, Mode, Parameters,
    Pool2dConfig, Streams, conv2d, cross_entropy, global_avg_pool, max_pool2d, relu,
};
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::ModuleT as _;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const BATCH: usize = 32;
const CLASSES: u32 = 6;
const WIDTHS: [usize; 4] = [3, 16, 32, 64];
const CONFIG: Conv2dConfig = Conv2dConfig::square(2, 1);

fn normal(shape: &[usize]) -> Tensor {
    let mut rng = Streams::new(1).rng("benchmark");
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn labels() -> Vec<u32> {
    (0..CLASSES).cycle().take(BATCH).collect()
}

struct Ours {
    blocks: Vec<(Conv2d, BatchNorm)>,
    head: Linear,
}

impl Ours {
    fn new() -> Self {
        let mut parameters = Parameters::new(Streams::new(0), DType::F32, &Device::Cpu);
        let mut scope = parameters.scope("net");
        let blocks = WIDTHS.windows(2).map(|widths| {
            let mut scope = scope.scope(&format!("block{}", widths[0]));
            let conv = Conv2d::without_bias(&mut scope, widths[0], widths[1], 3, CONFIG).unwrap();
            (conv, BatchNorm::new(&mut scope.scope("norm"), widths[1]).unwrap())
        });
        let blocks = blocks.collect();
        Self { blocks, head: Linear::new(&mut scope.scope("head"), 64, CLASSES as usize).unwrap() }
    }

    fn loss(&self, images: &Tensor) -> Tensor {
        let mut rng = Streams::new(0).rng("step");
        let mode = Mode::Train(&mut rng);
        let mut x = images.clone();
        for (conv, norm) in &self.blocks {
            x = norm.forward_relu(&conv.forward(&x).unwrap(), &mode).unwrap();
        }
        let x = self.head.forward(&global_avg_pool(&x).unwrap()).unwrap();
        cross_entropy(&x, &labels(), &CrossEntropyConfig::default()).unwrap()
    }
}

struct Candles {
    blocks: Vec<(Var, candle_nn::BatchNorm)>,
    head: Var,
}

impl Candles {
    fn new() -> Self {
        let blocks = WIDTHS.windows(2).map(|widths| {
            let weight = (normal(&[widths[1], widths[0], 3, 3]) * 0.1).unwrap();
            let var = |value: f32| {
                let value = Tensor::full(value, widths[1], &Device::Cpu).unwrap();
                Var::from_tensor(&value).unwrap().as_tensor().clone()
            };
            let (zero, one) = (var(0.0), var(1.0));
            let norm =
                candle_nn::BatchNorm::new(widths[1], zero.clone(), one.clone(), one, zero, 1e-5);
            (Var::from_tensor(&weight).unwrap(), norm.unwrap())
        });
        let blocks = blocks.collect();
        Self { blocks, head: Var::from_tensor(&normal(&[64, CLASSES as usize])).unwrap() }
    }

    fn loss(&self, images: &Tensor) -> Tensor {
        let mut x = images.clone();
        for (weight, norm) in &self.blocks {
            x = x.conv2d(weight, CONFIG.padding[0], CONFIG.stride[0], 1, 1).unwrap();
            x = norm.forward_t(&x, true).unwrap().relu().unwrap();
        }
        let x = x.mean((2, 3)).unwrap().matmul(&self.head).unwrap();
        candle_nn::loss::cross_entropy(&x, &Tensor::new(labels(), &Device::Cpu).unwrap()).unwrap()
    }
}

fn pair(
    criterion: &mut Criterion,
    name: &str,
    ours: impl Fn() -> Tensor,
    candle: impl Fn() -> Tensor,
) {
    let mut group: BenchmarkGroup<'_, WallTime> = criterion.benchmark_group(name);
    group.sample_size(10);
    let run = |y: Tensor| black_box(y.backward().unwrap());
    group.bench_function("av-ops", |b| b.iter(|| run(ours())));
    group.bench_function("candle", |b| b.iter(|| run(candle())));
    group.finish();
}

fn network(criterion: &mut Criterion) {
    let images = normal(&[BATCH, 3, 64, 64]);
    let (ours, candle) = (Ours::new(), Candles::new());
    pair(criterion, "network", || ours.loss(&images), || candle.loss(&images));
}

fn operators(criterion: &mut Criterion) {
    for (channels, outputs, size, stride) in [(16, 32, 32, 2), (32, 32, 32, 1), (64, 64, 8, 1)] {
        let x = Var::from_tensor(&normal(&[BATCH, channels, size, size])).unwrap();
        let mut parameters = Parameters::new(Streams::new(0), DType::F32, &Device::Cpu);
        let shape = (outputs, channels, 3, 3);
        let weight = parameters.scope("conv").weight("weight", shape, Init::He).unwrap();
        let config = Conv2dConfig::square(stride, 1);
        pair(
            criterion,
            &format!("conv2d {channels} to {outputs}, {size} x {size}, stride {stride}"),
            || conv2d(&x, &weight, None, config).unwrap(),
            || x.conv2d(&weight, 1, stride, 1, 1).unwrap(),
        );
    }
    let x = Var::from_tensor(&normal(&[BATCH, 32, 32, 32])).unwrap();
    pair(criterion, "relu", || relu(&x).unwrap(), || x.relu().unwrap());
    // candle's gradient is wrong here, but takes its time all the same.
    pair(
        criterion,
        "max_pool2d",
        || max_pool2d(&x, Pool2dConfig::square(2)).unwrap(),
        || x.max_pool2d(2).unwrap(),
    );
}

criterion_group!(benches, network, operators);
criterion_main!(benches);
