//! The test of independence against distance correlation; docs/results/hgr-power.md has more draws of the same.

use crate::contest::{DEPENDENT, rejections};

const DRAWS: u64 = 100;

/// Rejections that the count of draws may hide: two standard errors of a paired difference.
const LUCK: i32 = 7;

#[test]
fn it_sees_what_distance_correlation_sees_and_more_where_dependence_bends() {
    for (name, draw) in DEPENDENT {
        let (ours, theirs) = rejections(draw, DRAWS).unwrap();
        // Where the two see about as much, luck decides.
        let luck = if ["linear", "checkerboard"].contains(&name) { LUCK } else { 0 };
        assert!(ours + luck > theirs, "{name}: {ours} {theirs}");
    }
}
