//! Images into points and back.
// Iterators over arrays of vectors would take them out of the registers.
#![allow(clippy::needless_range_loop)]

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::lines::{Line, Places, square};
use super::{PLACES, POINTS, SIDE};
use crate::conv::geometry::Geometry;
use crate::vectorised::{WIDEST, arch};

/// How the tiles of a result lie in images with their channels last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    height: usize,
    width: usize,
    pub(super) channels: usize,
    /// Zeros around an image that tiles reach into.
    padding: [usize; 2],
    /// Tiles below and beside each other.
    tiles: [usize; 2],
}

impl Tiling {
    /// Of the input and the result of a convolution.
    pub(super) fn forward(geometry: &Geometry) -> [Self; 2] {
        let &Geometry { channels, outputs, height, width, padding, out, .. } = geometry;
        Self::pair([height, width, channels], [out[0], out[1], outputs], padding)
    }

    /// Of the gradient of the result and that of the input.
    pub(super) fn backward(geometry: &Geometry) -> [Self; 2] {
        let &Geometry { channels, outputs, height, width, padding, out, .. } = geometry;
        let padding = padding.map(|padding| 2 - padding);
        Self::pair([out[0], out[1], outputs], [height, width, channels], padding)
    }

    fn pair(from: [usize; 3], to: [usize; 3], padding: [usize; 2]) -> [Self; 2] {
        let tiles = [to[0], to[1]].map(|places| places.div_ceil(PLACES));
        [(from, padding), (to, [0; 2])].map(|([height, width, channels], padding)| Self {
            height,
            width,
            channels,
            padding,
            tiles,
        })
    }

    /// Elements of an image.
    pub(super) fn elements(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Tiles of an image.
    pub(super) fn count(self) -> usize {
        self.tiles[0] * self.tiles[1]
    }

    /// Where the `N` x `N` elements of a tile begin, but for those outside of the image.
    #[inline(always)]
    fn starts<const N: usize>(self, tile: usize) -> [[Option<usize>; N]; N] {
        let (image, tile) = (tile / self.count(), tile % self.count());
        let (row, column) = (tile / self.tiles[1] * PLACES, tile % self.tiles[1] * PLACES);
        let mut starts = [[None; N]; N];
        for i in 0..N {
            for j in 0..N {
                // Before the first it wraps around, and is outside too.
                let y = (row + i).wrapping_sub(self.padding[0]);
                let x = (column + j).wrapping_sub(self.padding[1]);
                if y < self.height && x < self.width {
                    let place = (image * self.height + y) * self.width + x;
                    starts[i][j] = Some(place * self.channels);
                }
            }
        }
        starts
    }
}

/// Values of tiles, a plane for each point: tile behind tile, each with its channels side by side.
pub(super) struct Planes {
    values: Vec<f32>,
    pub(super) channels: usize,
    /// Elements from one plane to the next, a vector more than they have: at a power of two, all planes would share a few
    /// lines of the first-level cache.
    pitch: usize,
}

impl Planes {
    /// Room for so many tiles.
    pub(super) fn zeros(tiles: usize, channels: usize) -> Self {
        let pitch = tiles * channels + WIDEST;
        Self { values: vec![0.0; POINTS * pitch], channels, pitch }
    }

    pub(super) fn planes(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.pitch)
    }

    pub(super) fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.pitch)
    }

    pub(super) fn plane(&self, point: usize) -> &[f32] {
        &self.values[point * self.pitch..][..self.pitch]
    }

    /// The points of `count` tiles from `first` on, each of `N` x `N` elements.
    pub(super) fn spread<L: Line<N, SIDE>, const N: usize>(
        &mut self,
        tiling: Tiling,
        images: &[f32],
        first: usize,
        count: usize,
    ) {
        let outside = vec![0.0; self.channels];
        let line = PhantomData::<L>;
        arch().dispatch(Spread {
            planes: self,
            tiling,
            images,
            first,
            count,
            outside: &outside,
            line,
        });
    }

    /// The places of `count` tiles from `first` on, at least `least`.
    pub(super) fn gather(
        &self,
        tiling: Tiling,
        first: usize,
        count: usize,
        bias: &[f32],
        least: f32,
        results: &mut [f32],
    ) {
        arch().dispatch(Gather { planes: self, tiling, first, count, bias, least, results });
    }
}

struct Spread<'a, L, const N: usize> {
    planes: &'a mut Planes,
    tiling: Tiling,
    images: &'a [f32],
    first: usize,
    count: usize,
    outside: &'a [f32],
    line: PhantomData<L>,
}

impl<L: Line<N, SIDE>, const N: usize> WithSimd for Spread<'_, L, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { planes, tiling, images, first, count, outside, .. } = self;
        let (channels, pitch) = (planes.channels, planes.pitch);
        let vectors = channels / S::F32_LANES;
        let mut planes = planes.values.chunks_exact_mut(pitch);
        let planes: [&mut [S::f32s]; POINTS] =
            std::array::from_fn(|_| S::as_mut_simd_f32s(planes.next().unwrap_or_default()).0);
        let zero = simd.splat_f32s(0.0);
        for tile in 0..count {
            let starts = tiling.starts::<N>(first + tile);
            let mut elements = [[S::as_simd_f32s(outside).0; N]; N];
            for i in 0..N {
                for j in 0..N {
                    if let Some(start) = starts[i][j] {
                        elements[i][j] = S::as_simd_f32s(&images[start..][..channels]).0;
                    }
                }
            }
            for vector in 0..vectors {
                let mut values = [[zero; N]; N];
                for i in 0..N {
                    for j in 0..N {
                        values[i][j] = elements[i][j][vector];
                    }
                }
                let values = square::<S, L, N, SIDE>(simd, values);
                for i in 0..SIDE {
                    for j in 0..SIDE {
                        planes[i * SIDE + j][tile * vectors + vector] = values[i][j];
                    }
                }
            }
        }
    }
}

struct Gather<'a> {
    planes: &'a Planes,
    tiling: Tiling,
    first: usize,
    count: usize,
    bias: &'a [f32],
    least: f32,
    results: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { planes, tiling, first, count, bias, least, results } = self;
        let vectors = planes.channels / S::F32_LANES;
        let planes: [&[S::f32s]; POINTS] =
            std::array::from_fn(|point| S::as_simd_f32s(planes.plane(point)).0);
        let bias = S::as_simd_f32s(bias).0;
        let results = S::as_mut_simd_f32s(results).0;
        let (zero, least) = (simd.splat_f32s(0.0), simd.splat_f32s(least));
        for tile in 0..count {
            let starts = tiling.starts::<PLACES>(first + tile);
            for vector in 0..vectors {
                let mut values = [[zero; SIDE]; SIDE];
                for i in 0..SIDE {
                    for j in 0..SIDE {
                        values[i][j] = planes[i * SIDE + j][tile * vectors + vector];
                    }
                }
                let values = square::<S, Places, SIDE, PLACES>(simd, values);
                for i in 0..PLACES {
                    for j in 0..PLACES {
                        if let Some(start) = starts[i][j] {
                            let sum = simd.add_f32s(values[i][j], bias[vector]);
                            // NaN stays NaN.
                            results[start / S::F32_LANES + vector] = simd.max_f32s(least, sum);
                        }
                    }
                }
            }
        }
    }
}
