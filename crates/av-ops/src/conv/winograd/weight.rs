//! The weight of a convolution into points and back.
// Iterators over arrays of vectors would take them out of the registers.
#![allow(clippy::needless_range_loop)]

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::lines::{KernelGradients, Kernels, Line, TurnedKernels, square};
use super::{KERNEL, POINTS, SIDE};
use crate::conv::geometry::Geometry;
use crate::results::compute;
use crate::tiles::BLOCK;
use crate::turn::turn;
use crate::vectorised::arch;

/// Elements of a kernel.
const ELEMENTS: usize = KERNEL * KERNEL;

/// How the kernels of a convolution lie in its weight.
pub(super) struct Weight {
    /// Channels that are read.
    read: usize,
    /// Channels of the result.
    channels: usize,
    /// Elements from the kernel of a channel to that of the next one, of those that are read and of the result.
    strides: [usize; 2],
    /// Whether kernels are turned by half a circle.
    turned: bool,
}

impl Weight {
    pub(super) fn forward(geometry: &Geometry) -> Self {
        let &Geometry { channels, outputs, .. } = geometry;
        let strides = [ELEMENTS, channels * ELEMENTS];
        Self { read: channels, channels: outputs, strides, turned: false }
    }

    /// Those of the gradient of the input.
    pub(super) fn backward(geometry: &Geometry) -> Self {
        let &Geometry { channels, outputs, .. } = geometry;
        let strides = [channels * ELEMENTS, ELEMENTS];
        Self { read: outputs, channels, strides, turned: true }
    }

    /// For each block of channels of the result the points, each as packed weights.
    pub(super) fn points(&self, weight: &[f32]) -> Vec<f32> {
        let &Self { read, channels, strides: [near, far], turned } = self;
        compute(POINTS * read * channels, POINTS * read * BLOCK, |block, points| {
            let width = points.len() / (POINTS * read);
            let mut room = vec![0.0; ELEMENTS * width];
            for channel in 0..read {
                let weight = &weight[block * BLOCK * far + channel * near..];
                turn(weight, [width, ELEMENTS], far, &mut room, width);
                let from = Squares { values: &*room, pitch: width };
                let into = Squares { values: &mut points[channel * width..], pitch: read * width };
                if turned {
                    turn_squares::<TurnedKernels, KERNEL, SIDE>(width, from, into);
                } else {
                    turn_squares::<Kernels, KERNEL, SIDE>(width, from, into);
                }
            }
        })
    }

    /// The gradient of the weight from that of its points, which are packed weights each.
    pub(super) fn gradient(&self, points: &[f32]) -> Vec<f32> {
        let &Self { read, channels, strides: [near, far], .. } = self;
        let mut weight = vec![0.0; ELEMENTS * read * channels];
        weight.par_chunks_mut(BLOCK * far).enumerate().for_each(|(block, weight)| {
            let width = weight.len() / far;
            let points = &points[block * BLOCK * read..];
            let mut room = vec![0.0; ELEMENTS * width];
            for channel in 0..read {
                let from = Squares { values: &points[channel * width..], pitch: read * channels };
                let into = Squares { values: &mut *room, pitch: width };
                turn_squares::<KernelGradients, SIDE, KERNEL>(width, from, into);
                turn(&room, [ELEMENTS, width], width, &mut weight[channel * near..], far);
            }
        });
        weight
    }
}

/// Squares of neighbouring channels, of which the values at one place lie side by side.
struct Squares<V> {
    values: V,
    /// Elements from the values at one place to those at the next.
    pitch: usize,
}

/// Turns the squares of `width` channels into others.
fn turn_squares<L: Line<N, M>, const N: usize, const M: usize>(
    width: usize,
    from: Squares<&[f32]>,
    into: Squares<&mut [f32]>,
) {
    arch().dispatch(Turn { width, from, into, line: PhantomData::<L> });
}

struct Turn<'a, L, const N: usize, const M: usize> {
    width: usize,
    from: Squares<&'a [f32]>,
    into: Squares<&'a mut [f32]>,
    line: PhantomData<L>,
}

impl<L: Line<N, M>, const N: usize, const M: usize> WithSimd for Turn<'_, L, N, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { width, from, into, .. } = self;
        for lane in (0..width).step_by(S::F32_LANES) {
            let mut values = [[simd.splat_f32s(0.0); N]; N];
            for i in 0..N {
                for j in 0..N {
                    let from = &from.values[(i * N + j) * from.pitch + lane..][..S::F32_LANES];
                    values[i][j] = S::as_simd_f32s(from).0[0];
                }
            }
            let values = square::<S, L, N, M>(simd, values);
            for i in 0..M {
                for j in 0..M {
                    let start = (i * M + j) * into.pitch + lane;
                    let into = &mut into.values[start..][..S::F32_LANES];
                    S::as_mut_simd_f32s(into).0[0] = values[i][j];
                }
            }
        }
    }
}
