//! The kernel of weight gradients: sums over places of gradients of the result times what the places read, for the f32
//! convolution and recurrent cells.

use pulp::{Simd, WithSimd};

use crate::tiles::{BLOCK, Place, Run};
use crate::vectorised::{WIDEST, arch};

/// Places that all taps go through before the next ones do: what they read stays in the first-level cache.
const PLACES: usize = 96;

/// Taps of a tile where the run has not enough for a larger one.
const FEW: usize = 3;

/// Taps that are worth a copy of the gradients in which they follow each other: those of places at a distance have the
/// same few lines of the first-level cache.
const MANY: usize = 128;

/// Adds to sums over places, `dw[channel, k] += sum over places of dy[place, channel] x[place, k]`, in a block of
/// channels; the sums are in the order of packed weights.
pub(crate) struct Products<'a> {
    /// How many there are in the sums.
    pub taps: usize,
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
        let Self { taps, runs, x, .. } = *self;
        let first = block * BLOCK;
        let channels = first..first + sums.len() / taps;
        let (mut near, mut room) = (Vec::new(), Vec::new());
        let parts = self.places.len().div_ceil(PLACES).max(1);
        for places in self.places.chunks(self.places.len().div_ceil(parts).max(1)) {
            let (places, dy) = if taps < MANY || are_spread(places) {
                (places, &self.dy[first..])
            } else {
                near.clear();
                room.clear();
                for place in places {
                    near.push(Place { from: place.from, to: room.len() });
                    room.extend_from_slice(&self.dy[place.to..][channels.clone()]);
                }
                (&*near, &*room)
            };
            arch().dispatch(Work { taps, runs, places, x, dy, sums });
        }
    }
}

/// Whether places follow each other at an odd number of lines, which have different sets of the first-level cache.
fn are_spread(places: &[Place]) -> bool {
    places.windows(2).all(|pair| pair[0].to.abs_diff(pair[1].to) % (2 * WIDEST) == WIDEST)
}

/// The channels of a block at a few places.
struct Work<'a> {
    taps: usize,
    runs: &'a [Run],
    places: &'a [Place],
    x: &'a [f32],
    /// From those of the block's first channel on.
    dy: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Work<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let vectors = self.sums.len() / self.taps / S::F32_LANES;
        // As many sums as there are registers for, besides a vector of each side.
        let many = S::REGISTER_COUNT >= 32;
        let mut vector = 0;
        while vector < vectors {
            vector += match vectors - vector {
                4.. if many => self.tiles::<S, 4, 6>(simd, vector),
                2.. if many => self.tiles::<S, 2, 12>(simd, vector),
                2.. => self.tiles::<S, 2, 6>(simd, vector),
                _ => self.tiles::<S, 1, 9>(simd, vector),
            };
        }
    }
}

impl Work<'_> {
    /// All taps for some vectors of channels from `vector` on; how many they are.
    #[inline(always)]
    fn tiles<S: Simd, const VECTORS: usize, const TAPS: usize>(
        &mut self,
        simd: S,
        vector: usize,
    ) -> usize {
        for run in self.runs {
            let mut done = 0;
            while done < run.length {
                let (start, tap) = (run.start + done, run.tap + done);
                let left = run.length - done;
                done += if left >= TAPS {
                    self.tile::<S, VECTORS, TAPS>(simd, vector, start, tap)
                } else if left >= FEW {
                    self.tile::<S, VECTORS, FEW>(simd, vector, start, tap)
                } else {
                    self.tile::<S, VECTORS, 1>(simd, vector, start, tap)
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
        vector: usize,
        start: usize,
        tap: usize,
    ) -> usize {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; TAPS];
        let lane = vector * S::F32_LANES;
        for place in self.places {
            let x = &self.x[place.from + start..][..TAPS];
            let dy = &self.dy[place.to + lane..][..VECTORS * S::F32_LANES];
            let dy = S::as_simd_f32s(dy).0;
            for tap in 0..TAPS {
                let x = simd.splat_f32s(x[tap]);
                for vector in 0..VECTORS {
                    sums[tap][vector] = simd.mul_add_f32s(x, dy[vector], sums[tap][vector]);
                }
            }
        }
        let width = self.sums.len() / self.taps / S::F32_LANES;
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
