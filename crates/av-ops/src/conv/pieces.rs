//! How a batch is split up.

use crate::sums::PIECES;

/// Elements that a kernel goes through at once: the second-level cache holds them.
pub(super) const CACHED: usize = 1 << 17;

/// Elements of the partial sums of a weight gradient together, at most, or those of four pieces.
const PARTIAL: usize = 1 << 20;

/// Places of a partial sum, at least: with fewer, most of its time goes to what comes on top of the products.
const ENOUGH: usize = 512;

/// Images of a partial sum of so many elements; images have so many places each. A sum over a batch must not depend on the
/// number of threads.
pub(super) fn piece(batch: usize, places: usize, elements: usize) -> usize {
    let worth = (batch * places / ENOUGH).max(1);
    // A power of two, which threads share evenly.
    let pieces = 1 << (PARTIAL / elements).clamp(4, PIECES).min(worth).ilog2();
    batch.div_ceil(pieces)
}
