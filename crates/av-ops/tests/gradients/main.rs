//! Every gradient against central differences in f64, over settings that are taken in pairs: odd and even sizes, a batch of
//! one, and inputs that lie in memory in several ways.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod attention;
mod clip;
mod conv;
mod direct;
mod embedding;
mod linear;
mod loss;
mod norm;
mod pool;
mod recurrent;
mod upsample;

use support::grid::pairwise;

#[test]
fn pairs_of_settings_that_go_together_are_all_covered() {
    let levels = [4, 2, 3, 2];
    // The last two settings are not both 1, so that pair is missing and no other one is.
    let cases = pairwise(levels, |at| (at[2..] != [1, 1]).then_some(at));
    assert!(cases.len() < 4 * 2 * 3 * 2 / 2, "{} cases", cases.len());
    for (a, b) in (0..4).flat_map(|b| (0..b).map(move |a| (a, b))) {
        for (i, j) in (0..levels[a]).flat_map(|i| (0..levels[b]).map(move |j| (i, j))) {
            let found = cases.iter().any(|at| (at[a], at[b]) == (i, j));
            assert_eq!(found, (a, b, i, j) != (2, 3, 1, 1), "settings {a} and {b} at {i} and {j}");
        }
    }
}
