//! The gradient of the weight of a direct convolution.

use rayon::prelude::*;

use super::packing::Strides;
use super::taps::{Class, Taps};
use super::{CACHED, Geometry, Image};
use crate::conv::pieces::piece;
use crate::order::Order;
use crate::products::Products;
use crate::sums::add_in_order;
use crate::tiles::BLOCK;
use crate::turn::turn;

/// The gradient of the weight: a partial sum for each piece of the batch, added in order.
pub(in super::super) fn weight_gradient(
    geometry: &Geometry,
    order: Order,
    x: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let plan = Plan::new(geometry, order, x.len() / geometry.image());
    let (from, to) = (plan.from.elements(), plan.to.elements());
    let packed = geometry.groups * plan.taps.packed();
    let parts = dy.par_chunks(plan.piece * to).zip(x.par_chunks(plan.piece * from));
    let rooms = || (Vec::new(), Vec::new());
    let parts = parts.map_init(rooms, |(x_room, dy_room), (dy, x)| {
        let mut sums = vec![0.0; packed];
        for (dy, x) in dy.chunks(plan.together * to).zip(x.chunks(plan.together * from)) {
            let x = plan.from.last(order, x, x_room);
            plan.add(x, plan.spread(dy, dy_room), &mut sums);
        }
        sums
    });
    plan.unpacked(&add_in_order(parts.collect()))
}

/// How the sums are put together.
struct Plan<'a> {
    geometry: &'a Geometry,
    order: Order,
    taps: Taps,
    from: Image,
    to: Image,
    /// Images of a partial sum.
    piece: usize,
    /// Images that a kernel goes through at once.
    together: usize,
    classes: Vec<Class>,
    /// Elements between the gradients of two places.
    pitch: usize,
}

impl<'a> Plan<'a> {
    fn new(geometry: &'a Geometry, order: Order, batch: usize) -> Self {
        let taps = Taps::forward(geometry);
        let (from, to) = (Image::input(geometry), Image::output(geometry));
        let (pitch, packed) = (geometry.groups * taps.lanes(), geometry.groups * taps.packed());
        let piece = piece(batch, to.places, packed);
        let (read, written) = (from.elements(), to.places * pitch);
        let together = (CACHED.max(packed) / (read + written)).clamp(1, piece);
        let classes = taps.classes(geometry.out[1], pitch);
        let classes = classes.iter().map(|class| class.repeat(together, read, written)).collect();
        Self { geometry, order, taps, from, to, piece, together, classes, pitch }
    }

    /// Gradients of some images with the channels of each group side by side, and behind them zeros that fill the last
    /// vector; those that lie otherwise are copied into `room`.
    fn spread<'d>(&self, dy: &'d [f32], room: &'d mut Vec<f32>) -> &'d [f32] {
        let (channels, lanes) = (self.taps.channels, self.taps.lanes());
        let Image { channels: all, places } = self.to;
        if self.order == Order::Last && channels == lanes {
            return dy;
        }
        room.resize(dy.len() / all * self.pitch, 0.0);
        let images =
            dy.chunks_exact(self.to.elements()).zip(room.chunks_exact_mut(places * self.pitch));
        for (dy, room) in images {
            for group in 0..self.geometry.groups {
                let room = &mut room[group * lanes..];
                match self.order {
                    Order::First => {
                        let dy = &dy[group * channels * places..];
                        turn(dy, [channels, places], places, room, self.pitch);
                    }
                    Order::Last => {
                        for (dy, room) in dy.chunks_exact(all).zip(room.chunks_mut(self.pitch)) {
                            room[..channels].copy_from_slice(&dy[group * channels..][..channels]);
                        }
                    }
                }
            }
        }
        room
    }

    /// Adds what comes from some images to the sums of all groups.
    fn add(&self, x: &[f32], dy: &[f32], sums: &mut [f32]) {
        let (taps, images) = (self.taps.len(), x.len() / self.from.elements());
        for (group, sums) in sums.chunks_exact_mut(self.taps.packed()).enumerate() {
            let (x, dy) = (&x[group * self.taps.depth..], &dy[group * self.taps.lanes()..]);
            for class in &self.classes {
                let (runs, places) = (&*class.runs, class.of(images));
                let products = Products { taps, runs, places, x, dy };
                let blocks = sums.par_chunks_mut(taps * BLOCK).enumerate();
                blocks.for_each(|(block, sums)| products.add(block, sums));
            }
        }
    }

    /// The gradient of the weight from its sums.
    fn unpacked(&self, sums: &[f32]) -> Vec<f32> {
        let read = self.geometry.kernel[0] * self.geometry.kernel[1];
        let strides = Strides { channel: self.taps.depth * read, read };
        let group = self.taps.channels * self.taps.len();
        let mut dw = vec![0.0; self.geometry.groups * group];
        for (sums, dw) in sums.chunks_exact(self.taps.packed()).zip(dw.chunks_exact_mut(group)) {
            self.taps.unpack(sums, dw, strides);
        }
        dw
    }
}
