//! How often each clip counts.

/// The sum of all weights.
pub(crate) fn total(weights: &[u32]) -> u64 {
    weights.iter().map(|&weight| u64::from(weight)).sum()
}
