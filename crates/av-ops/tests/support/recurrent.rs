//! Recurrent cells on drawn inputs.

use av_ops::{Direction, LstmState, RecurrentWeights, gru, lstm};
use candle_core::Tensor;

use super::normal;

pub const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Reverse];

/// Input, the four weights and two states, of moderate size so that no gate is stuck at its end.
pub fn inputs(gates: usize, [batch, steps, inputs, hidden]: [usize; 4]) -> Vec<Tensor> {
    let draw = |name: &str, shape: &[usize]| (normal(name, shape) * 0.5).unwrap();
    vec![
        draw("x", &[batch, steps, inputs]),
        draw("input weight", &[gates * hidden, inputs]),
        draw("hidden weight", &[gates * hidden, hidden]),
        draw("input bias", &[gates * hidden]),
        draw("hidden bias", &[gates * hidden]),
        draw("hidden", &[batch, hidden]),
        draw("cell", &[batch, hidden]),
    ]
}

pub fn weights(t: &[Tensor]) -> RecurrentWeights<'_> {
    RecurrentWeights { input: &t[1], hidden: &t[2], input_bias: &t[3], hidden_bias: &t[4] }
}

/// All hidden values, then the last state; from the given states where there are any.
pub fn run_lstm(t: &[Tensor], direction: Direction) -> Tensor {
    let state = |t: &[Tensor]| LstmState { hidden: t[0].clone(), cell: t[1].clone() };
    let initial = t.get(5..7).map(state);
    let (y, last) = lstm(&t[0], weights(t), initial.as_ref(), direction).unwrap();
    joined(&[y, last.hidden, last.cell])
}

pub fn run_gru(t: &[Tensor], direction: Direction) -> Tensor {
    let (y, last) = gru(&t[0], weights(t), t.get(5), direction).unwrap();
    joined(&[y, last])
}

/// Batch, steps, inputs and hidden values: one of each; more sequences than a piece of 16 has; more
/// steps than a window of 8 has; more hidden values than 16 lanes.
pub const SHAPES: [[usize; 4]; 5] =
    [[1, 1, 1, 1], [2, 3, 2, 3], [19, 2, 1, 2], [33, 18, 1, 1], [1, 2, 3, 17]];

/// All elements of some tensors one after the other.
pub fn joined(tensors: &[Tensor]) -> Tensor {
    let flat: Vec<Tensor> = tensors.iter().map(|t| t.flatten_all().unwrap()).collect();
    Tensor::cat(&flat, 0).unwrap()
}
