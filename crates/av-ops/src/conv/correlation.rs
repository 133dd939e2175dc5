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
}

/// Results of one channel at neighbouring places of a row: channel, row, first column, values, and whether they are to
/// be added to what earlier taps gave.
pub(super) type Results<'a> = (usize, usize, usize, &'a [f32], bool);

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
        Self { weights, channels, offsets, places, columns }
    }

    /// Computes all places from the planes, which begin at the first place, and hands the results over.
    pub fn run(&self, planes: &[f32], store: impl FnMut(Results<'_>)) {
        if self.places.contains(&0) {
            return;
        }
        arch().dispatch(Run { of: self, planes, store });
    }
}

struct Run<'a, F> {
    of: &'a Correlation,
    planes: &'a [f32],
    store: F,
}

impl<F: FnMut(Results<'_>)> WithSimd for Run<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [rows, columns] = self.of.places;
        let all = (rows - 1) * self.of.columns + columns;
        let vectors = |places: usize| places.div_ceil(S::F32_LANES);
        // Places of a row, or of all rows together with what lies between them: what takes fewer vectors.
        let lines: (usize, usize) =
            if vectors(all) <= rows * vectors(columns) { (1, all) } else { (rows, columns) };
        let taps = self.of.offsets.len();
        let mut first = 0;
        // One turn at least: without taps the result is 0.
        loop {
            let end = taps.min(first + TAPS);
            for line in 0..lines.0 {
                let mut place = 0;
                while place < lines.1 {
                    let count = vectors(lines.1 - place).min(VECTORS);
                    let start = line * self.of.columns + place;
                    let part = (first, end);
                    let places = (start, (lines.1 - place).min(count * S::F32_LANES));
                    match count {
                        1 => self.tiles::<S, 1>(simd, part, places),
                        2 => self.tiles::<S, 2>(simd, part, places),
                        _ => self.tiles::<S, VECTORS>(simd, part, places),
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

impl<F: FnMut(Results<'_>)> Run<'_, F> {
    /// All channels at some places, from a part of the taps.
    #[inline(always)]
    fn tiles<S: Simd, const COUNT: usize>(
        &mut self,
        simd: S,
        (first, end): (usize, usize),
        (start, length): (usize, usize),
    ) {
        let taps = self.of.offsets.len();
        let mut values = [0.0; BLOCK * VECTORS * LANES];
        let stride = COUNT * S::F32_LANES;
        for block in 0..self.of.channels.div_ceil(BLOCK) {
            let weights =
                &self.of.weights[(block * taps + first) * BLOCK..][..(end - first) * BLOCK];
            let tile = Tile {
                weights,
                offsets: &self.of.offsets[first..end],
                planes: &self.planes[start..],
            };
            // As many sums as there are registers for.
            if S::REGISTER_COUNT >= 32 {
                tile.sums::<S, BLOCK, COUNT>(simd, 0, &mut values);
            } else {
                let (low, high) = values.split_at_mut(BLOCK / 2 * stride);
                tile.sums::<S, { BLOCK / 2 }, COUNT>(simd, 0, low);
                tile.sums::<S, { BLOCK / 2 }, COUNT>(simd, BLOCK / 2, high);
            }
            let channels = (self.of.channels - block * BLOCK).min(BLOCK);
            for (lane, values) in values.chunks_exact(stride).take(channels).enumerate() {
                self.hand_over(block * BLOCK + lane, start, &values[..length], first > 0);
            }
        }
    }

    /// Row by row, without what lies between the rows.
    #[inline(always)]
    fn hand_over(&mut self, channel: usize, start: usize, mut values: &[f32], add: bool) {
        let (mut row, mut column) = (start / self.of.columns, start % self.of.columns);
        while !values.is_empty() {
            let (line, rest) = values.split_at((self.of.columns - column).min(values.len()));
            let inside = self.of.places[1].saturating_sub(column).min(line.len());
            if inside > 0 {
                (self.store)((channel, row, column, &line[..inside], add));
            }
            (values, row, column) = (rest, row + 1, 0);
        }
    }
}

/// Some channels at some places.
struct Tile<'a> {
    weights: &'a [f32],
    offsets: &'a [usize],
    planes: &'a [f32],
}

impl Tile<'_> {
    /// The sums of `LINES` channels of the block from `lane` on, in `COUNT` vectors each.
    #[inline(always)]
    fn sums<S: Simd, const LINES: usize, const COUNT: usize>(
        &self,
        simd: S,
        lane: usize,
        values: &mut [f32],
    ) {
        let mut sums = [[simd.splat_f32s(0.0); COUNT]; LINES];
        let (weights, _) = self.weights.as_chunks::<BLOCK>();
        for (weights, &offset) in weights.iter().zip(self.offsets) {
            let (planes, _) = S::as_simd_f32s(&self.planes[offset..][..COUNT * S::F32_LANES]);
            for (line, sums) in sums.iter_mut().enumerate() {
                let weight = simd.splat_f32s(weights[lane + line]);
                for (sum, plane) in sums.iter_mut().zip(planes) {
                    *sum = simd.mul_add_f32s(weight, *plane, *sum);
                }
            }
        }
        let (values, _) = S::as_mut_simd_f32s(values);
        values.iter_mut().zip(sums.as_flattened()).for_each(|(value, sum)| *value = *sum);
    }
}
