//! Convolution in f32 of kernels of 3 x 3 elements at stride 1: four neighbouring places have 16 products for each pair of
//! channels, where the direct way has 36.
//!
//! A tile of 2 x 2 places reads 4 x 4 elements. Both the elements and the kernels turn into 16 values, its points, by sums
//! alone; a point of the result is a matrix product of those of elements and kernels, and the places are sums of points.
//! What is not finite reaches all places of its tile.
//!
//! A. Lavin and S. Gray, Fast algorithms for convolutional neural networks, CVPR 2016.

mod lines;
mod points;
mod weight;

use rayon::prelude::*;

use super::Finish;
use super::geometry::Geometry;
use super::pieces::{CACHED, piece};
use crate::products::Products;
use crate::results::compute_with;
use crate::sums::add_in_order;
use crate::tiles::{BLOCK, Place, Run, Start, Weights};
use crate::vectorised::{WIDEST, is_portable};

use lines::{Elements, Gradients};
use points::{Planes, Tiling};
use weight::Weight;

/// Places of a tile in one direction.
const PLACES: usize = 2;

/// Elements that a tile reads in one direction, and its points.
const SIDE: usize = 4;

/// Elements of a kernel in one direction.
const KERNEL: usize = 3;

/// Points of a tile.
const POINTS: usize = SIDE * SIDE;

/// Whether this is the way with fewer products, those counted that the direct one leaves out at the edges.
pub(super) fn suits(geometry: &Geometry) -> bool {
    let &Geometry { channels, outputs, groups, kernel, stride, dilation, .. } = geometry;
    if is_portable() || groups > 1 || kernel != [3; 2] || stride != [1; 2] || dilation != [1; 2] {
        return false;
    }
    if !channels.is_multiple_of(WIDEST) || !outputs.is_multiple_of(WIDEST) {
        return false;
    }
    let &Geometry { height, width, padding, out, .. } = geometry;
    let extents = [height, width];
    let inside = |side: usize| {
        let elements = padding[side]..padding[side] + extents[side];
        let reads = |place: usize| (0..3).filter(|tap| elements.contains(&(place + tap))).count();
        (0..out[side]).map(reads).sum::<usize>()
    };
    let tiles: usize = out.iter().map(|places| places.div_ceil(PLACES)).product();
    let direct = inside(0) * inside(1) * channels * outputs;
    // The sums between elements and points take as long as so many products of each channel.
    let sums = 8 * WIDEST * (channels + outputs);
    // With less to gain, what comes on top of the products is more.
    tiles * (POINTS * channels * outputs + sums) < direct / 8 * 7
}

/// The convolution of images with their channels last.
pub(super) fn forward(
    geometry: &Geometry,
    x: &[f32],
    weight: &[f32],
    finish: Finish<'_, f32>,
) -> Vec<f32> {
    let kernels = Weight::forward(geometry).points(weight);
    let [from, to] = Tiling::forward(geometry);
    convolve(from, to, x, &kernels, finish)
}

/// The gradient of the input: the convolution of the gradient of the result with the turned kernels.
pub(super) fn input_gradient(geometry: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let kernels = Weight::backward(geometry).points(weight);
    let [from, to] = Tiling::backward(geometry);
    let finish = Finish { bias: &vec![0.0; geometry.channels], relu: false };
    convolve(from, to, dy, &kernels, finish)
}

fn convolve(
    from: Tiling,
    to: Tiling,
    images: &[f32],
    kernels: &[f32],
    finish: Finish<'_, f32>,
) -> Vec<f32> {
    let (read, written) = (from.elements(), to.elements());
    let batch = images.len() / read;
    // The kernels are read once for as many elements at least.
    let chunk = chunk(from, to, kernels.len()).min(batch * to.count());
    let pieces = batch.div_ceil(chunk.div_ceil(to.count()));
    // As many for each thread; no sum goes over the pieces, so that they may depend on it.
    let together = batch.div_ceil(pieces.next_multiple_of(2 * rayon::current_num_threads()));
    let least = if finish.relu { 0.0 } else { f32::NEG_INFINITY };
    let places = places(from.channels, to.channels, chunk);
    let room = || [Planes::zeros(chunk, from.channels), Planes::zeros(chunk, to.channels)];
    compute_with(batch * written, together * written, room, |[before, after], index, results| {
        let images = &images[index * together * read..];
        let tiles = results.len() / written * to.count();
        for first in (0..tiles).step_by(chunk) {
            let count = chunk.min(tiles - first);
            before.spread::<Elements, SIDE>(from, images, first, count);
            multiply(before, kernels, &places[..count], after);
            after.gather(to, first, count, finish.bias, least, results);
        }
    })
}

/// Tiles whose points are in the making at once.
fn chunk(from: Tiling, to: Tiling, kernels: usize) -> usize {
    (CACHED.max(kernels) / (POINTS * (from.channels + to.channels))).max(1)
}

/// The tiles of a plane, each with where its channels lie in that of the result.
fn places(from: usize, to: usize, count: usize) -> Vec<Place> {
    (0..count).map(|tile| Place { from: tile * from, to: tile * to }).collect()
}

/// Products of some tiles, point by point.
fn multiply(before: &Planes, kernels: &[f32], places: &[Place], after: &mut Planes) {
    let (taps, channels) = (before.channels, after.channels);
    let runs = [Run { start: 0, length: taps, tap: 0 }];
    for (block, kernels) in kernels.chunks(POINTS * taps * BLOCK).enumerate() {
        let width = BLOCK.min(channels - block * BLOCK);
        let planes = before.planes().zip(after.planes_mut());
        for (values, (before, after)) in kernels.chunks_exact(taps * width).zip(planes) {
            let weights = Weights { values, taps, channels: width };
            let results = &mut after[block * BLOCK..];
            weights.sum(
                before,
                &runs,
                places,
                Start::Bias(&[0.0; BLOCK][..width]),
                f32::NEG_INFINITY,
                results,
            );
        }
    }
}

/// The gradient of the weight: a partial sum for each piece of the batch, added in order.
pub(super) fn weight_gradient(geometry: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let [from, to] = Tiling::forward(geometry);
    let (read, written) = (from.elements(), to.elements());
    let batch = dy.len() / written;
    let (taps, channels) = (from.channels, to.channels);
    let kernels = POINTS * taps * channels;
    let piece = piece(batch, geometry.places(), kernels);
    let chunk = chunk(from, to, kernels).min(piece * to.count());
    let places = places(taps, channels, chunk);
    let runs = [Run { start: 0, length: taps, tap: 0 }];
    let room = || [Planes::zeros(chunk, taps), Planes::zeros(chunk, channels)];
    let parts = x.par_chunks(piece * read).zip(dy.par_chunks(piece * written));
    let parts = parts.map_init(room, |[before, after], (x, dy)| {
        let mut sums = vec![0.0; kernels];
        let tiles = dy.len() / written * to.count();
        for first in (0..tiles).step_by(chunk) {
            let count = chunk.min(tiles - first);
            before.spread::<Elements, SIDE>(from, x, first, count);
            after.spread::<Gradients, PLACES>(to, dy, first, count);
            let (before, after) = (&*before, &*after);
            let points = sums.par_chunks_mut(taps * channels).enumerate();
            points.for_each(|(point, sums)| {
                let (x, dy) = (before.plane(point), after.plane(point));
                let products = Products { taps, runs: &runs, places: &places[..count], x, dy };
                let blocks = sums.chunks_mut(taps * BLOCK).enumerate();
                blocks.for_each(|(block, sums)| products.add(block, sums));
            });
        }
        sums
    });
    Weight::forward(geometry).gradient(&add_in_order(parts.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::direct;
    use super::*;
    use crate::order::Order;

    /// Whole numbers, so small that no sum of them is rounded.
    fn numbers(count: usize, step: usize, factor: f32) -> Vec<f32> {
        (0..count).map(|index| (index * step % 11) as f32 - 5.0).map(|x| factor * x).collect()
    }

    #[test]
    fn whole_numbers_have_the_results_and_gradients_of_the_direct_way() {
        // One image and several; odd sizes and those smaller than a tile; more tiles than are in the making at once; more
        // channels than a block.
        for (batch, channels, outputs, [height, width], padding) in [
            (1, 32, 32, [25, 25], [1, 1]),
            (3, 16, 48, [6, 7], [0, 2]),
            (2, 80, 16, [3, 3], [2, 0]),
            (2, 16, 144, [4, 9], [1, 1]),
            (5, 16, 16, [1, 2], [1, 2]),
            (1, 16, 32, [3, 3], [0, 0]),
        ] {
            let out = [height + 2 * padding[0] - 2, width + 2 * padding[1] - 2];
            let geometry = Geometry {
                channels,
                outputs,
                groups: 1,
                height,
                width,
                kernel: [3, 3],
                stride: [1, 1],
                padding,
                dilation: [1, 1],
                out,
            };
            let x = numbers(batch * geometry.image(), 7, 1.0);
            let dy = numbers(batch * outputs * geometry.places(), 5, 1.0);
            // A kernel of multiples of four has whole points.
            let weight = numbers(9 * channels * outputs, 3, 4.0);
            let bias = numbers(outputs, 1, 1.0);
            let name = format!("{geometry:?}");
            for relu in [false, true] {
                let finish = Finish { bias: &bias, relu };
                let expected = direct::forward(&geometry, Order::Last, &x, &weight, finish);
                assert_eq!(forward(&geometry, &x, &weight, finish), expected, "{name}");
            }
            let expected = direct::input_gradient(&geometry, Order::Last, &weight, &dy);
            assert_eq!(input_gradient(&geometry, &weight, &dy), expected, "{name}");
            let expected = direct::weight_gradient(&geometry, Order::Last, &x, &dy);
            assert_eq!(weight_gradient(&geometry, &x, &dy), expected, "{name}");
        }
    }

    #[test]
    fn it_is_taken_where_it_has_fewer_products() {
        let square = |side: usize, channels: usize| Geometry {
            channels,
            outputs: channels,
            groups: 1,
            height: side,
            width: side,
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            dilation: [1, 1],
            out: [side, side],
        };
        for (side, channels, taken) in [
            (48, 64, true),
            (8, 64, true),
            (4, 128, true),
            (3, 128, false),
            (48, 16, false),
            (48, 60, false),
        ] {
            assert_eq!(
                suits(&square(side, channels)),
                taken && !is_portable(),
                "{side} {channels}"
            );
        }
        let strided = Geometry { stride: [2, 2], out: [24, 24], ..square(48, 64) };
        assert!(!suits(&strided));
        assert!(!suits(&Geometry { groups: 2, ..square(48, 64) }));
        let spread = Geometry { dilation: [2, 2], padding: [2, 2], ..square(48, 64) };
        assert!(!suits(&spread));
    }
}
