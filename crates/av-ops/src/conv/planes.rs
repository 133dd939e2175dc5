//! Images with their padding, taken apart by the stride, so that every tap of a kernel reads neighbours.

use super::geometry::Geometry;
use crate::vectorised::vectorised;

/// Elements after the last plane: a tile of the direct kernels may read this far behind what it needs.
pub(super) const SLACK: usize = 64;

/// The padded image of each channel as planes, one for each remainder of row and column by the stride: places that are
/// a stride apart in the image are neighbours in a plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes {
    height: usize,
    width: usize,
    stride: [usize; 2],
    /// Rows and columns before the image.
    padding: [usize; 2],
    /// Rows and columns of a plane.
    pub rows: usize,
    pub columns: usize,
}

impl Planes {
    /// Of the input.
    pub fn of(geometry: &Geometry) -> Self {
        let Geometry { height, width, stride, padding, .. } = *geometry;
        let extent = |side: usize, size: usize| (size + 2 * padding[side]).div_ceil(stride[side]);
        let (rows, columns) = (extent(0, height), extent(1, width));
        Self { height, width, stride, padding, rows, columns }
    }

    /// Of the result, without stride: some rows and columns before it, and planes of at least this size.
    pub fn around(out: [usize; 2], before: [usize; 2], least: [usize; 2]) -> Self {
        let extent = |side: usize| (out[side].max(least[side])) + before[side];
        let (rows, columns) = (extent(0), extent(1));
        Self { height: out[0], width: out[1], stride: [1, 1], padding: before, rows, columns }
    }

    /// Elements of one plane.
    pub fn area(&self) -> usize {
        self.rows * self.columns
    }

    /// Elements of all planes of a channel.
    pub fn channel(&self) -> usize {
        self.stride[0] * self.stride[1] * self.area()
    }

    /// Room for the planes of some channels. What is no image stays 0 there.
    pub fn room(&self, channels: usize) -> Vec<f32> {
        vec![0.0; channels * self.channel() + SLACK]
    }

    /// Where in the planes of a channel the element begins that a tap at these distances reads for the first place.
    pub fn tap(&self, [down, right]: [usize; 2]) -> usize {
        let [rows, columns] = self.stride;
        let plane = down % rows * columns + right % columns;
        plane * self.area() + down / rows * self.columns + right / columns
    }

    /// Writes the channels of an image into their planes.
    pub fn spread(&self, image: &[f32], planes: &mut [f32]) {
        let channels = image.chunks_exact(self.height * self.width);
        for (image, planes) in channels.zip(planes.chunks_exact_mut(self.channel())) {
            for (y, row) in image.chunks_exact(self.width).enumerate() {
                let down = y + self.padding[0];
                for column in 0..self.stride[1] {
                    // The first element of the row that falls into the plane of this remainder.
                    let distance = column + self.stride[1] - self.padding[1] % self.stride[1];
                    let first = distance % self.stride[1];
                    let start = self.tap([down, first + self.padding[1]]);
                    let Some(row) = row.get(first..) else { continue };
                    let into = &mut planes[start..][..row.len().div_ceil(self.stride[1])];
                    gather(row, self.stride[1], into);
                }
            }
        }
    }
}

/// Every so many elements of a row.
fn gather(row: &[f32], stride: usize, into: &mut [f32]) {
    match stride {
        1 => into.copy_from_slice(row),
        2 => vectorised(
            #[inline(always)]
            || {
                let (pairs, last) = row.as_chunks::<2>();
                into.iter_mut().zip(pairs).for_each(|(into, pair)| *into = pair[0]);
                if let (Some(into), Some(value)) = (into.last_mut(), last.first()) {
                    *into = *value;
                }
            },
        ),
        _ => {
            into.iter_mut().zip(row.iter().step_by(stride)).for_each(|(into, value)| *into = *value)
        }
    }
}
