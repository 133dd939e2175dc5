//! What a noisy channel lets through: the exact spectrum of a joint table, and the functions that reach it.
//!
//! Run: cargo run -p hgr-corr --no-default-features --example channel

use hgr_corr::{Matrix, discrete_modes, truth};

fn main() -> hgr_corr::Result<()> {
    // A keyboard of five keys in a row: a neighbour is hit in one of ten strokes each.
    let keys = 5_usize;
    let joint: Vec<f64> = (0..keys * keys)
        .map(|cell| match (cell / keys).abs_diff(cell % keys) {
            0 => 0.8,
            1 => 0.1,
            _ => 0.0,
        })
        .collect();
    let modes = discrete_modes(Matrix::new(&joint, keys, keys)?)?;
    println!("maximal correlations {:.3?}", modes.sigma);
    println!("first function of the key meant {:.2?}", modes.f[0]);

    let erased = [0.35, 0.15, 0.0, 0.0, 0.15, 0.35];
    let found = discrete_modes(Matrix::new(&erased, 2, 3)?)?.hgr();
    println!("a bit erased in 3 of 10: {found:.6}, known {:.6}", truth::binary_erasure(0.3));
    Ok(())
}
