//! Pairs of random variables whose maximal correlation is known.
#![allow(dead_code)] // each test file uses some of it

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

/// A joint law and its maximal correlation.
pub struct Law {
    pub name: &'static str,
    pub sigma: f64,
    pub draw: fn(&mut ChaCha8Rng) -> (f64, f64),
}

pub fn normal(stream: &mut ChaCha8Rng) -> f64 {
    stream.sample(StandardNormal)
}

pub fn uniform(stream: &mut ChaCha8Rng) -> f64 {
    stream.random_range(-1.0..1.0)
}

fn gaussian(stream: &mut ChaCha8Rng, rho: f64) -> (f64, f64) {
    let x = normal(stream);
    (x, rho * x + (1.0 - rho * rho).sqrt() * normal(stream))
}

/// The ten laws of the truth table.
pub const LAWS: [Law; 10] = [
    Law { name: "independent normal", sigma: 0.0, draw: |s| gaussian(s, 0.0) },
    Law { name: "normal .3", sigma: 0.3, draw: |s| gaussian(s, 0.3) },
    Law { name: "normal .8", sigma: 0.8, draw: |s| gaussian(s, 0.8) },
    Law { name: "normal .99", sigma: 0.99, draw: |s| gaussian(s, 0.99) },
    // A fair bit that is flipped with probability .1: 1 - 2 * .1.
    Law { name: "flipped bit", sigma: 0.8, draw: flipped },
    // A fair bit that is erased with probability .3: the root of .7.
    Law { name: "erased bit", sigma: 0.836_660_026_534_075_5, draw: erased },
    // By quadrature of the joint density: scripts/goldens/hgr_truth.py.
    Law { name: "noisy parabola", sigma: 0.856_983_204_888, draw: parabola },
    Law { name: "sine", sigma: 1.0, draw: sine },
    Law { name: "circle", sigma: 1.0, draw: circle },
    Law { name: "checkerboard", sigma: 1.0, draw: checkerboard },
];

fn flipped(s: &mut ChaCha8Rng) -> (f64, f64) {
    let bit = s.random_bool(0.5);
    (f64::from(u8::from(bit)), f64::from(u8::from(bit ^ s.random_bool(0.1))))
}

fn erased(s: &mut ChaCha8Rng) -> (f64, f64) {
    let bit = f64::from(u8::from(s.random_bool(0.5)));
    (bit, if s.random_bool(0.3) { 2.0 } else { bit })
}

fn parabola(s: &mut ChaCha8Rng) -> (f64, f64) {
    let x = uniform(s);
    (x, x * x + 0.2 * normal(s))
}

fn sine(s: &mut ChaCha8Rng) -> (f64, f64) {
    let x = uniform(s);
    (x, (8.0 * x).sin())
}

fn circle(s: &mut ChaCha8Rng) -> (f64, f64) {
    let (y, x) = (TAU * uniform(s)).sin_cos();
    (x, y)
}

/// Four by four fields, the white ones alone.
fn checkerboard(s: &mut ChaCha8Rng) -> (f64, f64) {
    let (i, j) = (s.random_range(0..4), s.random_range(0..2));
    let field = f64::from(2 * j + i % 2);
    (f64::from(i) + s.random::<f64>(), field + s.random::<f64>())
}

/// So many draws of a law.
pub fn sample(
    draw: impl Fn(&mut ChaCha8Rng) -> (f64, f64),
    rows: usize,
    seed: u64,
) -> (Vec<f64>, Vec<f64>) {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    (0..rows).map(|_| draw(&mut stream)).unzip()
}
