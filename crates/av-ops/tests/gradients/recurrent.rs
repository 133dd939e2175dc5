//! `lstm` and `gru`.

use av_ops::{Direction, LstmState, lstm};
use candle_core::Tensor;

use crate::support::grid::{VIEWS, View, check_view, every};
use crate::support::recurrent::{DIRECTIONS, SHAPES, inputs, run_gru, run_lstm, weights};
use crate::support::{Named, check_gradients, check_single};

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

/// Sequences, inputs and hidden values at the edges of the tiles: rows that fill a tile and that leave a few, gates that fill
/// their last vector and that do not, more than one panel, more taps than one turn, and more steps than a window.
const TILES: [[usize; 4]; 5] =
    [[1, 2, 3, 4], [16, 3, 20, 16], [22, 40, 5, 20], [5, 2, 7, 33], [18, 3, 600, 64]];

#[test]
fn cells_in_f32_are_those_in_f64() {
    for (shape, direction) in TILES.into_iter().zip(DIRECTIONS.into_iter().cycle()) {
        let _named = Named(&shape);
        check_single(&inputs(4, shape), 1e-5, &|t| run_lstm(t, direction));
        check_single(&inputs(3, shape)[..6], 1e-5, &|t| run_gru(t, direction));
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
