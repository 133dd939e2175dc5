//! Sixteen rows into lanes by the shuffles of AVX-512: 64 for 16 columns, where the compiler makes 96 of the portable loops
//! and takes their results through memory twice.
// Plain counted loops are compiled for the instructions of the caller, the closures of iterators not always.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::{__m512, __m512d};

use pulp::{cast, x86::V4};

/// Number `i` of row `k` comes to place `16 i + k`.
#[inline(always)]
pub(super) fn interleave_16<'a>(simd: V4, row: impl Fn(usize) -> &'a [f32], to: &mut [f32]) {
    let length = row(0).len();
    let mut rows = [row(0); 16];
    for k in 0..16 {
        rows[k] = &row(k)[..length];
    }
    let (whole, last) = to[..16 * length].as_chunks_mut::<256>();
    for (at, to) in whole.iter_mut().enumerate() {
        let mut square = [[0.0; 16]; 16];
        for k in 0..16 {
            square[k].copy_from_slice(&rows[k][16 * at..][..16]);
        }
        *to = cast(transposed(simd, cast(square)));
    }
    for (to, i) in last.as_chunks_mut::<16>().0.iter_mut().zip(16 * whole.len()..) {
        for k in 0..16 {
            to[k] = rows[k][i];
        }
    }
}

/// Columns of a square of rows.
#[inline(always)]
fn transposed(simd: V4, rows: [__m512; 16]) -> [__m512; 16] {
    // Of each four rows, columns q, 4 + q, 8 + q and 12 + q in the quarters of vector q.
    let mut fours = rows;
    for four in fours.as_chunks_mut::<4>().0 {
        let ([a, b], [c, d]) = (pairs(simd, four[0], four[1]), pairs(simd, four[2], four[3]));
        let ([p, q], [r, s]) = (quads(simd, a, c), quads(simd, b, d));
        *four = [p, q, r, s];
    }
    let mut columns = fours;
    for q in 0..4 {
        let [[a, b], [c, d]] =
            [halves(simd, fours[q], fours[4 + q]), halves(simd, fours[8 + q], fours[12 + q])];
        [columns[q], columns[4 + q]] = alternate(simd, a, c);
        [columns[8 + q], columns[12 + q]] = alternate(simd, b, d);
    }
    columns
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

/// The first two quarters of both vectors, and the last two.
#[inline(always)]
fn halves(simd: V4, a: __m512, b: __m512) -> [__m512; 2] {
    let simd = simd.avx512f;
    [simd._mm512_shuffle_f32x4::<0x44>(a, b), simd._mm512_shuffle_f32x4::<0xee>(a, b)]
}

/// Quarters 0 and 2 of both vectors, and 1 and 3.
#[inline(always)]
fn alternate(simd: V4, a: __m512, b: __m512) -> [__m512; 2] {
    let simd = simd.avx512f;
    [simd._mm512_shuffle_f32x4::<0x88>(a, b), simd._mm512_shuffle_f32x4::<0xdd>(a, b)]
}
