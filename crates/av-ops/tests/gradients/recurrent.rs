//! `lstm` and `gru`.

use av_ops::{Direction, LstmState, lstm};
use candle_core::Tensor;

use crate::support::check_gradients;
use crate::support::grid::{VIEWS, View, check_view, every};
use crate::support::recurrent::{DIRECTIONS, SHAPES, inputs, run_gru, run_lstm, weights};

#[derive(Debug)]
struct Case {
    /// Batch, steps, inputs and hidden values.
    shape: [usize; 4],
    direction: Direction,
    /// Whether the first state is given.
    initial: bool,
    view: View,
}

fn cases() -> Vec<Case> {
    let case = |[shape, direction, initial, view]: [usize; 4]| {
        let (shape, direction) = (SHAPES[shape], DIRECTIONS[direction]);
        Case { shape, direction, initial: initial == 1, view: VIEWS[view] }
    };
    every([SHAPES.len(), 2, 2, VIEWS.len()]).map(case).collect()
}

#[test]
fn lstm_has_the_right_gradients() {
    for case in cases() {
        let t = inputs(4, case.shape);
        let t = if case.initial { &t[..] } else { &t[..5] };
        check_view(&case, case.view, t, &|t| run_lstm(t, case.direction));
    }
}

#[test]
fn gru_has_the_right_gradients() {
    for case in cases() {
        let t = inputs(3, case.shape);
        let t = if case.initial { &t[..6] } else { &t[..5] };
        check_view(&case, case.view, t, &|t| run_gru(t, case.direction));
    }
}

#[test]
fn each_result_of_lstm_alone_has_the_right_gradients() {
    let t = inputs(4, [2, 3, 2, 3]);
    let state = LstmState { hidden: t[5].clone(), cell: t[6].clone() };
    let run = |t: &[Tensor]| lstm(&t[0], weights(t), Some(&state), Direction::Forward).unwrap();
    check_gradients(&t[..5], &|t| run(t).0);
    check_gradients(&t[..5], &|t| run(t).1.hidden);
    check_gradients(&t[..5], &|t| run(t).1.cell);
}
