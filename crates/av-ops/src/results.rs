//! What operators give, computed piece by piece on all cores.
#![allow(unsafe_code)] // A vector of zeros would be a pass over memory more, on one core.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::cpu::Float;

/// Elements in pieces of `piece`, the last one of what is left: `work` computes each from its number, in place of zeros.
pub(crate) fn compute<T: Float>(
    elements: usize,
    piece: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    compute_with(elements, piece, || (), |(), index, result| work(index, result))
}

/// As [`compute`] with room that a thread uses for one piece after the other.
pub(crate) fn compute_with<T: Float, R>(
    elements: usize,
    piece: usize,
    room: impl Fn() -> R + Send + Sync,
    work: impl Fn(&mut R, usize, &mut [T]) + Sync,
) -> Vec<T> {
    let mut results = Vec::with_capacity(elements);
    let spare = &mut results.spare_capacity_mut()[..elements];
    let pieces = spare.par_chunks_mut(piece).enumerate();
    pieces.for_each_init(room, |room, (index, spare)| {
        // By the thread that computes the piece: its cache holds it then.
        spare.fill(MaybeUninit::new(T::zero()));
        // SAFETY: all elements of the piece were written.
        work(room, index, unsafe { spare.assume_init_mut() });
    });
    // SAFETY: the pieces are all of the elements, and each was written; after a panic nobody comes here.
    unsafe { results.set_len(elements) };
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_computed_from_zeros() {
        for (elements, piece) in [(0, 3), (1, 3), (6, 3), (100, 7), (5, 9)] {
            let results = compute::<f32>(elements, piece, |index, result| {
                for (offset, result) in result.iter_mut().enumerate() {
                    *result += (index * piece + offset) as f32;
                }
            });
            let expected: Vec<f32> = (0..elements).map(|index| index as f32).collect();
            assert_eq!(results, expected, "{elements} in pieces of {piece}");
        }
    }
}
