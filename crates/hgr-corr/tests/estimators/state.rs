//! The mergeable state against golden files, the estimators and itself in other parts.

use crate::support::{Table, assert_close, draw, golden, matrix, number, numbers, table};
use hgr_corr::{Convention, Error, HgrState, Matrix, spectrum};

const F64: f64 = 1e-9;

fn rows(table: &Table, from: usize, to: usize) -> Matrix<'_> {
    let values = &table.values[from * table.columns..to * table.columns];
    Matrix::new(values, to - from, table.columns).unwrap()
}

/// The state of rows `from..to` of both sides.
fn state(f: &Table, g: &Table, from: usize, to: usize) -> HgrState {
    let mut state = HgrState::new(f.columns, g.columns);
    state.push(rows(f, from, to), rows(g, from, to)).unwrap();
    state
}

/// Features that depend on each other: g = 0.6 f + 0.5 noise.
fn sides(count: usize, columns: usize) -> (Table, Table) {
    let (f, noise) = (draw(count, columns, 1), draw(count, columns, 2));
    let values = f.values.iter().zip(&noise.values).map(|(f, n)| 0.6 * f + 0.5 * n).collect();
    (f, Table { values, ..noise })
}

/// All numbers of a state, one after the other.
fn numbers_of(state: &HgrState) -> Vec<f64> {
    [state.f_means(), state.g_means(), state.m_ff(), state.m_gg(), state.m_fg()].concat()
}

#[test]
fn parts_and_their_sum_are_those_of_the_golden_file() {
    let file = golden("streaming");
    let (f, g) = (table(&file["f"]), table(&file["g"]));
    let cuts = numbers(&file["cuts"]);
    let mut whole = HgrState::new(f.columns, g.columns);
    let check = |what: &str, state: &HgrState, expected: &serde_json::Value| {
        assert_eq!(state.rows() as f64, number(&expected["n"]), "{what}");
        assert_close(what, state.f_means(), &numbers(&expected["mean_f"]), 1e-15);
        assert_close(what, state.g_means(), &numbers(&expected["mean_g"]), 1e-15);
        let moments = [("Mff", state.m_ff()), ("Mgg", state.m_gg()), ("Mfg", state.m_fg())];
        for (name, actual) in moments {
            assert_close(&format!("{what} {name}"), actual, &table(&expected[name]).values, F64);
        }
    };
    for (part, expected) in file["parts"].as_array().unwrap().iter().enumerate() {
        let part_state = state(&f, &g, cuts[part] as usize, cuts[part + 1] as usize);
        check(&format!("part {part}"), &part_state, expected);
        whole.merge(&part_state).unwrap();
    }
    check("the whole", &whole, &file["total"]);
    let loss = -whole.parts(Convention::Unbiased).unwrap().score();
    assert_close("loss", &[loss], &[number(&file["loss"])], number(&file["loss_tolerance"]));
}

#[test]
fn the_parts_rows_come_in_do_not_matter() {
    let (f, g) = sides(1000, 4);
    let whole = state(&f, &g, 0, 1000);
    for parts in [1, 7, 1000] {
        let mut merged = HgrState::new(4, 4);
        for part in 0..parts {
            let (from, to) = (part * 1000 / parts, (part + 1) * 1000 / parts);
            merged.push(rows(&f, from, to), rows(&g, from, to)).unwrap();
        }
        assert_eq!(merged.rows(), 1000);
        let values = |state: &HgrState| {
            let parts = state.parts(Convention::Unbiased).unwrap();
            vec![parts.cross, parts.penalty, parts.score()]
        };
        assert_close(&format!("{parts} parts"), &values(&merged), &values(&whole), 1e-12);
        assert_close("moments", &numbers_of(&merged), &numbers_of(&whole), 1e-12);
    }
}

#[test]
fn merging_is_associative_and_commutative() {
    let (f, g) = sides(60, 3);
    let [a, b, c] = [(0, 1), (1, 20), (20, 60)].map(|(from, to)| state(&f, &g, from, to));
    let merged = |left: &HgrState, right: &HgrState| {
        let mut sum = left.clone();
        sum.merge(right).unwrap();
        sum
    };
    let left = merged(&merged(&a, &b), &c);
    let right = merged(&a, &merged(&b, &c));
    let back = merged(&c, &merged(&b, &a));
    assert_close("(ab)c = a(bc)", &numbers_of(&left), &numbers_of(&right), 1e-12);
    assert_close("abc = cba", &numbers_of(&left), &numbers_of(&back), 1e-12);
    let nothing = HgrState::new(3, 3);
    assert_eq!(merged(&nothing, &a), a);
    assert_eq!(merged(&a, &nothing), a);
}

#[test]
fn canonical_correlations_from_a_state_are_those_from_the_rows() {
    let (f, g) = sides(200, 4);
    // 1e4 beside values of 1, one constant column, and fewer columns in g than in f.
    let f = Table {
        values: f
            .values
            .chunks(4)
            .flat_map(|r| [r[0] + 1e4, r[1], 7e3, r[2] * 9.0, r[3]])
            .collect(),
        columns: 5,
        ..f
    };
    let g = Table {
        values: g.values.chunks(4).flat_map(|row| [row[0], row[1] - 1e4, row[2]]).collect(),
        columns: 3,
        ..g
    };
    let mut merged = HgrState::new(5, 3);
    for from in (0..200).step_by(10) {
        merged.push(rows(&f, from, from + 10), rows(&g, from, from + 10)).unwrap();
    }
    let (found, known) = (merged.spectrum().unwrap(), spectrum(matrix(&f), matrix(&g)).unwrap());
    assert_close("sigma", &found.sigma, &known.sigma, F64);
    let modes = found.correlations(matrix(&f), matrix(&g)).unwrap();
    assert_close("the weights reach them", &modes, &known.sigma, F64);
    for (mode, weights) in known.f_weights.iter().enumerate() {
        let weights = [&weights[..2], &weights[3..]].concat(); // the constant column has any weight
        let actual = &found.f_weights[mode];
        assert_close("f", &[&actual[..2], &actual[3..]].concat(), &weights, 1e-8);
        assert_close("g", &found.g_weights[mode], &known.g_weights[mode], 1e-8);
    }
}

#[test]
fn few_rows_and_constant_columns_have_nothing_in_common() {
    let (f, g) = sides(3, 2);
    let one = state(&f, &g, 0, 1);
    assert_eq!(one.parts(Convention::Unbiased).unwrap().score(), 0.0);
    assert!(matches!(one.spectrum(), Err(Error::TooFewRows { actual: 1, .. })));
    let constant = Table { values: vec![5.0; 6], rows: 3, columns: 2 };
    let flat = state(&constant, &g, 0, 3);
    assert_eq!(flat.parts(Convention::Unbiased).unwrap().score(), 0.0);
    assert!(flat.spectrum().unwrap().sigma.is_empty());
    // Fewer rows than columns: every correlation is 1, as it is for `spectrum`.
    let (f, g) = sides(3, 4);
    let wide = state(&f, &g, 0, 3).spectrum().unwrap();
    assert_close("sigma", &wide.sigma, &[1.0, 1.0], F64);
}

#[test]
fn the_rounding_of_a_mean_is_no_variance() {
    // Added up, the mean is not quite the value.
    let f = [0.1; 49];
    let mut state = HgrState::new(1, 1);
    state.push(Matrix::new(&f, 49, 1).unwrap(), Matrix::new(&f, 49, 1).unwrap()).unwrap();
    assert_ne!(state.f_means(), [0.1]);
    assert_eq!((state.m_ff(), state.m_fg()), ([0.0].as_slice(), [0.0].as_slice()));
}

#[test]
#[cfg(feature = "serde")]
fn a_state_is_the_same_after_a_file() {
    let (f, g) = sides(20, 3);
    let whole = state(&f, &g, 0, 20);
    let text = serde_json::to_string(&whole).unwrap();
    let back: HgrState = serde_json::from_str(&text).unwrap();
    assert_eq!(back, whole);
    let empty = serde_json::to_string(&HgrState::new(3, 2)).unwrap();
    assert_eq!(serde_json::from_str::<HgrState>(&empty).unwrap(), HgrState::new(3, 2));
}

#[test]
#[cfg(feature = "serde")]
fn a_damaged_state_is_refused() {
    let read = |rows: usize, f_means: &str, m_ff: &str| {
        let text = format!(
            r#"{{"rows":{rows},"f_means":{f_means},"g_means":[0.0],"m_ff":{m_ff},"m_gg":[1.0],"m_fg":[0.0,0.0]}}"#
        );
        serde_json::from_str::<HgrState>(&text).map_err(|error| error.to_string())
    };
    assert!(read(3, "[0.0,0.0]", "[1.0,0.5,0.5,1.0]").is_ok());
    for (rows, f_means, m_ff, problem) in [
        (3, "[0.0,0.0]", "[1.0,0.5,0.5]", "2 x 2 values"),
        (3, "[0.0]", "[1.0]", "1 x 1 values, got 2"),
        (3, "[0.0,0.0]", "[1.0,0.5,0.4,1.0]", "symmetric"),
        (3, "[0.0,0.0]", "[-1.0,0.5,0.5,1.0]", "symmetric"),
        (3, "[0.0,null]", "[1.0,0.5,0.5,1.0]", "invalid type"),
        (0, "[0.0,0.0]", "[1.0,0.5,0.5,1.0]", "no rows"),
    ] {
        let message = read(rows, f_means, m_ff).unwrap_err();
        assert!(message.contains(problem), "{message}");
    }
}

#[test]
fn other_rows_or_columns_are_refused() {
    let (f, g) = sides(4, 2);
    let mut state = HgrState::new(2, 2);
    assert!(matches!(state.push(rows(&f, 0, 4), rows(&g, 0, 3)), Err(Error::Shape { .. })));
    assert!(matches!(state.merge(&HgrState::new(2, 3)), Err(Error::Shape { .. })));
    assert!(matches!(HgrState::new(2, 3).parts(Convention::Unbiased), Err(Error::Shape { .. })));
    state.push(rows(&f, 0, 0), rows(&g, 0, 0)).unwrap();
    assert_eq!(state.rows(), 0);
}
