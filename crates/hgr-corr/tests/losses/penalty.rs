//! Estimates of the penalty against the golden file, central differences, subsets and each other.

use crate::support::{Table, assert_close, draw, golden, number, table};
use crate::tensors::{F32, F64, assert_central, assert_gradients, flat, var};
use candle_core::DType;
use hgr_corr::{Convention, Error, Penalty, Side, SoftHgr};

const SIDES: [Side; 3] = [Side::Auto, Side::Covariance, Side::Gram];

fn with(penalty: Penalty) -> SoftHgr {
    SoftHgr { penalty, ..Default::default() }
}

fn penalty(penalty: Penalty, f: &Table, g: &Table) -> f64 {
    with(penalty).loss(&var(f, DType::F64), &var(g, DType::F64)).unwrap().penalty
}

/// The rows of `table` that `keep` holds for.
fn subset(table: &Table, keep: impl Fn(usize) -> bool) -> Table {
    let rows: Vec<usize> = (0..table.rows).filter(|row| keep(*row)).collect();
    let width = table.columns;
    let values = rows.iter().flat_map(|row| &table.values[row * width..(row + 1) * width]);
    Table { values: values.copied().collect(), rows: rows.len(), columns: width }
}

#[test]
fn the_unbiased_penalty_is_that_of_the_golden_file_in_both_forms() {
    for case in golden("soft_hgr_ustat")["cases"].as_array().unwrap() {
        for side in SIDES {
            for (dtype, tolerance) in [(DType::F64, F64), (DType::F32, F32)] {
                let (f, g) = (var(&table(&case["f"]), dtype), var(&table(&case["g"]), dtype));
                let loss = SoftHgr { side, ..with(Penalty::Unbiased) }.loss(&f, &g).unwrap();
                let what = format!("n = {} {side:?} {dtype:?}", case["n"]);
                let parts = [loss.cross, 2.0 * loss.penalty, flat(&loss.value)[0]];
                let known = ["cross", "u_trace", "loss"].map(|part| number(&case[part]));
                assert_close(&what, &parts, &known, tolerance);
                let pairs = [(&f, &case["dloss_df"]), (&g, &case["dloss_dg"])];
                assert_gradients(&what, &loss.value, &pairs, tolerance);
            }
        }
    }
}

#[test]
fn the_plug_in_of_the_golden_file_is_the_default_in_both_forms() {
    for case in golden("soft_hgr_ustat")["cases"].as_array().unwrap() {
        let (f, g) = (table(&case["f"]), table(&case["g"]));
        let (f, g) = (var(&f, DType::F64), var(&g, DType::F64));
        for side in SIDES {
            let loss = SoftHgr { side, ..Default::default() }.loss(&f, &g).unwrap();
            let known = 0.5 * number(&case["plugin_trace"]);
            assert_close(&format!("{side:?}"), &[loss.penalty], &[known], F64);
        }
    }
}

#[test]
fn gradients_of_all_penalties_and_conventions_are_those_of_central_differences() {
    let penalties = [Penalty::PlugIn, Penalty::Unbiased, Penalty::Blend { rows: 40 }];
    let conventions = [Convention::Unbiased, Convention::Population, Convention::NegHscore];
    // Fewer rows than columns, and more.
    for (rows, columns) in [(5, 7), (11, 3)] {
        let (f, g) = (draw(rows, columns, 21), draw(rows, columns, 22));
        for penalty in penalties {
            for convention in conventions {
                for side in [Side::Covariance, Side::Gram] {
                    let form = SoftHgr { convention, penalty, side };
                    let what = format!("{rows} x {columns} {form:?}");
                    assert_central(&what, &f, &g, |f, g| form.loss(f, g).unwrap().value);
                }
            }
        }
    }
}

#[test]
fn the_mean_of_the_unbiased_penalty_over_all_subsets_is_that_of_all_rows() {
    let (f, mut g) = (draw(8, 2, 23), draw(8, 2, 24));
    g.values.iter_mut().zip(&f.values).for_each(|(g, f)| *g = 0.6 * f + 0.5 * *g);
    for size in [4, 5] {
        let sets: Vec<u32> = (0..1u32 << 8).filter(|set| set.count_ones() == size).collect();
        let mean = |of: Penalty| {
            let part = |set: u32| {
                let keep = |row: usize| set >> row & 1 == 1;
                penalty(of, &subset(&f, keep), &subset(&g, keep))
            };
            sets.iter().map(|set| part(*set)).sum::<f64>() / sets.len() as f64
        };
        let all = penalty(Penalty::Unbiased, &f, &g);
        assert_close("U", &[mean(Penalty::Unbiased)], &[all], F64);
        // The plug-in is too large on fewer rows; the blend is nearly that of all rows.
        let target = penalty(Penalty::PlugIn, &f, &g);
        let off = |of| (mean(of) - target).abs() / target;
        let (plain, blend) = (off(Penalty::PlugIn), off(Penalty::Blend { rows: 8 }));
        assert!(blend < 0.2 * plain, "{blend} of {plain}");
    }
}

#[test]
fn a_blend_is_the_mix_that_its_definition_says() {
    let (f, g) = (draw(6, 3, 25), draw(6, 3, 26));
    let (u, plain) = (penalty(Penalty::Unbiased, &f, &g), penalty(Penalty::PlugIn, &f, &g));
    let blend = |rows| penalty(Penalty::Blend { rows }, &f, &g);
    assert_close("half", &[blend(11)], &[0.5 * u + 0.5 * plain], F64);
    assert_eq!(blend(6), plain);
    assert_close("many rows", &[blend(usize::MAX)], &[u], F64);
}

#[test]
fn features_of_one_large_row_escape_the_unbiased_penalty_but_not_the_blend() {
    let mut spike = Table { values: vec![0.0; 6], rows: 6, columns: 1 };
    spike.values[2] = 30.0;
    let unbiased = penalty(Penalty::Unbiased, &spike, &spike);
    assert!(unbiased.abs() < 1e-9, "{unbiased}");
    // Variance 900 / 6; its square, halved, and a fifth of that.
    let blend = penalty(Penalty::Blend { rows: 26 }, &spike, &spike);
    assert_close("blend", &[blend], &[0.2 * 0.5 * 150.0 * 150.0], F64);
}

#[test]
fn the_unbiased_penalty_does_not_depend_on_the_convention() {
    let (f, g) = (var(&draw(9, 2, 27), DType::F64), var(&draw(9, 2, 28), DType::F64));
    let loss = |convention| SoftHgr { convention, ..with(Penalty::Unbiased) }.loss(&f, &g).unwrap();
    let (a, b) = (loss(Convention::Unbiased), loss(Convention::Population));
    assert_close("penalty", &[b.penalty], &[a.penalty], 1e-12);
    assert_close("cross", &[b.cross], &[a.cross * 8.0 / 9.0], 1e-12);
}

#[test]
fn too_few_rows_are_refused_where_the_bias_is_to_be_removed() {
    for rows in [1, 3] {
        let (f, g) = (var(&draw(rows, 2, 29), DType::F32), var(&draw(rows, 2, 30), DType::F32));
        for penalty in [Penalty::Unbiased, Penalty::Blend { rows: 100 }] {
            let error = with(penalty).loss(&f, &g).unwrap_err();
            assert!(
                matches!(error, Error::TooFewRows { expected: 4, actual, .. } if actual == rows)
            );
        }
        // All rows of the data set: the plug-in, which takes any number.
        assert!(with(Penalty::Blend { rows }).loss(&f, &g).is_ok());
    }
    let (f, g) = (var(&draw(6, 2, 31), DType::F32), var(&draw(6, 2, 32), DType::F32));
    let error = with(Penalty::Blend { rows: 5 }).loss(&f, &g).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
}

#[test]
fn offsets_and_half_types_cost_no_digits() {
    let (mut f, mut g) = (draw(64, 4, 33), draw(64, 4, 34));
    for side in SIDES {
        let form = SoftHgr { side, ..with(Penalty::Unbiased) };
        let (x, y) = (var(&f, DType::BF16), var(&g, DType::BF16));
        let wide = |x: &candle_core::Var| x.to_dtype(DType::F64).unwrap();
        let known = form.loss(&wide(&x), &wide(&y)).unwrap();
        let loss = form.loss(&x, &y).unwrap();
        assert_eq!(loss.value.dtype(), DType::F32);
        assert_close("bf16", &flat(&loss.value), &flat(&known.value), F32);
    }
    for table in [&mut f, &mut g] {
        // Rounded to f32 first, so that both types see the same numbers.
        table.values.iter_mut().for_each(|value| *value = f64::from((*value + 1e4) as f32));
    }
    for side in SIDES {
        let form = SoftHgr { side, ..with(Penalty::Unbiased) };
        let loss = |dtype| form.loss(&var(&f, dtype), &var(&g, dtype)).unwrap();
        let (narrow, known) = (loss(DType::F32), loss(DType::F64));
        assert_close("f32", &flat(&narrow.value), &flat(&known.value), F32);
        assert_close("f32 penalty", &[narrow.penalty], &[known.penalty], F32);
    }
}

#[test]
fn a_constant_column_adds_nothing() {
    let (mut f, g) = (draw(7, 2, 35), draw(7, 2, 36));
    f.values.iter_mut().step_by(2).for_each(|value| *value = 0.1);
    let second = |table: &Table| {
        let values = table.values.iter().skip(1).step_by(2).copied().collect();
        Table { values, rows: 7, columns: 1 }
    };
    let alone = penalty(Penalty::Unbiased, &second(&f), &second(&g));
    assert_close("penalty", &[penalty(Penalty::Unbiased, &f, &g)], &[alone], F64);
}
