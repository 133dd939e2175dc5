//! The way back of a recurrent cell: window by window from the last step to the first.

use std::ops::Range;

use candle_core::Tensor;
use rayon::prelude::*;

use super::{Block, Cell, PRODUCT, Recurrence, SEQUENCES};
use crate::cpu::{Float, Gradients, Values, tensor_like};
use crate::matrix::Matrix;
use crate::panels::Panels;
use crate::sums::add_in_order;
use crate::vectorised::{WIDEST, vectorised};

/// What went into a run and came out of it.
struct Run<'r, T> {
    x: &'r [T],
    initial: &'r [T],
    y: &'r [T],
    kept: Vec<&'r [T]>,
    /// The gradient of `y`; none where it is zero.
    dy: Option<&'r [T]>,
}

/// The steps of a window: a row for each piece, step in the order in which they were taken, and
/// sequence. Rows start [`apart`] elements from each other.
struct Rows<T> {
    /// Gradients of the sums that go into the gates.
    d_gates: Vec<T>,
    /// The inputs.
    x: Vec<T>,
    /// The hidden values before the step.
    before: Vec<T>,
}

/// The gradients of the weights, transposed.
struct WeightGradients<T> {
    hidden: Panels<T>,
    /// Those of the parts that reach neighbouring gates.
    input: Vec<Panels<T>>,
}

impl<T: Float> WeightGradients<T> {
    fn zeros<C: Cell>(run: &Recurrence<C>) -> Self {
        let zeros = |rows, gates| Panels::zeros(rows, gates * run.hidden);
        Self {
            hidden: zeros(run.hidden, C::GATES),
            input: C::INPUT.iter().map(|block| zeros(run.inputs, block.count)).collect(),
        }
    }
}

/// Elements from row to row, an odd number of lines: the same columns of many rows, which the sums over rows read, have
/// different sets of the first-level cache.
fn apart(width: usize) -> usize {
    width.next_multiple_of(WIDEST) | WIDEST
}

impl<C: Cell> Recurrence<C> {
    /// The gradients of input, parameters and initial state from those of the hidden values and of
    /// the rest of the last state.
    pub(super) fn gradients<T: Float>(
        &self,
        [x, weights, initial]: [&Tensor; 3],
        y: &Tensor,
        dy: Option<&Tensor>,
        d_rest: Option<&Tensor>,
    ) -> candle_core::Result<Gradients> {
        let values = [x, weights, initial, y].map(Values::of);
        let (dy, d_rest) = (dy.map(Values::of), d_rest.map(Values::of));
        let run = Run::<T> {
            x: values[0].slice()?,
            initial: values[2].slice()?,
            y: values[3].slice()?,
            kept: self.kept()?,
            dy: dy.as_ref().map(Values::slice).transpose()?,
        };
        let parts = self.parts(values[1].slice::<T>()?);
        let d_rest = d_rest.as_ref().map(Values::slice).transpose()?;
        let mut d_state = self.last_gradient(d_rest);
        let mut dx = vec![T::zero(); if x.track_op() { run.x.len() } else { 0 }];
        let mut d_weights = weights.track_op().then(|| WeightGradients::zeros(self));
        let (hidden, gates) = (self.hidden, C::GATES * self.hidden);
        let recurrent = Panels::new(Matrix::new(parts.hidden, gates, hidden, hidden));
        let input: Vec<_> =
            C::INPUT.iter().map(|block| Panels::new(self.block(parts.input, block))).collect();
        let mut rows = Rows { d_gates: Vec::new(), x: Vec::new(), before: Vec::new() };
        let mut totals = vec![0.0; self.widths().0];
        for window in self.windows().rev() {
            let sums = self.walk_back(&recurrent, &run, window.clone(), &mut d_state, &mut rows);
            totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            if !dx.is_empty() {
                self.set_input_gradient(&input, window, &rows.d_gates, &mut dx);
            }
            if let Some(gradients) = &mut d_weights {
                self.add_weight_gradients(&rows, gradients);
            }
        }
        let dw = d_weights.map(|gradients| {
            let mut dw = vec![T::zero(); weights.elem_count()];
            self.set_weight_gradients(&gradients, &mut dw);
            self.set_bias_gradients(&totals, &mut dw);
            tensor_like(dw, weights)
        });
        let some = |values: Vec<T>, like: &Tensor| {
            like.track_op().then(|| tensor_like(values, like)).transpose()
        };
        Ok((some(dx, x)?, dw.transpose()?, some(d_state, initial)?))
    }

    /// The gradient of the state after the last step: all zero but for the rest.
    fn last_gradient<T: Float>(&self, d_rest: Option<&[T]>) -> Vec<T> {
        let (_, width, _) = self.widths();
        let mut d_state = vec![T::zero(); self.batch * width];
        let states = d_state.chunks_exact_mut(width).flat_map(|state| &mut state[self.hidden..]);
        states.zip(d_rest.unwrap_or_default()).for_each(|(state, &d_rest)| *state = d_rest);
        d_state
    }

    /// Makes room for a window.
    fn resize<T: Float>(&self, rows: &mut Rows<T>, steps: usize) {
        let count = self.batch * steps;
        rows.d_gates.resize(count * apart(self.widths().0), T::zero());
        rows.x.resize(count * apart(self.inputs), T::zero());
        rows.before.resize(count * apart(self.hidden), T::zero());
    }

    /// Takes the steps of a window back, and gives the sums of the gradients of the gates.
    fn walk_back<T: Float>(
        &self,
        weight: &Panels<T>,
        run: &Run<'_, T>,
        window: Range<usize>,
        d_state: &mut [T],
        rows: &mut Rows<T>,
    ) -> Vec<f64> {
        let (gates_width, state_width, _) = self.widths();
        let (hidden, gates) = (self.hidden, C::GATES * self.hidden);
        self.resize(rows, window.len());
        let per_piece = SEQUENCES * window.len();
        let pieces = d_state
            .par_chunks_mut(SEQUENCES * state_width)
            .zip(rows.d_gates.par_chunks_mut(per_piece * apart(gates_width)))
            .zip(rows.before.par_chunks_mut(per_piece * apart(hidden)))
            .zip(rows.x.par_chunks_mut(per_piece * apart(self.inputs)));
        let sums = pieces.enumerate().map(|(piece, (((d_state, d_gates), before), x))| {
            self.fill(run, piece, window.clone(), before, x);
            let sequences = d_state.len() / state_width;
            let mut sums = vec![0.0; gates_width];
            let steps = d_gates.chunks_exact_mut(sequences * apart(gates_width));
            let steps = steps.zip(before.chunks_exact(sequences * apart(hidden)));
            for (taken, (d_gates, before)) in window.clone().zip(steps).rev() {
                self.step_back(run, (piece, taken), before, d_state, d_gates, &mut sums);
                let d_gates = Matrix::new(d_gates, sequences, gates, apart(gates_width));
                weight.add_to(d_gates, d_state, state_width);
            }
            sums
        });
        add_in_order(sums.collect())
    }

    /// Copies what the products over a window read of a piece to neighbouring rows.
    fn fill<T: Float>(
        &self,
        run: &Run<'_, T>,
        piece: usize,
        window: Range<usize>,
        before: &mut [T],
        x: &mut [T],
    ) {
        let Self { batch, steps, inputs, hidden, .. } = *self;
        let (_, state_width, _) = self.widths();
        let first = piece * SEQUENCES;
        let sequences = first..batch.min(first + SEQUENCES);
        let part = |width: usize| sequences.start * width..sequences.end * width;
        self.gather(&run.x[part(steps * inputs)], window.clone(), x, apart(inputs));
        let (y, initial) = (&run.y[part(steps * hidden)], &run.initial[part(state_width)]);
        let mut rows = before.chunks_exact_mut(apart(hidden));
        for taken in window {
            let states = y.chunks_exact(steps * hidden).zip(initial.chunks_exact(state_width));
            for ((y, initial), row) in states.zip(&mut rows) {
                let before = taken.checked_sub(1).map(|before| self.place(before));
                let before = before.map_or(initial, |place| &y[place * hidden..]);
                row[..hidden].copy_from_slice(&before[..hidden]);
            }
        }
    }

    /// Takes one step back in the sequences of a piece.
    fn step_back<T: Float>(
        &self,
        run: &Run<'_, T>,
        (piece, taken): (usize, usize),
        before: &[T],
        d_state: &mut [T],
        d_gates: &mut [T],
        sums: &mut [f64],
    ) {
        let (steps, hidden) = (self.steps, self.hidden);
        let (gates_width, state_width, kept_width) = self.widths();
        let slab = d_state.len() / state_width * kept_width;
        let kept = &run.kept[piece][taken * slab..][..slab];
        let first = piece * SEQUENCES * steps + self.place(taken);
        vectorised(
            #[inline(always)]
            || {
                let gradients = d_state
                    .chunks_exact_mut(state_width)
                    .zip(d_gates.chunks_exact_mut(apart(gates_width)));
                let given = kept.chunks_exact(kept_width).zip(before.chunks_exact(apart(hidden)));
                for (sequence, ((kept, before), (d_state, d_gates))) in
                    given.zip(gradients).enumerate()
                {
                    if let Some(dy) = run.dy {
                        let dy = &dy[(first + sequence * steps) * hidden..][..hidden];
                        d_state.iter_mut().zip(dy).for_each(|(d_state, &dy)| *d_state += dy);
                    }
                    let (gates, rest) = kept.split_at(gates_width);
                    let (before, d_gates) = (&before[..hidden], &mut d_gates[..gates_width]);
                    C::back(gates, [before, rest], d_state, d_gates);
                    sums.iter_mut().zip(d_gates).for_each(|(sum, d)| *sum += d.to_f64());
                }
            },
        );
    }

    /// Sets the gradient of the input in a window.
    fn set_input_gradient<T: Float>(
        &self,
        weight: &[Panels<T>],
        window: Range<usize>,
        d_gates: &[T],
        dx: &mut [T],
    ) {
        let (steps, inputs, hidden) = (self.steps, self.inputs, self.hidden);
        let width = apart(self.widths().0);
        let pieces = d_gates.par_chunks(SEQUENCES * window.len() * width);
        dx.par_chunks_mut(SEQUENCES * steps * inputs).zip(pieces).for_each(|(dx, d_gates)| {
            let mut rows = vec![T::zero(); d_gates.len() / width * inputs];
            let products = rows.par_chunks_mut(PRODUCT * inputs);
            products.zip(d_gates.par_chunks(PRODUCT * width)).for_each(|(rows, d_gates)| {
                for (block, weight) in C::INPUT.iter().zip(weight) {
                    let (start, count) = (block.slot * hidden, block.count * hidden);
                    let d_gates = &d_gates[start..];
                    let d_gates = Matrix::new(d_gates, rows.len() / inputs, count, width);
                    weight.add_to(d_gates, rows, inputs);
                }
            });
            let mut rows = rows.chunks_exact(inputs);
            for place in window.clone().map(|taken| self.place(taken)) {
                for (dx, row) in dx.chunks_exact_mut(steps * inputs).zip(&mut rows) {
                    dx[place * inputs..][..inputs].copy_from_slice(row);
                }
            }
        });
    }

    /// Adds what comes from a window to the gradients of the two weights.
    fn add_weight_gradients<T: Float>(&self, rows: &Rows<T>, gradients: &mut WeightGradients<T>) {
        let (inputs, hidden) = (self.inputs, self.hidden);
        let width = apart(self.widths().0);
        let count = rows.before.len() / apart(hidden);
        let d_gates = |block: &Block| {
            let start = &rows.d_gates[block.slot * hidden..];
            Matrix::new(start, count, block.count * hidden, width)
        };
        let all = Block { weight: 0, slot: 0, count: C::GATES };
        gradients
            .hidden
            .add_transposed(Matrix::new(&rows.before, count, hidden, apart(hidden)), d_gates(&all));
        for (block, gradient) in C::INPUT.iter().zip(&mut gradients.input) {
            gradient
                .add_transposed(Matrix::new(&rows.x, count, inputs, apart(inputs)), d_gates(block));
        }
    }

    /// Sets the gradients of the two weights.
    fn set_weight_gradients<T: Float>(&self, gradients: &WeightGradients<T>, dw: &mut [T]) {
        let (inputs, hidden) = (self.inputs, self.hidden);
        let (d_input, rest) = dw.split_at_mut(C::GATES * hidden * inputs);
        gradients.hidden.turn_into(&mut rest[..C::GATES * hidden * hidden]);
        for (block, gradient) in C::INPUT.iter().zip(&gradients.input) {
            let d_input = &mut d_input[block.weight * hidden * inputs..];
            gradient.turn_into(&mut d_input[..block.count * hidden * inputs]);
        }
    }

    /// Sets the gradients of the two biases to sums of those of the gates.
    fn set_bias_gradients<T: Float>(&self, sums: &[f64], dw: &mut [T]) {
        let (hidden, gates) = (self.hidden, C::GATES * self.hidden);
        let biases = dw.len() - 2 * gates;
        let (d_input, d_hidden) = dw[biases..].split_at_mut(gates);
        let set = |target: &mut [T], sums: &[f64]| {
            target.iter_mut().zip(sums).for_each(|(target, &sum)| *target = T::from_f64(sum));
        };
        set(d_hidden, sums);
        for block in C::INPUT {
            let target = &mut d_input[block.weight * hidden..][..block.count * hidden];
            set(target, &sums[block.slot * hidden..]);
        }
    }
}
