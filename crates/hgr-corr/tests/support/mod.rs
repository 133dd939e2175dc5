//! Golden files and comparisons.
#![allow(dead_code)] // each of the two programs of tests uses some of it

use hgr_corr::Matrix;
use rand::{Rng, SeedableRng};
use serde_json::Value;

/// A golden file, from the folder in HGR_GOLDEN where that is set.
pub fn golden(name: &str) -> Value {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");
    let folder = std::env::var("HGR_GOLDEN").unwrap_or_else(|_| shipped.into());
    let path = format!("{folder}/{name}.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A matrix as row-major values; null becomes NaN.
pub struct Table {
    pub values: Vec<f64>,
    pub rows: usize,
    pub columns: usize,
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

pub fn table(value: &Value) -> Table {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    let columns = rows.first().map_or(0, Vec::len);
    Table { rows: rows.len(), columns, values: rows.concat() }
}

pub fn matrix(table: &Table) -> Matrix<'_> {
    Matrix::new(&table.values, table.rows, table.columns).unwrap()
}

/// Numbers without pattern in (-1, 1).
pub fn draw(rows: usize, columns: usize, seed: u64) -> Table {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let values = (0..rows * columns).map(|_| rng.random_range(-1.0..1.0)).collect();
    Table { values, rows, columns }
}

/// Fails unless all values agree to `tolerance`, relative to the largest expected one; tells the worst.
#[track_caller]
pub fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}: number of values");
    let size =
        expected.iter().filter(|v| v.is_finite()).fold(0.0, |size: f64, v| size.max(v.abs()));
    let error = |index: usize| {
        let (a, e) = (actual[index], expected[index]);
        if a.is_nan() && e.is_nan() { 0.0 } else { (a - e).abs() }
    };
    let not_a_number = |index: &usize| actual[*index].is_nan() != expected[*index].is_nan();
    let worst = (0..actual.len())
        .find(not_a_number)
        .or_else(|| (0..actual.len()).max_by(|a, b| error(*a).total_cmp(&error(*b))));
    let Some(worst) = worst else { return };
    assert!(
        error(worst) <= tolerance * size.max(f64::MIN_POSITIVE) || error(worst) == 0.0,
        "{what}: value {worst} is {}, expected {} (tolerance {tolerance:e} of {size})",
        actual[worst],
        expected[worst]
    );
}
