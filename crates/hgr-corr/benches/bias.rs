//! What estimators say about two independent normal columns: the table of docs/math/estimator.md.

use hgr_corr::{Hgr, Matrix, double_kernel, rdc, spectrum};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const DRAWS: u32 = 50;

/// Columns of each side of the linear estimate.
const COLUMNS: usize = 10;

fn main() -> hgr_corr::Result<()> {
    let rows = [100, 300, 1000, 3000, 10_000];
    print!("| estimate |");
    rows.iter().for_each(|n| print!(" n = {n} |"));
    println!("\n|---|{}", "---|".repeat(rows.len()));
    for (name, estimate) in ESTIMATES {
        print!("| {name} |");
        for n in rows {
            let mut total = 0.0;
            for draw in 0..DRAWS {
                total += estimate(&mut ChaCha8Rng::seed_from_u64(u64::from(draw)), n)?;
            }
            print!(" {:.3} |", total / f64::from(DRAWS));
        }
        println!();
    }
    Ok(())
}

type Estimate = fn(&mut ChaCha8Rng, usize) -> hgr_corr::Result<f64>;

const ESTIMATES: [(&str, Estimate); 6] = [
    ("`hgr`, sigma", |stream, n| Ok(estimate(stream, n)?.sigma)),
    ("`hgr`, plug-in at the size chosen", |stream, n| Ok(estimate(stream, n)?.plug_in[0])),
    ("`double_kernel`, degrees 3 and 3", |s, n| {
        double_kernel(&normal(s, n), &normal(s, n), (3, 3))
    }),
    ("`rdc`, 20 functions, scale 1/6", |s, n| rdc(&normal(s, n), &normal(s, n), 20, 1.0 / 6.0, 0)),
    ("`rdc`, 20 functions, scale 3", |s, n| rdc(&normal(s, n), &normal(s, n), 20, 3.0, 0)),
    ("linear CCA, 10 columns a side", |s, n| {
        let (x, y) = (normal(s, n * COLUMNS), normal(s, n * COLUMNS));
        Ok(spectrum(Matrix::new(&x, n, COLUMNS)?, Matrix::new(&y, n, COLUMNS)?)?.sigma[0])
    }),
];

fn normal(stream: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    (0..count).map(|_| stream.sample(StandardNormal)).collect()
}

fn estimate(stream: &mut ChaCha8Rng, n: usize) -> hgr_corr::Result<hgr_corr::HgrEstimate> {
    Hgr { permutations: 0, ..Hgr::default() }.estimate(&[&normal(stream, n)], &[&normal(stream, n)])
}
