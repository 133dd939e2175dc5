//! Matrices turned, so that their columns become rows.

use crate::cpu::Float;
use crate::vectorised::vectorised;

/// Rows and columns that are turned at once: a vector that every processor has.
const SQUARE: usize = 8;

/// Writes a matrix with rows and columns exchanged; its rows begin `pitch` elements apart, those of the result
/// `into_pitch`.
pub(crate) fn turn<T: Float>(
    from: &[T],
    [rows, columns]: [usize; 2],
    pitch: usize,
    into: &mut [T],
    into_pitch: usize,
) {
    vectorised(
        #[inline(always)]
        || {
            let (whole_rows, whole_columns) = (rows - rows % SQUARE, columns - columns % SQUARE);
            for row in (0..whole_rows).step_by(SQUARE) {
                for column in (0..whole_columns).step_by(SQUARE) {
                    let from = &from[row * pitch + column..];
                    turn_square(from, pitch, &mut into[column * into_pitch + row..], into_pitch);
                }
            }
            if rows < SQUARE && rows == into_pitch {
                interleave(from, pitch, &mut into[..rows * columns], rows);
                return;
            }
            for row in 0..rows {
                let first = if row < whole_rows { whole_columns } else { 0 };
                let from = &from[row * pitch + first..][..columns - first];
                for (column, value) in (first..).zip(from) {
                    into[column * into_pitch + row] = *value;
                }
            }
        },
    );
}

/// Turns a few rows, so that the results lie one behind the other.
#[inline(always)]
fn interleave<T: Float>(from: &[T], pitch: usize, into: &mut [T], rows: usize) {
    if rows == 3 {
        // Colours, or a spectrum with its differences.
        let columns = into.len() / 3;
        let [a, b, c] = [0, 1, 2].map(|row| &from[row * pitch..][..columns]);
        for (into, ((a, b), c)) in
            into.as_chunks_mut::<3>().0.iter_mut().zip(a.iter().zip(b).zip(c))
        {
            *into = [*a, *b, *c];
        }
        return;
    }
    for (column, into) in into.chunks_exact_mut(rows).enumerate() {
        for (row, into) in into.iter_mut().enumerate() {
            *into = from[row * pitch + column];
        }
    }
}

/// Turns a square, which becomes moves between vectors.
#[inline(always)]
fn turn_square<T: Float>(from: &[T], pitch: usize, into: &mut [T], into_pitch: usize) {
    let mut square = [[T::zero(); SQUARE]; SQUARE];
    for row in 0..SQUARE {
        square[row].copy_from_slice(&from[row * pitch..][..SQUARE]);
    }
    let mut turned = [[T::zero(); SQUARE]; SQUARE];
    for row in 0..SQUARE {
        for column in 0..SQUARE {
            turned[column][row] = square[row][column];
        }
    }
    for column in 0..SQUARE {
        into[column * into_pitch..][..SQUARE].copy_from_slice(&turned[column]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_changes_row_and_column() {
        for (rows, columns) in [(1, 1), (3, 70), (8, 8), (16, 9), (9, 17), (25, 3)] {
            // Rows with something between them, on both sides.
            let (pitch, into_pitch) = (columns + 2, rows + 3);
            let from: Vec<f32> = (0..rows * pitch).map(|index| index as f32).collect();
            let mut into = vec![-1.0; columns * into_pitch];
            turn(&from, [rows, columns], pitch, &mut into, into_pitch);
            for (index, value) in into.iter().enumerate() {
                let (column, row) = (index / into_pitch, index % into_pitch);
                let expected = if row < rows { from[row * pitch + column] } else { -1.0 };
                assert_eq!(*value, expected, "{rows} x {columns}, row {row}, column {column}");
            }
        }
    }
}
