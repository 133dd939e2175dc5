//! Sixteen rows into lanes by the shuffles of AVX-512: 24 for 8 columns, where the compiler makes 48 of the portable loops
//! and takes their results through memory twice.
// Plain counted loops are compiled for the instructions of the caller, the closures of iterators not always.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::{__m512, __m512d};

use pulp::{Simd, cast, f32x16, x86::V4};

use super::lanes::Real;

/// Number `i` of row `k` comes to place `16 i + k`.
#[inline(always)]
pub(super) fn interleave_16(simd: V4, rows: [&[f32]; 16], to: &mut [f32]) {
    let (whole, last) = to[..16 * rows[0].len()].as_chunks_mut::<128>();
    let eights = eights(rows);
    for (at, to) in whole.iter_mut().enumerate() {
        *to = cast(columns(simd, &eights, at));
    }
    for (to, i) in last.as_chunks_mut::<16>().0.iter_mut().zip(8 * whole.len()..) {
        for k in 0..16 {
            to[k] = rows[k][i];
        }
    }
}

/// Numbers `2 i` and `2 i + 1` of row `k`, each times its weight of pair `i`, come to place `16 i + k` of two planes. Rows
/// are followed by zeros.
#[inline(always)]
pub(super) fn deal_16(
    simd: V4,
    rows: [&[f32]; 16],
    weights: &[[f32; 2]],
    even: &mut [f32],
    odd: &mut [f32],
) {
    let whole = rows[0].len() / 8;
    let (weights, last) = weights.split_at(4 * whole);
    let (even, last_even) = f32::vectors_mut::<V4>(even).split_at_mut(4 * whole);
    let (odd, last_odd) = f32::vectors_mut::<V4>(odd).split_at_mut(4 * whole);
    let fours = weights.as_chunks::<4>().0;
    let (even, odd) = (even.as_chunks_mut::<4>().0, odd.as_chunks_mut::<4>().0);
    let eights = eights(rows);
    for (at, ((even, odd), weights)) in even.iter_mut().zip(odd).zip(fours).enumerate() {
        let columns = columns(simd, &eights, at);
        for i in 0..4 {
            even[i] = simd.mul_f32s(columns[2 * i], simd.splat_f32s(weights[i][0]));
            odd[i] = simd.mul_f32s(columns[2 * i + 1], simd.splat_f32s(weights[i][1]));
        }
    }
    if last.is_empty() {
        return;
    }
    let mut ends = [[[0.0; 8]]; 16];
    let mut last_eights: [&[[f32; 8]]; 16] = [&[]; 16];
    for ((to, last), row) in ends.iter_mut().zip(&mut last_eights).zip(rows) {
        let end = &row[8 * whole..];
        to[0][..end.len()].copy_from_slice(end);
        *last = to;
    }
    let columns = columns(simd, &last_eights, 0);
    for i in 0..last.len() {
        last_even[i] = simd.mul_f32s(columns[2 * i], simd.splat_f32s(last[i][0]));
        last_odd[i] = simd.mul_f32s(columns[2 * i + 1], simd.splat_f32s(last[i][1]));
    }
}

/// Rows of one length by eight numbers, without what is left at their ends.
#[inline(always)]
fn eights(rows: [&[f32]; 16]) -> [&[[f32; 8]]; 16] {
    let count = rows[0].len() / 8;
    let mut eights = [rows[0].as_chunks().0; 16];
    for k in 0..16 {
        eights[k] = &rows[k].as_chunks().0[..count];
    }
    eights
}

/// Columns `8 at` to `8 at + 7` of sixteen rows.
#[inline(always)]
fn columns(simd: V4, rows: &[&[[f32; 8]]; 16], at: usize) -> [f32x16; 8] {
    // Of each eight rows, columns q and 4 + q by turns in the quarters of vector q.
    let [above, below] = [fours(simd, rows, at, 0), fours(simd, rows, at, 8)];
    let mut columns = [above[0]; 8];
    for q in 0..4 {
        [columns[q], columns[4 + q]] = alternate(simd, above[q], below[q]);
    }
    cast(columns)
}

/// Of eight rows, columns `q` and `4 + q` of the first four and of the last four in the quarters of vector `q`.
#[inline(always)]
fn fours(simd: V4, rows: &[&[[f32; 8]]; 16], at: usize, first: usize) -> [__m512; 4] {
    let mut x = [both(simd, rows[first][at], rows[first + 4][at]); 4];
    for k in 1..4 {
        x[k] = both(simd, rows[first + k][at], rows[first + 4 + k][at]);
    }
    let ([a, b], [c, d]) = (pairs(simd, x[0], x[1]), pairs(simd, x[2], x[3]));
    let ([p, q], [r, s]) = (quads(simd, a, c), quads(simd, b, d));
    [p, q, r, s]
}

/// One row in the first half, one in the last: an instruction that reads the second from memory and needs no shuffle.
#[inline(always)]
fn both(simd: V4, a: [f32; 8], b: [f32; 8]) -> __m512 {
    let simd = simd.avx512f;
    cast(simd._mm512_insertf64x4::<1>(simd._mm512_castpd256_pd512(cast(a)), cast(b)))
}

/// Of each quarter the numbers of both vectors by turns: the first two and the last two.
#[inline(always)]
fn pairs(simd: V4, a: __m512, b: __m512) -> [__m512d; 2] {
    let simd = simd.avx512f;
    [cast(simd._mm512_unpacklo_ps(a, b)), cast(simd._mm512_unpackhi_ps(a, b))]
}

/// Of each quarter the first pairs of both vectors, and the last.
#[inline(always)]
fn quads(simd: V4, a: __m512d, b: __m512d) -> [__m512; 2] {
    let simd = simd.avx512f;
    [cast(simd._mm512_unpacklo_pd(a, b)), cast(simd._mm512_unpackhi_pd(a, b))]
}

/// Quarters 0 and 2 of both vectors, and 1 and 3.
#[inline(always)]
fn alternate(simd: V4, a: __m512, b: __m512) -> [__m512; 2] {
    let simd = simd.avx512f;
    [simd._mm512_shuffle_f32x4::<0x88>(a, b), simd._mm512_shuffle_f32x4::<0xdd>(a, b)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_dealt_in_pairs_times_their_weights() {
        // Other machines have other shuffles.
        let Some(simd) = V4::try_new() else { return };
        for length in [1, 2, 7, 8, 9, 15, 16, 31, 40] {
            let number =
                |k: usize, i: usize| if i < length { (k * length + i) as f32 } else { 0.0 };
            let numbers: Vec<f32> = (0..16 * length).map(|at| at as f32).collect();
            let mut rows = [&numbers[..]; 16];
            for (k, row) in rows.iter_mut().enumerate() {
                *row = &numbers[k * length..][..length];
            }
            let pairs = length.div_ceil(2);
            let weights: Vec<[f32; 2]> =
                (0..pairs).map(|i| [1.0 + i as f32, -2.0 - i as f32]).collect();
            let (mut even, mut odd) = (vec![7.0; 16 * pairs + 16], vec![7.0; 16 * pairs + 16]);
            deal_16(simd, rows, &weights, &mut even, &mut odd);
            for (i, [a, b]) in weights.iter().enumerate() {
                for k in 0..16 {
                    assert_eq!(even[16 * i + k], a * number(k, 2 * i), "{length}: {i}, {k}");
                    assert_eq!(odd[16 * i + k], b * number(k, 2 * i + 1), "{length}: {i}, {k}");
                }
            }
            for plane in [even, odd] {
                assert!(plane[16 * pairs..].iter().all(|&beyond| beyond == 7.0));
            }
        }
    }
}
