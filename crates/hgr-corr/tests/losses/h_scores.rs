//! H-scores against golden files, central differences and Soft-HGR.

use crate::support::{Table, assert_close, draw, golden, number, numbers, table};
use crate::tensors::{F32, F64, assert_central, assert_gradients, flat, var};
use candle_core::{DType, Tensor, Var};
use hgr_corr::{Convention, Error, HScore, Nesting, SoftHgr, h_score, nested_h_score, soft_hgr};

const FORMS: [(HScore, Convention); 2] =
    [(HScore::Jmlr, Convention::Population), (HScore::Nfe, Convention::NegHscore)];

#[test]
fn uncentred_h_scores_are_those_of_the_golden_file() {
    let file = golden("h_score_uncentred");
    for (dtype, tolerance) in [(DType::F64, F64), (DType::F32, F32)] {
        let (f, g) = (var(&table(&file["f"]), dtype), var(&table(&file["g"]), dtype));
        let jmlr = h_score(&f, &g, HScore::Jmlr).unwrap().value;
        assert_close("jmlr", &flat(&jmlr), &[-number(&file["jmlr_h_score"])], tolerance);
        let nfe = h_score(&f, &g, HScore::Nfe).unwrap().value;
        assert_close("nfe", &flat(&nfe), &[number(&file["nfe_neg_hscore"])], tolerance);
        let pairs = [(&f, &file["nfe_df"]), (&g, &file["nfe_dg"])];
        assert_gradients("nfe", &nfe, &pairs, tolerance);
    }
}

#[test]
fn gradients_of_uncentred_h_scores_are_those_of_central_differences() {
    // More rows than columns: covariance form; fewer: Gram form.
    for (rows, columns) in [(11, 3), (5, 7), (2, 1)] {
        let (mut f, g) = (draw(rows, columns, 41), draw(rows, columns, 42));
        f.values.iter_mut().for_each(|value| *value += 0.4);
        for (form, _) in FORMS {
            let what = format!("{rows} x {columns} {form:?}");
            assert_central(&what, &f, &g, |f, g| h_score(f, g, form).unwrap().value);
        }
    }
}

/// The table with its column means taken off.
fn centred(table: &Table) -> Table {
    let mut values = table.values.clone();
    for column in 0..table.columns {
        let entries = || (column..table.values.len()).step_by(table.columns);
        let mean = entries().map(|entry| table.values[entry]).sum::<f64>() / table.rows as f64;
        entries().for_each(|entry| values[entry] -= mean);
    }
    Table { values, ..*table }
}

#[test]
fn without_means_h_scores_are_soft_hgr_and_with_them_they_are_larger() {
    let soft = |f: &Var, g: &Var, convention| {
        SoftHgr { convention, ..Default::default() }.loss(f, g).unwrap()
    };
    let views = [9, 2].map(|rows| (draw(rows, 3, 43), draw(rows, 3, 44)));
    for ((f, g), (form, convention)) in views.iter().flat_map(|pair| FORMS.map(|form| (pair, form)))
    {
        let (x, y) = (var(&centred(f), DType::F64), var(&centred(g), DType::F64));
        let (found, known) = (h_score(&x, &y, form).unwrap(), soft(&x, &y, convention));
        assert_close("value", &flat(&found.value), &flat(&known.value), F64);
        assert_close("penalty", &[found.penalty], &[known.penalty], F64);
        let (x, y) = (var(f, DType::F64), var(g, DType::F64));
        let (found, known) = (h_score(&x, &y, form).unwrap(), soft(&x, &y, convention));
        assert_close("cross", &[found.cross], &[known.cross], F64);
        assert!(found.penalty > 1.01 * known.penalty);
    }
}

#[test]
fn constant_columns_cost_their_means_alone() {
    let ones = var(&Table { values: vec![2.0; 5], rows: 5, columns: 1 }, DType::F64);
    let loss = h_score(&ones, &ones, HScore::Jmlr).unwrap();
    assert_eq!((loss.cross, flat(&loss.value)[0]), (0.0, 8.0));
}

#[test]
fn an_offset_costs_the_cross_term_of_f32_no_digits() {
    let far = |table: Table| Table {
        // Rounded to f32 first, so that both types see the same numbers.
        values: table.values.iter().map(|value| f64::from((value + 1e4) as f32)).collect(),
        ..table
    };
    let (f, g) = (far(draw(64, 3, 45)), far(draw(64, 3, 46)));
    for (form, _) in FORMS {
        let loss = |dtype| h_score(&var(&f, dtype), &var(&g, dtype), form).unwrap();
        let (narrow, known) = (loss(DType::F32), loss(DType::F64));
        assert_close("cross", &[narrow.cross], &[known.cross], F32);
        assert_close("penalty", &[narrow.penalty], &[known.penalty], F32);
    }
}

#[test]
fn half_types_are_accumulated_in_f32() {
    let (f, g) = (var(&draw(300, 3, 47), DType::BF16), var(&draw(300, 3, 48), DType::BF16));
    let wide = |x: &Var| x.to_dtype(DType::F64).unwrap();
    for (form, _) in FORMS {
        let found = h_score(&f, &g, form).unwrap().value;
        assert_eq!(found.dtype(), DType::F32);
        let known = h_score(&wide(&f), &wide(&g), form).unwrap().value;
        assert_close("bf16", &flat(&found), &flat(&known), F32);
    }
}

#[test]
fn a_batch_of_one_is_nothing_and_shapes_that_differ_are_refused() {
    let (f, g) = (var(&draw(1, 3, 49), DType::F32), var(&draw(1, 3, 50), DType::F32));
    let other = var(&draw(1, 4, 51), DType::F32);
    for (form, _) in FORMS {
        let loss = h_score(&f, &g, form).unwrap().value;
        assert_eq!(flat(&loss), [0.0]);
        let gradients = loss.backward().unwrap();
        assert_eq!(flat(gradients.get(&f).unwrap()), [0.0; 3]);
        assert!(matches!(h_score(&f, &other, form), Err(Error::Shape { .. })));
    }
}

const NESTINGS: [Nesting; 2] = [Nesting::Joint, Nesting::Sequential];

fn nested(f: &Var, g: &Var, nesting: Nesting) -> Tensor {
    nested_h_score(f, g, nesting).unwrap().value
}

/// The first `count` columns.
fn head(view: &Table, count: usize) -> Table {
    let rows = view.values.chunks(view.columns);
    Table {
        values: rows.flat_map(|row| row[..count].to_vec()).collect(),
        rows: view.rows,
        columns: count,
    }
}

#[test]
fn nested_h_scores_are_those_of_the_golden_file() {
    let file = golden("nested_h_score");
    let (f, g) = (table(&file["f"]), table(&file["g"]));
    for (dtype, tolerance) in [(DType::F64, F64), (DType::F32, F32)] {
        let (x, y) = (var(&f, dtype), var(&g, dtype));
        for (nesting, prefix) in NESTINGS.into_iter().zip(["dloss", "stopgrad"]) {
            let loss = nested(&x, &y, nesting);
            assert_close(prefix, &flat(&loss), &[number(&file["loss"])], tolerance);
            let [df, dg] = ["df", "dg"].map(|side| &file[format!("{prefix}_{side}")]);
            assert_gradients(prefix, &loss, &[(&x, df), (&y, dg)], tolerance);
        }
    }
    let level = |d| {
        flat(&soft_hgr(&var(&head(&f, d), DType::F64), &var(&head(&g, d), DType::F64)).unwrap())[0]
    };
    let levels: Vec<f64> = (1..=f.columns).map(level).collect();
    assert_close("levels", &levels, &numbers(&file["per_level"]), F64);
}

#[test]
fn joint_gradients_are_those_of_central_differences() {
    for (rows, columns) in [(11, 3), (4, 7), (2, 1)] {
        let (f, g) = (draw(rows, columns, 52), draw(rows, columns, 53));
        let what = format!("{rows} x {columns}");
        assert_central(&what, &f, &g, |f, g| nested(f, g, Nesting::Joint));
    }
}

#[test]
fn a_level_of_two_rows_is_soft_hgr() {
    let (f, g) = (var(&draw(2, 1, 58), DType::F64), var(&draw(2, 1, 59), DType::F64));
    for nesting in NESTINGS {
        let found = flat(&nested(&f, &g, nesting));
        assert_close("value", &found, &flat(&soft_hgr(&f, &g).unwrap()), F64);
    }
}

#[test]
fn sequential_gradients_are_the_last_columns_of_each_level() {
    // Fewer rows than columns.
    let (f, g) = (draw(4, 5, 54), draw(4, 5, 55));
    let last = |loss: Tensor, leaf: &Var, columns: usize, column: usize| -> Vec<f64> {
        let gradient = flat(loss.backward().unwrap().get(leaf).unwrap());
        gradient.iter().skip(column).step_by(columns).copied().collect()
    };
    let (x, y) = (var(&f, DType::F64), var(&g, DType::F64));
    for d in 1..=5 {
        let (p, q) = (var(&head(&f, d), DType::F64), var(&head(&g, d), DType::F64));
        let level = || soft_hgr(&p, &q).unwrap();
        let all = || nested(&x, &y, Nesting::Sequential);
        assert_close("f", &last(all(), &x, 5, d - 1), &last(level(), &p, d, d - 1), F64);
        assert_close("g", &last(all(), &y, 5, d - 1), &last(level(), &q, d, d - 1), F64);
    }
}

#[test]
fn nested_h_scores_keep_their_digits_at_offsets_and_in_half_types() {
    let (f, g) = (draw(64, 4, 56), draw(64, 4, 57));
    let far = |table: &Table| Table {
        values: table.values.iter().map(|value| f64::from((value + 1e4) as f32)).collect(),
        ..*table
    };
    for nesting in NESTINGS {
        let loss = |dtype| flat(&nested(&var(&far(&f), dtype), &var(&far(&g), dtype), nesting));
        assert_close("f32", &loss(DType::F32), &loss(DType::F64), F32);
        let (x, y) = (var(&f, DType::BF16), var(&g, DType::BF16));
        let wide = |x: &Var| var(&Table { values: flat(x), ..f }, DType::F64);
        let known = flat(&nested(&wide(&x), &wide(&y), nesting));
        assert_close("bf16", &flat(&nested(&x, &y, nesting)), &known, F32);
    }
}

#[test]
fn a_constant_column_of_one_view_leaves_the_nested_loss_of_the_others() {
    let (mut f, g) = (draw(8, 3, 58), draw(8, 3, 59));
    f.values.iter_mut().skip(2).step_by(3).for_each(|value| *value = 0.1);
    let (x, y) = (var(&f, DType::F64), var(&g, DType::F64));
    let (p, q) = (var(&head(&f, 2), DType::F64), var(&head(&g, 2), DType::F64));
    // The third level is the second once more.
    let twice = flat(&nested(&p, &q, Nesting::Joint))[0] + flat(&soft_hgr(&p, &q).unwrap())[0];
    assert_close("value", &flat(&nested(&x, &y, Nesting::Joint)), &[twice], F64);
}

#[test]
fn nested_h_scores_of_one_row_are_nothing_and_shapes_that_differ_are_refused() {
    let (f, g) = (var(&draw(1, 3, 60), DType::F32), var(&draw(1, 3, 61), DType::F32));
    let loss = nested(&f, &g, Nesting::Joint);
    assert_eq!(flat(&loss), [0.0]);
    assert_eq!(flat(loss.backward().unwrap().get(&f).unwrap()), [0.0; 3]);
    let other = var(&draw(1, 4, 62), DType::F32);
    assert!(matches!(nested_h_score(&f, &other, Nesting::Joint), Err(Error::Shape { .. })));
}
