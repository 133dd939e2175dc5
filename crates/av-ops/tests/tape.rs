//! The tape gives what candle's own backward gives.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod support;

use av_ops::{
    Conv2dConfig, CrossEntropyConfig, Error, Tape, channels_last, conv2d, cross_entropy,
    global_avg_pool, linear, relu,
};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use support::{assert_close, normal, single, values};

/// A network of operators and candle's operations: a residual sum, a view, a tensor used twice, a scaled loss.
struct Network {
    parameters: Vec<Var>,
}

impl Network {
    fn new() -> Self {
        let shapes: [(&str, &[usize]); 4] =
            [("x", &[3, 2, 5, 4]), ("a", &[2, 2, 3, 3]), ("b", &[4, 2, 3, 3]), ("c", &[3, 8])];
        let var = |(name, shape): (&str, &[usize])| Var::from_tensor(&normal(name, shape)).unwrap();
        Self { parameters: shapes.map(var).to_vec() }
    }

    fn loss(&self) -> Tensor {
        let [x, a, b, c] = self.parameters.as_slice() else { unreachable!() };
        let same = Conv2dConfig::square(1, 1);
        let first = relu(&conv2d(x, a, None, same).unwrap()).unwrap();
        let sum = (x.as_tensor() + &first).unwrap();
        let second = relu(&conv2d(&sum, b, None, Conv2dConfig::square(2, 1)).unwrap()).unwrap();
        let turned = second.transpose(2, 3).unwrap();
        let means = global_avg_pool(&turned).unwrap();
        let both = Tensor::cat(&[&means, &means.sqr().unwrap()], 1).unwrap();
        let logits = linear(&both, c, None).unwrap();
        let loss = cross_entropy(&logits, &[2, 0, 1], &CrossEntropyConfig::default()).unwrap();
        let more = (logits.sqr().unwrap().sum_all().unwrap() * 0.1).unwrap();
        ((loss * 2.0).unwrap() + more).unwrap()
    }

    fn gradients(&self, store: &GradStore) -> Vec<Vec<f64>> {
        self.parameters.iter().map(|var| values(store.get(var).unwrap())).collect()
    }
}

#[test]
fn gradients_are_those_of_candles_backward() {
    let network = Network::new();
    let expected = network.loss();
    let tape = Tape::start().unwrap();
    let loss = network.loss();
    let actual = tape.backward(&loss).unwrap();
    assert_eq!(values(&loss), values(&expected));
    let pairs = network.gradients(&actual).into_iter();
    for (actual, expected) in pairs.zip(network.gradients(&expected.backward().unwrap())) {
        assert_close(&actual, &expected, 1e-14);
    }
    // The tape has ended: candle's backward reaches the variables again.
    assert_eq!(network.gradients(&network.loss().backward().unwrap()).len(), 4);
}

#[test]
fn gradients_are_those_of_candles_backward_where_channels_lie_last() {
    let shapes: [(&str, &[usize]); 3] =
        [("x", &[3, 2, 5, 4]), ("a", &[8, 2, 3, 3]), ("b", &[8, 8, 3, 3])];
    let [x, a, b] =
        shapes.map(|(name, shape)| Var::from_tensor(&single(&normal(name, shape))).unwrap());
    let loss = || {
        let conv = |x: &Tensor, weight: &Var, stride| {
            conv2d(x, weight, None, Conv2dConfig::square(stride, 1)).unwrap()
        };
        let first = conv(&channels_last(&x).unwrap(), &a, 1);
        // A view that operators and candle read, and a sum of two.
        let sum = (&first + conv(&first, &b, 1)).unwrap();
        let means = global_avg_pool(&conv(&relu(&sum).unwrap(), &b, 2)).unwrap();
        means.sqr().unwrap().sum_all().unwrap()
    };
    let expected = loss().backward().unwrap();
    let tape = Tape::start().unwrap();
    let actual = tape.backward(&loss()).unwrap();
    for var in [x, a, b] {
        let [actual, expected] = [&actual, &expected].map(|store| values(store.get(&var).unwrap()));
        assert_close(&actual, &expected, 1e-6);
    }
}

#[test]
fn backward_begins_at_a_given_gradient_of_an_operator_or_of_an_operation_of_candle() {
    let x = Var::from_tensor(&normal("x", &[4, 3])).unwrap();
    let gradient = normal("gradient", &[4, 3]);
    let expected: Vec<f64> = values(&x)
        .into_iter()
        .zip(values(&gradient))
        .map(|(x, g)| if x > 0.0 { 2.0 * g } else { 0.0 })
        .collect();
    let tape = Tape::start().unwrap();
    let y = relu(&(x.as_tensor() * 2.0).unwrap()).unwrap();
    let store = tape.backward_from(&y, &gradient).unwrap();
    assert_eq!(values(store.get(&x).unwrap()), expected);
    let tape = Tape::start().unwrap();
    let y = (relu(&x).unwrap() * 2.0).unwrap();
    let store = tape.backward_from(&y, &gradient).unwrap();
    assert_eq!(values(store.get(&x).unwrap()), expected);
    let tape = Tape::start().unwrap();
    let error = tape.backward_from(&relu(&x).unwrap(), &normal("g", &[3, 4])).unwrap_err();
    assert!(error.to_string().contains("a gradient of shape [4, 3]"), "{error}");
}

#[test]
fn what_the_loss_does_not_depend_on_has_no_gradient() {
    let [x, other] = ["x", "other"].map(|name| Var::from_tensor(&normal(name, &[3])).unwrap());
    let tape = Tape::start().unwrap();
    let loss = relu(&x).unwrap().sum_all().unwrap();
    let _unused = relu(&other).unwrap();
    let store = tape.backward(&loss).unwrap();
    assert!(store.get(&x).is_some() && store.get(&other).is_none());
    // A constant is not recorded: candle knows that the result depends on nothing.
    let _tape = Tape::start().unwrap();
    assert!(!relu(&normal("constant", &[3])).unwrap().track_op());
}

#[test]
fn one_tape_records_on_a_thread_until_it_is_dropped() {
    let tape = Tape::start().unwrap();
    assert!(matches!(Tape::start(), Err(Error::Recording)));
    std::thread::scope(|scope| {
        let elsewhere = scope.spawn(|| Tape::start().map(drop).is_ok());
        assert!(elsewhere.join().unwrap());
    });
    drop(tape);
    let x = Var::zeros(2, DType::F64, &Device::Cpu).unwrap();
    let y = relu(&x).unwrap();
    assert!(y.track_op() && !y.is_variable());
    drop(Tape::start().unwrap());
}
