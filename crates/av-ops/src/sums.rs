//! Sums whose order of addition is fixed, so that they have the same bits on any number of threads.

use rayon::prelude::*;

use crate::cpu::{Float, PIECE};
use crate::vectorised::vectorised;

/// Pieces that a sum over a batch is split into for parallel work. It is a constant and not the number of threads, because
/// sums must not depend on the machine.
pub(crate) const PIECES: usize = 16;

/// Independent partial sums, so that the compiler can add several elements at once.
const LANES: usize = 16;

/// Elements added in the tensor's own type before the partial sums go into f64.
const BLOCK: usize = 1024;

/// The sums of the `N` values of `term` over three slices of equal length, in one pass: lanes in
/// the element type, blocks in f64.
#[inline(always)]
pub(crate) fn sums<T: Float, const N: usize>(
    slices: [&[T]; 3],
    term: impl Fn(T, T, T) -> [T; N],
) -> [f64; N] {
    let mut totals = [0.0; N];
    let [a, b, c] = slices.map(|slice| slice.chunks(BLOCK));
    for ((a, b), c) in a.zip(b).zip(c) {
        let mut lanes = [[T::zero(); LANES]; N];
        let [(a, a_rest), (b, b_rest), (c, c_rest)] = [a, b, c].map(<[T]>::as_chunks::<LANES>);
        for ((a, b), c) in a.iter().zip(b).zip(c) {
            for lane in 0..LANES {
                for (lanes, term) in lanes.iter_mut().zip(term(a[lane], b[lane], c[lane])) {
                    lanes[lane] += term;
                }
            }
        }
        let mut tails = [0.0; N];
        for ((&a, &b), &c) in a_rest.iter().zip(b_rest).zip(c_rest) {
            for (tail, term) in tails.iter_mut().zip(term(a, b, c)) {
                *tail += term.to_f64();
            }
        }
        for ((total, tail), lanes) in totals.iter_mut().zip(tails).zip(lanes) {
            *total += tail + lanes.iter().map(|lane| lane.to_f64()).sum::<f64>();
        }
    }
    totals
}

/// The sum of `term` over a slice.
#[inline(always)]
pub(crate) fn sum<T: Float>(values: &[T], term: impl Fn(T) -> T) -> f64 {
    let [total] = sums(
        [values; 3],
        #[inline(always)]
        |value, _, _| [term(value)],
    );
    total
}

/// Adds the later vectors onto the first, in their order.
pub(crate) fn add_in_order<T: Float>(parts: Vec<Vec<T>>) -> Vec<T> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_default();
    let rest = parts.as_slice();
    total.par_chunks_mut(PIECE).enumerate().for_each(|(index, total)| {
        vectorised(
            #[inline(always)]
            || {
                for part in rest {
                    let part = &part[index * PIECE..];
                    total.iter_mut().zip(part).for_each(|(total, &part)| *total += part);
                }
            },
        );
    });
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_f32_sum_does_not_drift() {
        // A running f32 sum of 0.1 over a million elements is wrong in the third digit.
        let values = vec![0.1_f32; 1_000_003];
        let expected = 1_000_003.0 * f64::from(0.1_f32);
        // A lane adds BLOCK / LANES = 64 values, each with half a unit in the last place at most.
        assert!((sum(&values, |v| v) / expected - 1.0).abs() < 64.0 * 2.0_f64.powi(-24));
    }

    #[test]
    fn the_tail_of_an_odd_length_is_counted_once() {
        for length in [0_u8, 1, 15, 16, 17, 33] {
            let values: Vec<f64> = (0..length).map(f64::from).collect();
            let expected: f64 = values.iter().sum();
            assert_eq!(sum(&values, |v| v), expected, "length {length}");
        }
    }

    #[test]
    fn parts_are_added_element_by_element() {
        let parts = vec![vec![1.0_f64, 2.0], vec![10.0, 20.0], vec![100.0, 200.0]];
        assert_eq!(add_in_order(parts), [111.0, 222.0]);
    }
}
