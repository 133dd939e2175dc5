//! The convolution in f32, whose kernels are others than those of f64, against f64: results and gradients.

use av_ops::Conv2dConfig;
use candle_core::Tensor;

use super::conv::{Case, cases};
use crate::support::grid::View;
use crate::support::{Named, check_single};

/// Sums of at most a few thousand products of order one.
const F32: f64 = 1e-5;

fn check(case: &Case) {
    let _named = Named(case);
    let inputs: Vec<Tensor> = case.inputs().iter().map(|input| case.view.store(input)).collect();
    check_single(&inputs, F32, &|t| {
        let seen: Vec<Tensor> = t.iter().map(|t| case.view.look(t)).collect();
        case.run(&seen)
    });
}

#[test]
fn conv2d_in_f32_is_that_in_f64() {
    // Fewer and more channels than half a vector, whole vectors, and groups too small for the direct kernels.
    let channels = [[3, 4, 1], [5, 9, 1], [8, 6, 2], [9, 24, 3], [4, 4, 4], [16, 16, 1]];
    for case in cases(&[1, 2, 35], &channels) {
        check(&case);
    }
}

#[test]
fn conv2d_in_f32_is_that_in_f64_at_the_edges_of_its_tiles() {
    let square = Conv2dConfig::square;
    // More taps than one turn; rows of several tiles; rows of one element; a kernel as large as the image; columns that no
    // tap reads; several images at once; stride, dilation and groups.
    let cases = [
        (3, [70, 17], [7, 5], [3, 3], Conv2dConfig { relu: true, ..square(3, 2) }),
        (1, [9, 100], [5, 60], [3, 3], square(1, 1)),
        (2, [3, 8], [70, 1], [3, 1], Conv2dConfig { padding: [1, 0], ..square(1, 0) }),
        (2, [33, 40], [5, 7], [5, 7], square(1, 0)),
        (
            2,
            [8, 64],
            [3, 3],
            [3, 3],
            Conv2dConfig { stride: [1, 4], padding: [2, 0], ..square(1, 0) },
        ),
        (2, [8, 9], [9, 10], [2, 2], square(5, 0)),
        (35, [3, 8], [5, 9], [2, 5], square(2, 3)),
        (2, [1, 20], [25, 27], [3, 3], square(2, 1)),
        (2, [14, 13], [7, 5], [1, 1], square(2, 0)),
        (2, [12, 16], [9, 8], [3, 3], Conv2dConfig { dilation: [2, 3], ..square(1, 2) }),
        (
            2,
            [24, 64],
            [11, 8],
            [2, 3],
            Conv2dConfig { dilation: [3, 2], groups: 2, ..square(2, 1) },
        ),
    ];
    for (batch, channels, size, kernel, config) in cases {
        for view in [View::Whole, View::Last] {
            check(&Case { batch, channels, size, kernel, config, bias: false, view });
        }
    }
}

#[test]
fn conv2d_in_f32_by_points_of_tiles_is_that_in_f64() {
    // Kernels of 3 x 3 at stride 1 with many channels: padding of none, one and two, odd and even sizes, several images.
    let cases = [
        (1, [64, 64], [9, 12], 1),
        (2, [32, 48], [13, 10], 0),
        (3, [48, 32], [7, 8], 2),
        (35, [64, 32], [4, 6], 1),
    ];
    for (batch, channels, size, padding) in cases {
        for relu in [false, true] {
            let config = Conv2dConfig { relu, ..Conv2dConfig::square(1, padding) };
            check(&Case {
                batch,
                channels,
                size,
                kernel: [3, 3],
                config,
                bias: true,
                view: View::Last,
            });
        }
    }
}
