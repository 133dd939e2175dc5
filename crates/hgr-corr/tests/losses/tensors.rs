//! Tensors from tables, and gradients against golden files and central differences.

use crate::support::{Table, assert_close, table};
use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;

/// Largest error of f64 and of f32, relative to the largest value.
pub const F64: f64 = 1e-9;
pub const F32: f64 = 1e-4;

pub fn var(table: &Table, dtype: DType) -> Var {
    let tensor = Tensor::from_slice(&table.values, (table.rows, table.columns), &Device::Cpu);
    Var::from_tensor(&tensor.unwrap().to_dtype(dtype).unwrap()).unwrap()
}

pub fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
pub fn assert_gradients(what: &str, loss: &Tensor, pairs: &[(&Var, &Value)], tolerance: f64) {
    let gradients = loss.backward().unwrap();
    for (index, (var, expected)) in pairs.iter().enumerate() {
        let actual = flat(gradients.get(var).unwrap());
        assert_close(
            &format!("{what} gradient {index}"),
            &actual,
            &table(expected).values,
            tolerance,
        );
    }
}

/// Fails unless the gradients of both sides are those of central differences.
#[track_caller]
pub fn assert_central(what: &str, f: &Table, g: &Table, loss: impl Fn(&Var, &Var) -> Tensor) {
    let (x, y) = (var(f, DType::F64), var(g, DType::F64));
    let gradients = loss(&x, &y).backward().unwrap();
    let value = |f: &Table, g: &Table| flat(&loss(&var(f, DType::F64), &var(g, DType::F64)))[0];
    let differences = |side: &Table, at: &dyn Fn(&Table) -> f64| -> Vec<f64> {
        let moved = |index: usize, step: f64| {
            let mut values = side.values.clone();
            values[index] += step;
            at(&Table { values, ..*side })
        };
        let slope = |index| (moved(index, 1e-5) - moved(index, -1e-5)) / 2e-5;
        (0..side.values.len()).map(slope).collect()
    };
    let df = differences(f, &|f| value(f, g));
    let dg = differences(g, &|g| value(f, g));
    assert_close(&format!("{what} df"), &flat(gradients.get(&x).unwrap()), &df, 1e-7);
    assert_close(&format!("{what} dg"), &flat(gradients.get(&y).unwrap()), &dg, 1e-7);
}
