//! Whole training runs and errors, compared between composed operators and kernels.

use candle_core::{DType, Device, Tensor};

use super::testing::{assert_close, composed, normal, values};
use crate::{
    AdamW, AdamWConfig, AttentionMask, BatchNorm, Conv2d, Conv2dConfig, CrossEntropyConfig,
    Direction, Error, Init, Linear, Mode, Parameters, Pool2dConfig, RecurrentWeights, Result, Sgd,
    SgdConfig, Streams, adaptive_max_pool2d, attention, avg_pool2d, clip_grad_norm, conv2d,
    cross_entropy, dropout, embedding, global_avg_pool, layer_norm, linear, log_softmax, lstm,
    max_pool2d, relu, softmax, upsample_bilinear2d,
};

/// What a step does to the weights.
enum Optimiser {
    Adam(AdamW),
    Descent(Sgd),
}

/// Losses, norms of gradients, and all parameters at the end of a few steps.
fn train(optimiser: impl Fn(&Parameters) -> Optimiser) -> Vec<f64> {
    let streams = Streams::new(4);
    let mut parameters = Parameters::new(streams, DType::F64, &Device::Cpu);
    let mut scope = parameters.scope("net");
    let config = Conv2dConfig::square(2, 1);
    let conv = Conv2d::without_bias(&mut scope.scope("conv"), 3, 4, 3, config).unwrap();
    let norm = BatchNorm::new(&mut scope.scope("norm"), 4).unwrap();
    let head = Linear::new(&mut scope.scope("head"), 4, 3).unwrap();
    scope.weight("idle", 2, Init::He).unwrap();
    let mut optimiser = optimiser(&parameters);
    let mut seen = Vec::new();
    for step in 0..5 {
        let images = normal(&format!("images/{step}"), &[6, 3, 9, 7]);
        let mut rng = streams.rng(&format!("dropout/{step}"));
        let mut mode = Mode::Train(&mut rng);
        let x = norm.forward_relu(&conv.forward(&images).unwrap(), &mode).unwrap();
        let x = global_avg_pool(&max_pool2d(&x, Pool2dConfig::square(2)).unwrap()).unwrap();
        let logits = head.forward(&dropout(&x, 0.2, &mut mode).unwrap()).unwrap();
        let config = CrossEntropyConfig { smoothing: 0.1, weights: None };
        let loss = cross_entropy(&logits, &[0, 1, 2, 0, 1, 2], &config).unwrap();
        let mut gradients = loss.backward().unwrap();
        seen.extend(values(&loss));
        seen.push(clip_grad_norm(&mut gradients, &parameters, 0.2).unwrap());
        match &mut optimiser {
            Optimiser::Adam(adam) => adam.step(&gradients, 0.01).unwrap(),
            Optimiser::Descent(descent) => descent.step(&gradients, 0.1).unwrap(),
        }
    }
    seen.extend(
        parameters.trainable().chain(parameters.buffers()).flat_map(|(_, var)| values(var)),
    );
    let state = match optimiser {
        Optimiser::Adam(adam) => adam.state().unwrap().moments,
        Optimiser::Descent(descent) => descent.state().unwrap().directions,
    };
    seen.extend(state.values().flat_map(values));
    seen
}

#[test]
fn training_goes_the_same_way() {
    let config = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
    let adam = |parameters: &Parameters| Optimiser::Adam(AdamW::new(parameters, config).unwrap());
    assert_close("AdamW", &composed(|| train(adam)), &train(adam), 1e-10);
    for nesterov in [false, true] {
        let config = SgdConfig { nesterov, weight_decay: 0.05, ..SgdConfig::default() };
        let descent =
            |parameters: &Parameters| Optimiser::Descent(Sgd::new(parameters, config).unwrap());
        assert_close("Sgd", &composed(|| train(descent)), &train(descent), 1e-10);
    }
}

#[test]
fn the_norm_of_gradients_neither_overflows_nor_hides_a_nan() {
    let mut parameters = Parameters::new(Streams::new(0), DType::F32, &Device::Cpu);
    let weight = parameters.scope("net").weight("w", 3, Init::Constant(1.0)).unwrap();
    let norm = |gradient: [f32; 3]| {
        let gradient = Tensor::new(&gradient, &Device::Cpu).unwrap();
        let mut gradients = (&weight * gradient).unwrap().sum_all().unwrap().backward().unwrap();
        composed(|| clip_grad_norm(&mut gradients, &parameters, 1.0))
    };
    for (gradient, expected) in
        [([2e30, -3e30, 6e30], 7e30), ([0.0; 3], 0.0), ([0.0, -2e-3, 0.0], 2e-3)]
    {
        let actual = norm(gradient).unwrap();
        assert!((actual - expected).abs() <= 1e-6 * expected, "{actual} instead of {expected}");
    }
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for gradient in [[number, 0.0, 0.0], [0.0, 1.0, number], [number; 3]] {
            assert!(matches!(norm(gradient), Err(Error::NonFinite { .. })), "{gradient:?}");
        }
    }
}

#[test]
fn the_steps_of_an_optimiser_leave_no_graph_behind() {
    let mut parameters = Parameters::new(Streams::new(0), DType::F32, &Device::Cpu);
    let weight = parameters.scope("net").weight("w", 3, Init::Constant(1.0)).unwrap();
    let mut adam = AdamW::new(&parameters, AdamWConfig::default()).unwrap();
    let mut descent = Sgd::new(&parameters, SgdConfig::default()).unwrap();
    composed(|| {
        let gradients = (&weight * &weight).unwrap().sum_all().unwrap().backward().unwrap();
        adam.step(&gradients, 0.1).unwrap();
        descent.step(&gradients, 0.1).unwrap();
    });
    assert!(adam.state().unwrap().moments.values().all(|moment| !moment.track_op()));
    assert!(descent.state().unwrap().directions.values().all(|direction| !direction.track_op()));
}

#[test]
fn wrong_inputs_are_refused_with_the_same_message() {
    let [x, w, image] =
        [("x", &[2, 3][..]), ("w", &[4, 2]), ("image", &[1, 2, 3, 3])].map(|(n, s)| normal(n, s));
    let single = x.to_dtype(DType::F32).unwrap();
    let config = Conv2dConfig::default();
    let indices = Tensor::new(&[0_u32, 4], &Device::Cpu).unwrap();
    let mask = AttentionMask::Keys(&indices);
    let heads = image.clone();
    let weights = RecurrentWeights { input: &x, hidden: &w, input_bias: &x, hidden_bias: &x };
    let steps = image.squeeze(0).unwrap();
    let cases: [&dyn Fn() -> Result<Tensor>; 16] = [
        &|| relu(&x.to_dtype(DType::U8).unwrap()),
        &|| softmax(&normal("scalar", &[])),
        &|| log_softmax(&normal("none", &[2, 0])),
        &|| linear(&x, &w, None),
        &|| linear(&single, &normal("w", &[4, 3]), None),
        &|| embedding(&w, &indices),
        &|| conv2d(&image, &normal("w", &[1, 3, 3, 3]), None, config),
        &|| conv2d(&image, &normal("w", &[1, 2, 4, 4]), None, config),
        &|| max_pool2d(&image, Pool2dConfig::square(4)),
        &|| avg_pool2d(&image, Pool2dConfig::square(0)),
        &|| adaptive_max_pool2d(&image, (0, 1)),
        &|| upsample_bilinear2d(&image, (0, 1)),
        &|| layer_norm(&x, &w, &w, 1e-5),
        &|| attention(&heads, &heads, &heads, Some(mask)),
        &|| Ok(lstm(&steps, weights, None, Direction::Forward)?.0),
        &|| cross_entropy(&x, &[0, 3], &CrossEntropyConfig::default()),
    ];
    for (case, refused) in cases.iter().enumerate() {
        let message = |result: Result<Tensor>| result.unwrap_err().to_string();
        assert_eq!(message(composed(refused)), message(refused()), "case {case}");
    }
}
