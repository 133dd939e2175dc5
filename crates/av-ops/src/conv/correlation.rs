//! The kernel of the direct convolution: at many neighbouring places at once the sum over taps of weights times planes.

use pulp::{Simd, WithSimd};

use super::planes::SLACK;
use crate::vectorised::arch;

/// Channels of the result that the weights are packed by.
const BLOCK: usize = 8;

/// Vectors of neighbouring places in a tile.
const VECTORS: usize = 3;

/// Elements of the widest vectors there are, f32 in AVX-512.
const LANES: usize = 16;

/// Taps summed in one go: their weights and what they read of the planes stay in the first-level cache.
const TAPS: usize = 288;

const _: () = assert!(VECTORS * LANES <= SLACK);

/// Sums over taps: `y[m, i, j] = sum over k of weight[m, k] planes[offset[k] + i columns + j]`.
#[derive(Debug)]
pub(super) struct Correlation {
    /// For each block of channels and each tap the weights of the block's channels.
    weights: Vec<f32>,
    channels: usize,
    offsets: Vec<usize>,
    /// Rows and columns of places.
    places: [usize; 2],
    /// Elements between two rows of a plane.
    columns: usize,
    lines: Lines,
}

/// Neighbouring places that are computed together: those of each row, or of all rows with what lies between them.
#[derive(Debug, Clone, Copy)]
struct Lines {
    count: usize,
    places: usize,
    /// Elements between two rows of the results.
    row: usize,
}

impl Lines {
    /// Whichever takes fewer vectors.
    fn new([rows, columns]: [usize; 2], plane: usize) -> Self {
        let all = rows.saturating_sub(1) * plane + columns;
        if all.div_ceil(LANES) <= rows * columns.div_ceil(LANES) {
            Self { count: 1, places: all, row: plane }
        } else {
            Self { count: rows, places: columns, row: columns.next_multiple_of(LANES) }
        }
    }

    /// Elements between two lines of the results.
    fn length(&self) -> usize {
        self.places.next_multiple_of(LANES)
    }
}

impl Correlation {
    /// `weight` gives the weight of a channel and a tap.
    pub fn new(
        channels: usize,
        offsets: Vec<usize>,
        places: [usize; 2],
        columns: usize,
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let blocks = channels.div_ceil(BLOCK);
        let mut weights = Vec::with_capacity(blocks * offsets.len() * BLOCK);
        for block in 0..blocks {
            for tap in 0..offsets.len() {
                let of = |lane| {
                    let channel = block * BLOCK + lane;
                    if channel < channels { weight(channel, tap) } else { 0.0 }
                };
                weights.extend((0..BLOCK).map(of));
            }
        }
        let lines = Lines::new(places, columns);
        Self { weights, channels, offsets, places, columns, lines }
    }

    /// Elements of the results of one channel.
    fn pitch(&self) -> usize {
        self.lines.count * self.lines.length()
    }

    /// Elements of the results of all channels.
    pub fn results(&self) -> usize {
        self.channels * self.pitch()
    }

    /// Whether the results are the rows of places and nothing else.
    pub fn is_dense(&self) -> bool {
        self.pitch() == self.places[0] * self.places[1]
    }

    /// Computes all places from the planes, which begin at the first place.
    pub fn run(&self, planes: &[f32], results: &mut [f32]) {
        if !self.places.contains(&0) {
            arch().dispatch(Run { of: self, planes, results });
        }
    }

    /// The places of a row of a channel among the results.
    pub fn row<'r>(&self, results: &'r [f32], channel: usize, row: usize) -> &'r [f32] {
        &results[channel * self.pitch() + row * self.lines.row..][..self.places[1]]
    }

    /// Writes the rows of a channel one behind the other.
    #[inline(always)]
    pub fn collect(&self, results: &[f32], channel: usize, into: &mut [f32]) {
        let (columns, whole) = (self.places[1], self.places[1].next_multiple_of(LANES));
        let results = &results[channel * self.pitch()..][..self.pitch()];
        for row in 0..self.places[0] {
            let (from, into) = (&results[row * self.lines.row..], &mut into[row * columns..]);
            if from.len().min(into.len()) < whole {
                into[..columns].copy_from_slice(&from[..columns]);
                continue;
            }
            // Whole vectors: what is too much lies where the next row will.
            let (from, into) =
                (from[..whole].as_chunks::<LANES>().0, into[..whole].as_chunks_mut().0);
            into.iter_mut().zip(from).for_each(|(into, from)| *into = *from);
        }
    }
}

struct Run<'a> {
    of: &'a Correlation,
    planes: &'a [f32],
    results: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (lines, taps) = (self.of.lines, self.of.offsets.len());
        let mut first = 0;
        // One turn at least: without taps the result is 0.
        loop {
            let end = taps.min(first + TAPS);
            for line in 0..lines.count {
                let mut place = 0;
                while place < lines.places {
                    let count = (lines.places - place).div_ceil(S::F32_LANES).min(VECTORS);
                    let part = (first, end);
                    let from = line * self.of.columns + place;
                    let to = line * lines.length() + place;
                    match count {
                        1 => self.tiles::<S, 1>(simd, part, from, to),
                        2 => self.tiles::<S, 2>(simd, part, from, to),
                        _ => self.tiles::<S, VECTORS>(simd, part, from, to),
                    }
                    place += count * S::F32_LANES;
                }
            }
            first = end;
            if first == taps {
                break;
            }
        }
    }
}

impl Run<'_> {
    /// All channels at some places, from a part of the taps.
    #[inline(always)]
    fn tiles<S: Simd, const COUNT: usize>(
        &mut self,
        simd: S,
        (first, end): (usize, usize),
        from: usize,
        to: usize,
    ) {
        let (taps, pitch) = (self.of.offsets.len(), self.of.pitch());
        for block in 0..self.of.channels.div_ceil(BLOCK) {
            let weights =
                &self.of.weights[(block * taps + first) * BLOCK..][..(end - first) * BLOCK];
            let tile = Tile {
                weights,
                offsets: &self.of.offsets[first..end],
                planes: &self.planes[from..],
                pitch,
                add: first > 0,
            };
            let channel = block * BLOCK;
            let channels = (self.of.channels - channel).min(BLOCK);
            let results = &mut self.results[channel * pitch + to..];
            // As many sums as there are registers for.
            if S::REGISTER_COUNT >= 32 {
                tile.run::<S, BLOCK, COUNT>(simd, 0, channels, results);
            } else {
                const HALF: usize = BLOCK / 2;
                tile.run::<S, HALF, COUNT>(simd, 0, channels.min(HALF), results);
                if channels > HALF {
                    tile.run::<S, HALF, COUNT>(
                        simd,
                        HALF,
                        channels - HALF,
                        &mut results[HALF * pitch..],
                    );
                }
            }
        }
    }
}

/// Some channels at some places.
struct Tile<'a> {
    weights: &'a [f32],
    offsets: &'a [usize],
    planes: &'a [f32],
    /// Elements between the results of two channels.
    pitch: usize,
    /// Whether the results are added to what earlier taps gave.
    add: bool,
}

impl Tile<'_> {
    /// The sums of `channels` of the `LINES` channels of the block from `lane` on, in `COUNT` vectors each. The loops are
    /// written out, as the methods of arrays are calls where they hold many vectors.
    #[inline(always)]
    fn run<S: Simd, const LINES: usize, const COUNT: usize>(
        &self,
        simd: S,
        lane: usize,
        channels: usize,
        results: &mut [f32],
    ) {
        let mut sums = [[simd.splat_f32s(0.0); COUNT]; LINES];
        let (weights, _) = self.weights.as_chunks::<BLOCK>();
        for (weights, &offset) in weights.iter().zip(self.offsets) {
            let planes = S::as_simd_f32s(&self.planes[offset..][..COUNT * S::F32_LANES]).0;
            for line in 0..LINES {
                let weight = simd.splat_f32s(weights[lane + line]);
                for vector in 0..COUNT {
                    sums[line][vector] =
                        simd.mul_add_f32s(weight, planes[vector], sums[line][vector]);
                }
            }
        }
        for line in 0..LINES {
            if line < channels {
                let results = &mut results[line * self.pitch..][..COUNT * S::F32_LANES];
                let results = S::as_mut_simd_f32s(results).0;
                for vector in 0..COUNT {
                    let sum = sums[line][vector];
                    results[vector] =
                        if self.add { simd.add_f32s(results[vector], sum) } else { sum };
                }
            }
        }
    }
}
