//! What each place of a result reads of images whose channels lie side by side.

use super::geometry::Geometry;
use crate::vectorised::WIDEST;

/// Channels of a result whose weights lie side by side.
pub(super) const BLOCK: usize = 64;

/// Where in an image a place reads first, and where its channels lie in the result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub from: usize,
    pub to: usize,
}

/// Neighbouring elements that a place reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Elements behind the first that the place reads.
    pub start: usize,
    pub length: usize,
    /// The first of their taps.
    pub tap: usize,
}

/// Places that the same taps reach: at the edges of an image some fall outside, and of the gradient of the input a
/// stride leaves out others. No zeros are read.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub runs: Vec<Run>,
    pub places: Vec<Place>,
}

/// The convolution of one group: what is read by it, and in which order its weights are packed.
#[derive(Debug)]
pub(super) struct Taps {
    sides: [Side; 2],
    /// Columns of the image that is read, and channels of a place in all groups.
    columns: usize,
    all: usize,
    /// Channels that an element of the kernel reads.
    pub depth: usize,
    /// Channels of the result.
    pub channels: usize,
}

impl Taps {
    /// Of the convolution.
    pub fn forward(geometry: &Geometry) -> Self {
        let Geometry { channels, outputs, groups, .. } = *geometry;
        let [rows, columns] = [geometry.height, geometry.width];
        let side = |side: usize, extent: usize| {
            let Geometry { kernel, stride, padding, dilation, out, .. } = *geometry;
            Side::new(out[side], (0..kernel[side]).collect(), |place, element| {
                let read = place * stride[side] + element * dilation[side];
                read.checked_sub(padding[side]).filter(|&read| read < extent)
            })
        };
        let sides = [side(0, rows), side(1, columns)];
        Self { sides, columns, all: channels, depth: channels / groups, channels: outputs / groups }
    }

    /// Of the gradient of the input, which reads the gradient of the result.
    pub fn backward(geometry: &Geometry) -> Self {
        let Geometry { channels, outputs, groups, .. } = *geometry;
        let side = |side: usize, extent: usize| {
            let Geometry { kernel, stride, padding, dilation, out, .. } = *geometry;
            // Those that read neighbours follow each other.
            let mut order: Vec<usize> = (0..kernel[side]).rev().collect();
            order.sort_by_key(|element| element * dilation[side] % stride[side]);
            Side::new(extent, order, |place, element| {
                let strides = (place + padding[side]).checked_sub(element * dilation[side])?;
                let read = strides / stride[side];
                (strides % stride[side] == 0 && read < out[side]).then_some(read)
            })
        };
        let sides = [side(0, geometry.height), side(1, geometry.width)];
        let (depth, channels) = (outputs / groups, channels / groups);
        Self { sides, columns: geometry.out[1], all: outputs, depth, channels }
    }

    /// The places of a result with `columns` places in a row and `pitch` elements to a place.
    pub fn classes(&self, columns: usize, pitch: usize) -> Vec<Class> {
        let [rows, right] = &self.sides;
        let pairs = rows.groups.iter().flat_map(|down| right.groups.iter().map(move |r| (down, r)));
        let class = |(down, right): (&Group, &Group)| {
            let places = down.places.iter().flat_map(|&(row, y)| {
                right.places.iter().map(move |&(column, x)| Place {
                    from: (y * self.columns + x) * self.all,
                    to: (row * columns + column) * pitch,
                })
            });
            Class { runs: self.runs(down, right), places: places.collect() }
        };
        pairs.map(class).collect()
    }

    fn runs(&self, down: &Group, right: &Group) -> Vec<Run> {
        let width = self.sides[1].order.len();
        let mut runs: Vec<Run> = Vec::new();
        for &(row, y) in &down.taps {
            for &(column, x) in &right.taps {
                let start = (y * self.columns + x) * self.all;
                let tap = (row * width + column) * self.depth;
                match runs.last_mut() {
                    Some(run) if (run.start + run.length, run.tap + run.length) == (start, tap) => {
                        run.length += self.depth;
                    }
                    _ => runs.push(Run { start, length: self.depth, tap }),
                }
            }
        }
        runs
    }

    /// Elements that a place inside of the image reads.
    pub fn len(&self) -> usize {
        self.sides[0].order.len() * self.sides[1].order.len() * self.depth
    }

    /// The channels of the result with those that fill the last vector.
    pub fn lanes(&self) -> usize {
        self.channels.next_multiple_of(WIDEST)
    }

    /// Elements of packed weights: for each block of channels, and in it for each tap, those of the block's channels.
    pub fn packed(&self) -> usize {
        self.len() * self.lanes()
    }

    /// Calls `visit` with each weight's place among the packed ones, its channel of the result, the channel that it
    /// reads and its element of the kernel.
    #[inline(always)]
    pub fn for_each(&self, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let [rows, columns] = &self.sides;
        for block in (0..self.channels).step_by(BLOCK) {
            let width = BLOCK.min(self.lanes() - block);
            let mut first = block * self.len();
            for row in &rows.order {
                for column in &columns.order {
                    let element = row * columns.order.len() + column;
                    for channel in 0..self.depth {
                        for lane in 0..BLOCK.min(self.channels - block) {
                            visit(first + lane, block + lane, channel, element);
                        }
                        first += width;
                    }
                }
            }
        }
    }
}

/// One direction of a convolution.
#[derive(Debug)]
struct Side {
    /// The elements of the kernel as their weights follow each other.
    order: Vec<usize>,
    groups: Vec<Group>,
}

/// Places that read alike.
#[derive(Debug)]
struct Group {
    /// Elements of the kernel by their rank in the order, and how far behind the first each reads.
    taps: Vec<(usize, usize)>,
    /// Each with what it reads first.
    places: Vec<(usize, usize)>,
}

impl Side {
    /// `read` tells what a place reads by an element of the kernel, unless that is outside.
    fn new(places: usize, order: Vec<usize>, read: impl Fn(usize, usize) -> Option<usize>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for place in 0..places {
            let reads = order
                .iter()
                .enumerate()
                .filter_map(|(rank, &element)| read(place, element).map(|read| (rank, read)));
            let mut taps: Vec<(usize, usize)> = reads.collect();
            taps.sort_unstable_by_key(|&(_, read)| read);
            let first = taps.first().map_or(0, |&(_, read)| read);
            taps.iter_mut().for_each(|(_, read)| *read -= first);
            match groups.iter_mut().find(|group| group.taps == taps) {
                Some(group) => group.places.push((place, first)),
                None => groups.push(Group { taps, places: vec![(place, first)] }),
            }
        }
        Self { order, groups }
    }
}
