//! The test of independence and distance correlation, both by permutation, on the same draws of 200 rows.

use crate::laws::{normal, sample, uniform};
use hgr_corr::{Independence, Result};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::PI;

/// Rows of a draw.
pub const ROWS: usize = 200;

const PERMUTATIONS: usize = 99;

type Pair = (f64, f64);

type Draw = fn(&mut ChaCha8Rng) -> Pair;

/// Dependent pairs, by name.
pub const DEPENDENT: [(&str, Draw); 6] = [
    ("linear", linear),
    ("checkerboard", checkerboard),
    ("quadratic", quadratic),
    ("sine", sine),
    ("circle", circle),
    ("heteroscedastic", heteroscedastic),
];

fn linear(s: &mut ChaCha8Rng) -> Pair {
    let x = uniform(s);
    (x, x + 3.0 * normal(s))
}

fn quadratic(s: &mut ChaCha8Rng) -> Pair {
    let x = uniform(s);
    (x, x * x + 0.9 * normal(s))
}

fn sine(s: &mut ChaCha8Rng) -> Pair {
    let x = uniform(s);
    (x, (8.0 * x).sin() + normal(s))
}

fn circle(s: &mut ChaCha8Rng) -> Pair {
    let (y, x) = (PI * uniform(s)).sin_cos();
    (x + 0.3 * normal(s), y + 0.3 * normal(s))
}

fn checkerboard(s: &mut ChaCha8Rng) -> Pair {
    let (i, j) = (s.random_range(0..4), s.random_range(0..2));
    let within = |s: &mut ChaCha8Rng| s.random::<f64>() + 0.3 * normal(s);
    (f64::from(i) + within(s), f64::from(2 * j + i % 2) + within(s))
}

fn heteroscedastic(s: &mut ChaCha8Rng) -> Pair {
    let x = uniform(s);
    (x, (0.3 + 0.7 * x.abs()) * normal(s))
}

/// Distances of all pairs minus row and column means.
fn distances(x: &[f64]) -> Vec<f64> {
    let all: Vec<f64> = x.iter().flat_map(|a| x.iter().map(move |b| (a - b).abs())).collect();
    let count = x.len() as f64;
    let means: Vec<f64> = all.chunks(x.len()).map(|row| row.iter().sum::<f64>() / count).collect();
    let mean = means.iter().sum::<f64>() / count;
    let centre = |(i, d): (usize, &f64)| d - means[i / x.len()] - means[i % x.len()] + mean;
    all.iter().enumerate().map(centre).collect()
}

/// Distance covariance as in the textbook, with a p-value by permutation.
fn distance_p(x: &[f64], y: &[f64], stream: &mut ChaCha8Rng) -> f64 {
    let (a, b, n) = (distances(x), distances(y), x.len());
    let statistic = |order: &[usize]| -> f64 {
        let row = |i: usize| {
            let (a, b) = (&a[i * n..(i + 1) * n], &b[order[i] * n..(order[i] + 1) * n]);
            a.iter().zip(order).map(|(a, j)| a * b[*j]).sum::<f64>()
        };
        (0..n).map(row).sum()
    };
    let mut order: Vec<usize> = (0..n).collect();
    let observed = statistic(&order);
    let mut shuffled = || {
        order.shuffle(stream);
        statistic(&order)
    };
    let above = (0..PERMUTATIONS).filter(|_| shuffled() >= observed).count();
    (above as f64 + 1.0) / (PERMUTATIONS as f64 + 1.0)
}

/// Rejections at 5 % of ours and of distance correlation.
pub fn rejections(draw: Draw, draws: u64) -> Result<(i32, i32)> {
    let mut stream = ChaCha8Rng::seed_from_u64(9);
    let (mut ours, mut theirs) = (0, 0);
    for seed in 0..draws {
        let (x, y) = sample(draw, ROWS, seed);
        let test = Independence { permutations: PERMUTATIONS, seed, ..Independence::default() };
        ours += i32::from(test.test(&[&x], &[&y])?.p_value <= 0.05);
        theirs += i32::from(distance_p(&x, &y, &mut stream) <= 0.05);
    }
    Ok((ours, theirs))
}
