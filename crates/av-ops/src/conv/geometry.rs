//! The sizes of a convolution, and which input element each kernel tap reads at each output place.

use std::ops::Range;

use crate::cpu::Float;

/// Sizes of a convolution of one image; pairs are those of the height and of the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) channels: usize,
    pub(super) outputs: usize,
    pub(super) groups: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) out: [usize; 2],
}

impl Geometry {
    /// Elements of one input image.
    pub(super) fn image(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Output places of one image.
    pub(super) fn places(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// Input elements that one output place reads in all groups, and so rows of the unfolded image.
    pub(super) fn taps(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// True where unfolding would copy the image as it is.
    pub(super) fn is_identity(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0, 0]
    }

    /// Writes the inputs of the output rows `rows` as a matrix: a row for each tap (channel, then
    /// kernel row, then kernel column), a column for each output place; 0 outside of the image.
    pub(super) fn unfold<T: Float>(&self, image: &[T], rows: Range<usize>, matrix: &mut [T]) {
        let [kernel_height, kernel_width] = self.kernel;
        let mut lines = matrix.chunks_exact_mut(self.out[1]);
        for channel in image.chunks_exact(self.height * self.width) {
            for tap in 0..kernel_height * kernel_width {
                let (tap_y, tap_x) = (tap / kernel_width, tap % kernel_width);
                let inside = self.inside(tap_x);
                for (row, line) in rows.clone().zip(&mut lines) {
                    let Some(start) = self.line_start(row, tap_y) else {
                        line.fill(T::zero());
                        continue;
                    };
                    line[..inside.start].fill(T::zero());
                    line[inside.end..].fill(T::zero());
                    let line = &mut line[inside.clone()];
                    if line.is_empty() {
                        continue;
                    }
                    let first = start + self.column(inside.start, tap_x);
                    let source = &channel[first..][..(line.len() - 1) * self.stride[1] + 1];
                    gather(line, source, self.stride[1]);
                }
            }
        }
    }

    /// Adds each element of an unfolded matrix back onto the image element it was read from: the
    /// transpose of [`unfold`](Self::unfold).
    pub(super) fn fold<T: Float>(&self, matrix: &[T], rows: Range<usize>, image: &mut [T]) {
        let [kernel_height, kernel_width] = self.kernel;
        let mut lines = matrix.chunks_exact(self.out[1]);
        for channel in image.chunks_exact_mut(self.height * self.width) {
            for tap in 0..kernel_height * kernel_width {
                let (tap_y, tap_x) = (tap / kernel_width, tap % kernel_width);
                let inside = self.inside(tap_x);
                for (row, line) in rows.clone().zip(&mut lines) {
                    let (Some(start), false) = (self.line_start(row, tap_y), inside.is_empty())
                    else {
                        continue;
                    };
                    let line = &line[inside.clone()];
                    let first = start + self.column(inside.start, tap_x);
                    let target = &mut channel[first..][..(line.len() - 1) * self.stride[1] + 1];
                    scatter_add(target, line, self.stride[1]);
                }
            }
        }
    }

    /// Where in a channel the input line begins that an output row reads with a kernel row.
    #[inline]
    fn line_start(&self, row: usize, tap_y: usize) -> Option<usize> {
        let y = (row * self.stride[0] + tap_y * self.dilation[0]).checked_sub(self.padding[0])?;
        (y < self.height).then_some(y * self.width)
    }

    /// The input column that an output column reads with a kernel column that falls inside.
    #[inline]
    fn column(&self, column: usize, tap_x: usize) -> usize {
        column * self.stride[1] + tap_x * self.dilation[1] - self.padding[1]
    }

    /// The output columns whose tap falls inside of the image.
    #[inline]
    fn inside(&self, tap_x: usize) -> Range<usize> {
        let (out, tap) = (self.out[1], tap_x * self.dilation[1]);
        let [stride, padding] = [self.stride[1], self.padding[1]];
        let start = padding.saturating_sub(tap).div_ceil(stride).min(out);
        let end = (self.width + padding).saturating_sub(tap).div_ceil(stride);
        start..end.clamp(start, out)
    }
}

#[inline]
fn gather<T: Float>(line: &mut [T], source: &[T], stride: usize) {
    if stride == 1 {
        line.copy_from_slice(source);
    } else {
        for (value, source) in line.iter_mut().zip(source.iter().step_by(stride)) {
            *value = *source;
        }
    }
}

#[inline]
fn scatter_add<T: Float>(target: &mut [T], line: &[T], stride: usize) {
    if stride == 1 {
        for (target, value) in target.iter_mut().zip(line) {
            *target += *value;
        }
    } else {
        for (target, value) in target.iter_mut().step_by(stride).zip(line) {
            *target += *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_line_unfolds_to_the_values_worked_out_by_hand() {
        // One row 1 2 3 4, padded to 0 1 2 3 4 0 between two rows of zeros, and a 3 x 3 kernel that
        // visits two places: it sees 0 1 2 and 2 3 4 in its middle row, zeros in the others.
        let geometry = Geometry {
            channels: 1,
            outputs: 1,
            groups: 1,
            height: 1,
            width: 4,
            kernel: [3, 3],
            stride: [2, 2],
            padding: [1, 1],
            dilation: [1, 1],
            out: [1, 2],
        };
        let mut matrix = [9.0_f64; 18];
        geometry.unfold(&[1.0, 2.0, 3.0, 4.0], 0..1, &mut matrix);
        let middle = [0.0, 2.0, 1.0, 3.0, 2.0, 4.0];
        assert_eq!(matrix[..6], [0.0; 6]);
        assert_eq!(matrix[6..12], middle);
        assert_eq!(matrix[12..], [0.0; 6]);
    }

    #[test]
    fn folding_counts_how_often_each_element_is_read() {
        let geometry = Geometry {
            channels: 1,
            outputs: 1,
            groups: 1,
            height: 3,
            width: 3,
            kernel: [2, 2],
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
            out: [2, 2],
        };
        let mut image = [0.0_f64; 9];
        geometry.fold(&[1.0; 16], 0..2, &mut image);
        assert_eq!(image, [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]);
    }
}
