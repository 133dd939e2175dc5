//! The way of a recurrent cell from the first step to the last.

use rayon::prelude::*;

use super::{Cell, PRODUCT, Parts, Recurrence, SEQUENCES, SLOTS};
use crate::cpu::Float;
use crate::matrix::Matrix;
use crate::panels::Panels;
use crate::vectorised::vectorised;

impl<C: Cell> Recurrence<C> {
    /// The hidden values, what is kept of each piece, and the last state.
    pub(super) fn forward<T: Float>(
        &self,
        x: &[T],
        weights: &[T],
        initial: &[T],
    ) -> (Vec<T>, Vec<Vec<T>>, Vec<T>) {
        let Self { batch, steps, inputs, hidden, .. } = *self;
        let (_, state_width, _) = self.widths();
        let projection = Projection::new(self, &self.parts(weights));
        let mut y = vec![T::zero(); batch * steps * hidden];
        let mut state = initial.to_vec();
        let kept = y
            .par_chunks_mut(SEQUENCES * steps * hidden)
            .zip(x.par_chunks(SEQUENCES * steps * inputs))
            .zip(state.par_chunks_mut(SEQUENCES * state_width))
            .map(|((y, x), state)| self.walk(&projection, x, state, y))
            .collect();
        (y, kept, state)
    }

    /// Takes all steps of some sequences, and gives what is kept of them.
    fn walk<T: Float>(
        &self,
        weights: &Projection<T>,
        x: &[T],
        state: &mut [T],
        y: &mut [T],
    ) -> Vec<T> {
        let (steps, hidden, inputs) = (self.steps, self.hidden, self.inputs);
        let (_, state_width, kept_width) = self.widths();
        let sequences = state.len() / state_width;
        let mut kept = Vec::with_capacity(steps * sequences * kept_width);
        let mut rows = Vec::new();
        for window in self.windows() {
            rows.resize(window.len() * sequences * inputs, T::zero());
            self.gather(x, window.clone(), &mut rows, inputs);
            for _ in 0..window.len() * sequences {
                kept.extend_from_slice(&weights.bias);
                kept.resize(kept.len() + kept_width - weights.bias.len(), T::zero());
            }
            let start = window.start * sequences * kept_width;
            weights.add_inputs(&rows, inputs, &mut kept[start..], kept_width);
            for taken in window {
                let kept = &mut kept[taken * sequences * kept_width..];
                let kept = &mut kept[..sequences * kept_width];
                let before = Matrix::new(state, sequences, hidden, state_width);
                weights.hidden.add_to(before, kept, kept_width);
                self.step(self.place(taken), kept, state, y);
            }
        }
        kept
    }

    /// Takes one step of some sequences from the sums that go into its gates.
    fn step<T: Float>(&self, place: usize, kept: &mut [T], state: &mut [T], y: &mut [T]) {
        let hidden = self.hidden;
        let (gates_width, state_width, kept_width) = self.widths();
        vectorised(
            #[inline(always)]
            || {
                let kept = kept.chunks_exact_mut(kept_width);
                let y = y.chunks_exact_mut(self.steps * hidden);
                for ((kept, y), state) in kept.zip(y).zip(state.chunks_exact_mut(state_width)) {
                    let (gates, rest) = kept.split_at_mut(gates_width);
                    rest.copy_from_slice(&state[hidden..]);
                    C::step(gates, state);
                    y[place * hidden..][..hidden].copy_from_slice(&state[..hidden]);
                }
            },
        );
    }
}

/// The weights of a run as its products read them.
struct Projection<T> {
    bias: Vec<T>,
    /// The first gate that a part of the input weight reaches, and that part.
    input: Vec<(usize, Panels<T>)>,
    hidden: Panels<T>,
}

impl<T: Float> Projection<T> {
    fn new<C: Cell>(run: &Recurrence<C>, weights: &Parts<'_, T>) -> Self {
        let hidden = run.hidden;
        let mut bias = weights.hidden_bias.to_vec();
        bias.resize(SLOTS * hidden, T::zero());
        for block in C::INPUT {
            let source = &weights.input_bias[block.weight * hidden..][..block.count * hidden];
            let bias = &mut bias[block.slot * hidden..];
            bias.iter_mut().zip(source).for_each(|(bias, &source)| *bias += source);
        }
        let input = C::INPUT.iter().map(|block| {
            let weight = run.block(weights.input, block).transposed();
            (block.slot * hidden, Panels::new(weight))
        });
        let recurrent = Matrix::new(weights.hidden, C::GATES * hidden, hidden, hidden);
        Self { bias, input: input.collect(), hidden: Panels::new(recurrent.transposed()) }
    }

    /// Adds what comes from the input to the gates of neighbouring rows. Where there are fewer
    /// pieces than threads, those that would be idle take a part.
    fn add_inputs(&self, x: &[T], inputs: usize, kept: &mut [T], kept_width: usize) {
        let pieces = kept.par_chunks_mut(PRODUCT * kept_width).zip(x.par_chunks(PRODUCT * inputs));
        pieces.for_each(|(kept, x)| {
            let x = Matrix::new(x, x.len() / inputs, inputs, inputs);
            for (start, weight) in &self.input {
                weight.add_to(x, &mut kept[*start..], kept_width);
            }
        });
    }
}
