//! The loss over parts of a batch against golden files and the loss of the whole batch.

use crate::support::{Table, assert_close, draw, golden, number, numbers, table};
use crate::tensors::{flat, var};
use candle_core::DType::{self, BF16, F32, F64};
use candle_core::{Tensor, Var};
use hgr_corr::{Convention, Error, HgrState, SoftHgr, soft_hgr};

/// The loss, its two parts, and the gradients of both sides.
type Found = (Vec<f64>, Vec<f64>, Vec<f64>);

/// From the rows between consecutive cuts: first the state of all, then every part against it.
fn in_parts(convention: Convention, f: &Var, g: &Var, cuts: &[usize]) -> Found {
    let ranges: Vec<(usize, usize)> = cuts.windows(2).map(|cut| (cut[0], cut[1])).collect();
    let cut = |view: &Var, (from, to): (usize, usize)| view.narrow(0, from, to - from).unwrap();
    let mut state = HgrState::new(f.dims()[1], g.dims()[1]);
    for &range in &ranges {
        let mut worker = HgrState::new(f.dims()[1], g.dims()[1]);
        worker.push_tensors(&cut(f, range), &cut(g, range)).unwrap();
        state.merge(&worker).unwrap();
    }
    let (mut values, mut df, mut dg) = (vec![0.0; 3], vec![], vec![]);
    for range in ranges {
        let own = |view: &Var| Var::from_tensor(&cut(view, range)).unwrap();
        let (f, g) = (own(f), own(g));
        let part = state.part(convention, &f, &g).unwrap();
        let found = [flat(&part.value)[0], part.cross, part.penalty];
        values.iter_mut().zip(found).for_each(|(sum, value)| *sum += value);
        let gradients = part.value.backward().unwrap();
        df.extend(flat(gradients.get(&f).unwrap()));
        dg.extend(flat(gradients.get(&g).unwrap()));
    }
    let parts = state.parts(convention).unwrap();
    let tolerance = if f.dtype() == F64 { 1e-12 } else { 1e-4 };
    let known = [-parts.score(), parts.cross, parts.penalty];
    assert_close("parts add up to the state's", &values, &known, tolerance);
    (values, df, dg)
}

fn at_once(convention: Convention, f: &Var, g: &Var) -> Found {
    let loss = SoftHgr { convention, ..SoftHgr::default() }.loss(f, g).unwrap();
    let gradients = loss.value.backward().unwrap();
    let gradient = |view: &Var| flat(gradients.get(view).unwrap());
    (vec![flat(&loss.value)[0], loss.cross, loss.penalty], gradient(f), gradient(g))
}

#[track_caller]
fn assert_same(what: &str, actual: &Found, expected: &Found, tolerance: f64) {
    assert_close(&format!("{what}: value"), &actual.0, &expected.0, tolerance);
    assert_close(&format!("{what}: df"), &actual.1, &expected.1, tolerance);
    assert_close(&format!("{what}: dg"), &actual.2, &expected.2, tolerance);
}

/// g = 0.6 f + 0.5 noise, plus an offset of both columns, rounded so that f32 holds it exactly.
fn sides(rows: usize, columns: usize, offset: f64) -> (Table, Table) {
    let (f, noise) = (draw(rows, columns, 1), draw(rows, columns, 2));
    let round = |value: f64| f64::from(value as f32);
    let g = f.values.iter().zip(&noise.values).map(|(f, n)| round(0.6 * f + 0.5 * n - offset));
    let g = Table { values: g.collect(), ..noise };
    (Table { values: f.values.iter().map(|f| round(f + offset)).collect(), ..f }, g)
}

fn cuts(rows: usize, parts: usize) -> Vec<usize> {
    (0..=parts).map(|part| part * rows / parts).collect()
}

#[test]
fn gradients_over_parts_are_those_of_the_golden_file() {
    let file = golden("streaming");
    let (f, g) = (var(&table(&file["f"]), F64), var(&table(&file["g"]), F64));
    let cuts: Vec<usize> = numbers(&file["cuts"]).iter().map(|&cut| cut as usize).collect();
    let (values, df, dg) = in_parts(Convention::Unbiased, &f, &g, &cuts);
    let tolerance = number(&file["loss_tolerance"]);
    assert_close("loss", &values[..1], &[number(&file["loss"])], tolerance);
    assert_close("df", &df, &table(&file["dloss_df"]).values, tolerance);
    assert_close("dg", &dg, &table(&file["dloss_dg"]).values, tolerance);
}

#[test]
fn one_part_seven_or_a_thousand_have_one_loss_and_gradient() {
    let (f, g) = sides(1000, 4, 0.0);
    let (f, g) = (var(&f, F64), var(&g, F64));
    for convention in [Convention::Unbiased, Convention::Population, Convention::NegHscore] {
        let whole = at_once(convention, &f, &g);
        for parts in [1, 7, 1000] {
            let found = in_parts(convention, &f, &g, &cuts(1000, parts));
            assert_same(&format!("{convention:?} {parts}"), &found, &whole, 1e-12);
        }
    }
}

#[test]
fn the_mean_of_the_losses_of_parts_is_something_else() {
    let (f, g) = sides(64, 8, 0.0);
    let (f, g) = (var(&f, F64), var(&g, F64));
    let whole = flat(&soft_hgr(&f, &g).unwrap())[0];
    let part = |from| {
        let cut = |view: &Tensor| view.narrow(0, from, 8).unwrap();
        flat(&soft_hgr(&cut(&f), &cut(&g)).unwrap())[0]
    };
    let mean = (0..8).map(|index| part(8 * index)).sum::<f64>() / 8.0;
    assert!(mean - whole > 0.1, "{mean} {whole}");
}

#[test]
fn f32_at_an_offset_of_ten_thousand_loses_nothing() {
    for offset in [0.0, 1e4] {
        let (f, g) = sides(60, 4, offset);
        let exact = at_once(Convention::Unbiased, &var(&f, F64), &var(&g, F64));
        let found = in_parts(Convention::Unbiased, &var(&f, F32), &var(&g, F32), &cuts(60, 7));
        assert_same(&format!("offset {offset}"), &found, &exact, 1e-5);
    }
}

#[test]
fn half_types_are_accumulated_in_f32() {
    let (f, g) = sides(300, 4, 0.0);
    let (f, g) = (var(&f, BF16), var(&g, BF16));
    let wide = |view: &Var| Var::from_tensor(&view.to_dtype(F64).unwrap()).unwrap();
    let exact = at_once(Convention::Unbiased, &wide(&f), &wide(&g));
    let (values, df, _) = in_parts(Convention::Unbiased, &f, &g, &cuts(300, 3));
    assert_close("value", &values, &exact.0, 1e-4);
    assert_close("df, itself rounded to bf16", &df, &exact.1, 4e-3); // 2^-8
}

#[test]
fn few_rows_one_row_and_constant_columns() {
    let convention = Convention::Unbiased;
    for rows in [3, 2] {
        let (f, g) = sides(rows, 5, 0.0); // fewer rows than columns
        let (f, g) = (var(&f, F64), var(&g, F64));
        let parts = in_parts(convention, &f, &g, &[0, 1, rows]);
        assert_same("few", &parts, &at_once(convention, &f, &g), 1e-12);
    }
    let (f, g) = (var(&draw(1, 5, 3), F32), var(&draw(1, 5, 4), F32));
    let (values, df, dg) = in_parts(convention, &f, &g, &[0, 1]);
    assert_eq!((values, df, dg), (vec![0.0; 3], vec![0.0; 5], vec![0.0; 5]));
    let constant = Table { values: vec![2.5; 12], rows: 6, columns: 2 };
    let (f, g) = (var(&constant, F64), var(&draw(6, 2, 5), F64));
    let (values, df, dg) = in_parts(convention, &f, &g, &[0, 4, 6]);
    assert_eq!((values[0], dg), (0.0, vec![0.0; 12]));
    assert!(df.iter().any(|d| d.abs() > 0.01), "moving off the constant is rewarded: {df:?}");
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let tensor = |rows, columns, dtype: DType| var(&draw(rows, columns, 6), dtype);
    let mut state = HgrState::new(2, 2);
    state.push_tensors(&tensor(4, 2, F32), &tensor(4, 2, F64)).unwrap();
    let refused = |state: &HgrState, f: &Tensor, g: &Tensor| {
        matches!(state.part(Convention::Unbiased, f, g), Err(Error::Shape { .. }))
    };
    assert!(!refused(&state, &tensor(4, 2, F32), &tensor(4, 2, F32)));
    assert!(refused(&state, &tensor(5, 2, F32), &tensor(5, 2, F32)));
    assert!(refused(&state, &tensor(2, 2, F32), &tensor(3, 2, F32)));
    assert!(refused(&state, &tensor(2, 3, F32), &tensor(2, 3, F32)));
    let nan = Table { values: vec![0.0, f64::NAN], rows: 1, columns: 2 };
    let refused = state.push_tensors(&var(&nan, F32), &tensor(1, 2, F32));
    assert!(matches!(refused, Err(Error::NonFinite { row: 0, column: 1, .. })));
    assert_eq!(state.rows(), 4);
}
