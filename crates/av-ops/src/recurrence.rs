//! Recurrent cells over whole sequences: what they share, and their operators.

mod backward;
mod forward;

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage as _;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, WithDType as _};

use crate::Result;
use crate::cpu::{Float, Gradients, check_inputs, check_rank, check_shape, slice, with_float};
use crate::matrix::Matrix;
use crate::tape;

/// Sequences that one parallel piece steps through. It is a constant and not a share of the batch,
/// so that the products and their bits do not depend on the number of threads.
const SEQUENCES: usize = 16;

/// Steps whose inputs are mapped at once, shortly before the steps that read the result, which is
/// still in the caches then.
const STEPS: usize = 8;

/// Rows of a batch that backward takes at once, where `STEPS` are fewer.
const ROWS: usize = 256;

/// Rows of a product over several steps that one parallel piece computes.
const PRODUCT: usize = 48;

/// Gates of a step, in blocks of H elements.
const SLOTS: usize = 4;

/// The parameters of a recurrent cell, in the layout of PyTorch: G blocks of H rows, one for each
/// gate, with G = 4 for [`lstm`](fn@crate::lstm) and 3 for [`gru`](fn@crate::gru).
#[derive(Debug, Clone, Copy)]
pub struct RecurrentWeights<'w> {
    /// Maps the input of a step to the gates, (G H, I).
    pub input: &'w Tensor,
    /// Maps the hidden values of the step before to the gates, (G H, H).
    pub hidden: &'w Tensor,
    /// Added to the first map, (G H).
    pub input_bias: &'w Tensor,
    /// Added to the second map, (G H).
    pub hidden_bias: &'w Tensor,
}

/// The order in which a recurrent cell takes the steps of a sequence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From the last step to the first; results stay at the places of their inputs.
    Reverse,
}

/// Neighbouring gates that the input reaches.
pub(crate) struct Block {
    /// The first gate in the weights.
    pub(crate) weight: usize,
    /// The first gate in a step.
    pub(crate) slot: usize,
    /// The number of gates.
    pub(crate) count: usize,
}

/// What tells one recurrent cell from another. The hidden values reach the first `GATES` gates of
/// a step in the order of the weights, the input those of `INPUT`.
pub(crate) trait Cell: Send + Sync + 'static {
    const NAME: &'static str;

    /// Blocks of H rows in a weight.
    const GATES: usize;

    /// Blocks of H elements in a state: the hidden values and what else goes from step to step.
    const STATES: usize;

    /// Where the rows of the input weight go.
    const INPUT: &'static [Block];

    /// One step of one sequence: `gates` holds sums and receives what [`back`](Self::back) needs,
    /// `state` becomes the next state.
    fn step<T: Float>(gates: &mut [T], state: &mut [T]);

    /// One step back: from the gates, the state before the step (the hidden values and the rest)
    /// and the gradient of the state after it to the gradient of the sums, and to that part of the
    /// gradient of the state before which does not go through the hidden weight.
    fn back<T: Float>(gates: &[T], before: [&[T]; 2], d_state: &mut [T], d_gates: &mut [T]);
}

/// A cell with its inputs, after it has run.
pub(crate) struct Ran<C> {
    inputs: [Tensor; 3],
    op: Arc<Recurrence<C>>,
    /// The hidden values after all steps, (B, T, H).
    pub(crate) y: Tensor,
}

impl<C: Cell> Ran<C> {
    /// What the state holds after the last step besides the hidden values, (B, H).
    ///
    /// It is an operator of its own, as candle's operators give one tensor: one that held both
    /// would have to be cut apart, and its gradient put together, at several times the size of `y`.
    pub(crate) fn rest(&self) -> Result<Tensor> {
        let [x, weights, initial] = &self.inputs;
        let op = Rest { op: Arc::clone(&self.op), y: self.y.detach() };
        Ok(tape::apply3([x, weights, initial], op)?)
    }

    /// The hidden values after the last step, (B, H).
    pub(crate) fn last(&self) -> Result<Tensor> {
        let place = self.op.place(self.op.steps - 1);
        Ok(self.y.narrow(1, place, 1)?.squeeze(1)?)
    }
}

/// Checks what a cell runs over, with, and from.
pub(crate) fn check<C: Cell>(
    x: &Tensor,
    weights: RecurrentWeights<'_>,
    initial: Option<&[&Tensor]>,
) -> Result<()> {
    check_rank(C::NAME, x, "B,T,I")?;
    check_rank(C::NAME, weights.hidden, "gates,H")?;
    let (batch, _, inputs) = x.dims3()?;
    let (_, hidden) = weights.hidden.dims2()?;
    let gates = C::GATES * hidden;
    let RecurrentWeights { input, hidden: recurrent, input_bias, hidden_bias } = weights;
    check_inputs(C::NAME, &[x, input, recurrent, input_bias, hidden_bias])?;
    check_shape(C::NAME, input, "weight for the input", &[gates, inputs])?;
    check_shape(C::NAME, recurrent, "weight for the hidden values", &[gates, hidden])?;
    check_shape(C::NAME, input_bias, "bias for the input", &[gates])?;
    check_shape(C::NAME, hidden_bias, "bias for the hidden values", &[gates])?;
    for state in initial.unwrap_or_default() {
        check_inputs(C::NAME, &[x, state])?;
        check_shape(C::NAME, state, "first state", &[batch, hidden])?;
    }
    Ok(())
}

/// Runs a cell over sequences that were checked.
pub(crate) fn run<C: Cell>(
    x: &Tensor,
    weights: RecurrentWeights<'_>,
    initial: Option<&[&Tensor]>,
    direction: Direction,
) -> Result<Ran<C>> {
    let (batch, steps, inputs) = x.dims3()?;
    let RecurrentWeights { input, hidden: recurrent, input_bias, hidden_bias } = weights;
    let hidden = recurrent.dim(1)?;
    let initial = match initial {
        Some(states) => Tensor::cat(states, 1)?,
        None => Tensor::zeros((batch, C::STATES * hidden), x.dtype(), x.device())?,
    };
    // candle's operators take three tensors at most: the weights go in as one.
    let flat = |weight: &Tensor| weight.contiguous()?.flatten_all();
    let weights =
        Tensor::cat(&[flat(input)?, flat(recurrent)?, flat(input_bias)?, flat(hidden_bias)?], 0)?;
    let op = Arc::new(Recurrence::<C>::new([batch, steps, inputs, hidden], direction));
    let inputs = [x.contiguous()?, weights, initial.contiguous()?];
    let y = tape::apply3(inputs.each_ref(), HiddenValues(Arc::clone(&op)))?;
    Ok(Ran { inputs, op, y })
}

/// Sizes and direction of a run, and what it keeps for the way back.
struct Recurrence<C> {
    batch: usize,
    steps: usize,
    inputs: usize,
    hidden: usize,
    direction: Direction,
    kept: OnceLock<Kept>,
    cell: PhantomData<C>,
}

/// What forward leaves behind.
struct Kept {
    /// For each piece of sequences, step in the order in which they are taken, and sequence: the
    /// gates, then what the state held besides the hidden values.
    pieces: Vec<CpuStorage>,
    /// That rest after the last step.
    rest: CpuStorage,
}

/// The parameters inside of the tensor that holds them all.
struct Parts<'w, T> {
    input: &'w [T],
    hidden: &'w [T],
    input_bias: &'w [T],
    hidden_bias: &'w [T],
}

impl<C: Cell> Recurrence<C> {
    fn new([batch, steps, inputs, hidden]: [usize; 4], direction: Direction) -> Self {
        let kept = OnceLock::new();
        Self { batch, steps, inputs, hidden, direction, kept, cell: PhantomData }
    }

    /// Elements of a step's gates, of a sequence's state, and of what is kept of a step.
    fn widths(&self) -> (usize, usize, usize) {
        let (gates, state) = (SLOTS * self.hidden, C::STATES * self.hidden);
        (gates, state, gates + state - self.hidden)
    }

    /// The steps in groups that are mapped at once, counted in the order in which they are taken.
    fn windows(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + use<C> {
        let (steps, length) = (self.steps, STEPS.max(ROWS / self.batch));
        (0..steps.div_ceil(length)).map(move |w| w * length..steps.min((w + 1) * length))
    }

    /// The place of the step that is taken after `taken` others.
    fn place(&self, taken: usize) -> usize {
        match self.direction {
            Direction::Forward => taken,
            Direction::Reverse => self.steps - 1 - taken,
        }
    }

    /// Copies the inputs of some sequences in a window: a row for each step and sequence, `stride` elements apart.
    fn gather<T: Float>(&self, x: &[T], window: Range<usize>, rows: &mut [T], stride: usize) {
        let mut rows = rows.chunks_exact_mut(stride);
        for step in window.map(|taken| self.place(taken)) {
            let sequences = x.chunks_exact(self.steps * self.inputs);
            for (x, row) in sequences.zip(&mut rows) {
                row[..self.inputs].copy_from_slice(&x[step * self.inputs..][..self.inputs]);
            }
        }
    }

    fn parts<'w, T>(&self, weights: &'w [T]) -> Parts<'w, T> {
        let gates = C::GATES * self.hidden;
        let (input, rest) = weights.split_at(gates * self.inputs);
        let (hidden, biases) = rest.split_at(gates * self.hidden);
        let (input_bias, hidden_bias) = biases.split_at(gates);
        Parts { input, hidden, input_bias, hidden_bias }
    }

    /// The rows of the input weight of a block of gates.
    fn block<'w, T: Float>(&self, input: &'w [T], block: &Block) -> Matrix<'w, T> {
        let (rows, columns) = (block.count * self.hidden, self.inputs);
        Matrix::new(&input[block.weight * self.hidden * columns..], rows, columns, columns)
    }

    /// What forward kept of each piece.
    fn kept<T: Float>(&self) -> candle_core::Result<Vec<&[T]>> {
        match self.kept.get() {
            Some(kept) => kept.pieces.iter().map(T::cpu_storage_as_slice).collect(),
            None => candle_core::bail!("{} went back before it went forward", C::NAME),
        }
    }
}

/// Gives the hidden values after all steps.
struct HiddenValues<C>(Arc<Recurrence<C>>);

impl<C: Cell> CustomOp3 for HiddenValues<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        initial: &CpuStorage,
        initial_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let run = &self.0;
        let (y, kept) = with_float!(x.dtype(), T => {
            let (x, weights) = (slice::<T>(x, x_layout)?, slice(weights, weights_layout)?);
            let (y, kept, state) = run.forward(x, weights, slice(initial, initial_layout)?);
            let rest = state.chunks_exact(C::STATES * run.hidden).flat_map(|s| &s[run.hidden..]);
            let rest = T::to_cpu_storage_owned(rest.copied().collect());
            let pieces = kept.into_iter().map(T::to_cpu_storage_owned).collect();
            Ok((T::to_cpu_storage_owned(y), Kept { pieces, rest }))
        })?;
        run.kept.get_or_init(|| kept);
        Ok((y, Shape::from((run.batch, run.steps, run.hidden))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weights: &Tensor,
        initial: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let dy = dy.contiguous()?;
        with_float!(y.dtype(), T => {
            self.0.gradients::<T>([x, weights, initial], y, Some(&dy), None)
        })
    }
}

/// Gives what the last state holds besides the hidden values `y`.
struct Rest<C> {
    op: Arc<Recurrence<C>>,
    y: Tensor,
}

impl<C: Cell> CustomOp3 for Rest<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(
        &self,
        _x: &CpuStorage,
        _x_layout: &Layout,
        _weights: &CpuStorage,
        _weights_layout: &Layout,
        _initial: &CpuStorage,
        _initial_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let Some(kept) = self.op.kept.get() else {
            candle_core::bail!("{} has no last state before it ran", C::NAME)
        };
        Ok((kept.rest.clone(), Shape::from((self.op.batch, self.op.hidden))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weights: &Tensor,
        initial: &Tensor,
        rest: &Tensor,
        d_rest: &Tensor,
    ) -> candle_core::Result<Gradients> {
        let d_rest = d_rest.contiguous()?;
        with_float!(rest.dtype(), T => {
            self.op.gradients::<T>([x, weights, initial], &self.y, None, Some(&d_rest))
        })
    }
}
