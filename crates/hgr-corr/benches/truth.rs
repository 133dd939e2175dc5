//! Errors of the estimators on laws whose answer is known: the tables of docs/results/hgr-truth.md.
//!
//! Run: cargo bench -p hgr-corr --bench truth. With `--gate`, the errors of `hgr` alone, for scripts/gate-quality.

#[path = "../tests/estimators/estimates.rs"]
mod estimates;
#[path = "../tests/estimators/laws.rs"]
mod laws;

use estimates::{ESTIMATES, mean_square};
use laws::LAWS;

/// Rows and draws of the gate.
const GATE: (usize, u64) = (500, 12);

fn main() -> hgr_corr::Result<()> {
    if std::env::args().any(|argument| argument == "--gate") {
        let (rows, draws) = GATE;
        for law in &LAWS {
            let (_, hgr) = ESTIMATES[0];
            println!("gate {draws} {} {}", mean_square(hgr, law, rows, draws)?.sqrt(), law.name);
        }
        return Ok(());
    }
    println!("Written by `cargo bench -p hgr-corr --bench truth`: root mean square error");
    println!("of each estimate on ten laws, and the root of the mean square over the laws.");
    for (rows, draws) in [(100, 40), (1000, 20), (10_000, 5)] {
        println!("\nn = {rows}, {draws} draws of each law\n");
        print!("| law | sigma |");
        ESTIMATES.iter().for_each(|(name, _)| print!(" {name} |"));
        println!("\n|---|---|{}", "---|".repeat(ESTIMATES.len()));
        let mut squares = [0.0; ESTIMATES.len()];
        for law in &LAWS {
            print!("| {} | {:.3} |", law.name, law.sigma);
            for ((_, estimate), total) in ESTIMATES.iter().zip(&mut squares) {
                let square = mean_square(*estimate, law, rows, draws)?;
                *total += square / LAWS.len() as f64;
                print!(" {:.4} |", square.sqrt());
            }
            println!();
        }
        print!("| all | |");
        squares.iter().for_each(|square| print!(" **{:.4}** |", square.sqrt()));
        println!();
    }
    Ok(())
}
