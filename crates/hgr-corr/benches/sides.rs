//! Time of the Soft-HGR loss with gradient in the Gram form, as a share of that in the covariance form: where it falls
//! below 1 is the crossover of `Side::Auto`.
//!
//! Run: cargo bench -p hgr-corr --bench sides

use candle_core::{Device, Tensor, Var};
use hgr_corr::{Side, SoftHgr};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

/// Rows by columns.
const RATIOS: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("| columns |");
    RATIOS.iter().for_each(|ratio| print!(" n = {ratio} k |"));
    println!("\n|---|{}", "---|".repeat(RATIOS.len()));
    let mut stream = ChaCha8Rng::seed_from_u64(1);
    for columns in [32, 128, 512] {
        print!("| {columns} |");
        for ratio in RATIOS {
            let rows = (ratio * columns as f64) as usize;
            let mut view = || {
                let values: Vec<f32> =
                    (0..rows * columns).map(|_| stream.sample(StandardNormal)).collect();
                Var::from_tensor(&Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
            };
            let (f, g) = (view()?, view()?);
            let mut shares = vec![];
            for _ in 0..ROUNDS {
                let [gram, covariance] = [Side::Gram, Side::Covariance].map(|side| {
                    let start = Instant::now();
                    let loss = SoftHgr { side, ..SoftHgr::default() };
                    let mut calls = 0;
                    while start.elapsed() < Duration::from_millis(30) {
                        loss.loss(&f, &g)?.value.backward()?;
                        calls += 1;
                    }
                    Ok::<f64, hgr_corr::Error>(start.elapsed().as_secs_f64() / f64::from(calls))
                });
                shares.push(gram? / covariance?);
            }
            shares.sort_by(f64::total_cmp);
            print!(" {:.2} |", shares[ROUNDS / 2]);
        }
        println!();
    }
    Ok(())
}
