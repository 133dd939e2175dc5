//! Values of other tools, written by scripts/goldens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_features::{DescriptorConfig, descriptors};
use serde_json::Value;
use support::integer_voice;

fn numbers(value: &Value) -> Vec<f64> {
    let Value::Array(values) = value else { return vec![value.as_f64().unwrap()] };
    values.iter().flat_map(numbers).collect()
}

#[track_caller]
fn assert_close(what: &str, values: &[f64], golden: &Value, relative: f64) {
    let golden = numbers(golden);
    assert_eq!(values.len(), golden.len(), "{what}");
    for (i, (value, golden)) in values.iter().zip(golden).enumerate() {
        let error = (value - golden).abs() / golden.abs().max(1e-12);
        assert!(error <= relative, "{what} {i}: {value} instead of {golden}, off by {error:e}");
    }
}

#[test]
fn descriptors_equal_those_of_librosa() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../testdata/descriptors.json")).unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let config: DescriptorConfig = serde_json::from_value(case["settings"].clone()).unwrap();
        let samples = integer_voice(case["samples"].as_u64().unwrap() as usize);
        let found = descriptors(&samples, &config).unwrap();
        let golden = &case["values"];
        assert_close("centroid", &found.centroid_hz, &golden["centroid_hz"], 1e-6);
        assert_close("bandwidth", &found.bandwidth_hz, &golden["bandwidth_hz"], 1e-6);
        assert_close("roll-off", &found.rolloff_hz, &golden["rolloff_hz"], 1e-8);
        assert_close("flatness", &found.flatness, &golden["flatness"], 1e-5);
        assert_close("contrast", &found.contrast_db.concat(), &golden["contrast_db"], 1e-5);
        let crossings = &golden["zero_crossing_rate"];
        assert_close("zero crossings", &found.zero_crossing_rate, crossings, 1e-8);
        assert_close("RMS", &found.rms, &golden["rms"], 1e-8);
    }
}
