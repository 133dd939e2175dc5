//! The kernel of the direct weight gradient: sums over all places of gradients of the result times planes.

use pulp::{Simd, WithSimd};

use crate::vectorised::{arch, vectorised};

/// Channels of the result that a block of the gradient holds side by side.
pub(super) const BLOCK: usize = 64;

/// Elements of the widest vectors there are, f32 in AVX-512: so many channels are taken together.
const LANES: usize = 16;

/// Channels that are turned at once: a vector that every processor has.
const TURNED: usize = 8;

/// Sums over places: `dw[m, k] = sum over i, j of dy[m, i, j] planes[offset[k] + i columns + j]`.
#[derive(Debug)]
pub(super) struct Products {
    channels: usize,
    places: [usize; 2],
    /// Elements between two rows of a plane.
    columns: usize,
    offsets: Vec<usize>,
}

impl Products {
    pub fn new(channels: usize, places: [usize; 2], columns: usize, offsets: Vec<usize>) -> Self {
        Self { channels, places, columns, offsets }
    }

    /// The channels with those that fill the last vector.
    fn lanes(&self) -> usize {
        self.channels.next_multiple_of(LANES)
    }

    /// Elements of a turned gradient of the result.
    pub fn length(&self) -> usize {
        self.places[0] * self.places[1] * self.lanes()
    }

    /// Elements of the sums: for each block of channels and each tap those of the block's channels.
    pub fn sums(&self) -> usize {
        self.offsets.len() * self.lanes()
    }

    /// Turns the channels of a gradient: those of one place become neighbours, and what fills the last vector stays 0.
    pub fn turn(&self, dy: &[f32], into: &mut [f32]) {
        let (area, lanes) = (self.places[0] * self.places[1], self.lanes());
        vectorised(
            #[inline(always)]
            || {
                for (group, dy) in dy.chunks(TURNED * area).enumerate() {
                    let into = &mut into[group * TURNED..];
                    if dy.len() == TURNED * area {
                        turn_whole(dy, area, lanes, into);
                    } else {
                        for (channel, dy) in dy.chunks_exact(area).enumerate() {
                            for (into, dy) in into[channel..].iter_mut().step_by(lanes).zip(dy) {
                                *into = *dy;
                            }
                        }
                    }
                }
            },
        );
    }

    /// Adds the sums of some images, of which the turned gradients and the planes are given, in a block of channels.
    pub fn add(&self, dy: &[&[f32]], planes: &[&[f32]], block: usize, sums: &mut [f32]) {
        arch().dispatch(Add { of: self, dy, planes, first: block * BLOCK, sums });
    }

    /// The sums in the order of the weight: for each channel its taps.
    pub fn weights(&self, sums: &[f32], into: &mut [f32]) {
        let taps = self.offsets.len();
        let blocks = sums.chunks(taps * BLOCK);
        for (sums, into) in blocks.zip(into.chunks_mut(taps * BLOCK)) {
            let width = sums.len() / taps;
            for (channel, into) in into.chunks_exact_mut(taps).enumerate() {
                let sums = sums[channel..].iter().step_by(width);
                into.iter_mut().zip(sums).for_each(|(into, sum)| *into = *sum);
            }
        }
    }
}

/// Turns [`TURNED`] channels.
#[inline(always)]
fn turn_whole(dy: &[f32], area: usize, lanes: usize, into: &mut [f32]) {
    let mut channels: [&[f32]; TURNED] = [&[]; TURNED];
    for (channel, dy) in channels.iter_mut().zip(dy.chunks_exact(area)) {
        *channel = dy;
    }
    // A square of places and channels at a time, which becomes moves between vectors.
    let whole = area - area % TURNED;
    for start in (0..whole).step_by(TURNED) {
        let mut square = [[0.0; TURNED]; TURNED];
        for (row, channel) in square.iter_mut().zip(channels) {
            row.copy_from_slice(&channel[start..start + TURNED]);
        }
        let mut turned = [[0.0; TURNED]; TURNED];
        for channel in 0..TURNED {
            for place in 0..TURNED {
                turned[place][channel] = square[channel][place];
            }
        }
        for (place, turned) in (start..).zip(&turned) {
            into[place * lanes..][..TURNED].copy_from_slice(turned);
        }
    }
    for place in whole..area {
        for (into, channel) in into[place * lanes..].iter_mut().zip(channels) {
            *into = channel[place];
        }
    }
}

struct Add<'a> {
    of: &'a Products,
    dy: &'a [&'a [f32]],
    planes: &'a [&'a [f32]],
    /// The first channel of the block.
    first: usize,
    sums: &'a mut [f32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let vectors = self.sums.len() / self.of.offsets.len() / S::F32_LANES;
        let mut vector = 0;
        while vector < vectors {
            // As many sums as there are registers for, besides a vector of each side.
            let many = S::REGISTER_COUNT >= 32;
            vector += match vectors - vector {
                4.. if many => self.tiles::<S, 4, 6>(simd, vector),
                2.. if many => self.tiles::<S, 2, 9>(simd, vector),
                2.. => self.tiles::<S, 2, 6>(simd, vector),
                _ => self.tiles::<S, 1, 9>(simd, vector),
            };
        }
    }
}

impl Add<'_> {
    /// All taps for some vectors of channels from `vector` on; how many they are.
    #[inline(always)]
    fn tiles<S: Simd, const VECTORS: usize, const TAPS: usize>(
        &mut self,
        simd: S,
        vector: usize,
    ) -> usize {
        let taps = self.of.offsets.len();
        let width = self.sums.len() / taps / S::F32_LANES;
        let lane = self.first + vector * S::F32_LANES;
        let (all, _) = S::as_mut_simd_f32s(self.sums);
        for tap in (0..taps).step_by(TAPS) {
            // Behind the last tap it once more, whose sums are dropped.
            let mut offsets = [0; TAPS];
            for (at, offset) in offsets.iter_mut().enumerate() {
                *offset = self.of.offsets[(tap + at).min(taps - 1)];
            }
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; TAPS];
            for (dy, planes) in self.dy.iter().zip(self.planes) {
                add_image::<S, VECTORS, TAPS>(
                    simd,
                    self.of,
                    (dy, lane),
                    (planes, offsets),
                    &mut sums,
                );
            }
            for at in 0..TAPS {
                if tap + at < taps {
                    let all = &mut all[(tap + at) * width + vector..][..VECTORS];
                    for vector in 0..VECTORS {
                        all[vector] = simd.add_f32s(all[vector], sums[at][vector]);
                    }
                }
            }
        }
        VECTORS
    }
}

/// Adds the products over the places of one image. The loops are written out, as the methods of arrays are calls where
/// they hold many vectors.
#[inline(always)]
fn add_image<S: Simd, const VECTORS: usize, const TAPS: usize>(
    simd: S,
    of: &Products,
    (dy, lane): (&[f32], usize),
    (planes, offsets): (&[f32], [usize; TAPS]),
    sums: &mut [[S::f32s; VECTORS]; TAPS],
) {
    let [rows, columns] = of.places;
    let length = (rows - 1) * of.columns + columns;
    let mut lines: [&[f32]; TAPS] = [&[]; TAPS];
    for (line, offset) in lines.iter_mut().zip(offsets) {
        *line = &planes[offset..][..length];
    }
    let mut places = dy.chunks_exact(of.lanes());
    for row in 0..rows {
        let start = row * of.columns;
        for (at, dy) in (start..start + columns).zip(&mut places) {
            let dy = &S::as_simd_f32s(&dy[lane..][..VECTORS * S::F32_LANES]).0[..VECTORS];
            for tap in 0..TAPS {
                let plane = simd.splat_f32s(lines[tap][at]);
                for vector in 0..VECTORS {
                    sums[tap][vector] = simd.mul_add_f32s(plane, dy[vector], sums[tap][vector]);
                }
            }
        }
    }
}
