//! What each place of a result reads of images whose channels lie side by side.

use super::super::geometry::Geometry;
use crate::tiles::{Place, Run, lanes};

/// Places that the same taps reach: at the edges of an image some fall outside, and of the gradient of the input a
/// stride leaves out others. No zeros are read.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub runs: Vec<Run>,
    /// Those of one image, or of several in turn.
    places: Vec<Place>,
    /// How many one image has.
    each: usize,
}

impl Class {
    /// Those of so many images, from the class of one; images have so many elements each.
    pub fn repeat(&self, images: usize, from: usize, to: usize) -> Self {
        let places = (0..images).flat_map(|image| {
            self.places.iter().map(move |place| Place {
                from: place.from + image * from,
                to: place.to + image * to,
            })
        });
        Self { runs: self.runs.clone(), places: places.collect(), each: self.each }
    }

    /// The places of the first images.
    pub fn of(&self, images: usize) -> &[Place] {
        &self.places[..images * self.each]
    }
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
            let each = down.places.len() * right.places.len();
            Class { runs: self.runs(down, right), places: places.collect(), each }
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
        lanes(self.channels)
    }

    /// The place of each element of the kernel in the order of the taps.
    pub fn ranks(&self) -> Vec<usize> {
        let [rows, columns] = self.sides.each_ref().map(Side::ranks);
        let columns = &columns;
        let ranks = rows.iter().map(|row| row * columns.len());
        ranks.flat_map(|first| columns.iter().map(move |column| first + column)).collect()
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

    /// The rank of each element of the kernel in the order.
    fn ranks(&self) -> Vec<usize> {
        let mut ranks = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(rank, &element)| ranks[element] = rank);
        ranks
    }
}
