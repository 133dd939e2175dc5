//! Convolution in f32 straight from the padded images: no unfolded matrix is written.

use rayon::prelude::*;

use super::correlation::Correlation;
use super::geometry::Geometry;
use super::products::Products;
use super::taps::{BLOCK, Class, Place, Taps};
use super::{Finish, PIECES};
use crate::order::Order;
use crate::sums::add_in_order;
use crate::turn::turn;
use crate::vectorised::{WIDEST, is_portable};

/// Fewest channels that are worth a vector.
const CHANNELS: usize = WIDEST / 2;

/// Elements of images that a kernel goes through at once: the second-level cache holds them.
const CACHED: usize = 1 << 17;

/// Elements of the partial sums of the weight gradient together, at most, or those of four pieces.
const PARTIAL: usize = 1 << 20;

/// Whether the kernels are better than matrix products for a group of so many channels of the result: without wide
/// vectors they take one element at a time.
pub(super) fn suits(channels: usize) -> bool {
    !is_portable() && channels >= CHANNELS
}

/// A convolution of images into others.
struct Plan {
    groups: Vec<Correlation>,
    classes: Vec<Class>,
    /// Channels that each group reads.
    depth: usize,
    /// Elements of all weights: they are read once for as many elements of images at least.
    weights: usize,
    /// Of the image that is read, and of the result.
    from: Image,
    to: Image,
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

impl Plan {
    /// The results in the order of the images.
    fn run(&self, order: Order, images: &[f32]) -> Vec<f32> {
        let (from, to) = (self.from.elements(), self.to.elements());
        let batch = images.len() / from;
        // No sum goes over the pieces, so that they may depend on the number of threads.
        let piece = batch.div_ceil(2 * rayon::current_num_threads());
        let together = (CACHED.max(self.weights) / (from + to)).clamp(1, piece);
        let classes: Vec<Class> =
            self.classes.iter().map(|class| repeat(class, together, from, to)).collect();
        let mut results = vec![0.0; batch * to];
        let pieces = results.par_chunks_mut(together * to).zip(images.par_chunks(together * from));
        let room = || (Vec::new(), Vec::new());
        pieces.for_each_init(room, |(room, scratch), (results, images)| {
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
        });
        results
    }

    /// All places and groups of some images.
    fn sum(&self, classes: &[Class], images: &[f32], results: &mut [f32]) {
        let count = images.len() / self.from.elements();
        let channels = self.to.channels / self.groups.len();
        for (Class { runs, places }, class) in classes.iter().zip(&self.classes) {
            let places = &places[..count * class.places.len()];
            for (index, group) in self.groups.iter().enumerate() {
                let images = &images[index * self.depth..];
                group.run(images, runs, places, &mut results[index * channels..]);
            }
        }
    }
}

/// A class of some images, which have so many elements each.
fn repeat(class: &Class, images: usize, from: usize, to: usize) -> Class {
    let places = (0..images).flat_map(|image| {
        class
            .places
            .iter()
            .map(move |place| Place { from: place.from + image * from, to: place.to + image * to })
    });
    Class { runs: class.runs.clone(), places: places.collect() }
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
    let kernel = geometry.kernel[0] * geometry.kernel[1];
    let depth = taps.depth;
    let groups = weight.chunks_exact(taps.channels * depth * kernel);
    let groups = groups.zip(finish.bias.chunks_exact(taps.channels)).map(|(weight, bias)| {
        Correlation::new(
            &taps,
            Finish { bias, ..finish },
            #[inline(always)]
            |output, channel, element| weight[(output * depth + channel) * kernel + element],
        )
    });
    let (groups, to) = (groups.collect(), Image::output(geometry));
    let classes = taps.classes(geometry.out[1], to.channels);
    Plan { groups, classes, depth, weights: weight.len(), from: Image::input(geometry), to }
        .run(order, x)
}

/// The gradient of the input: the convolution of the gradient of the result with the turned kernel.
pub(super) fn input_gradient(
    geometry: &Geometry,
    order: Order,
    weight: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let taps = Taps::backward(geometry);
    let kernel = geometry.kernel[0] * geometry.kernel[1];
    let (depth, channels) = (taps.depth, taps.channels);
    let groups = weight.chunks_exact(depth * channels * kernel).map(|weight| {
        Correlation::new(
            &taps,
            Finish { bias: &[], relu: false },
            #[inline(always)]
            |channel, output, element| weight[(output * channels + channel) * kernel + element],
        )
    });
    let (groups, to) = (groups.collect(), Image::input(geometry));
    let classes = taps.classes(geometry.width, to.channels);
    Plan { groups, classes, depth, weights: weight.len(), from: Image::output(geometry), to }
        .run(order, dy)
}

/// The gradient of the weight: a partial sum for each piece of the batch, added in order.
pub(super) fn weight_gradient(
    geometry: &Geometry,
    order: Order,
    x: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let taps = Taps::forward(geometry);
    let Geometry { groups, outputs, .. } = *geometry;
    let (from, to) = (Image::input(geometry), Image::output(geometry));
    // Groups whose channels fill their vectors are read where they are.
    let dense = order == Order::Last && taps.channels.is_multiple_of(WIDEST);
    let pitch = if dense { outputs } else { groups * taps.lanes() };
    let batch = x.len() / from.elements();
    let piece = batch.div_ceil(PIECES.min((PARTIAL / (groups * taps.packed())).max(4)));
    let image = from.elements() + to.places * pitch;
    let together = (CACHED.max(groups * taps.packed()) / image).clamp(1, piece);
    let classes: Vec<(usize, Class)> = taps
        .classes(geometry.out[1], pitch)
        .iter()
        .map(|class| {
            let repeated = repeat(class, together, from.elements(), to.places * pitch);
            (class.places.len(), repeated)
        })
        .collect();
    let parts = dy.par_chunks(piece * to.elements()).zip(x.par_chunks(piece * from.elements()));
    let room = || (Vec::new(), vec![0.0; if dense { 0 } else { together * to.places * pitch }]);
    let parts = parts.map_init(room, |(room, scratch), (dy, x)| {
        let mut sums = vec![0.0; groups * taps.packed()];
        let dy = dy.chunks(together * to.elements());
        for (dy, x) in dy.zip(x.chunks(together * from.elements())) {
            let images = x.len() / from.elements();
            let x = from.last(order, x, room);
            let dy = if dense {
                dy
            } else {
                spread(geometry, order, dy, pitch, scratch);
                &*scratch
            };
            for (group, sums) in sums.chunks_exact_mut(taps.packed()).enumerate() {
                for (places, Class { runs, places: all }) in &classes {
                    let products = Products {
                        taps: &taps,
                        runs,
                        places: &all[..images * places],
                        x: &x[group * taps.depth..],
                        dy: &dy[group * pitch / groups..],
                    };
                    let blocks = sums.par_chunks_mut(taps.len() * BLOCK).enumerate();
                    blocks.for_each(|(block, sums)| products.add(block, sums));
                }
            }
        }
        sums
    });
    unpacked(geometry, &taps, &add_in_order(parts.collect()))
}

/// The gradient of the weight from sums in the order of packed weights.
fn unpacked(geometry: &Geometry, taps: &Taps, sums: &[f32]) -> Vec<f32> {
    let kernel = geometry.kernel[0] * geometry.kernel[1];
    let group = taps.channels * taps.len();
    let mut dw = vec![0.0; geometry.groups * group];
    for (sums, dw) in sums.chunks_exact(taps.packed()).zip(dw.chunks_exact_mut(group)) {
        taps.for_each(
            #[inline(always)]
            |at, output, channel, element| {
                dw[(output * taps.depth + channel) * kernel + element] = sums[at];
            },
        );
    }
    dw
}

/// Writes the channels of each group side by side, with zeros that fill the last vector, `pitch` elements to a place.
fn spread(geometry: &Geometry, order: Order, dy: &[f32], pitch: usize, into: &mut [f32]) {
    let (places, channels) = (geometry.places(), geometry.outputs / geometry.groups);
    let images = dy.chunks_exact(geometry.result()).zip(into.chunks_exact_mut(places * pitch));
    for (dy, into) in images {
        for group in 0..geometry.groups {
            let into = &mut into[group * pitch / geometry.groups..];
            match order {
                Order::First => {
                    let dy = &dy[group * channels * places..];
                    turn(dy, [channels, places], places, into, pitch);
                }
                Order::Last => {
                    let dy = dy.chunks_exact(geometry.outputs);
                    for (dy, into) in dy.zip(into.chunks_mut(pitch)) {
                        into[..channels].copy_from_slice(&dy[group * channels..][..channels]);
                    }
                }
            }
        }
    }
}
