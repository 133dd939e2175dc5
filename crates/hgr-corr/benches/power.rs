//! Power of the test of independence and of distance correlation: the table of docs/results/hgr-power.md.

#[path = "../tests/estimators/contest.rs"]
mod contest;
#[path = "../tests/estimators/laws.rs"]
mod laws;

use contest::{DEPENDENT, ROWS, rejections};

const DRAWS: u64 = 2000;

fn main() -> hgr_corr::Result<()> {
    println!(
        "Written by `cargo bench -p hgr-corr --bench power`: share of {DRAWS} draws of {ROWS} rows in which"
    );
    println!(
        "independence is rejected at 5 %, both tests with the same draws and 99 permutations.\n"
    );
    println!("| law | `Independence` | distance correlation | difference |\n|---|---|---|---|");
    for (name, draw) in DEPENDENT {
        let (ours, theirs) = rejections(draw, DRAWS)?;
        let [ours, theirs] = [ours, theirs].map(|count| f64::from(count) / DRAWS as f64);
        println!("| {name} | {ours:.3} | {theirs:.3} | {:+.3} |", ours - theirs);
    }
    Ok(())
}
