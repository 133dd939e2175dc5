//! Pooling, in one direction after the other.

use std::ops::Range;

use candle_core::Tensor;

use super::{constant, select};
use crate::Result;

/// The largest element of each window; `windows` are those of the rows and of the columns.
pub(crate) fn largest(x: &Tensor, windows: &[Vec<Range<usize>>; 2]) -> Result<Tensor> {
    // Columns first: of equal elements the one in the first row counts, and in it the first.
    largest_along(&largest_along(x, 3, &windows[1])?, 2, &windows[0])
}

/// The mean of each window, whose elements count as `kernel` where that is given.
pub(crate) fn mean(
    x: &Tensor,
    windows: &[Vec<Range<usize>>; 2],
    kernel: Option<[usize; 2]>,
) -> Result<Tensor> {
    let [rows, columns] = windows;
    let [height, width] = kernel.map_or([None; 2], |kernel| kernel.map(Some));
    mean_along(&mean_along(x, 3, columns, width)?, 2, rows, height)
}

fn largest_along(x: &Tensor, dim: usize, windows: &[Range<usize>]) -> Result<Tensor> {
    // The first element stands in where a window has fewer: behind itself it is never chosen.
    let taps = longest(windows).next_power_of_two();
    let mut left = taps_along(x, dim, windows, taps, |window| window.start)?;
    while left.dim(1)? > 1 {
        let (outer, taps, inner) = left.dims3()?;
        let pairs = left.reshape((outer, taps / 2, 2, inner))?;
        let first = pairs.narrow(2, 0, 1)?.squeeze(2)?;
        let second = pairs.narrow(2, 1, 1)?.squeeze(2)?;
        // The first among equals; a NaN is larger than any number, and does not equal itself.
        let larger = second.le(&first)?.where_cond(&first, &second)?;
        left = first.ne(&first)?.where_cond(&first, &larger)?;
    }
    Ok(left.reshape(pooled(x, dim, windows.len()))?)
}

fn mean_along(
    x: &Tensor,
    dim: usize,
    windows: &[Range<usize>],
    count: Option<usize>,
) -> Result<Tensor> {
    // A zero behind the last element stands in where a window has fewer.
    let extent = x.dim(dim)?;
    let padded = x.pad_with_zeros(dim, 0, 1)?;
    let sums = taps_along(&padded, dim, windows, longest(windows), |_| extent)?.sum(1)?;
    let shares = windows.iter().map(|window| 1.0 / count.unwrap_or(window.len()) as f64);
    let mut shape = vec![1; x.rank()];
    shape[dim] = windows.len();
    let shares = constant(shares.collect(), shape, x)?;
    Ok(sums.reshape(pooled(x, dim, windows.len()))?.broadcast_mul(&shares)?)
}

/// Element by element what the windows hold, (outer, taps, windows x inner) with the dimensions
/// before and after `dim`; `filler` gives what follows the last element of a window.
fn taps_along(
    x: &Tensor,
    dim: usize,
    windows: &[Range<usize>],
    taps: usize,
    filler: impl Fn(&Range<usize>) -> usize,
) -> Result<Tensor> {
    let place = |tap: usize, window: &Range<usize>| {
        if tap < window.len() { window.start + tap } else { filler(window) }
    };
    let place = &place;
    let places = (0..taps).flat_map(|tap| windows.iter().map(move |window| place(tap, window)));
    let outer: usize = x.dims()[..dim].iter().product();
    let inner: usize = x.dims()[dim + 1..].iter().product();
    Ok(select(x, dim, places)?.reshape((outer, taps, windows.len() * inner))?)
}

fn longest(windows: &[Range<usize>]) -> usize {
    windows.iter().map(|window| window.len()).max().unwrap_or(1)
}

/// The shape of `x` with another size of one dimension.
fn pooled(x: &Tensor, dim: usize, size: usize) -> Vec<usize> {
    let mut shape = x.dims().to_vec();
    shape[dim] = size;
    shape
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::super::testing::{bits, check, composed, normal};
    use super::*;
    use crate::{
        Pool2dConfig, adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, global_avg_pool,
        max_pool2d,
    };

    #[test]
    fn sliding_windows_agree_with_the_kernels() {
        // Height and width; kernel, stride and padding of both.
        let cases = [
            ((7, 7), (2, 2), (2, 2), (0, 0)),
            ((7, 5), (3, 2), (2, 1), (1, 0)),
            ((6, 9), (2, 5), (3, 2), (1, 2)),
            ((5, 4), (5, 4), (1, 1), (2, 2)),
            ((3, 2), (1, 1), (2, 1), (0, 0)),
        ];
        for ((height, width), kernel, stride, padding) in cases {
            for batch in [1, 2] {
                let x = [normal("x", &[batch, 3, width, height])];
                for count_padding in [true, false] {
                    let config = Pool2dConfig { kernel, stride, padding, count_padding };
                    let case = format!("{height} x {width}, {config:?}");
                    let turned = |t: &[Tensor]| t[0].transpose(2, 3).unwrap();
                    check(&case, &x, &|t| max_pool2d(&turned(t), config).unwrap());
                    check(&case, &x, &|t| avg_pool2d(&turned(t), config).unwrap());
                }
            }
        }
    }

    #[test]
    fn windows_of_a_given_number_agree_with_the_kernels() {
        let x = [normal("x", &[2, 3, 7, 5])];
        for size in [(1, 1), (3, 2), (7, 5), (10, 6)] {
            check(&format!("{size:?}"), &x, &|t| adaptive_avg_pool2d(&t[0], size).unwrap());
            check(&format!("{size:?}"), &x, &|t| adaptive_max_pool2d(&t[0], size).unwrap());
        }
        check("global", &x, &|t| global_avg_pool(&t[0]).unwrap());
    }

    #[test]
    fn the_first_of_equal_elements_receives_the_gradient() {
        // Whole numbers from 0 to 2: nearly every window has equals.
        let x = normal("x", &[2, 3, 8, 9]).abs().unwrap().round().unwrap();
        for (kernel, padding) in [((3, 3), (1, 1)), ((2, 4), (0, 2)), ((5, 1), (2, 0))] {
            let config = Pool2dConfig { kernel, stride: (1, 2), padding, count_padding: true };
            let inputs = std::slice::from_ref(&x);
            check("equals", inputs, &|t| max_pool2d(&t[0], config).unwrap());
        }
    }

    #[test]
    fn a_nan_takes_the_place_of_its_window() {
        for nan in 0..12 {
            let mut values: Vec<f32> = (0..12).map(|i| (i % 5) as f32).collect();
            values[nan] = f32::NAN;
            values[(nan + 5) % 12] = f32::INFINITY;
            let x = Tensor::from_vec(values, (1, 1, 3, 4), &Device::Cpu).unwrap();
            let x = Var::from_tensor(&x).unwrap();
            let config = Pool2dConfig { stride: (1, 1), ..Pool2dConfig::square(2) };
            // Whole numbers, whose sums have the same bits in any order.
            let weights = Tensor::arange(1.0_f32, 7.0, &Device::Cpu).unwrap();
            let weights = weights.reshape((1, 1, 2, 3)).unwrap();
            let run = || {
                let y = max_pool2d(&x, config).unwrap();
                let gradients = (&y * &weights).unwrap().sum_all().unwrap().backward().unwrap();
                (bits(&y), bits(gradients.get(&x).unwrap()))
            };
            assert_eq!(composed(run), run(), "place {nan}");
        }
    }
}
