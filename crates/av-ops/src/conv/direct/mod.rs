//! Convolution in f32 straight from the images: no unfolded matrix is written, and nothing around them.

mod packing;
mod taps;
mod weight;

use super::Finish;
use super::geometry::Geometry;
use super::pieces::CACHED;
use crate::order::Order;
use crate::results::compute_with;
use crate::tiles::{Start, Weights};
use crate::turn::turn;
use crate::vectorised::{WIDEST, is_portable};

use packing::Strides;
use taps::{Class, Taps};
pub(super) use weight::weight_gradient;

/// Fewest channels that are worth a vector.
const CHANNELS: usize = WIDEST / 2;

/// Whether the kernels are better than matrix products for a group of so many channels of the result: without wide
/// vectors they take one element at a time.
pub(super) fn suits(channels: usize) -> bool {
    !is_portable() && channels >= CHANNELS
}

/// The convolution.
pub(super) fn forward(
    geometry: &Geometry,
    order: Order,
    x: &[f32],
    weight: &[f32],
    finish: Finish<'_, f32>,
) -> Vec<f32> {
    let taps = Taps::forward(geometry);
    let read = geometry.kernel[0] * geometry.kernel[1];
    let strides = Strides { channel: taps.depth * read, read };
    let images = [Image::input(geometry), Image::output(geometry)];
    Plan::new(taps, images, geometry.out[1], weight, strides, finish).run(order, x)
}

/// The gradient of the input: the convolution of the gradient of the result with the turned kernel.
pub(super) fn input_gradient(
    geometry: &Geometry,
    order: Order,
    weight: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let taps = Taps::backward(geometry);
    let channel = geometry.kernel[0] * geometry.kernel[1];
    let strides = Strides { channel, read: taps.channels * channel };
    let images = [Image::output(geometry), Image::input(geometry)];
    let finish = Finish { bias: &vec![0.0; geometry.channels], relu: false };
    Plan::new(taps, images, geometry.width, weight, strides, finish).run(order, dy)
}

/// A convolution of images into others.
struct Plan<'a> {
    taps: Taps,
    classes: Vec<Class>,
    /// The packed weights of each group.
    groups: Vec<Vec<f32>>,
    finish: Finish<'a, f32>,
    from: Image,
    to: Image,
}

impl<'a> Plan<'a> {
    /// Between two images, of which the second has so many columns.
    fn new(
        taps: Taps,
        [from, to]: [Image; 2],
        columns: usize,
        weight: &[f32],
        strides: Strides,
        finish: Finish<'a, f32>,
    ) -> Self {
        let groups = weight.chunks_exact(weight.len() * taps.channels / to.channels);
        let groups = groups.map(|weight| taps.pack(weight, strides)).collect();
        let classes = taps.classes(columns, to.channels);
        Self { taps, classes, groups, finish, from, to }
    }

    /// The results in the order of the images.
    fn run(&self, order: Order, images: &[f32]) -> Vec<f32> {
        let (from, to) = (self.from.elements(), self.to.elements());
        let batch = images.len() / from;
        // The weights are read once for as many elements of images at least.
        let weights = self.groups.len() * self.taps.packed();
        let cached = (CACHED.max(weights) / (from + to)).max(1);
        // As many for each thread; no sum goes over the pieces, so that they may depend on it.
        let pieces = batch.div_ceil(cached).next_multiple_of(2 * rayon::current_num_threads());
        let together = batch.div_ceil(pieces);
        let classes: Vec<Class> =
            self.classes.iter().map(|class| class.repeat(together, from, to)).collect();
        let room = || (Vec::new(), Vec::new());
        compute_with(batch * to, together * to, room, |(room, scratch), index, results| {
            let count = results.len() / to;
            let images = &images[index * together * from..][..count * from];
            let images = self.from.last(order, images, room);
            if order == Order::Last {
                self.sum(&classes, images, results);
                return;
            }
            scratch.resize(results.len(), 0.0);
            self.sum(&classes, images, scratch);
            for (result, image) in results.chunks_exact_mut(to).zip(scratch.chunks_exact(to)) {
                let Image { channels, places } = self.to;
                turn(image, [places, channels], channels, result, places);
            }
        })
    }

    /// All places and groups of some images.
    fn sum(&self, classes: &[Class], images: &[f32], results: &mut [f32]) {
        let Taps { depth, channels, .. } = self.taps;
        let least = if self.finish.relu { 0.0 } else { f32::NEG_INFINITY };
        let count = images.len() / self.from.elements();
        for class in classes {
            for (index, values) in self.groups.iter().enumerate() {
                let (images, first) = (&images[index * depth..], index * channels);
                let weights = Weights { values, taps: self.taps.len(), channels };
                let start = Start::Bias(&self.finish.bias[first..][..channels]);
                let results = &mut results[first..];
                weights.sum(images, &class.runs, class.of(count), start, least, results);
            }
        }
    }
}

/// Channels and places of an image.
#[derive(Clone, Copy)]
struct Image {
    channels: usize,
    places: usize,
}

impl Image {
    fn input(geometry: &Geometry) -> Self {
        Self { channels: geometry.channels, places: geometry.height * geometry.width }
    }

    fn output(geometry: &Geometry) -> Self {
        Self { channels: geometry.outputs, places: geometry.places() }
    }

    fn elements(self) -> usize {
        self.channels * self.places
    }

    /// Images of this size with their channels side by side; those that are not are copied into `room`.
    fn last<'a>(self, order: Order, images: &'a [f32], room: &'a mut Vec<f32>) -> &'a [f32] {
        if order == Order::Last {
            return images;
        }
        room.resize(images.len(), 0.0);
        let pairs =
            images.chunks_exact(self.elements()).zip(room.chunks_exact_mut(self.elements()));
        for (image, room) in pairs {
            turn(image, [self.channels, self.places], self.places, room, self.channels);
        }
        room
    }
}
