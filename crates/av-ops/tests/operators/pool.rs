//! Pooling by direction, with padding, and to a given size.

use std::ops::Range;

use av_ops::{Pool2dConfig, adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, max_pool2d};
use candle_core::{Device, Tensor, Var};

use crate::support::{assert_close, normal, single, values};
use crate::{F32, F64, message};

/// (height, width, windows): overlapping, with gaps, with a rest, padded in one direction and in
/// both.
fn cases() -> Vec<(usize, usize, Pool2dConfig)> {
    let config = |kernel, stride, padding| Pool2dConfig {
        kernel,
        stride,
        padding,
        ..Pool2dConfig::square(1)
    };
    vec![
        (7, 8, config((3, 3), (2, 2), (1, 1))),
        (5, 9, config((2, 2), (2, 2), (1, 1))),
        (6, 5, config((1, 3), (1, 1), (0, 1))),
        (4, 9, config((3, 2), (1, 2), (1, 0))),
        (5, 7, config((4, 5), (3, 4), (2, 2))),
        (1, 6, config((2, 4), (5, 3), (1, 2))),
        (9, 35, config((3, 2), (2, 2), (0, 0))),
    ]
}

/// The values of `f` at the rows and columns of each window; those outside of the image are
/// negative.
fn each_window(
    (height, width, config): (usize, usize, Pool2dConfig),
    mut f: impl FnMut(Range<isize>, Range<isize>),
) {
    let Pool2dConfig { kernel, stride, padding, .. } = config;
    let places = |extent, kernel, stride, padding| (extent + 2 * padding - kernel) / stride + 1;
    let range = |place: usize, kernel, stride: usize, padding| {
        let start = (place * stride) as isize - padding as isize;
        start..start + kernel as isize
    };
    for i in 0..places(height, kernel.0, stride.0, padding.0) {
        for j in 0..places(width, kernel.1, stride.1, padding.1) {
            f(range(i, kernel.0, stride.0, padding.0), range(j, kernel.1, stride.1, padding.1));
        }
    }
}

#[test]
fn padded_windows_equal_the_definition() {
    for case in cases() {
        let (height, width, config) = case;
        let x = normal("x", &[2, 3, height, width]);
        let (mut largest, mut counted, mut inner) = (Vec::new(), Vec::new(), Vec::new());
        for channel in values(&x).chunks(height * width) {
            each_window(case, |rows, columns| {
                let area = (rows.len() * columns.len()) as f64;
                let inside =
                    rows.filter(|row| (0..height as isize).contains(row)).flat_map(|row| {
                        let columns = columns.clone().filter(|at| (0..width as isize).contains(at));
                        columns.map(move |column| row as usize * width + column as usize)
                    });
                let window: Vec<f64> = inside.map(|at| channel[at]).collect();
                largest.push(window.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                counted.push(window.iter().sum::<f64>() / area);
                inner.push(window.iter().sum::<f64>() / window.len() as f64);
            });
        }
        let inside = Pool2dConfig { count_padding: false, ..config };
        assert_close(&values(&max_pool2d(&x, config).unwrap()), &largest, 0.0);
        assert_close(&values(&avg_pool2d(&x, config).unwrap()), &counted, F64);
        assert_close(&values(&avg_pool2d(&x, inside).unwrap()), &inner, F64);
        assert_close(&values(&avg_pool2d(&single(&x), inside).unwrap()), &inner, F32);
    }
}

/// PyTorch's windows: from the start rounded down to the end rounded up.
fn adaptive(place: usize, places: usize, extent: usize) -> Range<usize> {
    let start = (place as f64 * extent as f64 / places as f64).floor() as usize;
    let end = ((place + 1) as f64 * extent as f64 / places as f64).ceil() as usize;
    start..end
}

#[test]
fn adaptive_pooling_equals_the_definition() {
    for (height, width, size) in [(7, 5, (3, 2)), (4, 6, (2, 6)), (3, 2, (5, 3)), (6, 9, (1, 1))] {
        let x = normal("x", &[2, 3, height, width]);
        let (mut largest, mut means) = (Vec::new(), Vec::new());
        for channel in values(&x).chunks(height * width) {
            for place in 0..size.0 * size.1 {
                let columns = adaptive(place % size.1, size.1, width);
                let rows = adaptive(place / size.1, size.0, height);
                let window: Vec<f64> = rows
                    .flat_map(|row| columns.clone().map(move |column| row * width + column))
                    .map(|at| channel[at])
                    .collect();
                largest.push(window.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                means.push(window.iter().sum::<f64>() / window.len() as f64);
            }
        }
        let y = adaptive_avg_pool2d(&x, size).unwrap();
        assert_eq!(y.dims(), [2, 3, size.0, size.1]);
        assert_close(&values(&y), &means, F64);
        assert_close(&values(&adaptive_avg_pool2d(&single(&x), size).unwrap()), &means, F32);
        assert_close(&values(&adaptive_max_pool2d(&x, size).unwrap()), &largest, 0.0);
    }
}

#[test]
fn ties_go_to_the_first_and_nan_shows() {
    let x = Var::new(&[[[[2.0_f64, 2.0], [2.0, 0.0]]]], &Device::Cpu).unwrap();
    for y in [adaptive_max_pool2d(&x, (1, 1)), max_pool2d(&x, Pool2dConfig::square(2))] {
        let gradients = y.unwrap().backward().unwrap();
        assert_eq!(values(gradients.get(&x).unwrap()), [1.0, 0.0, 0.0, 0.0]);
    }
    for place in 0..4 {
        let mut window = [3.0, 1.0, 2.0, 0.0];
        window[place] = f64::NAN;
        let x = Tensor::from_slice(&window, (1, 1, 2, 2), &Device::Cpu).unwrap();
        assert!(values(&adaptive_max_pool2d(&x, (1, 1)).unwrap())[0].is_nan(), "place {place}");
        assert!(values(&adaptive_avg_pool2d(&x, (1, 1)).unwrap())[0].is_nan(), "place {place}");
    }
}

#[test]
fn wrong_windows_are_refused() {
    let x = normal("x", &[1, 2, 3, 4]);
    let padded = |padding| Pool2dConfig { padding, ..Pool2dConfig::square(2) };
    let cases = [
        (message(max_pool2d(&x, padded((2, 0)))), "padding must be at most half of the kernel"),
        (message(avg_pool2d(&x, padded((0, 2)))), "padding must be at most half of the kernel"),
        (message(max_pool2d(&x, Pool2dConfig::square(4))), "at least 4 x 4 elements"),
        (message(adaptive_avg_pool2d(&x, (0, 1))), "size must be at least 1 x 1, not 0 x 1"),
        (message(adaptive_max_pool2d(&x.squeeze(0).unwrap(), (1, 1))), "B,C,H,W"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}
