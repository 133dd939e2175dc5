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
        vectorised(
            #[inline(always)]
            || self.spread_rows(image, planes),
        );
    }

    #[inline(always)]
    fn spread_rows(&self, image: &[f32], planes: &mut [f32]) {
        let [rows, columns] = self.stride;
        // For each remainder the first element of the image and of the plane, and its elements in the image.
        let side = |padding: usize, stride: usize, remainder: usize| {
            let first = (remainder + stride - padding % stride) % stride;
            (first, (first + padding) / stride)
        };
        let channels = image.chunks_exact(self.height * self.width);
        for (image, planes) in channels.zip(planes.chunks_exact_mut(self.channel())) {
            for (plane, into) in planes.chunks_exact_mut(self.area()).enumerate() {
                let (top, down) = side(self.padding[0], rows, plane / columns);
                let (left, right) = side(self.padding[1], columns, plane % columns);
                let image = image.chunks_exact(self.width).skip(top).step_by(rows);
                let into = into.chunks_exact_mut(self.columns).skip(down);
                for (row, into) in image.zip(into) {
                    if let Some(row) = row.get(left..) {
                        gather(row, columns, &mut into[right..][..row.len().div_ceil(columns)]);
                    }
                }
            }
        }
    }
}

/// Every so many elements of a row.
#[inline(always)]
fn gather(row: &[f32], stride: usize, into: &mut [f32]) {
    match stride {
        1 => into.copy_from_slice(row),
        2 => {
            // In vectors, for each of which two of the row are put together; then in shorter ones.
            let done = gather_pairs::<16>(row, into);
            let done = done + gather_pairs::<4>(&row[2 * done..], &mut into[done..]);
            let rest = row[2 * done..].iter().step_by(2);
            into[done..].iter_mut().zip(rest).for_each(|(into, value)| *into = *value);
        }
        _ => {
            into.iter_mut().zip(row.iter().step_by(stride)).for_each(|(into, value)| *into = *value)
        }
    }
}

/// The first of each two elements, as far as whole groups of `LANES` go; how many they are.
#[inline(always)]
fn gather_pairs<const LANES: usize>(row: &[f32], into: &mut [f32]) -> usize {
    let (halves, _) = row.as_chunks::<LANES>();
    let groups = into.as_chunks_mut::<LANES>().0.iter_mut().zip(halves.chunks_exact(2));
    let count = groups.len();
    for (into, pair) in groups {
        for lane in 0..LANES / 2 {
            into[lane] = pair[0][2 * lane];
            into[LANES / 2 + lane] = pair[1][2 * lane];
        }
    }
    count * LANES
}
