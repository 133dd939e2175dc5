//! Rows that come in parts, here from four threads: one mergeable state each, the spectrum of all in the end.
//!
//! Run: cargo run -p hgr-corr --no-default-features --example streaming

use hgr_corr::{Convention, HgrState, Matrix};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 5000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let workers: Vec<_> = (0..4).map(|seed| std::thread::spawn(move || part(seed))).collect();
    let mut whole = HgrState::new(2, 2);
    for worker in workers {
        let state = worker.join().map_err(|_| "a worker panicked")??;
        whole.merge(&state)?;
    }
    println!("{} rows, correlations {:.3?}", whole.rows(), whole.spectrum()?.sigma);
    println!(
        "Soft-HGR score of the features as they are {:.3}",
        whole.parts(Convention::Unbiased)?.score()
    );
    Ok(())
}

/// Two features a side; the first ones share half of their variance.
fn part(seed: u64) -> hgr_corr::Result<HgrState> {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || stream.random_range(-1.0..1.0);
    let mut state = HgrState::new(2, 2);
    for _ in 0..ROWS / 100 {
        let (mut f, mut g) = (vec![], vec![]);
        for _ in 0..100 {
            let shared: f64 = draw();
            f.extend([shared + draw(), draw()]);
            g.extend([shared + draw(), draw()]);
        }
        state.push(Matrix::new(&f, 100, 2)?, Matrix::new(&g, 100, 2)?)?;
    }
    Ok(state)
}
