//! Loops in the widest vector instructions of the machine they run on.

/// Runs `work` as compiled for those instructions. The closure must be marked `#[inline(always)]`: code that is
/// called rather than inlined keeps the instructions of the build.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
