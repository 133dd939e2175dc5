//! One mathematics behind all losses: where two of them say the same, they give the same bits.

use crate::support::{assert_close, draw};
use crate::tensors::{F64, assert_central, flat, var};
use candle_core::{DType, Device, Tensor, Var};
use hgr_corr::{
    Convention, Error, Mask, Missing, Nesting, PairWeights, Penalty, Side, SoftHgr, SoftHgrViews,
    label_hgr, nested_h_score, soft_hgr, soft_hgr_views,
};

/// Rows and columns: covariance form, Gram form, more rows than are worked on at a time.
const SIZES: [(usize, usize); 4] = [(11, 3), (5, 9), (300, 4), (2, 1)];

const DTYPES: [DType; 3] = [DType::F64, DType::F32, DType::BF16];

const PENALTIES: [Penalty; 3] = [Penalty::PlugIn, Penalty::Unbiased, Penalty::Blend { rows: 600 }];

fn pair((rows, columns): (usize, usize), dtype: DType) -> [Var; 2] {
    [51, 52].map(|seed| var(&draw(rows, columns, seed), dtype))
}

fn tensors(vars: &[Var]) -> Vec<Tensor> {
    vars.iter().map(|var| var.as_tensor().clone()).collect()
}

/// The value of a loss, then its gradient at each variable.
fn all(loss: &Tensor, vars: &[Var]) -> Vec<Vec<f64>> {
    let gradients = loss.backward().unwrap();
    let of = |var: &Var| flat(gradients.get(var).unwrap());
    [flat(loss)].into_iter().chain(vars.iter().map(of)).collect()
}

/// All present but what is lacking of a row and a view.
fn mask(rows: usize, views: usize, lacks: impl Fn(usize, usize) -> bool) -> Mask {
    let cells = (0..rows).flat_map(|row| (0..views).map(move |view| (row, view)));
    Mask::new(cells.map(|(row, view)| !lacks(row, view)).collect(), rows, views).unwrap()
}

#[test]
fn two_complete_views_are_soft_hgr_to_the_bit() {
    for (size, dtype) in SIZES.iter().flat_map(|size| DTYPES.map(|dtype| (*size, dtype))) {
        let vars = pair(size, dtype);
        let known = all(&soft_hgr(&vars[0], &vars[1]).unwrap(), &vars);
        let full = mask(size.0, 2, |_, _| false);
        for (mask, missing) in [
            (None, Missing::Pairwise),
            (Some(&full), Missing::Pairwise),
            (None, Missing::Available),
        ] {
            let found = soft_hgr_views(&tensors(&vars), mask, None, missing).unwrap();
            assert_eq!(all(&found.value, &vars), known, "{size:?} {dtype:?} {missing:?}");
        }
    }
}

#[test]
fn every_choice_of_soft_hgr_is_one_of_two_views_to_the_bit() {
    for size in [(11, 3), (5, 9)] {
        for penalty in PENALTIES {
            for side in [Side::Auto, Side::Covariance, Side::Gram] {
                for convention in
                    [Convention::Unbiased, Convention::Population, Convention::NegHscore]
                {
                    let pair_of_views = SoftHgr { convention, penalty, side };
                    let vars = pair(size, DType::F64);
                    let known = pair_of_views.loss(&vars[0], &vars[1]).unwrap();
                    let views = SoftHgrViews { pair: pair_of_views, ..Default::default() };
                    let found = views.loss(&tensors(&vars), None, None).unwrap();
                    let what = format!("{size:?} {pair_of_views:?}");
                    assert_eq!(all(&found.value, &vars), all(&known.value, &vars), "{what}");
                    let term = &found.pairs[0];
                    assert_eq!((term.cross, term.penalty), (known.cross, known.penalty), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_pair_with_rows_missing_is_soft_hgr_of_its_shared_rows_to_the_bit() {
    for penalty in PENALTIES {
        let vars = pair((14, 3), DType::F64);
        // Row 2 lacks the first view, row 9 the second.
        let lacks = mask(14, 2, |row, view| (row, view) == (2, 0) || (row, view) == (9, 1));
        let shared: Vec<u32> = (0..14).filter(|row| ![2, 9].contains(row)).collect();
        let rows = Tensor::new(shared.as_slice(), &Device::Cpu).unwrap();
        let own = vars.each_ref().map(|view| view.index_select(&rows, 0).unwrap());
        let pair = SoftHgr { penalty, ..Default::default() };
        let known = all(&pair.loss(&own[0], &own[1]).unwrap().value, &vars);
        let views = SoftHgrViews { pair, ..Default::default() };
        let found = views.loss(&tensors(&vars), Some(&lacks), None).unwrap();
        assert_eq!(all(&found.value, &vars), known, "{penalty:?}");
    }
}

#[test]
fn a_label_to_each_row_is_a_view_to_the_bit() {
    for size in SIZES {
        let vars = pair(size, DType::F64);
        let labels: Vec<u32> = (0..size.0 as u32).collect();
        let known = all(&soft_hgr(&vars[0], &vars[1]).unwrap(), &vars);
        let found = all(&label_hgr(&vars[0], &labels, &vars[1]).unwrap().value, &vars);
        assert_eq!(found[0], known[0], "{size:?}");
        // The two terms of a gradient are added in the other order.
        for (found, known) in found.iter().zip(&known) {
            assert_close(&format!("{size:?}"), found, known, 1e-15);
        }
    }
}

#[test]
fn a_nested_score_of_one_column_is_soft_hgr_to_the_bit() {
    for rows in [2, 11, 200] {
        let vars = pair((rows, 1), DType::F64);
        let form = SoftHgr { side: Side::Covariance, ..Default::default() };
        let known = all(&form.loss(&vars[0], &vars[1]).unwrap().value, &vars);
        for nesting in [Nesting::Joint, Nesting::Sequential] {
            let found = nested_h_score(&vars[0], &vars[1], nesting).unwrap().value;
            assert_eq!(all(&found, &vars), known, "{rows} {nesting:?}");
        }
    }
}

/// Three views, of which two are given and the third is half the first, with rows missing.
fn three(f: &Tensor, g: &Tensor) -> ([Tensor; 3], Mask, PairWeights) {
    let rows = f.dims()[0];
    let views = [f.clone(), g.clone(), (f * 0.5).unwrap()];
    let weights = vec![0.0, 1.0, 0.3, 1.0, 0.0, 2.0, 0.3, 2.0, 0.0];
    let mask = mask(rows, 3, |row, view| row % 4 == view);
    (views, mask, PairWeights::new(weights, 3).unwrap())
}

#[test]
fn gradients_of_three_views_are_those_of_central_differences_for_all_penalties() {
    for (rows, columns) in [(9, 7), (11, 3)] {
        let (f, g) = (draw(rows, columns, 53), draw(rows, columns, 54));
        for penalty in PENALTIES {
            for side in [Side::Covariance, Side::Gram] {
                for masked in [false, true] {
                    let pair = SoftHgr { penalty, side, ..Default::default() };
                    let views = SoftHgrViews { pair, ..Default::default() };
                    let what = format!("{rows} x {columns} {penalty:?} {side:?} {masked}");
                    assert_central(&what, &f, &g, |f, g| {
                        let (tensors, mask, weights) = three(f, g);
                        let mask = masked.then_some(&mask);
                        views.loss(&tensors, mask, Some(&weights)).unwrap().value
                    });
                }
            }
        }
    }
}

#[test]
fn three_views_are_the_weighted_sum_of_their_pairs() {
    let vars = pair((9, 7), DType::F64);
    let (views, mask, weights) = three(&vars[0], &vars[1]);
    for penalty in PENALTIES {
        // The forms are chosen by what the pairs share, so they may differ.
        let pair = SoftHgr { penalty, ..Default::default() };
        let all_pairs = SoftHgrViews { pair, ..Default::default() };
        let found = all_pairs.loss(&views, Some(&mask), Some(&weights)).unwrap();
        let mut value = 0.0;
        for term in &found.pairs {
            let shared: Vec<u32> =
                (0..9).filter(|row| ![term.i, term.j].contains(&(*row as usize % 4))).collect();
            let rows = Tensor::new(shared.as_slice(), &Device::Cpu).unwrap();
            let own = [term.i, term.j].map(|view| views[view].index_select(&rows, 0).unwrap());
            let known = pair.loss(&own[0], &own[1]).unwrap();
            assert_close("cross", &[term.cross], &[known.cross], F64);
            assert_close("penalty", &[term.penalty], &[known.penalty], F64);
            value += term.weight * flat(&known.value)[0];
        }
        assert_close("value", &flat(&found.value), &[value], F64);
    }
}

#[test]
fn a_pair_with_fewer_rows_than_its_penalty_needs_is_nothing() {
    let vars = pair((5, 2), DType::F64);
    // Three rows are shared: enough for the plug-in, too few for an estimate without bias.
    let lacks = mask(5, 2, |row, view| row < 2 && row == view);
    for (penalty, nothing) in [
        (Penalty::PlugIn, false),
        (Penalty::Unbiased, true),
        (Penalty::Blend { rows: 9 }, true),
        (Penalty::Blend { rows: 3 }, false), // all rows of the data set: the plug-in
    ] {
        let pair = SoftHgr { penalty, ..Default::default() };
        let views = SoftHgrViews { pair, ..Default::default() };
        let found = views.loss(&tensors(&vars), Some(&lacks), None).unwrap();
        assert_eq!(found.pairs[0].rows, 3);
        let found = all(&found.value, &vars);
        assert_eq!(found.iter().flatten().all(|value| *value == 0.0), nothing, "{penalty:?}");
    }
    let pair = SoftHgr { penalty: Penalty::Blend { rows: 2 }, ..Default::default() };
    let fewer = SoftHgrViews { pair, ..Default::default() };
    let refused = fewer.loss(&tensors(&vars), Some(&lacks), None);
    assert!(matches!(refused, Err(Error::Shape { .. })));
}

#[test]
fn covariances_from_rows_that_are_not_shared_have_the_plug_in_alone() {
    let vars = pair((6, 2), DType::F64);
    for penalty in PENALTIES {
        let pair = SoftHgr { penalty, ..Default::default() };
        let found =
            SoftHgrViews { pair, missing: Missing::Available }.loss(&tensors(&vars), None, None);
        let plug_in = penalty == Penalty::PlugIn;
        assert_eq!(matches!(found, Err(Error::Shape { .. })), !plug_in, "{penalty:?}");
    }
}

#[test]
fn a_view_that_lies_within_another_tensor_is_read_as_it_is() {
    let (wide, g) = (var(&draw(8, 6, 55), DType::F64), var(&draw(4, 6, 56), DType::F64));
    let rows = wide.narrow(0, 3, 4).unwrap();
    let columns = wide.narrow(0, 2, 4).unwrap().narrow(1, 1, 3).unwrap();
    let turned = wide.narrow(0, 0, 6).unwrap().narrow(1, 2, 4).unwrap().t().unwrap();
    for view in [rows, columns, turned] {
        let other = g.narrow(1, 0, view.dims()[1]).unwrap();
        // Through host memory, where it has no place in another tensor.
        let own = Tensor::new(view.to_vec2::<f64>().unwrap(), &Device::Cpu).unwrap();
        let known = flat(&soft_hgr(&own, &other).unwrap());
        assert_eq!(flat(&soft_hgr(&view, &other).unwrap()), known, "{:?}", view.layout());
    }
}
