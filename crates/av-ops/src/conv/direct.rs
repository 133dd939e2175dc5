//! Convolution in f32 straight from the padded images: no unfolded matrix is written.

use rayon::prelude::*;

use super::PIECES;
use super::correlation::Correlation;
use super::geometry::Geometry;
use super::planes::Planes;
use super::products::Products;
use crate::sums::add_in_order;
use crate::vectorised::is_portable;

/// Fewest channels of a group that a block of the kernel is worth.
const CHANNELS: usize = 3;

/// Elements of planes that the weight gradient goes through at once: the second-level cache holds them.
const CACHED: usize = 1 << 17;

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
            let images = x.chunks_exact(geometry.image());
            for (y, x) in y.chunks_exact_mut(geometry.result()).zip(images) {
                planes.spread(x, &mut room);
                for (index, (group, y)) in
                    groups.iter().zip(y.chunks_exact_mut(outputs * geometry.places())).enumerate()
                {
                    let channels = index * geometry.channels / geometry.groups;
                    group.run(
                        &room[channels * planes.channel()..],
                        |(output, row, column, sums, add)| {
                            let start = (output * geometry.out[0] + row) * geometry.out[1] + column;
                            put(&mut y[start..start + sums.len()], sums, add);
                        },
                    );
                }
            }
        });
    y
}

fn put(into: &mut [f32], sums: &[f32], add: bool) {
    if add {
        into.iter_mut().zip(sums).for_each(|(into, sum)| *into += sum);
    } else {
        into.copy_from_slice(sums);
    }
}

/// Part of the gradient of the input: the rows and columns of one remainder by the stride, which the same taps reach.
struct Phase {
    groups: Vec<Correlation>,
    /// Of the first row and column of the part in the image.
    first: [usize; 2],
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
            let images = dy.chunks_exact(geometry.result());
            for (dx, dy) in dx.chunks_exact_mut(geometry.image()).zip(images) {
                planes.spread(dy, &mut room);
                for Phase { groups, first, start } in &phases {
                    for (index, (group, dx)) in groups
                        .iter()
                        .zip(dx.chunks_exact_mut(channels * height * width))
                        .enumerate()
                    {
                        let outputs = index * geometry.outputs / geometry.groups;
                        let planes = &room[outputs * planes.channel() + start..];
                        group.run(planes, |(channel, row, column, sums, add)| {
                            let line = (channel * height + first[0] + row * stride[0]) * width;
                            let into = &mut dx[line + first[1] + column * stride[1]..];
                            if stride[1] == 1 {
                                put(&mut into[..sums.len()], sums, add);
                            } else {
                                let into = into.iter_mut().step_by(stride[1]).zip(sums);
                                into.for_each(|(into, sum)| {
                                    *into = if add { *into + sum } else { *sum }
                                });
                            }
                        });
                    }
                }
            }
        });
    dx
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
    Phase {
        groups: groups.collect(),
        first: [
            (down * stride[0] + remainder[0]).saturating_sub(padding[0]),
            (right * stride[1] + remainder[1]).saturating_sub(padding[1]),
        ],
        start: planes.tap([down, right]),
    }
}

/// The gradient of the weight: a partial sum for each piece of the batch, added in order.
pub(super) fn weight_gradient(geometry: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let planes = Planes::of(geometry);
    let products = Products::new(geometry.out, planes.columns, offsets(geometry, &planes));
    let outputs = geometry.outputs / geometry.groups;
    let batch = x.len() / geometry.image();
    let (inputs, results) =
        (geometry.channels * planes.channel(), geometry.outputs * products.length());
    let together = (CACHED / (inputs + results)).max(1);
    let piece = batch.div_ceil(PIECES);
    let parts = dy
        .par_chunks(piece * geometry.result())
        .zip(x.par_chunks(piece * geometry.image()))
        .map(|(dy, x)| {
            let mut dw = vec![0.0; outputs * geometry.taps()];
            let images = together.min(piece);
            let mut left: Vec<Vec<f32>> = (0..images).map(|_| vec![0.0; results]).collect();
            let mut right: Vec<Vec<f32>> =
                (0..images).map(|_| planes.room(geometry.channels)).collect();
            let dy = dy.chunks(together * geometry.result());
            for (dy, x) in dy.zip(x.chunks(together * geometry.image())) {
                let images = dy.len() / geometry.result();
                for image in 0..images {
                    products.spread(
                        &dy[image * geometry.result()..][..geometry.result()],
                        &mut left[image],
                    );
                    planes.spread(
                        &x[image * geometry.image()..][..geometry.image()],
                        &mut right[image],
                    );
                }
                for (group, dw) in
                    dw.chunks_exact_mut(outputs * geometry.taps() / geometry.groups).enumerate()
                {
                    let first = group * outputs * products.length();
                    let left: Vec<&[f32]> = left[..images]
                        .iter()
                        .map(|dy| &dy[first..][..outputs * products.length()])
                        .collect();
                    let first = group * geometry.channels / geometry.groups * planes.channel();
                    let right: Vec<&[f32]> = right[..images].iter().map(|x| &x[first..]).collect();
                    products.add(&left, &right, dw);
                }
            }
            dw
        })
        .collect();
    add_in_order(parts)
}
