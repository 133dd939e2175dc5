//! The kernel of the direct weight gradient: sums over places of gradients of the result times what the places read.

use pulp::{Simd, WithSimd};

use super::taps::{BLOCK, Place, Run, Taps};
use crate::vectorised::arch;

/// Places that all taps go through before the next ones do: what they read stays in the first-level cache.
const PLACES: usize = 96;

/// Taps of a tile where the run has not enough for a larger one.
const FEW: usize = 3;

/// Adds to sums over places, `dw[channel, k] += sum over places of dy[place, channel] x[place, k]`, in a block of
/// channels; the sums are in the order of packed weights.
pub(super) struct Products<'a> {
    pub taps: &'a Taps,
    /// What each place reads.
    pub runs: &'a [Run],
    /// Where each place reads in `x`, and where its channels lie in `dy`.
    pub places: &'a [Place],
    pub x: &'a [f32],
    /// The gradients of the result; whole vectors of channels can be read from every place on.
    pub dy: &'a [f32],
}

impl Products<'_> {
    pub fn add(&self, block: usize, sums: &mut [f32]) {
        arch().dispatch(Work { of: self, first: block * BLOCK, sums });
    }
}

struct Work<'a> {
    of: &'a Products<'a>,
    /// The first channel of the block.
    first: usize,
    sums: &'a mut [f32],
}

impl WithSimd for Work<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let vectors = self.sums.len() / self.of.taps.len() / S::F32_LANES;
        // As many sums as there are registers for, besides a vector of each side.
        let many = S::REGISTER_COUNT >= 32;
        let parts = self.of.places.len().div_ceil(PLACES).max(1);
        for places in self.of.places.chunks(self.of.places.len().div_ceil(parts).max(1)) {
            let mut vector = 0;
            while vector < vectors {
                vector += match vectors - vector {
                    4.. if many => self.tiles::<S, 4, 6>(simd, places, vector),
                    2.. if many => self.tiles::<S, 2, 12>(simd, places, vector),
                    2.. => self.tiles::<S, 2, 6>(simd, places, vector),
                    _ => self.tiles::<S, 1, 9>(simd, places, vector),
                };
            }
        }
    }
}

impl Work<'_> {
    /// All taps for some vectors of channels from `vector` on; how many they are.
    #[inline(always)]
    fn tiles<S: Simd, const VECTORS: usize, const TAPS: usize>(
        &mut self,
        simd: S,
        places: &[Place],
        vector: usize,
    ) -> usize {
        for run in self.of.runs {
            let mut done = 0;
            while done < run.length {
                let (start, tap) = (run.start + done, run.tap + done);
                let left = run.length - done;
                done += if left >= TAPS {
                    self.tile::<S, VECTORS, TAPS>(simd, places, vector, start, tap)
                } else if left >= FEW {
                    self.tile::<S, VECTORS, FEW>(simd, places, vector, start, tap)
                } else {
                    self.tile::<S, VECTORS, 1>(simd, places, vector, start, tap)
                };
            }
        }
        VECTORS
    }

    /// Some taps from `tap` on, which read from `start` on; how many they are. The loops are written out, as the
    /// methods of arrays are calls where they hold many vectors.
    #[inline(always)]
    fn tile<S: Simd, const VECTORS: usize, const TAPS: usize>(
        &mut self,
        simd: S,
        places: &[Place],
        vector: usize,
        start: usize,
        tap: usize,
    ) -> usize {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; TAPS];
        let lane = self.first + vector * S::F32_LANES;
        for place in places {
            let x = &self.of.x[place.from + start..][..TAPS];
            let dy = &self.of.dy[place.to + lane..][..VECTORS * S::F32_LANES];
            let dy = S::as_simd_f32s(dy).0;
            for tap in 0..TAPS {
                let x = simd.splat_f32s(x[tap]);
                for vector in 0..VECTORS {
                    sums[tap][vector] = simd.mul_add_f32s(x, dy[vector], sums[tap][vector]);
                }
            }
        }
        let width = self.sums.len() / self.of.taps.len() / S::F32_LANES;
        let (all, _) = S::as_mut_simd_f32s(self.sums);
        for at in 0..TAPS {
            let all = &mut all[(tap + at) * width + vector..][..VECTORS];
            for vector in 0..VECTORS {
                all[vector] = simd.add_f32s(all[vector], sums[at][vector]);
            }
        }
        TAPS
    }
}
