//! The loss of training and the estimator of tables, for reading: `cargo bench -p hgr-corr --bench speed`.
//!
//! Whether a change made one slower is the question of `scripts/gate-speed`; what other libraries take for the same, of
//! docs/results/hgr-peers.md.
#![allow(clippy::unwrap_used)] // A benchmark has no one to report an error to.
#![allow(missing_docs)] // `criterion_group` writes a function without documentation.

use candle_core::{Device, Tensor, Var};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hgr_corr::{Hgr, hgr, soft_hgr};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::hint::black_box;

/// Rows and columns of two views.
const VIEWS: [(usize, usize); 4] = [
    // The demo's batch and embedding: what is beside the products counts.
    (96, 16),
    // A batch of the width of a hidden layer.
    (256, 64),
    // Fewer rows than columns: the Gram form.
    (64, 512),
    // All rows of a small corpus at once.
    (8192, 128),
];

/// Rows of a table: where every value has a rank of its own, at the limit of it, and beyond it.
const ROWS: [usize; 3] = [1_000, 4_096, 100_000];

fn normal(count: usize) -> Vec<f64> {
    let mut draws = ChaCha8Rng::seed_from_u64(1);
    (0..count).map(|_| draws.sample(StandardNormal)).collect()
}

/// Forward and backward.
fn losses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("soft_hgr");
    for (rows, columns) in VIEWS {
        let draws = normal(2 * rows * columns);
        let view = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            let view = Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap();
            Var::from_tensor(&view).unwrap()
        };
        let (f, g) = draws.split_at(rows * columns);
        let (f, g) = (view(f), view(g));
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(
            BenchmarkId::from_parameter(format!("{rows} x {columns}")),
            |bencher| {
                bencher.iter(|| black_box(soft_hgr(&f, &g).unwrap().backward().unwrap()));
            },
        );
    }
    group.finish();
}

/// With the p-value, and without the permutations behind it.
fn estimator(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hgr");
    group.sample_size(10); // up to a tenth of a second each
    for rows in ROWS {
        let draws = normal(2 * rows);
        let (x, noise) = draws.split_at(rows);
        let y: Vec<f64> = x.iter().zip(noise).map(|(x, noise)| x * x + noise).collect();
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("with p-value", rows), |bencher| {
            bencher.iter(|| hgr(black_box(x), &y).unwrap());
        });
        let alone = Hgr { permutations: 0, ..Hgr::default() };
        group.bench_function(BenchmarkId::new("estimate", rows), |bencher| {
            bencher.iter(|| alone.estimate(&[black_box(x)], &[&y]).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, losses, estimator);
criterion_main!(benches);
