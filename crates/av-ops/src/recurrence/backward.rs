//! The way back of a recurrent cell: window by window from the last step to the first.

use std::ops::Range;

use candle_core::Tensor;
use rayon::prelude::*;

use super::{Cell, PRODUCT, Recurrence, SEQUENCES};
use crate::cpu::{Float, Gradients, Values, tensor_like};
use crate::matrix::{Matrix, MatrixMut, Panels};
use crate::sums::add_in_order;
use crate::vectorised::vectorised;

/// Rows of the gradient of a weight that one parallel piece computes.
const OUTPUTS: usize = 128;

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
/// sequence.
struct Rows<T> {
    /// Gradients of the sums that go into the gates.
    d_gates: Vec<T>,
    /// The inputs.
    x: Vec<T>,
    /// The hidden values before the step.
    before: Vec<T>,
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
        let mut dw = vec![T::zero(); if weights.track_op() { weights.elem_count() } else { 0 }];
        let (hidden, gates) = (self.hidden, C::GATES * self.hidden);
        let recurrent = Panels::new(Matrix::new(parts.hidden, gates, hidden, hidden));
        let input: Vec<_> =
            C::INPUT.iter().map(|block| Panels::new(self.block(parts.input, block))).collect();
        let mut rows = Rows { d_gates: Vec::new(), x: Vec::new(), before: Vec::new() };
        let mut totals = vec![0.0; self.widths().0];
        for window in self.windows().rev() {
            self.fill(&mut rows, &run, window.clone());
            let sums = self.walk_back(&recurrent, &run, window.clone(), &mut d_state, &mut rows);
            totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            if !dx.is_empty() {
                self.set_input_gradient(&input, window, &rows.d_gates, &mut dx);
            }
            if !dw.is_empty() {
                self.add_weight_gradient(&rows, &mut dw);
            }
        }
        self.set_bias_gradients(&totals, &mut dw);
        let some = |values: Vec<T>, like: &Tensor| {
            like.track_op().then(|| tensor_like(values, like)).transpose()
        };
        Ok((some(dx, x)?, some(dw, weights)?, some(d_state, initial)?))
    }

    /// The gradient of the state after the last step: all zero but for the rest.
    fn last_gradient<T: Float>(&self, d_rest: Option<&[T]>) -> Vec<T> {
        let (_, width, _) = self.widths();
        let mut d_state = vec![T::zero(); self.batch * width];
        let states = d_state.chunks_exact_mut(width).flat_map(|state| &mut state[self.hidden..]);
        states.zip(d_rest.unwrap_or_default()).for_each(|(state, &d_rest)| *state = d_rest);
        d_state
    }

    /// Copies what the products over a window read to neighbouring rows.
    fn fill<T: Float>(&self, rows: &mut Rows<T>, run: &Run<'_, T>, window: Range<usize>) {
        let Self { batch, steps, inputs, hidden, .. } = *self;
        let (gates_width, state_width, _) = self.widths();
        rows.d_gates.resize(batch * window.len() * gates_width, T::zero());
        rows.x.clear();
        rows.before.clear();
        let piece = SEQUENCES * steps;
        let sequences = run.x.chunks(piece * inputs).zip(run.y.chunks(piece * hidden));
        for ((x, y), initial) in sequences.zip(run.initial.chunks(SEQUENCES * state_width)) {
            self.gather(x, window.clone(), &mut rows.x);
            for taken in window.clone() {
                let states = y.chunks_exact(steps * hidden).zip(initial.chunks_exact(state_width));
                for (y, initial) in states {
                    let before = taken.checked_sub(1).map(|before| self.place(before));
                    let before = before.map_or(initial, |place| &y[place * hidden..]);
                    rows.before.extend_from_slice(&before[..hidden]);
                }
            }
        }
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
        let per_piece = SEQUENCES * window.len();
        let pieces = d_state
            .par_chunks_mut(SEQUENCES * state_width)
            .zip(rows.d_gates.par_chunks_mut(per_piece * gates_width))
            .zip(rows.before.par_chunks(per_piece * hidden));
        let sums = pieces.enumerate().map(|(piece, ((d_state, d_gates), before))| {
            let sequences = d_state.len() / state_width;
            let mut sums = vec![0.0; gates_width];
            let steps = d_gates.chunks_exact_mut(sequences * gates_width);
            let steps = steps.zip(before.chunks_exact(sequences * hidden));
            for (taken, (d_gates, before)) in window.clone().zip(steps).rev() {
                self.step_back(run, (piece, taken), before, d_state, d_gates, &mut sums);
                let d_gates = Matrix::new(d_gates, sequences, gates, gates_width);
                weight.add_product(d_gates, d_state, state_width);
            }
            sums
        });
        add_in_order(sums.collect())
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
                    .zip(d_gates.chunks_exact_mut(gates_width));
                let given = kept.chunks_exact(kept_width).zip(before.chunks_exact(hidden));
                for (sequence, ((kept, before), (d_state, d_gates))) in
                    given.zip(gradients).enumerate()
                {
                    if let Some(dy) = run.dy {
                        let dy = &dy[(first + sequence * steps) * hidden..][..hidden];
                        d_state.iter_mut().zip(dy).for_each(|(d_state, &dy)| *d_state += dy);
                    }
                    let (gates, rest) = kept.split_at(gates_width);
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
        let (width, ..) = self.widths();
        let pieces = d_gates.par_chunks(SEQUENCES * window.len() * width);
        dx.par_chunks_mut(SEQUENCES * steps * inputs).zip(pieces).for_each(|(dx, d_gates)| {
            let mut rows = vec![T::zero(); d_gates.len() / width * inputs];
            let products = rows.par_chunks_mut(PRODUCT * inputs);
            products.zip(d_gates.par_chunks(PRODUCT * width)).for_each(|(rows, d_gates)| {
                for (block, weight) in C::INPUT.iter().zip(weight) {
                    let (start, count) = (block.slot * hidden, block.count * hidden);
                    let d_gates = &d_gates[start..];
                    let d_gates = Matrix::new(d_gates, rows.len() / inputs, count, width);
                    weight.add_product(d_gates, rows, inputs);
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
    fn add_weight_gradient<T: Float>(&self, rows: &Rows<T>, dw: &mut [T]) {
        let (inputs, hidden) = (self.inputs, self.hidden);
        let (d_input, rest) = dw.split_at_mut(C::GATES * hidden * inputs);
        let d_hidden = &mut rest[..C::GATES * hidden * hidden];
        let (width, ..) = self.widths();
        add_transposed_product(d_hidden, (&rows.d_gates, width), &rows.before, hidden);
        for block in C::INPUT {
            let d_gates = &rows.d_gates[block.slot * hidden..];
            let start = block.weight * hidden * inputs;
            let d_input = &mut d_input[start..start + block.count * hidden * inputs];
            add_transposed_product(d_input, (d_gates, width), &rows.x, inputs);
        }
    }

    /// Sets the gradients of the two biases to sums of those of the gates.
    fn set_bias_gradients<T: Float>(&self, sums: &[f64], dw: &mut [T]) {
        let (hidden, gates) = (self.hidden, C::GATES * self.hidden);
        let Some(biases) = dw.len().checked_sub(2 * gates) else { return };
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

/// Adds to a matrix the transpose of `a` times `b`, whose rows have `columns` elements. The rows of
/// `a` are the first elements of rows of a given width.
fn add_transposed_product<T: Float>(
    target: &mut [T],
    (a, width): (&[T], usize),
    b: &[T],
    columns: usize,
) {
    let rows = b.len() / columns;
    let b = Matrix::new(b, rows, columns, columns);
    target.par_chunks_mut(OUTPUTS * columns).enumerate().for_each(|(piece, target)| {
        let outputs = target.len() / columns;
        let a = Matrix::new(&a[piece * OUTPUTS..], rows, outputs, width).transposed();
        MatrixMut::new(target, outputs, columns, columns).add_product(a, b);
    });
}
