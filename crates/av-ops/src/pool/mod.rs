//! Two-dimensional pooling.

mod adaptive;
mod global;
mod max;
mod mean;

pub use adaptive::{adaptive_avg_pool2d, adaptive_max_pool2d};
pub use global::global_avg_pool;
pub use max::max_pool2d;
pub use mean::avg_pool2d;

use std::ops::Range;

use candle_core::{Layout, Shape, Tensor};

use crate::cpu::{check_inputs, check_rank};
use crate::{Error, Result};

/// The windows of a pooling operator, by direction: height first, then width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool2dConfig {
    /// Elements of a window, at least 1.
    pub kernel: (usize, usize),
    /// Elements between the beginnings of two neighbouring windows, at least 1.
    pub stride: (usize, usize),
    /// Elements added on both sides, at most half of the kernel: minus infinity for the largest, 0
    /// for the mean.
    pub padding: (usize, usize),
    /// Whether a mean counts the zeros of the padding; the largest element takes no notice of it.
    pub count_padding: bool,
}

impl Pool2dConfig {
    /// Square windows beside each other: the stride is the kernel, nothing is padded.
    pub fn square(kernel: usize) -> Self {
        let both = (kernel, kernel);
        Self { kernel: both, stride: both, padding: (0, 0), count_padding: true }
    }
}

/// The windows that a pooling operator slides over each channel.
#[derive(Debug, Clone, Copy)]
struct Windows {
    rows: Axis,
    columns: Axis,
    count_padding: bool,
}

/// The windows in one direction.
#[derive(Debug, Clone, Copy)]
struct Axis {
    extent: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    out: usize,
}

impl Axis {
    fn new(
        operator: &'static str,
        extent: usize,
        [kernel, stride, padding]: [usize; 3],
    ) -> Result<Option<Self>> {
        let argument = |name, expected, actual: usize| Error::Argument {
            operator,
            name,
            expected,
            actual: actual.to_string(),
        };
        for (name, value) in [("kernel", kernel), ("stride", stride)] {
            if value == 0 {
                return Err(argument(name, "at least 1", value));
            }
        }
        if padding > kernel / 2 {
            return Err(argument("padding", "at most half of the kernel", padding));
        }
        // Half of the kernel on both sides is not more than the kernel, so this does not overflow.
        let room = (extent + 2 * padding).checked_sub(kernel);
        let out = room.map(|room| room / stride + 1);
        Ok(out.map(|out| Self { extent, kernel, stride, padding, out }))
    }

    /// The elements of a window that lie inside of the image.
    fn window(&self, place: usize) -> Range<usize> {
        let start = place * self.stride;
        let end = (start + self.kernel).saturating_sub(self.padding).min(self.extent);
        start.saturating_sub(self.padding)..end
    }

    /// The places whose windows have this element of theirs inside of the image, and where it lies
    /// for the first of them.
    fn inside(&self, tap: usize) -> (Range<usize>, usize) {
        let start = self.padding.saturating_sub(tap).div_ceil(self.stride).min(self.out);
        let end = (self.extent + self.padding).saturating_sub(tap).div_ceil(self.stride);
        let first = (start * self.stride + tap).saturating_sub(self.padding);
        (start..end.clamp(start, self.out), first)
    }
}

impl Windows {
    fn new(operator: &'static str, x: &Tensor, config: Pool2dConfig) -> Result<Self> {
        check_rank(operator, x, "B,C,H,W")?;
        check_inputs(operator, &[x])?;
        let (_, _, height, width) = x.dims4()?;
        let Pool2dConfig { kernel, stride, padding, count_padding } = config;
        let rows = Axis::new(operator, height, [kernel.0, stride.0, padding.0])?;
        let columns = Axis::new(operator, width, [kernel.1, stride.1, padding.1])?;
        match (rows, columns) {
            (Some(rows), Some(columns)) => Ok(Self { rows, columns, count_padding }),
            _ => Err(Error::Shape {
                operator,
                expected: format!(
                    "an image of at least {} x {} elements with its padding",
                    kernel.0, kernel.1
                ),
                actual: x.dims().to_vec(),
            }),
        }
    }

    /// The elements of all windows that lie inside of the image, by direction.
    fn ranges(&self) -> [Vec<Range<usize>>; 2] {
        [self.rows, self.columns]
            .map(|axis| (0..axis.out).map(|place| axis.window(place)).collect())
    }

    /// Elements of one channel.
    fn plane(&self) -> usize {
        self.rows.extent * self.columns.extent
    }

    /// Elements of one channel of the result.
    fn places(&self) -> usize {
        self.rows.out * self.columns.out
    }

    /// Where in a channel the lines begin that the windows of an output row cover.
    #[inline(always)]
    fn lines(&self, row: usize) -> impl Iterator<Item = usize> + use<> {
        let width = self.columns.extent;
        self.rows.window(row).map(move |line| line * width)
    }

    /// Whether the windows of a row take the elements of a line two by two.
    fn are_pairs(&self) -> bool {
        let Axis { kernel, stride, padding, .. } = self.columns;
        (kernel, stride, padding) == (2, 2, 0)
    }

    fn shape(&self, x: &Layout) -> Shape {
        Shape::from((x.dims()[0], x.dims()[1], self.rows.out, self.columns.out))
    }
}

/// Applies `f` to each element of `dense` and the element of `line` that is `stride` further than
/// the one before.
#[inline(always)]
fn gather<A, B: Copy>(dense: &mut [A], line: &[B], stride: usize, f: impl Fn(&mut A, B)) {
    match stride {
        1 => dense.iter_mut().zip(line).for_each(|(a, &b)| f(a, b)),
        2 => {
            let (pairs, rest) = line.as_chunks::<2>();
            let whole = pairs.len().min(dense.len());
            let (body, last) = dense.split_at_mut(whole);
            body.iter_mut().zip(pairs).for_each(|(a, pair)| f(a, pair[0]));
            last.iter_mut().zip(rest).for_each(|(a, &b)| f(a, b));
        }
        _ => dense.iter_mut().zip(line.iter().step_by(stride)).for_each(|(a, &b)| f(a, b)),
    }
}
