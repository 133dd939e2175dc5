//! CCA losses against golden files, central differences and the other measures of the same thing.

use crate::support::{Table, assert_close, draw, golden, number, numbers, table};
use crate::tensors::{F32, F64, assert_central, flat, var};
use candle_core::{DType, Var};
use hgr_corr::{Cca, CcaScore, Error, Matrix, gaussian_mi, soft_hgr, spectrum};

const SCORES: [CcaScore; 3] = [CcaScore::TraceNorm, CcaScore::HalfSumSquares, CcaScore::GaussianMi];

/// Two views that have something in common, of different widths.
fn views(rows: usize, f: usize, g: usize, seed: u64) -> (Table, Table) {
    let (x, mut y) = (draw(rows, f, seed), draw(rows, g, seed + 1));
    for row in 0..rows {
        y.values[row * g] += x.values[row * f];
    }
    (x, y)
}

fn with(score: CcaScore, ridge: f64) -> Cca {
    Cca { score, ridge }
}

#[test]
fn values_and_gradients_are_those_of_the_golden_file() {
    let file = golden("cca");
    let scores = [
        (CcaScore::TraceNorm, "trace_norm", 1.0),
        (CcaScore::HalfSumSquares, "sum_squares", 0.5),
        (CcaScore::GaussianMi, "gaussian_mi", 1.0),
    ];
    for case in file["cases"].as_array().unwrap() {
        let (f, g, ridge) = (table(&case["x"]), table(&case["y"]), number(&case["ridge"]));
        for (score, name, share) in scores {
            if case[name].is_null() {
                continue; // infinite: see the test of perfect correlations
            }
            for (dtype, tolerance) in [(DType::F64, F64), (DType::F32, F32)] {
                let (x, y) = (var(&f, dtype), var(&g, dtype));
                let loss = with(score, ridge).loss(&x, &y).unwrap();
                let what = format!("{} ridge {ridge} {score:?} {dtype:?}", case["name"]);
                let known = numbers(&case["correlations"]);
                assert_close(&what, &loss.correlations, &known, tolerance);
                assert_close(&what, &flat(&loss.value), &[-share * number(&case[name])], tolerance);
                // The golden gradients are of the score.
                let gradients = loss.value.backward().unwrap();
                for (side, leaf) in [("x", &x), ("y", &y)] {
                    let known = &case[format!("d_{name}_d{side}")];
                    if !known.is_null() {
                        let known: Vec<f64> =
                            table(known).values.iter().map(|value| -share * value).collect();
                        let found = flat(gradients.get(leaf).unwrap());
                        assert_close(&format!("{what} d{side}"), &found, &known, tolerance);
                    }
                }
            }
        }
    }
}

#[test]
fn gradients_are_those_of_central_differences() {
    // More rows than the columns of both; fewer than those of one, which takes a ridge.
    for (rows, k, l, ridge) in [(14, 3, 5, 0.0), (14, 4, 2, 0.3), (5, 7, 3, 0.2), (2, 2, 2, 0.5)] {
        let (f, g) = views(rows, k, l, 61);
        for score in SCORES {
            let what = format!("{rows} x {k}, {l}, ridge {ridge} {score:?}");
            // Two rows have one mode; the trace norm has no gradient at the second correlation, 0.
            if rows > 2 || score != CcaScore::TraceNorm {
                let loss = |f: &Var, g: &Var| with(score, ridge).loss(f, g).unwrap().value;
                assert_central(&what, &f, &g, loss);
            }
        }
    }
}

#[test]
fn correlations_are_those_of_the_spectrum_in_any_coordinates() {
    let (f, g) = views(20, 3, 4, 63);
    let known = spectrum(
        Matrix::new(&f.values, f.rows, f.columns).unwrap(),
        Matrix::new(&g.values, g.rows, g.columns).unwrap(),
    )
    .unwrap();
    let (x, y) = (var(&f, DType::F64), var(&g, DType::F64));
    let found = Cca::default().loss(&x, &y).unwrap().correlations;
    assert_close("spectrum", &found, &known.sigma, F64);
    // Scaled columns, another origin.
    let far = Table { values: f.values.iter().map(|value| 1e-3 * value + 1e4).collect(), ..f };
    let found = Cca::default().loss(&var(&far, DType::F64), &y).unwrap().correlations;
    assert_close("coordinates", &found, &known.sigma, 1e-8);
}

#[test]
fn half_the_sum_of_squares_is_the_soft_hgr_score_of_the_best_heads() {
    let file = golden("hgr_readout");
    let (f, g) = (var(&table(&file["f"]), DType::F64), var(&table(&file["g"]), DType::F64));
    let loss = with(CcaScore::HalfSumSquares, 0.0).loss(&f, &g).unwrap();
    let known = -number(&file["soft_hgr_at_optimal_heads"]);
    assert_close("heads", &flat(&loss.value), &[known], F64);
    // No heads are better than these, the views as they are among them.
    assert!(flat(&soft_hgr(&f, &g).unwrap())[0] > known);
}

#[test]
fn more_rows_than_columns_are_asked_for_where_there_is_no_ridge() {
    let (f, g) = views(4, 4, 2, 65);
    let (x, y) = (var(&f, DType::F32), var(&g, DType::F32));
    for score in SCORES {
        let error = with(score, 0.0).loss(&x, &y).unwrap_err();
        assert!(matches!(error, Error::Singular { rows: 4, columns: 4, .. }), "{error}");
        assert!(error.to_string().contains("covariance of f"), "{error}");
        assert!(error.to_string().contains("ridge"), "{error}");
        let error = with(score, 0.0).loss(&y, &x).unwrap_err();
        assert!(error.to_string().contains("covariance of g"), "{error}");
        let loss = with(score, 0.1).loss(&x, &y).unwrap();
        assert!(flat(&loss.value)[0].is_finite());
        // Too small to be seen beside rounding.
        assert!(matches!(with(score, 1e-15).loss(&x, &y), Err(Error::Singular { .. })));
    }
}

#[test]
fn constant_and_repeated_columns_take_a_ridge() {
    let (f, g) = views(12, 3, 2, 67);
    let mut constant = draw(12, 3, 67);
    constant.values.iter_mut().step_by(3).for_each(|value| *value = 0.1);
    let mut repeated = draw(12, 3, 67);
    for row in repeated.values.chunks_mut(3) {
        row[2] = 2.0 * row[0] - row[1];
    }
    let g = var(&g, DType::F64);
    assert!(Cca::default().loss(&var(&f, DType::F64), &g).is_ok());
    for table in [&constant, &repeated] {
        let x = var(table, DType::F64);
        for score in SCORES {
            let error = with(score, 0.0).loss(&x, &g).unwrap_err();
            assert!(matches!(error, Error::Singular { rows: 12, columns: 3, .. }), "{error}");
            let loss = with(score, 0.1).loss(&x, &g).unwrap();
            let gradients = loss.value.backward().unwrap();
            let gradient = flat(gradients.get(&x).unwrap());
            assert!(gradient.iter().all(|value| value.is_finite()));
            assert!(gradient.iter().any(|value| value.abs() > 1e-3));
        }
    }
}

#[test]
fn a_mode_without_correlation_moves_nothing() {
    // Orthogonal columns: every correlation is 0, and the trace norm has no gradient there.
    let f = Table { values: vec![1.0, -1.0, 1.0, -1.0], rows: 4, columns: 1 };
    let g = Table { values: vec![1.0, 1.0, -1.0, -1.0], rows: 4, columns: 1 };
    let (x, y) = (var(&f, DType::F64), var(&g, DType::F64));
    let loss = Cca::default().loss(&x, &y).unwrap();
    assert_eq!(loss.correlations, [0.0]);
    let gradients = loss.value.backward().unwrap();
    assert_eq!(flat(gradients.get(&x).unwrap()), [0.0; 4]);
}

#[test]
fn perfect_correlations_are_no_information_of_gaussians() {
    // Fewer rows than the columns of both views: four correlations are 1 whatever the data.
    let (f, g) = views(6, 5, 4, 69);
    let (x, y) = (var(&f, DType::F64), var(&g, DType::F64));
    let loss = Cca::default().loss(&x, &y).unwrap();
    assert_close("trace norm", &flat(&loss.value), &[-4.0], F64);
    let gradients = loss.value.backward().unwrap();
    assert!(flat(gradients.get(&x).unwrap()).iter().all(|value| value.abs() < 1e-6));
    let error = with(CcaScore::GaussianMi, 0.0).loss(&x, &y).unwrap_err();
    assert!(matches!(error, Error::Singular { rows: 6, columns: 9, .. }), "{error}");
    assert!(error.to_string().contains("joint"), "{error}");
}

#[test]
fn gaussian_information_is_that_of_its_definition() {
    for case in golden("cca")["cases"].as_array().unwrap() {
        if let Some(known) = case["gaussian_mi"].as_f64() {
            assert_close("mi", &[gaussian_mi(&numbers(&case["correlations"]))], &[known], F64);
        }
    }
    assert_eq!(gaussian_mi(&[]), 0.0);
    assert_eq!(gaussian_mi(&[0.5, -1.0]), f64::INFINITY);
    assert!(gaussian_mi(&[1.5]).is_nan());
    // ln(1 - 1e-20) is 0 unless it is computed from its small argument.
    assert_close("small", &[gaussian_mi(&[1e-10])], &[0.5e-20], 1e-12);
}

#[test]
fn narrow_types_and_offsets_cost_no_digits() {
    let (f, g) = views(64, 3, 4, 71);
    let far = |table: &Table| Table {
        // Rounded to f32 first, so that both types see the same numbers.
        values: table.values.iter().map(|value| f64::from((value + 1e4) as f32)).collect(),
        ..*table
    };
    for score in SCORES {
        let loss = |f: &Table, g: &Table, dtype| {
            let loss = with(score, 1e-3).loss(&var(f, dtype), &var(g, dtype)).unwrap();
            (loss.value.dtype(), flat(&loss.value))
        };
        let (narrow, known) =
            (loss(&far(&f), &far(&g), DType::F32), loss(&far(&f), &far(&g), DType::F64));
        assert_eq!((narrow.0, known.0), (DType::F32, DType::F64));
        assert_close("offset", &narrow.1, &known.1, F32);
        let (x, y) = (var(&f, DType::BF16), var(&g, DType::BF16));
        let half = with(score, 1e-3).loss(&x, &y).unwrap().value;
        let wide = |x: &Var, table: &Table| Table { values: flat(x), ..*table };
        let known = loss(&wide(&x, &f), &wide(&y, &g), DType::F64);
        assert_eq!(half.dtype(), DType::F32);
        assert_close("bf16", &flat(&half), &known.1, F32);
        let gradients = half.backward().unwrap();
        assert_eq!(gradients.get(&x).unwrap().dtype(), DType::BF16);
    }
}

#[test]
fn a_batch_of_one_is_nothing_with_a_ridge_and_refused_without() {
    let (f, g) = (var(&draw(1, 3, 73), DType::F32), var(&draw(1, 2, 74), DType::F32));
    for score in SCORES {
        let loss = with(score, 0.1).loss(&f, &g).unwrap();
        assert_eq!((flat(&loss.value), loss.correlations), (vec![0.0], vec![0.0; 2]));
        let gradients = loss.value.backward().unwrap();
        assert_eq!(flat(gradients.get(&f).unwrap()), [0.0; 3]);
        assert!(matches!(with(score, 0.0).loss(&f, &g), Err(Error::Singular { .. })));
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let (f, g) = (var(&draw(9, 3, 75), DType::F64), var(&draw(8, 2, 76), DType::F64));
    assert!(matches!(Cca::default().loss(&f, &g), Err(Error::Shape { .. })));
    let flat = f.flatten_all().unwrap();
    assert!(matches!(Cca::default().loss(&f, &flat), Err(Error::Shape { .. })));
    let none = f.narrow(1, 0, 0).unwrap();
    assert!(matches!(Cca::default().loss(&f, &none), Err(Error::Shape { .. })));
    assert!(matches!(Cca::default().loss(&none, &f), Err(Error::Shape { .. })));
    for ridge in [-0.1, f64::NAN, f64::INFINITY] {
        let error = with(CcaScore::TraceNorm, ridge).loss(&f, &f).unwrap_err();
        assert!(matches!(error, Error::Shape { what: "the ridge", .. }), "{error}");
    }
    let mut hole = draw(9, 3, 75);
    hole.values[4] = f64::NAN;
    let error = Cca::default().loss(&f, &var(&hole, DType::F64)).unwrap_err();
    assert!(matches!(error, Error::NonFinite { row: 1, column: 1, .. }), "{error}");
}
