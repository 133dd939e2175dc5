//! Products with packed weights: the kernel of the f32 convolution and of recurrent cells.
// The checks of an index cost more than half of a product.
#![allow(unsafe_code)]
// Iterators over arrays of sums, and copies of them, would take them out of the registers.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use pulp::{Simd, WithSimd};

use crate::vectorised::{WIDEST, arch};

/// Channels whose weights lie side by side.
pub(crate) const BLOCK: usize = 64;

/// Taps summed in one go: their weights stay in the first two levels of the cache.
const TOGETHER: usize = 576;

/// Places that go through all weights before the next ones do.
const PLACES: usize = 512;

/// Where a place reads first, and where its channels lie in the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub from: usize,
    pub to: usize,
}

/// Neighbouring elements that a place reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Elements behind the first that the place reads.
    pub start: usize,
    pub length: usize,
    /// The first of their taps.
    pub tap: usize,
}

/// The weights of some taps for some channels: for each block of channels, and in it for each tap, those of the block's
/// channels, with zeros that fill the last vector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub values: &'a [f32],
    pub taps: usize,
    pub channels: usize,
}

/// What the sums are added to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The same for each place.
    Bias(&'a [f32]),
    /// What the results were.
    Before,
}

/// The channels with those that fill the last vector.
pub(crate) fn lanes(channels: usize) -> usize {
    channels.next_multiple_of(WIDEST)
}

impl Weights<'_> {
    /// Sums over taps: `y[place, channel] = start + sum over k of weights[channel, k] x[place, k]`, and at least `least`.
    pub fn sum(
        self,
        x: &[f32],
        runs: &[Run],
        places: &[Place],
        start: Start<'_>,
        least: f32,
        results: &mut [f32],
    ) {
        let mut bias = if let Start::Bias(bias) = start { bias.to_vec() } else { Vec::new() };
        bias.resize(lanes(self.channels), 0.0);
        let add = matches!(start, Start::Before);
        let parts = parts(runs);
        let work =
            Work { weights: self, x, parts: &parts, places, bias: &bias, add, least, results };
        arch().dispatch(work);
    }
}

/// The runs in parts of at most [`TOGETHER`] taps; one part at least.
fn parts(runs: &[Run]) -> Vec<Vec<Run>> {
    let mut parts = vec![Vec::new()];
    let mut room = TOGETHER;
    for &Run { start, length, tap } in runs {
        let mut done = 0;
        while done < length {
            if room == 0 {
                parts.push(Vec::new());
                room = TOGETHER;
            }
            let taken = (length - done).min(room);
            if let Some(part) = parts.last_mut() {
                part.push(Run { start: start + done, length: taken, tap: tap + done });
            }
            (done, room) = (done + taken, room - taken);
        }
    }
    parts
}

struct Work<'a> {
    weights: Weights<'a>,
    x: &'a [f32],
    parts: &'a [Vec<Run>],
    places: &'a [Place],
    bias: &'a [f32],
    add: bool,
    least: f32,
    results: &'a mut [f32],
}

impl WithSimd for Work<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = self.bias.len();
        // As many sums as there are registers for, besides a vector of each side.
        let many = S::REGISTER_COUNT >= 32;
        for places in self.places.chunks(PLACES) {
            let mut lane = 0;
            while lane < lanes {
                lane += match (lanes - lane) / S::F32_LANES {
                    4.. if many => self.tiles::<S, 6, 4, 4>(simd, places, lane),
                    2.. if many => self.tiles::<S, 12, 6, 2>(simd, places, lane),
                    2.. => self.tiles::<S, 6, 4, 2>(simd, places, lane),
                    _ => self.tiles::<S, 8, 4, 1>(simd, places, lane),
                } * S::F32_LANES;
            }
        }
    }
}

impl Work<'_> {
    /// Some vectors of channels from `lane` on; how many they are. The last places may be few.
    #[inline(always)]
    fn tiles<S: Simd, const PLACES: usize, const FEW: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        places: &[Place],
        lane: usize,
    ) -> usize {
        let block = lane / BLOCK * BLOCK;
        let width = BLOCK.min(self.bias.len() - block);
        let weights = &self.weights.values[block * self.weights.taps + lane - block..];
        for (index, runs) in self.parts.iter().enumerate() {
            let is_last = index + 1 == self.parts.len();
            let tile = Tile {
                x: self.x,
                runs,
                reach: runs.iter().map(|run| run.start + run.length).max().unwrap_or(0),
                weights,
                width,
                lane,
                channels: self.weights.channels,
                add: self.add || index > 0,
                bias: if index == 0 { &self.bias[lane..] } else { &[0.0; BLOCK] },
                least: if is_last { self.least } else { f32::NEG_INFINITY },
            };
            for places in places.chunks(PLACES) {
                if places.len() > FEW {
                    tile.run::<S, PLACES, VECTORS>(simd, places, self.results);
                } else {
                    tile.run::<S, FEW, VECTORS>(simd, places, self.results);
                }
            }
        }
        VECTORS
    }
}

/// Some channels at some places.
struct Tile<'a> {
    x: &'a [f32],
    runs: &'a [Run],
    /// Elements from the first that a place reads to the end of its runs.
    reach: usize,
    /// From those of the first channel on.
    weights: &'a [f32],
    /// Elements between the weights of two taps.
    width: usize,
    /// The first channel.
    lane: usize,
    /// Channels of the result.
    channels: usize,
    /// Whether the sums are added to what earlier taps gave.
    add: bool,
    /// Added to each channel.
    bias: &'a [f32],
    /// The least result, 0 for ReLU.
    least: f32,
}

impl Tile<'_> {
    /// The sums over the taps at up to `PLACES` places. The loops are written out, as the methods of arrays are calls where
    /// they hold many vectors.
    #[inline(always)]
    fn run<S: Simd, const PLACES: usize, const VECTORS: usize>(
        &self,
        simd: S,
        places: &[Place],
        results: &mut [f32],
    ) {
        // Behind the last place it once more, whose sums are dropped.
        let mut lines = [[0.0; 0].as_slice(); PLACES];
        for place in 0..PLACES {
            let from = places[place.min(places.len() - 1)].from;
            lines[place] = &self.x[from..from + self.reach];
        }
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; PLACES];
        for run in self.runs {
            let first = run.tap * self.width;
            let end = first + (run.length - 1) * self.width + VECTORS * S::F32_LANES;
            let weights = &self.weights[first..end];
            for tap in 0..run.length {
                // SAFETY: the last tap's vectors end where `weights` does.
                let weights = unsafe {
                    weights
                        .get_unchecked(tap * self.width..tap * self.width + VECTORS * S::F32_LANES)
                };
                let weights = S::as_simd_f32s(weights).0;
                for place in 0..PLACES {
                    // SAFETY: each line reaches to the end of the last run.
                    let x = unsafe { *lines[place].get_unchecked(run.start + tap) };
                    let x = simd.splat_f32s(x);
                    for vector in 0..VECTORS {
                        sums[place][vector] =
                            simd.mul_add_f32s(x, weights[vector], sums[place][vector]);
                    }
                }
            }
        }
        let lanes = VECTORS * S::F32_LANES;
        let bias = S::as_simd_f32s(&self.bias[..lanes]).0;
        let least = simd.splat_f32s(self.least);
        for place in 0..PLACES {
            for vector in 0..VECTORS {
                sums[place][vector] = simd.add_f32s(sums[place][vector], bias[vector]);
            }
        }
        if self.channels - self.lane >= lanes {
            if self.add {
                for place in 0..PLACES {
                    let to = places[place.min(places.len() - 1)].to + self.lane;
                    let before = S::as_simd_f32s(&results[to..][..lanes]).0;
                    for vector in 0..VECTORS {
                        sums[place][vector] = simd.add_f32s(before[vector], sums[place][vector]);
                    }
                }
            }
            for place in 0..PLACES {
                if place < places.len() {
                    let results = &mut results[places[place].to + self.lane..][..lanes];
                    let results = S::as_mut_simd_f32s(results).0;
                    for vector in 0..VECTORS {
                        results[vector] = simd.max_f32s(least, sums[place][vector]); // NaN stays NaN
                    }
                }
            }
            return;
        }
        let mut all = [[0.0; BLOCK]; PLACES];
        for place in 0..PLACES {
            let all = S::as_mut_simd_f32s(&mut all[place][..lanes]).0;
            for vector in 0..VECTORS {
                all[vector] = sums[place][vector];
            }
        }
        for (place, sums) in places.iter().zip(&all) {
            let results = &mut results[place.to + self.lane..place.to + self.channels];
            for (result, sum) in results.iter_mut().zip(sums) {
                let sum = if self.add { *result + sum } else { *sum };
                *result = if sum < self.least { self.least } else { sum };
            }
        }
    }
}
