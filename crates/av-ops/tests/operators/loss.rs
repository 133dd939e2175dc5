//! Softmax and cross-entropy.

use av_ops::{CrossEntropyConfig, cross_entropy, log_softmax, softmax};
use candle_core::{Device, Tensor};

use crate::support::{assert_close, backward, normal, single, values};
use crate::{F64, message};

fn config(smoothing: f64, weights: Option<&[f64]>) -> CrossEntropyConfig {
    CrossEntropyConfig { smoothing, weights: weights.map(<[f64]>::to_vec) }
}

fn scalar(loss: &Tensor) -> f64 {
    values(loss)[0]
}

/// The logarithms of the softmax of each row, without taking off the largest element.
fn log_probabilities(x: &[f64], width: usize) -> Vec<f64> {
    let rows = x.chunks(width).flat_map(|row| {
        let total: f64 = row.iter().map(|x| x.exp()).sum();
        row.iter().map(move |x| x - total.ln())
    });
    rows.collect()
}

#[test]
fn softmax_equals_the_definition() {
    for shape in [&[5][..], &[1, 1], &[3, 17], &[2, 3, 130], &[40, 1000]] {
        let x = (normal("x", shape) * 5.0).unwrap();
        let logs = log_probabilities(&values(&x), shape[shape.len() - 1]);
        let shares: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        assert_close(&values(&softmax(&x).unwrap()), &shares, F64);
        assert_close(&values(&log_softmax(&x).unwrap()), &logs, F64);
        // In f32 from logits that f32 holds, to the accuracy that the documentation states.
        let x = single(&x);
        let logs = log_probabilities(&values(&x), shape[shape.len() - 1]);
        let (share, log) = (values(&softmax(&x).unwrap()), values(&log_softmax(&x).unwrap()));
        for (at, &expected) in logs.iter().enumerate() {
            assert!((share[at] - expected.exp()).abs() < 5e-7, "{} {}", share[at], expected.exp());
            let scale = expected.abs().max(1.0);
            assert!((log[at] - expected).abs() < 5e-7 * scale, "{} {expected}", log[at]);
        }
    }
}

#[test]
fn the_edges_of_softmax() {
    let infinite = f64::INFINITY;
    let rows =
        [[2000.0, 0.0, -infinite], [f64::NAN, 0.0, 1.0], [-infinite; 3], [infinite, 0.0, 0.0]];
    let x = Tensor::new(&rows, &Device::Cpu).unwrap();
    for x in [single(&x), x] {
        let (y, log) = (values(&softmax(&x).unwrap()), values(&log_softmax(&x).unwrap()));
        assert_eq!((&y[..3], &log[..3]), (&[1.0, 0.0, 0.0][..], &[0.0, -2000.0, -infinite][..]));
        assert!(y[3..].iter().chain(&log[3..]).filter(|y| y.is_nan()).count() >= 14);
        assert!(y[3..9].iter().chain(&log[3..9]).all(|y| y.is_nan()));
    }
}

#[test]
fn cross_entropy_equals_the_definition() {
    let weights: Vec<f64> = values(&normal("weights", &[37])).iter().map(|w| w.abs()).collect();
    let labels = [4, 0, 36, 4, 17];
    let x = normal("x", &[5, 37]);
    let logs = log_probabilities(&values(&x), 37);
    for smoothing in [0.0, 0.1, 0.6] {
        for weights in [None, Some(&weights[..])] {
            let weight = |class: usize| weights.map_or(1.0, |weights| weights[class]);
            let (mut total, mut divisor) = (0.0, 0.0);
            for (row, &label) in logs.chunks(37).zip(&labels) {
                divisor += weight(label as usize);
                for (class, log) in row.iter().enumerate() {
                    let hit = if class == label as usize { 1.0 - smoothing } else { 0.0 };
                    total -= (hit + smoothing / 37.0) * weight(class) * log;
                }
            }
            let config = config(smoothing, weights);
            let loss = scalar(&cross_entropy(&x, &labels, &config).unwrap());
            assert!((loss / (total / divisor) - 1.0).abs() < F64, "{smoothing}: {loss}");
        }
    }
}

#[test]
fn weights_and_smoothing_together_are_those_of_pytorch() {
    // torch 2.15: F.cross_entropy(x, tensor([2, 0]), weight=tensor([0.5, 2.0, 1.25]),
    // label_smoothing=0.1) in float64.
    let logits = Tensor::new(&[[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], &Device::Cpu).unwrap();
    let config = config(0.1, Some(&[0.5, 2.0, 1.25]));
    let loss = scalar(&cross_entropy(&logits, &[2, 0], &config).unwrap());
    assert!((loss - 1.724_931_070_050_500_7).abs() < 1e-14, "{loss}");
}

#[test]
fn f32_has_the_stated_accuracy() {
    let x = single(&(normal("x", &[64, 1000]) * 5.0).unwrap());
    let labels: Vec<u32> = (0..64).map(|row| row * 15).collect();
    let weights: Vec<f64> = values(&normal("w", &[1000])).iter().map(|w| w.abs()).collect();
    for smoothing in [0.0, 0.1] {
        for weights in [None, Some(&weights[..])] {
            let config = config(smoothing, weights);
            let loss = |x: &Tensor| cross_entropy(x, &labels, &config).unwrap();
            let wide = x.to_dtype(candle_core::DType::F64).unwrap();
            let (actual, expected) = (scalar(&loss(&x)), scalar(&loss(&wide)));
            assert!((actual - expected).abs() < 1e-6 * expected.max(1.0), "{actual} {expected}");
            let share = weights.map_or(1.0 / 64.0, |weights| {
                let total: f64 = labels.iter().map(|&label| weights[label as usize]).sum();
                weights.iter().fold(0.0, |a: f64, &b| a.max(b)) / total
            });
            let expected = &backward(std::slice::from_ref(&wide), &|t| loss(&t[0]))[0];
            let projection = values(&normal("projection", &[]))[0];
            let var = candle_core::Var::from_tensor(&x).unwrap();
            let gradients = loss(&var).backward().unwrap();
            for (actual, expected) in values(gradients.get(&var).unwrap()).iter().zip(expected) {
                let error = (actual - expected / projection).abs() / share;
                assert!(error < 1e-6, "{actual} {expected} {error}");
            }
        }
    }
}

#[test]
fn wrong_inputs_are_refused() {
    let x = normal("x", &[1, 2]);
    let entropy = |weights: &[f64]| message(cross_entropy(&x, &[1], &config(0.0, Some(weights))));
    let empty = Tensor::zeros((2, 0), x.dtype(), &Device::Cpu).unwrap();
    let scalar = Tensor::new(1.0, &Device::Cpu).unwrap();
    let cases = [
        (entropy(&[1.0]), "the number of weights must be the number of classes, not 1 for 2"),
        (entropy(&[1.0, -1.0]), "weights must be at least 0 and finite, not -1"),
        (entropy(&[1.0, f64::NAN]), "weights must be at least 0 and finite, not NaN"),
        (entropy(&[1.0, 0.0]), "weights must be above 0 for a label"),
        (message(softmax(&empty)), "softmax needs rows (...,N)"),
        (message(log_softmax(&scalar)), "log_softmax needs rows (...,N)"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}
