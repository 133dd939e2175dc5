//! Loops over matrices with many short rows, the channels of one place each.

use std::ops::Range;

use rayon::prelude::*;

use crate::cpu::Float;
use crate::results::compute;
use crate::sums::{PIECES, add_in_order};
use crate::vectorised::{map_lanes, vectorised};

/// Elements of rows that are added in the tensor's own type before the sums go into f64.
const BLOCK: usize = 1 << 12;

/// Elements that rows are put together to, so that loops are long.
const WIDE: usize = 128;

/// What a loop reads.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a, T> {
    /// A matrix.
    Of(&'a [T]),
    /// The same row everywhere, as [`wide`] repeats it.
    Same(&'a [T]),
}

impl<'a, T> Rows<'a, T> {
    #[inline(always)]
    fn part(&self, part: Range<usize>) -> &'a [T] {
        match self {
            Self::Of(matrix) => &matrix[part],
            Self::Same(row) => &row[..part.len()],
        }
    }

    /// Some rows of the matrix.
    pub fn rows(self, part: Range<usize>) -> Self {
        match self {
            Self::Of(matrix) => Self::Of(&matrix[part]),
            Self::Same(_) => self,
        }
    }
}

/// Some elements of several rows. Methods of arrays would be calls.
#[inline(always)]
fn parts<'a, T, const G: usize>(given: &[Rows<'a, T>; G], part: &Range<usize>) -> [&'a [T]; G] {
    let mut parts: [&[T]; G] = [&[]; G];
    for (slice, rows) in parts.iter_mut().zip(given) {
        *slice = rows.part(part.clone());
    }
    parts
}

/// Elements of the rows that are taken as one.
fn width(columns: usize) -> usize {
    (WIDE / columns).max(1) * columns
}

/// A row as often as several are taken as one.
pub(crate) fn wide<T: Float>(row: impl Iterator<Item = T>) -> Vec<T> {
    let row: Vec<T> = row.collect();
    row.repeat(width(row.len()) / row.len())
}

/// What `work` gives for pieces of whole rows, in order.
pub(crate) fn in_pieces<R: Send>(
    elements: usize,
    columns: usize,
    work: impl Fn(Range<usize>) -> R + Sync,
) -> Vec<R> {
    let piece = (elements / columns).div_ceil(PIECES).max(1) * columns;
    let pieces = (0..elements.div_ceil(piece)).into_par_iter();
    pieces.map(|index| work(index * piece..elements.min((index + 1) * piece))).collect()
}

/// The sums of each column of a matrix.
pub(crate) fn column_sums<T: Float>(values: &[T], columns: usize) -> Vec<f64> {
    add_in_order(in_pieces(values.len(), columns, |piece| {
        let [sums] = sum_columns(
            piece.len(),
            columns,
            [Rows::Of(&values[piece])],
            #[inline(always)]
            |[value]| [value],
        );
        sums
    }))
}

/// The sums of each column of the values of `term` over so many elements of some rows, on one thread: blocks of rows in
/// the element type, blocks in f64. `term` must be marked `#[inline(always)]`.
pub(crate) fn sum_columns<T: Float, const G: usize, const N: usize>(
    elements: usize,
    columns: usize,
    given: [Rows<'_, T>; G],
    term: impl Fn([T; G]) -> [T; N],
) -> [Vec<f64>; N] {
    let mut sums = std::array::from_fn(|_| vec![0.0; columns]);
    let width = width(columns);
    let block = (BLOCK / width).max(1) * width;
    vectorised(
        #[inline(always)]
        || {
            let mut room: [Vec<T>; N] = std::array::from_fn(|_| vec![T::zero(); width]);
            let mut lanes = room.each_mut().map(Vec::as_mut_slice);
            for start in (0..elements).step_by(block) {
                let end = elements.min(start + block);
                for first in (start..end).step_by(width) {
                    let part = first..end.min(first + width);
                    map_lanes(
                        parts(&given, &part),
                        &mut lanes,
                        #[inline(always)]
                        |given, mut lanes| {
                            let terms = term(given);
                            for lane in 0..N {
                                lanes[lane] += terms[lane];
                            }
                            lanes
                        },
                    );
                }
                for (sums, lanes) in sums.iter_mut().zip(&mut lanes) {
                    for lanes in lanes.chunks_exact_mut(columns) {
                        for (sum, lane) in sums.iter_mut().zip(lanes) {
                            *sum += lane.to_f64();
                            *lane = T::zero();
                        }
                    }
                }
            }
        },
    );
    sums
}

/// The values of `f` for each element of some rows. It must be marked `#[inline(always)]`.
pub(crate) fn map_rows<T: Float, const G: usize>(
    elements: usize,
    columns: usize,
    given: [Rows<'_, T>; G],
    f: impl Fn([T; G]) -> T + Sync,
) -> Vec<T> {
    let width = width(columns);
    let piece = (BLOCK / width).max(1) * width;
    compute(elements, piece, |index, result| {
        vectorised(
            #[inline(always)]
            || {
                for (row, result) in result.chunks_mut(width).enumerate() {
                    let first = index * piece + row * width;
                    map_lanes(
                        parts(&given, &(first..first + result.len())),
                        &mut [result],
                        #[inline(always)]
                        |given, _| [f(given)],
                    );
                }
            },
        );
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_is_summed_by_itself() {
        for (rows, columns) in [(1, 1), (2, 3), (1000, 16), (77, 50), (9, 300)] {
            let values: Vec<f32> = (0..rows * columns).map(|index| (index % 97) as f32).collect();
            let expected: Vec<f64> = (0..columns)
                .map(|column| {
                    values[column..].iter().step_by(columns).map(|&value| f64::from(value)).sum()
                })
                .collect();
            // Whole numbers: each sum is exact.
            assert_eq!(column_sums(&values, columns), expected, "{rows} x {columns}");
        }
    }

    #[test]
    fn a_row_that_is_the_same_everywhere_meets_every_row() {
        let matrix: Vec<f64> = (0..21).map(f64::from).collect();
        let row = wide([10.0, 20.0, 30.0].into_iter());
        let sums = map_rows(
            21,
            3,
            [Rows::Of(&matrix), Rows::Same(&row)],
            #[inline(always)]
            |[a, b]| a + b,
        );
        for (index, sum) in sums.iter().enumerate() {
            assert_eq!(*sum, index as f64 + 10.0 * (index % 3 + 1) as f64);
        }
    }
}
