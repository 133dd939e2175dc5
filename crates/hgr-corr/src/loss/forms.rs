//! Slices and tensors hold the same mathematics: on the CPU, where both can, every loss has one value and one gradient.

use super::pair::{Found, Pair, Slices, Table, losses_of};
use super::penalty::{Penalty, Side};
use super::{Nesting, label, nested, stream};
use crate::{Convention, HgrState, Result};
use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rows and columns: narrow and wide tables, more rows than are worked on at a time, one column.
const SIZES: [(usize, usize); 5] = [(11, 3), (5, 9), (300, 4), (600, 2), (7, 1)];

fn draw(rows: usize, columns: usize, seed: u64) -> Tensor {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..rows * columns).map(|_| stream.random_range(-1.0..2.0)).collect();
    Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
}

fn flat(tensors: &[Tensor]) -> Vec<f64> {
    tensors.iter().flat_map(|t| t.flatten_all().unwrap().to_vec1::<f64>().unwrap()).collect()
}

#[track_caller]
fn assert_same(what: &str, slices: &[f64], tensors: &[f64]) {
    assert_eq!(slices.len(), tensors.len(), "{what}");
    let size = tensors.iter().fold(0.0f64, |size, value| size.max(value.abs()));
    for (slices, tensors) in slices.iter().zip(tensors) {
        assert!((slices - tensors).abs() <= 1e-13 * size, "{what}: {slices}, {tensors}");
    }
}

/// Three views in three pairs; the last pair has every other row, and the views of its penalty are not centred.
fn found(side: Side, penalty: Penalty, size: (usize, usize)) -> [Result<Found>; 2] {
    let (rows, columns) = size;
    let views = [1, 2, 3].map(|seed| draw(rows, columns, seed));
    let views: Vec<&Tensor> = views.iter().collect();
    let half: Vec<u32> = (0..rows as u32).step_by(2).collect();
    let n = rows as f64;
    let whole = |view| Table { view, rows: None, centred: true, divisor: n - 1.0 };
    let part = |view, centred| Table { view, rows: Some(&half), centred, divisor: n / 2.0 };
    let tables = [
        whole(0),
        whole(1),
        whole(2),
        part(1, true),
        part(2, true),
        part(1, false),
        part(2, false),
    ];
    let pair = |weight, cross, cross_into, penalty, weights| {
        let divisor = n;
        Pair { weight, cross, cross_into, divisor, penalty, weights }
    };
    let weights = penalty.weights(rows, n - 1.0).unwrap();
    let pairs = [
        pair(1.0, [0, 1], [0, 1], [0, 1], weights),
        pair(0.3, [0, 2], [0, 2], [0, 2], weights),
        pair(2.0, [3, 4], [5, 6], [5, 6], Penalty::PlugIn.weights(rows, n).unwrap()),
    ];
    [
        losses_of::<Slices<f64>>(&views, &tables, &pairs, side),
        losses_of::<Tensor>(&views, &tables, &pairs, side),
    ]
}

#[test]
fn pairs_have_one_value_and_one_gradient() {
    for size in SIZES {
        for side in [Side::Covariance, Side::Gram] {
            for penalty in [Penalty::PlugIn, Penalty::Unbiased, Penalty::Blend { rows: 1000 }] {
                let what = format!("{size:?} {side:?} {penalty:?}");
                let [slices, tensors] = found(side, penalty, size).map(Result::unwrap);
                let parts = |found: &Found| -> Vec<f64> {
                    found.parts.iter().flat_map(|(cross, penalty)| [*cross, *penalty]).collect()
                };
                assert_same(&what, &parts(&slices), &parts(&tensors));
                assert_same(&what, &flat(&slices.gradients), &flat(&tensors.gradients));
            }
        }
    }
}

/// Cross term, penalty and gradients.
type Parts = (f64, f64, [Tensor; 2]);

#[track_caller]
fn assert_same_parts(what: &str, slices: Result<Parts>, tensors: Result<Parts>) {
    let (slices, tensors) = (slices.unwrap(), tensors.unwrap());
    assert_same(what, &[slices.0, slices.1], &[tensors.0, tensors.1]);
    assert_same(what, &flat(&slices.2), &flat(&tensors.2));
}

#[test]
fn labels_nested_scores_and_streams_have_one_value_and_one_gradient() {
    for (rows, columns) in SIZES {
        let what = format!("{rows} x {columns}");
        let (f, g) = (draw(rows, columns, 4), draw(rows, columns, 5));
        for classes in [2, 40] {
            let (table, labels) = (
                draw(classes, columns, 6),
                (0..rows).map(|row| (row * row % classes) as u32).collect::<Vec<u32>>(),
            );
            let slices = label::parts::<Slices<f64>>(&f, &labels, &table);
            let tensors = label::parts::<Tensor>(&f, &labels, &table);
            assert_same_parts(&format!("{what} {classes} classes"), slices, tensors);
        }
        for nesting in [Nesting::Joint, Nesting::Sequential] {
            let slices = nested::parts::<Slices<f64>>(&f, &g, nesting);
            assert_same_parts(&what, slices, nested::parts::<Tensor>(&f, &g, nesting));
        }
        let mut state = HgrState::new(columns, columns);
        state.push_tensors(&f, &g).unwrap();
        state.push_tensors(&g, &f).unwrap();
        let convention = Convention::NegHscore;
        let slices = stream::share::<Slices<f64>>(&state, convention, &f, &g);
        let tensors = stream::share::<Tensor>(&state, convention, &f, &g);
        assert_same_parts(&what, slices, tensors);
    }
}
