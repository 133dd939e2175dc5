//! Two normal columns and monotone images of them: the estimate, its interval, and the known answer.
//!
//! Run: cargo run -p hgr-corr --no-default-features --example gaussian

use hgr_corr::{hgr, truth};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

fn main() -> hgr_corr::Result<()> {
    let mut stream = ChaCha8Rng::seed_from_u64(1);
    for rho in [0.0, 0.3, 0.8, 0.99] {
        let (x, y): (Vec<f64>, Vec<f64>) = (0..2000)
            .map(|_| {
                let (x, noise): (f64, f64) =
                    (stream.sample(StandardNormal), stream.sample(StandardNormal));
                (x, (rho * x + f64::sqrt(1.0 - rho * rho) * noise).exp())
            })
            .unzip();
        let found = hgr(&x, &y)?;
        let (low, high) = found.interval;
        println!(
            "known {:.2}: sigma {:.3} [{low:.3}, {high:.3}], p = {:.3}",
            truth::gaussian(rho, 1)[0],
            found.sigma,
            found.p_value
        );
    }
    Ok(())
}
