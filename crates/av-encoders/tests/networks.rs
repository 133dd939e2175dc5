//! What every network must do, whatever its layers.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

use av_encoders::{ConvNetConfig, Encoder, MlpConfig, Network, NetworkConfig};
use av_ops::{Mode, Parameters, Streams};
use candle_core::{DType, Device, Tensor};

fn build(segment: &[usize], config: &NetworkConfig) -> (Parameters, av_encoders::Result<Network>) {
    let mut parameters = Parameters::new(Streams::new(3), DType::F64, &Device::Cpu);
    let network = Network::new(&mut parameters.scope("audio"), segment, 5, config);
    (parameters, network)
}

/// Numbers without pattern, the same every time.
fn input(shape: &[usize]) -> Tensor {
    let mut rng = Streams::new(1).rng("input");
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.normal()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

#[test]
fn every_weight_gets_a_gradient_on_odd_sizes() {
    for segment in [&[7usize][..], &[3, 9, 13]] {
        let (parameters, network) = build(segment, &NetworkConfig::default());
        let x = input(&[&[6], segment].concat());
        let mut rng = Streams::new(2).rng("dropout/0");
        let y = network.unwrap().encode(&x, &mut Mode::Train(&mut rng)).unwrap();
        assert_eq!(y.dims(), [6, 5]);
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        for (name, weight) in parameters.trainable() {
            let gradient =
                gradients.get(weight).unwrap_or_else(|| panic!("{name} has no gradient"));
            let size = gradient.abs().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
            assert!(size > 0.0, "{segment:?}: the gradient of {name} is 0");
        }
    }
}

#[test]
fn a_picture_smaller_than_the_strides_still_has_an_embedding() {
    let (_, network) = build(&[3, 2, 1], &NetworkConfig::default());
    let y = network.unwrap().encode(&input(&[4, 3, 2, 1]), &mut Mode::Eval).unwrap();
    assert_eq!(y.dims(), [4, 5]);
}

#[test]
fn evaluation_of_a_row_does_not_depend_on_the_rows_beside_it() {
    // The last ones are too large to go through the network together.
    for segment in [&[7usize][..], &[3, 9, 13], &[3, 150, 130]] {
        let (_, network) = build(segment, &NetworkConfig::default());
        let network = network.unwrap();
        let x = input(&[&[4], segment].concat());
        let all = network.encode(&x, &mut Mode::Eval).unwrap().to_vec2::<f64>().unwrap();
        let one = x.narrow(0, 2, 1).unwrap();
        let one = network.encode(&one, &mut Mode::Eval).unwrap().to_vec2::<f64>().unwrap();
        for (together, alone) in all[2].iter().zip(&one[0]) {
            assert!((together - alone).abs() < 1e-12, "{together} {alone}");
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let mlp = MlpConfig { dropout: 1.0, ..MlpConfig::default() };
    let message =
        build(&[3], &NetworkConfig { mlp, ..Default::default() }).1.unwrap_err().to_string();
    assert_eq!(message, "network setting mlp.dropout is 1: it must be in [0, 1)");
    let convnet = ConvNetConfig { channels: vec![8, 0], ..ConvNetConfig::default() };
    let config = NetworkConfig { convnet, ..Default::default() };
    assert!(build(&[3, 8, 8], &config).1.unwrap_err().to_string().contains("convnet.channels"));
    assert!(build(&[3, 8], &config).1.unwrap_err().to_string().contains("[3, 8]"));
}
