//! Rows into lanes.

use std::any::Any;

use pulp::Simd;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V4;

#[cfg(target_arch = "x86_64")]
use super::interleave_avx512::interleave_16;

/// Interleaves rows of one length: number `i` of row `k` comes to place `i * rows + k`; `rows` is a power of two up to 16.
#[inline(always)]
pub(crate) fn interleave<'a, S: Simd>(
    simd: S,
    row: impl Fn(usize) -> &'a [f32],
    rows: usize,
    to: &mut [f32],
    scratch: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    if let Some(&simd) = (&simd as &dyn Any).downcast_ref::<V4>()
        && rows == 16
    {
        let mut sixteen = [row(0); 16];
        for (k, to) in sixteen.iter_mut().enumerate() {
            *to = row(k);
        }
        return interleave_16(simd, sixteen, to);
    }
    portable(row, rows, to, scratch);
}

/// The loops are over whole rows, which the compiler makes shuffles of vectors: those over columns become single moves.
#[inline(always)]
fn portable<'a>(
    row: impl Fn(usize) -> &'a [f32],
    rows: usize,
    to: &mut [f32],
    scratch: &mut [f32],
) {
    match rows {
        16 => {
            let length = 4 * row(0).len();
            for k in 0..4 {
                let scratch = &mut scratch[k * length..][..length];
                zip_four([row(k), row(k + 4), row(k + 8), row(k + 12)], scratch);
            }
            let part = |k: usize| &scratch[k * length..][..length];
            zip_four([part(0), part(1), part(2), part(3)], to);
        }
        8 => {
            let length = 4 * row(0).len();
            for k in 0..2 {
                let scratch = &mut scratch[k * length..][..length];
                zip_four([row(k), row(k + 2), row(k + 4), row(k + 6)], scratch);
            }
            zip_two([&scratch[..length], &scratch[length..][..length]], to);
        }
        4 => zip_four([row(0), row(1), row(2), row(3)], to),
        2 => zip_two([row(0), row(1)], to),
        _ => to[..row(0).len()].copy_from_slice(row(0)),
    }
}

#[inline(always)]
fn zip_four([a, b, c, d]: [&[f32]; 4], to: &mut [f32]) {
    for ((((to, a), b), c), d) in to.as_chunks_mut::<4>().0.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *to = [*a, *b, *c, *d];
    }
}

#[inline(always)]
fn zip_two([a, b]: [&[f32]; 2], to: &mut [f32]) {
    for ((to, a), b) in to.as_chunks_mut::<2>().0.iter_mut().zip(a).zip(b) {
        *to = [*a, *b];
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, WithSimd};

    use super::*;

    struct Interleave<'a> {
        numbers: &'a [f32],
        rows: usize,
        to: &'a mut [f32],
        scratch: &'a mut [f32],
    }

    impl WithSimd for Interleave<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self { numbers, rows, to, scratch } = self;
            let length = numbers.len() / rows;
            interleave(simd, |k| &numbers[k * length..][..length], rows, to, scratch);
        }
    }

    #[test]
    fn rows_of_any_length_are_interleaved_in_their_order() {
        for rows in [1, 2, 4, 8, 16] {
            for length in [1, 2, 3, 7, 15, 16, 17, 33, 48] {
                let numbers: Vec<f32> = (0..rows * length).map(|i| i as f32).collect();
                let mut scratch = vec![0.0; rows * length];
                let check = |to: &[f32]| {
                    for (at, found) in to.iter().take(rows * length).enumerate() {
                        let (i, k) = (at / rows, at % rows);
                        assert_eq!(*found, (k * length + i) as f32, "{rows} rows of {length}");
                    }
                    assert!(to[rows * length..].iter().all(|&rest| rest == -1.0));
                };
                let fresh = || vec![-1.0; rows * length + 3];
                let mut to = fresh();
                portable(|k| &numbers[k * length..][..length], rows, &mut to, &mut scratch);
                check(&to);
                let mut to = fresh();
                Arch::new().dispatch(Interleave {
                    numbers: &numbers,
                    rows,
                    to: &mut to,
                    scratch: &mut scratch,
                });
                check(&to);
            }
        }
    }
}
