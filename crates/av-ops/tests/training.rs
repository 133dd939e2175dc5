//! The optimiser, the clipping of gradients, and training steps with the same bits everywhere.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod support;

use av_ops::{
    AdamW, AdamWConfig, BatchNorm, Conv2d, Conv2dConfig, CrossEntropyConfig, Error, Init, Linear,
    Mode, Parameters, Pool2dConfig, Streams, avg_pool2d, clip_grad_norm, cross_entropy, dropout,
    global_avg_pool, max_pool2d, relu,
};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use support::{assert_close, bits, normal, values, windows};

/// One weight "net.w" with the given values in f64.
fn single(value: &[f64]) -> (Parameters, Tensor) {
    let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
    let init = Init::Constant(0.0);
    let weight = parameters.scope("net").weight("w", value.len(), init).unwrap();
    let (_, var) = parameters.trainable().next().unwrap();
    var.set(&Tensor::new(value, &Device::Cpu).unwrap()).unwrap();
    (parameters, weight)
}

/// The gradients of `sum(weight g)`, which are `g`.
fn gradients(weight: &Tensor, g: &[f64]) -> GradStore {
    let g = Tensor::new(g, &Device::Cpu).unwrap();
    (weight * g).unwrap().sum_all().unwrap().backward().unwrap()
}

#[test]
fn two_adamw_steps_equal_the_numbers_worked_out_by_hand() {
    let (parameters, weight) = single(&[1.0]);
    let config = AdamWConfig { beta1: 0.9, beta2: 0.99, epsilon: 0.5, weight_decay: 0.1 };
    let mut optimiser = AdamW::new(&parameters, config).unwrap();
    // Step 1, g = 2: m = 0.2, v = 0.04, m' = 2, v' = 4; w = 0.99 - 0.1 * 2 / 2.5 = 0.91.
    optimiser.step(&gradients(&weight, &[2.0]), 0.1).unwrap();
    assert_close(&values(&weight), &[0.91], 1e-14);
    // Step 2, g = -1: m = 0.18 - 0.1 = 0.08, v = 0.0396 + 0.01 = 0.0496, m' = 0.08 / 0.19,
    // v' = 0.0496 / 0.0199 = 2.492462311557789, root 1.578753404290166;
    // w = 0.99 * 0.91 - 0.1 * 0.42105263157894735 / 2.078753404290166 = 0.8806449456626278.
    optimiser.step(&gradients(&weight, &[-1.0]), 0.1).unwrap();
    assert_close(&values(&weight), &[0.880_644_945_662_627_8], 1e-14);
}

#[test]
fn adamw_equals_the_definition_over_many_steps() {
    let mut expected = values(&normal("start", &[7]));
    let (parameters, weight) = single(&expected);
    let config = AdamWConfig::default();
    let mut optimiser = AdamW::new(&parameters, config).unwrap();
    let (mut m, mut v) = ([0.0; 7], [0.0; 7]);
    for step in 1..=20 {
        let g = values(&normal(&format!("g{step}"), &[7]));
        optimiser.step(&gradients(&weight, &g), 0.01).unwrap();
        for i in 0..7 {
            m[i] = config.beta1 * m[i] + (1.0 - config.beta1) * g[i];
            v[i] = config.beta2 * v[i] + (1.0 - config.beta2) * g[i] * g[i];
            let m_hat = m[i] / (1.0 - config.beta1.powi(step));
            let v_hat = v[i] / (1.0 - config.beta2.powi(step));
            expected[i] -= 0.01 * config.weight_decay * expected[i];
            expected[i] -= 0.01 * m_hat / (v_hat.sqrt() + config.epsilon);
        }
    }
    assert_close(&values(&weight), &expected, 1e-12);
}

#[test]
fn a_weight_without_gradient_stays() {
    let (mut parameters, weight) = single(&[1.0]);
    let idle = parameters.scope("idle").weight("w", 1, Init::Constant(4.0)).unwrap();
    let mut optimiser = AdamW::new(&parameters, AdamWConfig::default()).unwrap();
    optimiser.step(&gradients(&weight, &[1.0]), 0.1).unwrap();
    assert_eq!(values(&idle), [4.0]);
    assert_ne!(values(&weight), [1.0]);
}

#[test]
fn options_and_learning_rates_out_of_range_are_refused() {
    let (parameters, weight) = single(&[1.0]);
    let good = AdamWConfig::default();
    for (config, name) in [
        (AdamWConfig { beta1: 1.0, ..good }, "beta1"),
        (AdamWConfig { beta2: -0.1, ..good }, "beta2"),
        (AdamWConfig { epsilon: 0.0, ..good }, "epsilon"),
        (AdamWConfig { weight_decay: f64::NAN, ..good }, "weight_decay"),
    ] {
        let error = AdamW::new(&parameters, config).unwrap_err();
        assert!(matches!(error, Error::Argument { name: actual, .. } if actual == name), "{error}");
    }
    let mut optimiser = AdamW::new(&parameters, good).unwrap();
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(optimiser.step(&gradients(&weight, &[1.0]), rate).is_err(), "rate {rate}");
    }
    assert_eq!(values(&weight), [1.0]);
}

#[test]
fn clipping_shortens_long_gradients_only_and_gives_the_norm() {
    let (mut parameters, a) = single(&[0.0, 0.0]);
    let b = parameters.scope("b").weight("w", 1, Init::Constant(0.0)).unwrap();
    parameters.scope("idle").weight("w", 1, Init::Constant(0.0)).unwrap();
    let backward = |a1: f64, a2: f64, b1: f64| {
        let product = |w: &Tensor, g: &[f64]| {
            (w * Tensor::new(g, &Device::Cpu).unwrap()).unwrap().sum_all().unwrap()
        };
        (product(&a, &[a1, a2]) + product(&b, &[b1])).unwrap().backward().unwrap()
    };
    // The norm of (2, 3, 6) is 7.
    let mut long = backward(2.0, 3.0, 6.0);
    assert_eq!(clip_grad_norm(&mut long, &parameters, 3.5).unwrap(), 7.0);
    assert_eq!(values(long.get(&a).unwrap()), [1.0, 1.5]);
    assert_eq!(values(long.get(&b).unwrap()), [3.0]);
    let mut short = backward(2.0, 3.0, 6.0);
    assert_eq!(clip_grad_norm(&mut short, &parameters, 7.0).unwrap(), 7.0);
    assert_eq!(values(short.get(&a).unwrap()), [2.0, 3.0]);
    assert_eq!(clip_grad_norm(&mut backward(0.0, 0.0, 0.0), &parameters, 1.0).unwrap(), 0.0);
    let error = clip_grad_norm(&mut backward(0.0, 0.0, f64::NAN), &parameters, 1.0).unwrap_err();
    assert!(matches!(&error, Error::NonFinite { name } if name == "b.w"), "{error}");
    assert!(clip_grad_norm(&mut short, &parameters, 0.0).is_err());
}

/// A network that uses every operator.
struct Network {
    parameters: Parameters,
    convs: [Conv2d; 2],
    norm: BatchNorm,
    head: Linear,
    optimiser: AdamW,
}

impl Network {
    fn new() -> Self {
        let mut parameters = Parameters::new(Streams::new(5), DType::F32, &Device::Cpu);
        let mut scope = parameters.scope("net");
        let config = Conv2dConfig::square(2, 1);
        let convs = [
            Conv2d::without_bias(&mut scope.scope("conv1"), 3, 8, 3, config).unwrap(),
            Conv2d::new(&mut scope.scope("conv2"), 8, 70, 3, Conv2dConfig::default()).unwrap(),
        ];
        let norm = BatchNorm::new(&mut scope.scope("norm"), 8).unwrap();
        let head = Linear::new(&mut scope.scope("head"), 70, 5).unwrap();
        let optimiser = AdamW::new(&parameters, AdamWConfig::default()).unwrap();
        Self { parameters, convs, norm, head, optimiser }
    }

    /// The bits of loss, gradients and weights after one step.
    fn step(&mut self, step: usize) -> Vec<Vec<u32>> {
        let images =
            normal(&format!("images/{step}"), &[33, 3, 23, 21]).to_dtype(DType::F32).unwrap();
        let labels: Vec<u32> = (0..33).map(|row| row % 5).collect();
        let mut rng = Streams::new(5).rng(&format!("dropout/{step}"));
        let mut mode = Mode::Train(&mut rng);
        let x = self.norm.forward_relu(&self.convs[0].forward(&images).unwrap(), &mode).unwrap();
        let config = CrossEntropyConfig { smoothing: 0.1, weights: None };
        let x = max_pool2d(&x, windows(2, 1)).unwrap();
        let x = relu(&self.convs[1].forward(&x).unwrap()).unwrap();
        let x = global_avg_pool(&avg_pool2d(&x, Pool2dConfig::square(2)).unwrap()).unwrap();
        let x = dropout(&x, 0.3, &mut mode).unwrap();
        let loss = cross_entropy(&self.head.forward(&x).unwrap(), &labels, &config).unwrap();
        let mut gradients = loss.backward().unwrap();
        clip_grad_norm(&mut gradients, &self.parameters, 0.5).unwrap();
        let mut result = vec![bits(&loss)];
        for (_, weight) in self.parameters.trainable() {
            result.push(bits(gradients.get(weight).unwrap()));
        }
        self.optimiser.step(&gradients, 1e-2).unwrap();
        let all = self.parameters.trainable().chain(self.parameters.buffers());
        result.extend(all.map(|(_, var)| bits(var)));
        result
    }
}

#[test]
fn training_has_the_same_bits_on_any_number_of_threads() {
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut network = Network::new();
            (0..3).map(|step| network.step(step)).collect::<Vec<_>>()
        })
    };
    let one = train(1);
    for threads in [2, 3, 7] {
        assert!(train(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_resumed_run_has_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut whole = Network::new();
    whole.step(0);
    whole.parameters.save(&path).unwrap();
    let state = whole.optimiser.state().unwrap();
    let expected = [whole.step(1), whole.step(2)];
    let mut resumed = Network::new();
    resumed.parameters.load(&path).unwrap();
    resumed.optimiser.restore(&state).unwrap();
    assert!([resumed.step(1), resumed.step(2)] == expected);
    // The state was copied: it still serves a second time.
    resumed.parameters.load(&path).unwrap();
    resumed.optimiser.restore(&state).unwrap();
    assert!([resumed.step(1), resumed.step(2)] == expected);
}

#[test]
fn the_state_of_another_optimiser_is_refused() {
    let (parameters, _) = single(&[1.0]);
    let mut optimiser = AdamW::new(&parameters, AdamWConfig::default()).unwrap();
    let mut state = optimiser.state().unwrap();
    assert_eq!(state.moments.keys().collect::<Vec<_>>(), ["first.net.w", "second.net.w"]);
    state.moments.remove("second.net.w");
    let error = optimiser.restore(&state).unwrap_err().to_string();
    assert!(error.contains("the optimiser state lacks parameter `second.net.w`"), "{error}");
}
