//! The sums between elements and points. Those of a square are those of its columns and then of its rows.
// Iterators over arrays of vectors would take them out of the registers.
#![allow(clippy::needless_range_loop)]

use pulp::Simd;

use super::{KERNEL, PLACES, SIDE};

/// How `N` values in a line become `M`.
pub(super) trait Line<const N: usize, const M: usize> {
    fn turned<S: Simd>(simd: S, line: [S::f32s; N]) -> [S::f32s; M];
}

/// Elements of images into points.
pub(super) struct Elements;

impl Line<SIDE, SIDE> for Elements {
    #[inline(always)]
    fn turned<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
        [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
    }
}

/// Points into places of the result.
pub(super) struct Places;

impl Line<SIDE, PLACES> for Places {
    #[inline(always)]
    fn turned<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SIDE]) -> [S::f32s; PLACES] {
        let [sum, difference] = [simd.add_f32s(b, c), simd.sub_f32s(b, c)];
        [simd.add_f32s(a, sum), simd.sub_f32s(difference, d)]
    }
}

/// Gradients of places into those of points: [`Places`] transposed.
pub(super) struct Gradients;

impl Line<PLACES, SIDE> for Gradients {
    #[inline(always)]
    fn turned<S: Simd>(simd: S, [a, b]: [S::f32s; PLACES]) -> [S::f32s; SIDE] {
        [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.neg_f32s(b)]
    }
}

/// Elements of kernels into points.
pub(super) struct Kernels;

impl Line<KERNEL, SIDE> for Kernels {
    #[inline(always)]
    fn turned<S: Simd>(simd: S, [a, b, c]: [S::f32s; KERNEL]) -> [S::f32s; SIDE] {
        let half = simd.splat_f32s(0.5);
        let [outer, middle] = [simd.mul_f32s(half, simd.add_f32s(a, c)), simd.mul_f32s(half, b)];
        [a, simd.add_f32s(outer, middle), simd.sub_f32s(outer, middle), c]
    }
}

/// Elements of kernels turned by half a circle into points.
pub(super) struct TurnedKernels;

impl Line<KERNEL, SIDE> for TurnedKernels {
    #[inline(always)]
    fn turned<S: Simd>(simd: S, [a, b, c]: [S::f32s; KERNEL]) -> [S::f32s; SIDE] {
        Kernels::turned(simd, [c, b, a])
    }
}

/// Gradients of points into those of kernels: [`Kernels`] transposed.
pub(super) struct KernelGradients;

impl Line<SIDE, KERNEL> for KernelGradients {
    #[inline(always)]
    fn turned<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SIDE]) -> [S::f32s; KERNEL] {
        let half = simd.splat_f32s(0.5);
        let [sum, difference] = [simd.add_f32s(b, c), simd.sub_f32s(b, c)];
        let sum = simd.mul_f32s(half, sum);
        [simd.add_f32s(a, sum), simd.mul_f32s(half, difference), simd.add_f32s(sum, d)]
    }
}

/// The columns and then the rows of a square.
#[inline(always)]
pub(super) fn square<S: Simd, L: Line<N, M>, const N: usize, const M: usize>(
    simd: S,
    square: [[S::f32s; N]; N],
) -> [[S::f32s; M]; M] {
    let zero = simd.splat_f32s(0.0);
    let mut rows = [[zero; N]; M];
    for j in 0..N {
        let mut column = [zero; N];
        for i in 0..N {
            column[i] = square[i][j];
        }
        let column = L::turned(simd, column);
        for i in 0..M {
            rows[i][j] = column[i];
        }
    }
    let mut turned = [[zero; M]; M];
    for i in 0..M {
        turned[i] = L::turned(simd, rows[i]);
    }
    turned
}
