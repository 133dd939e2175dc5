//! Loops in the widest vector instructions of the machine they run on.

use crate::cpu::Float;

/// Elements that [`map_lanes`] takes at once.
const LANES: usize = 16;

/// Runs `work` as compiled for those instructions. The closure must be marked `#[inline(always)]`: code that is
/// called rather than inlined keeps the instructions of the build.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Sets the elements of `changed` at each place by those of `given` and their own; all slices have the same length, and
/// `f` must be marked `#[inline(always)]`.
///
/// Results wait in an array until those of all lanes are there. Written to their slices one by one, they might change
/// what the next lane reads, as far as the compiler can tell, and many slices would keep it from vector instructions.
#[inline(always)]
pub(crate) fn map_lanes<T: Float, const G: usize, const C: usize>(
    given: [&[T]; G],
    changed: [&mut [T]; C],
    f: impl Fn([T; G], [T; C]) -> [T; C],
) {
    let length = changed.first().map_or(0, |slice| slice.len());
    let whole = length - length % LANES;
    let mut changed = changed;
    for start in (0..whole).step_by(LANES) {
        map_some::<T, G, C, LANES>(&given, &mut changed, start, &f);
    }
    for start in whole..length {
        map_some::<T, G, C, 1>(&given, &mut changed, start, &f);
    }
}

/// As [`map_lanes`] for `N` places from `start` on.
#[inline(always)]
fn map_some<T: Float, const G: usize, const C: usize, const N: usize>(
    given: &[&[T]; G],
    changed: &mut [&mut [T]; C],
    start: usize,
    f: &impl Fn([T; G], [T; C]) -> [T; C],
) {
    let (mut inputs, mut lanes) = ([[T::zero(); N]; G], [[T::zero(); N]; C]);
    for (inputs, given) in inputs.iter_mut().zip(given) {
        inputs.copy_from_slice(&given[start..start + N]);
    }
    for (lanes, changed) in lanes.iter_mut().zip(&*changed) {
        lanes.copy_from_slice(&changed[start..start + N]);
    }
    for lane in 0..N {
        let (mut input, mut own) = ([T::zero(); G], [T::zero(); C]);
        for (input, inputs) in input.iter_mut().zip(&inputs) {
            *input = inputs[lane];
        }
        for (own, lanes) in own.iter_mut().zip(&lanes) {
            *own = lanes[lane];
        }
        for (lanes, result) in lanes.iter_mut().zip(f(input, own)) {
            lanes[lane] = result;
        }
    }
    for (changed, lanes) in changed.iter_mut().zip(&lanes) {
        changed[start..start + N].copy_from_slice(lanes);
    }
}

/// The first `N` blocks of `length` elements.
#[inline(always)]
pub(crate) fn blocks<T, const N: usize>(values: &[T], length: usize) -> [&[T]; N] {
    std::array::from_fn(|block| &values[block * length..][..length])
}

/// The first `N` blocks of `length` elements, to be changed.
#[inline(always)]
pub(crate) fn blocks_mut<T, const N: usize>(values: &mut [T], length: usize) -> [&mut [T]; N] {
    let mut blocks = values.chunks_exact_mut(length);
    std::array::from_fn(|_| blocks.next().unwrap_or_default())
}
