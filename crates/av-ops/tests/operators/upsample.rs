//! Images in another size.

use av_ops::{upsample_bilinear2d, upsample_nearest2d};
use candle_core::{Device, Tensor};

use crate::support::{assert_close, normal, single, values};
use crate::{F32, F64, message};

const CASES: [((usize, usize), (usize, usize)); 6] = [
    ((3, 4), (6, 8)),
    ((3, 5), (7, 11)),
    ((7, 6), (3, 4)),
    ((1, 1), (3, 2)),
    ((4, 3), (4, 3)),
    ((5, 1), (2, 9)),
];

/// The weights of the elements that a place reads in one direction.
fn linear(place: usize, extent: usize, out: usize) -> Vec<(usize, f64)> {
    let s = ((place as f64 + 0.5) * extent as f64 / out as f64 - 0.5).max(0.0);
    let first = s.floor();
    let at = first as usize;
    vec![(at, 1.0 - (s - first)), ((at + 1).min(extent - 1), s - first)]
}

fn nearest(place: usize, extent: usize, out: usize) -> Vec<(usize, f64)> {
    vec![(place * extent / out, 1.0)]
}

#[test]
fn the_values_equal_the_definitions() {
    type Weights = fn(usize, usize, usize) -> Vec<(usize, f64)>;
    type Operator = fn(&Tensor, (usize, usize)) -> av_ops::Result<Tensor>;
    let pairs: [(Operator, Weights); 2] =
        [(upsample_nearest2d, nearest), (upsample_bilinear2d, linear)];
    for (operator, weights) in pairs {
        for ((height, width), size) in CASES {
            let x = normal("x", &[2, 3, height, width]);
            let mut expected = Vec::new();
            for channel in values(&x).chunks(height * width) {
                for i in 0..size.0 {
                    for j in 0..size.1 {
                        let mut total = 0.0;
                        for (row, v) in weights(i, height, size.0) {
                            for (column, w) in weights(j, width, size.1) {
                                total += v * w * channel[row * width + column];
                            }
                        }
                        expected.push(total);
                    }
                }
            }
            let y = operator(&x, size).unwrap();
            assert_eq!(y.dims(), [2, 3, size.0, size.1]);
            assert_close(&values(&y), &expected, F64);
            assert_close(&values(&operator(&single(&x), size).unwrap()), &expected, F32);
        }
    }
}

#[test]
fn bilinear_is_that_of_pytorch() {
    // torch 2.15: F.interpolate(arange(6.).view(1, 1, 2, 3), (3, 4), mode="bilinear") in float64.
    let x = Tensor::arange(0.0_f64, 6.0, &Device::Cpu).unwrap().reshape((1, 1, 2, 3)).unwrap();
    let y = upsample_bilinear2d(&x, (3, 4)).unwrap();
    assert_close(
        &values(&y),
        &[
            0.0,
            0.625,
            1.375,
            2.0,
            1.4999999999999998,
            2.1249999999999996,
            2.8749999999999996,
            3.4999999999999996,
            3.0,
            3.625,
            4.375,
            5.0,
        ],
        F64,
    );
}

#[test]
fn wrong_sizes_are_refused_and_nan_stays_near_its_place() {
    let x = normal("x", &[1, 1, 2, 3]);
    for operator in [upsample_nearest2d, upsample_bilinear2d] {
        let empty = message(operator(&x, (2, 0)));
        assert!(empty.contains("size must be at least 1 x 1, not 2 x 0"), "{empty}");
        assert!(message(operator(&x.squeeze(0).unwrap(), (1, 1))).contains("B,C,H,W"));
        let x = Tensor::new(&[[[[f32::NAN, 1.0, 2.0]]]], &Device::Cpu).unwrap();
        let y = values(&operator(&x, (1, 6)).unwrap());
        assert!(y[0].is_nan() && y[3..].iter().all(|y| y.is_finite()), "{y:?}");
        let x = Tensor::new(&[[[[f32::INFINITY, 1.0, 2.0]]]], &Device::Cpu).unwrap();
        let y = values(&operator(&x, (1, 6)).unwrap());
        assert!(y[..2] == [f64::INFINITY; 2] && y[3..].iter().all(|y| y.is_finite()), "{y:?}");
    }
}
