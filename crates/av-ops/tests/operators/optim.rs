//! Gradient descent with momentum, parameter groups, and one step of AdamW over many pieces.

use av_ops::{
    AdamW, AdamWConfig, Init, ParameterGroup, Parameters, Sgd, SgdConfig, Streams, clip_grad_norm,
};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};

use crate::support::{assert_close, bits, normal, values};

/// Weights "a.weight", "a.bias" and "b.weight" of seven elements, in f64 unless said otherwise.
fn parameters(dtype: DType) -> Parameters {
    let mut parameters = Parameters::new(Streams::new(0), dtype, &Device::Cpu);
    for (scope, name) in [("a", "weight"), ("a", "bias"), ("b", "weight")] {
        parameters.scope(scope).weight(name, 7, Init::Normal { deviation: 1.0 }).unwrap();
    }
    parameters
}

/// Gradients that are drawn from the stream of each name.
fn gradients(parameters: &Parameters, step: usize) -> GradStore {
    let mut total = Tensor::zeros((), parameters.dtype(), &Device::Cpu).unwrap();
    for (name, weight) in parameters.trainable() {
        let g = normal(&format!("{name}/{step}"), weight.dims()).to_dtype(weight.dtype()).unwrap();
        total = (total + (weight.as_tensor() * g).unwrap().sum_all().unwrap()).unwrap();
    }
    total.backward().unwrap()
}

fn weights(parameters: &Parameters) -> Vec<(String, Vec<f64>)> {
    parameters.trainable().map(|(name, weight)| (name.to_owned(), values(weight))).collect()
}

fn group(prefix: &str, rate_factor: f64, weight_decay: f64) -> ParameterGroup {
    ParameterGroup { prefix: prefix.to_owned(), rate_factor, weight_decay }
}

#[test]
fn sgd_equals_the_definition_over_many_steps() {
    for (momentum, nesterov, weight_decay) in [
        (0.0, false, 0.0),
        (0.0, false, 0.1),
        (0.9, false, 0.1),
        (0.5, true, 0.0),
        (0.9, true, 0.1),
    ] {
        let parameters = parameters(DType::F64);
        let mut expected = weights(&parameters);
        let mut directions = vec![[0.0; 7]; 3];
        let config = SgdConfig { momentum, nesterov, weight_decay };
        let mut optimiser = Sgd::new(&parameters, config).unwrap();
        for step in 0..10 {
            optimiser.step(&gradients(&parameters, step), 0.05).unwrap();
            for ((name, w), b) in expected.iter_mut().zip(&mut directions) {
                let g = values(&normal(&format!("{name}/{step}"), &[7]));
                for i in 0..7 {
                    let d = g[i] + weight_decay * w[i];
                    b[i] = momentum * b[i] + d;
                    w[i] -= 0.05 * if nesterov { d + momentum * b[i] } else { b[i] };
                }
            }
        }
        for ((name, actual), (_, expected)) in weights(&parameters).iter().zip(&expected) {
            assert_close(actual, expected, 1e-13);
            assert!(actual != &vec![0.0; 7], "{name}");
        }
    }
}

#[test]
fn sgd_has_the_numbers_of_pytorch() {
    // torch 2.15 in float64: SGD([w], lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.2) from w
    // = 1 with the gradients 2, -1 and 0.5.
    let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
    let weight = parameters.scope("net").weight("w", 1, Init::Constant(1.0)).unwrap();
    let config = SgdConfig { momentum: 0.9, nesterov: true, weight_decay: 0.2 };
    let mut optimiser = Sgd::new(&parameters, config).unwrap();
    for g in [2.0, -1.0, 0.5] {
        let loss = (&weight * g).unwrap().sum_all().unwrap();
        optimiser.step(&loss.backward().unwrap(), 0.1).unwrap();
    }
    assert_close(&values(&weight), &[0.36615160799999996], 1e-14);
}

#[test]
fn groups_change_rate_and_decay_of_their_weights_alone() {
    let config = AdamWConfig { weight_decay: 0.3, ..AdamWConfig::default() };
    let groups = [group("a.", 0.5, 0.1), group("a.bias", 2.0, 0.0)];
    let grouped = parameters(DType::F64);
    let mut optimiser = AdamW::with_groups(&grouped, config, &groups).unwrap();
    let with_sgd = parameters(DType::F64);
    let plain = SgdConfig { weight_decay: 0.3, ..SgdConfig::default() };
    let mut descent = Sgd::with_groups(&with_sgd, plain, &groups).unwrap();
    for step in 0..3 {
        optimiser.step(&gradients(&grouped, step), 0.01).unwrap();
        descent.step(&gradients(&with_sgd, step), 0.01).unwrap();
    }
    // Each weight as with an optimiser that has its rate and its decay for all.
    for (at, rate, weight_decay) in [(0, 0.02, 0.0), (1, 0.005, 0.1), (2, 0.01, 0.3)] {
        let alone = parameters(DType::F64);
        let mut optimiser = AdamW::new(&alone, AdamWConfig { weight_decay, ..config }).unwrap();
        let alone_sgd = parameters(DType::F64);
        let mut descent = Sgd::new(&alone_sgd, SgdConfig { weight_decay, ..plain }).unwrap();
        for step in 0..3 {
            optimiser.step(&gradients(&alone, step), rate).unwrap();
            descent.step(&gradients(&alone_sgd, step), rate).unwrap();
        }
        assert_eq!(weights(&grouped)[at], weights(&alone)[at]);
        assert_eq!(weights(&with_sgd)[at], weights(&alone_sgd)[at]);
    }
}

#[test]
fn a_resumed_descent_has_the_same_bits() {
    let all = |parameters: &Parameters| -> Vec<Vec<u32>> {
        parameters.trainable().map(|(_, weight)| bits(weight)).collect()
    };
    let whole = parameters(DType::F32);
    let mut optimiser = Sgd::new(&whole, SgdConfig::default()).unwrap();
    optimiser.step(&gradients(&whole, 0), 0.1).unwrap();
    let (snapshot, state) = (whole.snapshot().unwrap(), optimiser.state().unwrap());
    optimiser.step(&gradients(&whole, 1), 0.1).unwrap();
    let resumed = parameters(DType::F32);
    let mut optimiser = Sgd::new(&resumed, SgdConfig::default()).unwrap();
    for _ in 0..2 {
        resumed.restore(&snapshot).unwrap();
        optimiser.restore(&state).unwrap();
        optimiser.step(&gradients(&resumed, 1), 0.1).unwrap();
        assert_eq!(all(&resumed), all(&whole));
    }
    let mut state = state;
    state.directions.remove("direction.b.weight");
    let error = optimiser.restore(&state).unwrap_err().to_string();
    assert!(error.contains("lacks parameter `direction.b.weight`"), "{error}");
}

#[test]
fn steps_have_the_same_bits_on_any_number_of_threads_and_equal_those_in_f64() {
    const ELEMENTS: usize = 40_011;
    let run = |threads, dtype| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut parameters = Parameters::new(Streams::new(0), dtype, &Device::Cpu);
            let init = Init::Normal { deviation: 1.0 };
            let weight = parameters.scope("net").weight("w", ELEMENTS, init).unwrap();
            let mut adamw = AdamW::new(&parameters, AdamWConfig::default()).unwrap();
            let mut sgd = Sgd::new(&parameters, SgdConfig::default()).unwrap();
            let mut norms = Vec::new();
            for step in 0..3 {
                let mut gradients = gradients(&parameters, step);
                norms.push(clip_grad_norm(&mut gradients, &parameters, 50.0).unwrap());
                adamw.step(&gradients, 1e-3).unwrap();
                sgd.step(&gradients, 1e-3).unwrap();
            }
            (norms, values(&weight))
        })
    };
    let (norms, one) = run(1, DType::F32);
    for threads in [2, 3, 7] {
        assert!(run(threads, DType::F32) == (norms.clone(), one.clone()), "{threads} threads");
    }
    let (wide_norms, wide) = run(1, DType::F64);
    assert_close(&norms, &wide_norms, 1e-7);
    assert_close(&one, &wide, 1e-6);
    // The first norm by the definition; its gradient is that of the stream.
    let g = values(&normal("net.w/0", &[ELEMENTS]));
    let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((wide_norms[0] / norm - 1.0).abs() < 1e-13, "{} {norm}", wide_norms[0]);
}

#[test]
fn squares_that_overflow_f32_still_have_a_norm() {
    let mut parameters = Parameters::new(Streams::new(0), DType::F32, &Device::Cpu);
    let weight = parameters.scope("net").weight("w", 2, Init::Constant(1.0)).unwrap();
    let g = Tensor::new(&[3e30_f32, 4e30], &Device::Cpu).unwrap();
    let mut gradients = (&weight * g).unwrap().sum_all().unwrap().backward().unwrap();
    let norm = clip_grad_norm(&mut gradients, &parameters, 1.0).unwrap();
    assert!((norm / 5e30 - 1.0).abs() < 1e-6, "{norm}");
}

#[test]
fn options_out_of_range_are_refused() {
    let parameters = parameters(DType::F64);
    let good = SgdConfig::default();
    let sgd = |config, groups: &[ParameterGroup]| {
        Sgd::with_groups(&parameters, config, groups).unwrap_err().to_string()
    };
    let adamw = |groups: &[ParameterGroup]| {
        AdamW::with_groups(&parameters, AdamWConfig::default(), groups).unwrap_err().to_string()
    };
    let cases = [
        (
            sgd(SgdConfig { momentum: 1.0, ..good }, &[]),
            "Sgd: momentum must be at least 0 and below",
        ),
        (sgd(SgdConfig { weight_decay: -1.0, ..good }, &[]), "weight_decay must be at least 0"),
        (
            sgd(SgdConfig { momentum: 0.0, nesterov: true, weight_decay: 0.0 }, &[]),
            "momentum must be above 0 with nesterov",
        ),
        (sgd(good, &[group("c.", 1.0, 0.0)]), "prefix must be the beginning of a name, not `c.`"),
        (adamw(&[group("a.", -1.0, 0.0)]), "AdamW: rate_factor must be at least 0 and finite"),
        (adamw(&[group("a.", 1.0, f64::NAN)]), "weight_decay must be at least 0 and finite"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let mut optimiser = Sgd::new(&parameters, good).unwrap();
    let before = weights(&parameters);
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(optimiser.step(&gradients(&parameters, 0), rate).is_err(), "rate {rate}");
    }
    assert_eq!(weights(&parameters), before);
}
