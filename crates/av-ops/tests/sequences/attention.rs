//! `attention` and the layer `Attention`.

use av_ops::{Attention, AttentionMask, Parameters, Streams, attention};
use candle_core::{DType, Device, Tensor, Var};

use crate::message;
use crate::support::attention::{KINDS, Kind, SHAPES, inputs, mask_tensor, pattern, run};
use crate::support::{assert_close, backward, check_gradients, normal, single, values};

fn expected(t: &[Tensor], kind: Kind, mask: &Tensor) -> Vec<f64> {
    let (batch, heads, queries, width) = t[0].dims4().unwrap();
    let (_, _, keys, value_width) = t[2].dims4().unwrap();
    let [q, k, v] = [0, 1, 2].map(|at| values(&t[at]));
    let shown = values(mask);
    let mut y = Vec::new();
    for head in 0..batch * heads {
        for query in 0..queries {
            let q = &q[(head * queries + query) * width..][..width];
            let weight = |key: usize| {
                let row = if kind == Kind::Keys { head / heads } else { query };
                let k = &k[(head * keys + key) * width..][..width];
                let score: f64 = q.iter().zip(k).map(|(q, k)| q * k).sum();
                let shown = kind == Kind::None || shown[row * keys + key] != 0.0;
                if shown { (score / (width as f64).sqrt()).exp() } else { 0.0 }
            };
            let weights: Vec<f64> = (0..keys).map(weight).collect();
            let total = weights.iter().sum::<f64>().max(1e-300);
            for element in 0..value_width {
                let value = |key: usize| v[(head * keys + key) * value_width + element];
                y.push((0..keys).map(|key| weights[key] * value(key)).sum::<f64>() / total);
            }
        }
    }
    y
}

#[test]
fn values_equal_the_definition() {
    for shape in SHAPES.into_iter().chain([[2, 2, 150, 140, 9, 20]]) {
        for kind in KINDS {
            let (t, mask) = (inputs(shape), mask_tensor(kind, shape));
            let truth = expected(&t, kind, &mask);
            assert_close(&values(&run(&t, kind, &mask)), &truth, 1e-13);
            let t: Vec<Tensor> = t.iter().map(single).collect();
            assert_close(&values(&run(&t, kind, &mask)), &truth, 1e-5);
        }
    }
}

#[test]
fn a_query_that_may_look_at_nothing_gives_zero_with_gradient_zero() {
    let t = inputs([2, 1, 2, 3, 2, 2]);
    let mask = Tensor::new(&[[0_u8, 0, 0], [1, 0, 1]], &Device::Cpu).unwrap();
    for kind in [Kind::Keys, Kind::Pairs] {
        let hidden: [bool; 8] =
            std::array::from_fn(|at| if kind == Kind::Keys { at < 4 } else { at % 4 < 2 });
        let y = values(&run(&t, kind, &mask));
        let dq = &backward(&t, &|t| run(t, kind, &mask))[0];
        for (at, hidden) in hidden.into_iter().enumerate() {
            assert_eq!((y[at] == 0.0, dq[at] == 0.0), (hidden, hidden), "element {at}");
        }
    }
}

#[test]
fn large_scores_neither_overflow_nor_vanish_and_nan_is_not_hidden() {
    let tensor = |values: &[f32], shape: [usize; 4]| {
        Tensor::from_slice(values, &shape[..], &Device::Cpu).unwrap()
    };
    let q = tensor(&[1e4, -1e4, f32::NAN], [1, 1, 3, 1]);
    let k = tensor(&[1.0, 2.0], [1, 1, 2, 1]);
    let v = tensor(&[3.0, 5.0], [1, 1, 2, 1]);
    let y = values(&attention(&q, &k, &v, None).unwrap());
    assert_eq!(y[..2], [5.0, 3.0]);
    assert!(y[2].is_nan());
}

#[test]
fn what_no_variable_leads_to_has_no_gradient() {
    for which in 0..3 {
        let mut t = inputs([1, 2, 3, 4, 2, 3]);
        let all = backward(&t, &|t| run(t, Kind::None, &t[0]));
        let var = Var::from_tensor(&t[which]).unwrap();
        t[which] = var.as_tensor().clone();
        let y = (run(&t, Kind::None, &t[0]) * normal("projection", &[1, 2, 3, 3])).unwrap();
        let gradients = y.sum_all().unwrap().backward().unwrap();
        for (other, t) in t.iter().enumerate() {
            assert_eq!(gradients.get(t).is_some(), other == which);
        }
        assert_eq!(values(gradients.get(&var).unwrap()), all[which]);
    }
}

#[test]
fn wrong_inputs_are_named() {
    let t = inputs([2, 3, 4, 5, 2, 3]);
    let with = |which: usize, shape: &[usize]| {
        let mut t = t.clone();
        t[which] = normal("wrong", shape);
        message(attention(&t[0], &t[1], &t[2], None))
    };
    let mask = |mask: &Tensor, pairs: bool| {
        let mask = if pairs { AttentionMask::Pairs(mask) } else { AttentionMask::Keys(mask) };
        message(attention(&t[0], &t[1], &t[2], Some(mask)))
    };
    let cases = [
        (with(0, &[2, 3, 4]), "attention needs a tensor (B,heads,T,D)"),
        (with(2, &[2, 3, 0, 3]), "without empty dimensions"),
        (with(1, &[2, 3, 5, 4]), "a key for each query of shape [2, 3, 5, 2]"),
        (with(1, &[2, 1, 5, 2]), "a key for each query of shape [2, 3, 5, 2]"),
        (with(2, &[2, 3, 4, 3]), "a value for each key of shape [2, 3, 5, 3]"),
        (mask(&pattern(4, 5), false), "a mask of shape [2, 5]"),
        (mask(&pattern(2, 5), true), "a mask of shape [4, 5]"),
        (mask(&normal("mask", &[4, 5]), true), "the element type of the mask must be U8, not F64"),
        (message(attention(&single(&t[0]), &t[1], &t[2], None)), "F32 together with F64"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn the_layer_equals_its_maps_and_the_operator() {
    let mut parameters = Parameters::new(Streams::new(3), DType::F64, &Device::Cpu);
    let layer = Attention::new(&mut parameters.scope("net"), 6, 2).unwrap();
    let (x, mask) = (normal("x", &[3, 5, 6]), pattern(3, 5));
    let map = |name: &str, x: &Tensor| {
        let name = format!("net.{name}.weight");
        let weight =
            parameters.trainable().find(|(n, _)| *n == name).unwrap().1.as_tensor().clone();
        x.broadcast_matmul(&weight.t().unwrap()).unwrap()
    };
    let heads = |name: &str| map(name, &x).reshape((3, 5, 2, 3)).unwrap().transpose(1, 2).unwrap();
    let (q, k, v) = (heads("query"), heads("key"), heads("value"));
    let y = attention(&q, &k, &v, Some(AttentionMask::Keys(&mask))).unwrap();
    let y = y.transpose(1, 2).unwrap().reshape((3, 5, 6)).unwrap();
    let actual = layer.forward(&x, Some(AttentionMask::Keys(&mask))).unwrap();
    assert_close(&values(&actual), &values(&map("output", &y)), 1e-13);
    check_gradients(&[x], &|t| layer.forward(&t[0], Some(AttentionMask::Keys(&mask))).unwrap());
    for heads in [0, 4] {
        let error = message(Attention::new(&mut parameters.scope("wrong"), 6, heads));
        assert!(error.contains(&format!("not {heads} for a width of 6")), "{error}");
    }
}
