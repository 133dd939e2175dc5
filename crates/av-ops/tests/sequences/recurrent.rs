//! `lstm` and `gru`.

use av_ops::{Direction, Gru, Lstm, LstmState, Parameters, Streams, gru, lstm};
use candle_core::{DType, Device, Tensor, Var};

use crate::message;
use crate::support::recurrent::{DIRECTIONS, SHAPES, inputs, joined, run_gru, run_lstm, weights};
use crate::support::{assert_close, normal, single, values};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `weight row + bias` for each row.
fn affine(weight: &[f64], bias: &[f64], x: &[f64]) -> Vec<f64> {
    let product = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    weight.chunks(x.len()).zip(bias).map(|(row, bias)| product(row) + bias).collect()
}

/// The definition of both cells, one sequence and one step after the other.
fn expected(gates: usize, t: &[Tensor], direction: Direction) -> Vec<f64> {
    let (batch, steps, inputs) = t[0].dims3().unwrap();
    let hidden = t[2].dims()[1];
    let v: Vec<Vec<f64>> = t.iter().map(values).collect();
    let start = |state: usize, b: usize| {
        v.get(state).map_or(vec![0.0; hidden], |v| v[b * hidden..][..hidden].to_vec())
    };
    let (mut y, mut last) = (vec![0.0; batch * steps * hidden], [Vec::new(), Vec::new()]);
    for b in 0..batch {
        let (mut h, mut c) = (start(5, b), start(6, b));
        for taken in 0..steps {
            let step = if direction == Direction::Forward { taken } else { steps - 1 - taken };
            let row = b * steps + step;
            let p = affine(&v[1], &v[3], &v[0][row * inputs..][..inputs]);
            let q = affine(&v[2], &v[4], &h);
            for j in 0..hidden {
                let gate = |k: usize| (p[k * hidden + j], q[k * hidden + j]);
                let open = |k: usize| sigmoid(gate(k).0 + gate(k).1);
                if gates == 4 {
                    c[j] = open(1) * c[j] + open(0) * (gate(2).0 + gate(2).1).tanh();
                    h[j] = open(3) * c[j].tanh();
                } else {
                    let n = (gate(2).0 + open(0) * gate(2).1).tanh();
                    h[j] = (1.0 - open(1)) * n + open(1) * h[j];
                }
            }
            y[row * hidden..][..hidden].copy_from_slice(&h);
        }
        last[0].extend(h);
        last[1].extend(c);
    }
    y.extend(&last[0]);
    if gates == 4 {
        y.extend(&last[1]);
    }
    y
}

#[test]
fn weights_of_pytorch_give_its_values() {
    // torch 2.15, nn.LSTM and nn.GRU in f64 with parameters sin(0.7 (k + offset)) / 2.
    let wave = |offset: usize, shape: &[usize]| {
        let elements = shape.iter().product::<usize>();
        let values: Vec<f64> =
            (0..elements).map(|k| (0.7 * (k + offset) as f64).sin() / 2.0).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    let inputs = |gates: usize| {
        let shapes: [&[usize]; 7] =
            [&[2, 3, 4], &[gates, 4], &[gates, 3], &[gates], &[gates], &[2, 3], &[2, 3]];
        shapes.iter().enumerate().map(|(offset, shape)| wave(offset, shape)).collect::<Vec<_>>()
    };
    let first_end = |y: Tensor| values(&y)[6..9].to_vec();
    let expected = [0.312_172_409_339_401_6, 0.130_061_096_205_715_8, 0.173_445_385_669_871_9];
    assert_close(&first_end(run_lstm(&inputs(12), Direction::Forward)), &expected, 1e-14);
    let expected = [0.492_418_887_238_716_9, 0.260_946_836_832_279_4, 0.547_452_758_431_579_1];
    assert_close(&first_end(run_gru(&inputs(9), Direction::Forward)), &expected, 1e-14);
}

#[test]
fn values_equal_the_definition() {
    for shape in SHAPES.into_iter().chain([[40, 37, 5, 7], [2, 530, 3, 16]]) {
        for direction in DIRECTIONS {
            for states in [5, 7] {
                let t = &inputs(4, shape)[..states];
                let truth = expected(4, t, direction);
                assert_close(&values(&run_lstm(t, direction)), &truth, 1e-13);
                let t: Vec<Tensor> = t.iter().map(single).collect();
                assert_close(&values(&run_lstm(&t, direction)), &truth, 1e-5);
                let t = &inputs(3, shape)[..states.min(6)];
                let truth = expected(3, t, direction);
                assert_close(&values(&run_gru(t, direction)), &truth, 1e-13);
                let t: Vec<Tensor> = t.iter().map(single).collect();
                assert_close(&values(&run_gru(&t, direction)), &truth, 1e-5);
            }
        }
    }
}

#[test]
fn what_no_variable_leads_to_has_no_gradient() {
    let t = inputs(4, [2, 3, 2, 3]);
    // The weights go in as one, and so do the two states: a gradient of one is one of all.
    for (which, group) in [(0, 0..1), (1, 1..5), (5, 5..7)] {
        let mut t = t.clone();
        let var = Var::from_tensor(&t[which]).unwrap();
        t[which] = var.as_tensor().clone();
        let gradients = run_lstm(&t, Direction::Forward).sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&var).is_some());
        let found = |k: &usize| gradients.get(&t[*k]).is_some();
        assert!((0..7).filter(found).all(|k| group.contains(&k)), "variable {which}");
    }
}

#[test]
fn a_sequence_in_two_parts_is_the_whole_sequence() {
    let t = inputs(4, [3, 7, 2, 3]);
    let (whole, last) = lstm(&t[0], weights(&t), None, Direction::Forward).unwrap();
    let part = |start, count| t[0].narrow(1, start, count).unwrap();
    let (first, state) = lstm(&part(0, 4), weights(&t), None, Direction::Forward).unwrap();
    let (second, end) = lstm(&part(4, 3), weights(&t), Some(&state), Direction::Forward).unwrap();
    let parts = Tensor::cat(&[first, second], 1).unwrap();
    assert_close(&values(&parts), &values(&whole), 1e-14);
    assert_close(&values(&end.cell), &values(&last.cell), 1e-14);
}

#[test]
fn a_nan_reaches_its_own_sequence_and_the_steps_after_it() {
    let t = inputs(3, [2, 3, 1, 2]);
    let mut x = values(&t[0]);
    x[1] = f64::NAN;
    let x = Tensor::from_vec(x, (2, 3, 1), &Device::Cpu).unwrap();
    let (y, _) = gru(&x, weights(&t), None, Direction::Forward).unwrap();
    let nan: Vec<bool> = values(&y).into_iter().map(f64::is_nan).collect();
    let expected: Vec<bool> = (0..12).map(|at| (2..6).contains(&at)).collect();
    assert_eq!(nan, expected);
}

#[test]
fn wrong_shapes_are_named() {
    let t = inputs(4, [2, 3, 5, 4]);
    let with = |which: usize, shape: &[usize]| {
        let mut t = t.clone();
        t[which] = normal("wrong", shape);
        let state = LstmState { hidden: t[5].clone(), cell: t[6].clone() };
        message(lstm(&t[0], weights(&t), Some(&state), Direction::Forward))
    };
    let cases = [
        (with(0, &[2, 3]), "lstm needs a tensor (B,T,I)"),
        (with(0, &[2, 0, 5]), "without empty dimensions"),
        (with(1, &[16, 4]), "a weight for the input of shape [16, 5]"),
        (with(2, &[12, 4]), "a weight for the hidden values of shape [16, 4]"),
        (with(3, &[12]), "a bias for the input of shape [16]"),
        (with(4, &[12]), "a bias for the hidden values of shape [16]"),
        (with(5, &[1, 4]), "a first state of shape [2, 4]"),
        (with(6, &[2, 3]), "a first state of shape [2, 4]"),
        (
            message(gru(&t[0], weights(&t), None, Direction::Forward)),
            "gru needs a weight for the input of shape [12, 5]",
        ),
        (
            message(lstm(&single(&t[0]), weights(&t), None, Direction::Forward)),
            "lstm got F32 together with F64",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn layers_run_with_their_own_weights() {
    let mut parameters = Parameters::new(Streams::new(3), DType::F64, &Device::Cpu);
    let (long, gated) = {
        let mut scope = parameters.scope("net");
        let long = Lstm::new(&mut scope.scope("lstm"), 2, 3, Direction::Forward).unwrap();
        (long, Gru::new(&mut scope.scope("gru"), 2, 3, Direction::Reverse).unwrap())
    };
    let all = |layer: &str, gates| {
        let mut t = inputs(gates, [2, 5, 2, 3]);
        let names = ["input_weight", "hidden_weight", "input_bias", "hidden_bias"];
        for (t, name) in t[1..].iter_mut().zip(names) {
            let name = format!("net.{layer}.{name}");
            *t = parameters.trainable().find(|(n, _)| *n == name).unwrap().1.as_tensor().clone();
        }
        t
    };
    let t = all("lstm", 4);
    let state = LstmState { hidden: t[5].clone(), cell: t[6].clone() };
    let (y, last) = long.forward_from(&t[0], &state).unwrap();
    let actual = joined(&[y, last.hidden, last.cell]);
    assert_close(&values(&actual), &expected(4, &t, Direction::Forward), 1e-13);
    let y = long.forward(&t[0]).unwrap().0;
    assert_close(&values(&y), &expected(4, &t[..5], Direction::Forward)[..30], 1e-13);
    let t = &all("gru", 3)[..6];
    let (y, last) = gated.forward_from(&t[0], &t[5]).unwrap();
    assert_close(&values(&joined(&[y, last])), &expected(3, t, Direction::Reverse), 1e-13);
    let y = gated.forward(&t[0]).unwrap().0;
    assert_close(&values(&y), &expected(3, &t[..5], Direction::Reverse)[..30], 1e-13);
}
