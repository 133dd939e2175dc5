//! Convolution in f32 straight from the padded images: no unfolded matrix is written.

use rayon::prelude::*;

use super::PIECES;
use super::correlation::Correlation;
use super::geometry::Geometry;
use super::planes::Planes;
use super::products::{BLOCK, Products};
use crate::sums::add_in_order;
use crate::vectorised::is_portable;
use crate::vectorised::vectorised;

/// Fewest channels of a group that a block of the kernel is worth.
const CHANNELS: usize = 3;

/// Elements of planes that the weight gradient goes through at once: the second-level cache holds them.
const CACHED: usize = 1 << 17;

/// Elements of the partial sums of the weight gradient together, at most, or those of four pieces.
const PARTIAL: usize = 1 << 20;

/// Whether the kernels are better than matrix products here: without wide vectors they take one element at a time.
pub(super) fn suits(geometry: &Geometry) -> bool {
    !is_portable()
        && geometry.channels.min(geometry.outputs) / geometry.groups >= CHANNELS
        && !geometry.is_identity()
}

/// For each tap of a channel its distance from the first, down and to the right.
fn taps(geometry: &Geometry) -> impl Iterator<Item = [usize; 2]> + use<> {
    let Geometry { kernel, dilation, .. } = *geometry;
    (0..kernel[0] * kernel[1])
        .map(move |tap| [tap / kernel[1] * dilation[0], tap % kernel[1] * dilation[1]])
}

/// Where in the planes of a group each of its taps begins, channel by channel.
fn offsets(geometry: &Geometry, planes: &Planes) -> Vec<usize> {
    let starts: Vec<usize> = taps(geometry).map(|tap| planes.tap(tap)).collect();
    let channels = 0..geometry.channels / geometry.groups;
    channels.flat_map(|c| starts.iter().map(move |start| c * planes.channel() + start)).collect()
}

/// The convolution, without bias.
pub(super) fn forward(geometry: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let planes = Planes::of(geometry);
    let offsets = offsets(geometry, &planes);
    let outputs = geometry.outputs / geometry.groups;
    let groups: Vec<Correlation> = weight
        .chunks_exact(outputs * offsets.len())
        .map(|weight| {
            let of = |output: usize, tap: usize| weight[output * offsets.len() + tap];
            Correlation::new(outputs, offsets.clone(), geometry.out, planes.columns, of)
        })
        .collect();
    let batch = x.len() / geometry.image();
    let mut y = vec![0.0; batch * geometry.result()];
    let piece = batch.div_ceil(PIECES);
    y.par_chunks_mut(piece * geometry.result())
        .zip(x.par_chunks(piece * geometry.image()))
        .for_each(|(y, x)| {
            let mut room = planes.room(geometry.channels);
            let mut results = Vec::new();
            let images = x.chunks_exact(geometry.image());
            for (y, x) in y.chunks_exact_mut(geometry.result()).zip(images) {
                planes.spread(x, &mut room);
                let y = y.chunks_exact_mut(outputs * geometry.places());
                for (index, (group, y)) in groups.iter().zip(y).enumerate() {
                    let channels = index * geometry.channels / geometry.groups;
                    let planes = &room[channels * planes.channel()..];
                    if group.is_dense() {
                        group.run(planes, y);
                    } else {
                        results.resize(group.results(), 0.0);
                        group.run(planes, &mut results);
                        join(group, &results, geometry.places(), y);
                    }
                }
            }
        });
    y
}

/// Writes the results of all channels one behind the other.
fn join(group: &Correlation, results: &[f32], places: usize, into: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (channel, into) in into.chunks_exact_mut(places).enumerate() {
                group.collect(results, channel, into);
            }
        },
    );
}

/// Part of the gradient of the input: the rows and columns of one remainder by the stride, which the same taps reach.
struct Phase {
    groups: Vec<Correlation>,
    /// Where in the planes of the gradient of the result the first place reads.
    start: usize,
}

/// The gradient of the input: the convolution of the gradient of the result with the turned kernel.
pub(super) fn input_gradient(geometry: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let Geometry { height, width, stride, padding, .. } = *geometry;
    // The furthest tap in strides: so far before the first place the gradient is read.
    let reach = |side: usize| geometry.dilation[side] * (geometry.kernel[side] - 1) / stride[side];
    let before = [reach(0), reach(1)];
    let least =
        [(height - 1 + padding[0]) / stride[0] + 1, (width - 1 + padding[1]) / stride[1] + 1];
    let planes = Planes::around(geometry.out, before, least);
    let phases: Vec<Phase> = (0..stride[0] * stride[1])
        .map(|phase| {
            phase_of(geometry, weight, &planes, before, [phase / stride[1], phase % stride[1]])
        })
        .collect();
    let channels = geometry.channels / geometry.groups;
    let batch = dy.len() / geometry.result();
    let mut dx = vec![0.0; batch * geometry.image()];
    let piece = batch.div_ceil(PIECES);
    dx.par_chunks_mut(piece * geometry.image())
        .zip(dy.par_chunks(piece * geometry.result()))
        .for_each(|(dx, dy)| {
            let mut room = planes.room(geometry.outputs);
            let mut results = vec![Vec::new(); phases.len()];
            let images = dy.chunks_exact(geometry.result());
            for (dx, dy) in dx.chunks_exact_mut(geometry.image()).zip(images) {
                planes.spread(dy, &mut room);
                let dx = dx.chunks_exact_mut(channels * height * width);
                for (group, dx) in dx.enumerate() {
                    let outputs = group * geometry.outputs / geometry.groups;
                    let read = |phase: &Phase| &room[outputs * planes.channel() + phase.start..];
                    if let [phase] = phases.as_slice()
                        && phase.groups[group].is_dense()
                    {
                        phase.groups[group].run(read(phase), dx);
                        continue;
                    }
                    for (phase, results) in phases.iter().zip(&mut results) {
                        results.resize(phase.groups[group].results(), 0.0);
                        phase.groups[group].run(read(phase), results);
                    }
                    let parts: Vec<Part<'_>> = phases
                        .iter()
                        .zip(&results)
                        .map(|(phase, results)| (&phase.groups[group], results.as_slice()))
                        .collect();
                    interleave(&parts, geometry, dx);
                }
            }
        });
    dx
}

/// A phase of a group with its results.
type Part<'a> = (&'a Correlation, &'a [f32]);

/// Writes the phases into the image that they are parts of.
fn interleave(parts: &[Part<'_>], geometry: &Geometry, dx: &mut [f32]) {
    let Geometry { height, width, stride, padding, .. } = *geometry;
    vectorised(
        #[inline(always)]
        || {
            if let ([1, 1], [(group, results)]) = (stride, parts) {
                for (channel, dx) in dx.chunks_exact_mut(height * width).enumerate() {
                    group.collect(results, channel, dx);
                }
                return;
            }
            for (line, dx) in dx.chunks_exact_mut(width).enumerate() {
                let (channel, row) = (line / height, line % height + padding[0]);
                let parts = &parts[row % stride[0] * stride[1]..][..stride[1]];
                let first = padding[0].saturating_sub(row % stride[0]).div_ceil(stride[0]);
                let part = |column: usize| {
                    let (group, results) = parts[(column + padding[1]) % stride[1]];
                    group.row(results, channel, row / stride[0] - first)
                };
                if stride[1] == 2 {
                    let (pairs, last) = dx.as_chunks_mut::<2>();
                    for (pair, (even, odd)) in pairs.iter_mut().zip(part(0).iter().zip(part(1))) {
                        *pair = [*even, *odd];
                    }
                    last.iter_mut().zip(part(0).last()).for_each(|(last, even)| *last = *even);
                    continue;
                }
                for column in 0..stride[1].min(width) {
                    let into = dx[column..].iter_mut().step_by(stride[1]);
                    into.zip(part(column)).for_each(|(into, value)| *into = *value);
                }
            }
        },
    );
}

/// An element of the padded image at `stride q + remainder` is read by the taps at the distances `stride t + remainder`,
/// for the place `q - t`.
fn phase_of(
    geometry: &Geometry,
    weight: &[f32],
    planes: &Planes,
    before: [usize; 2],
    remainder: [usize; 2],
) -> Phase {
    let Geometry { height, width, stride, padding, outputs, groups, .. } = *geometry;
    let side = |side: usize, extent: usize| {
        let first = padding[side].saturating_sub(remainder[side]).div_ceil(stride[side]);
        let end = (extent + padding[side]).saturating_sub(remainder[side]).div_ceil(stride[side]);
        (first, end.saturating_sub(first))
    };
    let ((down, rows), (right, columns)) = (side(0, height), side(1, width));
    let (outputs, channels) = (outputs / groups, geometry.channels / groups);
    let taps: Vec<(usize, [usize; 2])> = taps(geometry)
        .enumerate()
        .filter(|(_, tap)| [tap[0] % stride[0], tap[1] % stride[1]] == remainder)
        .collect();
    let kernel = geometry.kernel[0] * geometry.kernel[1];
    let offset = |output: usize, [d, r]: [usize; 2]| {
        let place = [before[0] - d / stride[0], before[1] - r / stride[1]];
        output * planes.channel() + planes.tap(place)
    };
    let offsets: Vec<usize> = (0..outputs)
        .flat_map(|output| taps.iter().map(move |(_, tap)| offset(output, *tap)))
        .collect();
    let groups = weight.chunks_exact(outputs * channels * kernel).map(|weight| {
        let of = |channel: usize, index: usize| {
            let (output, tap) = (index / taps.len(), taps[index % taps.len()].0);
            weight[(output * channels + channel) * kernel + tap]
        };
        Correlation::new(channels, offsets.clone(), [rows, columns], planes.columns, of)
    });
    Phase { groups: groups.collect(), start: planes.tap([down, right]) }
}

/// The gradient of the weight: a partial sum for each piece of the batch, added in order.
pub(super) fn weight_gradient(geometry: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let planes = Planes::of(geometry);
    let outputs = geometry.outputs / geometry.groups;
    let offsets = offsets(geometry, &planes);
    let taps = offsets.len();
    let products = Products::new(outputs, geometry.out, planes.columns, offsets);
    let batch = x.len() / geometry.image();
    let (inputs, results) =
        (geometry.channels * planes.channel(), geometry.groups * products.length());
    let together = (CACHED / (inputs + results)).max(1);
    let piece = batch.div_ceil(PIECES.min((PARTIAL / (geometry.groups * products.sums())).max(4)));
    let parts = dy
        .par_chunks(piece * geometry.result())
        .zip(x.par_chunks(piece * geometry.image()))
        .map(|(dy, x)| {
            let mut sums = vec![0.0; geometry.groups * products.sums()];
            let images = together.min(piece);
            let mut left: Vec<Vec<f32>> = (0..images).map(|_| vec![0.0; results]).collect();
            let mut right: Vec<Vec<f32>> =
                (0..images).map(|_| planes.room(geometry.channels)).collect();
            let dy = dy.chunks(together * geometry.result());
            for (dy, x) in dy.zip(x.chunks(together * geometry.image())) {
                let images = dy.len() / geometry.result();
                for (dy, left) in dy.chunks_exact(geometry.result()).zip(&mut left) {
                    let groups = left.chunks_exact_mut(products.length());
                    for (dy, left) in dy.chunks_exact(outputs * geometry.places()).zip(groups) {
                        products.turn(dy, left);
                    }
                }
                for (x, right) in x.chunks_exact(geometry.image()).zip(&mut right) {
                    planes.spread(x, right);
                }
                for (group, sums) in sums.chunks_exact_mut(products.sums()).enumerate() {
                    let first = group * products.length();
                    let left: Vec<&[f32]> =
                        left[..images].iter().map(|dy| &dy[first..][..products.length()]).collect();
                    let first = group * geometry.channels / geometry.groups * planes.channel();
                    let right: Vec<&[f32]> = right[..images].iter().map(|x| &x[first..]).collect();
                    let blocks = sums.par_chunks_mut(taps * BLOCK).enumerate();
                    blocks.for_each(|(block, sums)| products.add(&left, &right, block, sums));
                }
            }
            sums
        })
        .collect();
    let sums = add_in_order(parts);
    let mut dw = vec![0.0; geometry.outputs * taps];
    for (sums, dw) in sums.chunks(products.sums()).zip(dw.chunks_exact_mut(outputs * taps)) {
        products.weights(sums, dw);
    }
    dw
}
