//! Recurrent cells, step by step.

use candle_core::Tensor;

use super::activation::sigmoid;
use super::{linear, select};
use crate::Result;
use crate::lstm::LstmState;
use crate::recurrence::{Direction, RecurrentWeights};

/// Long short-term memory.
pub(crate) fn lstm(
    x: &Tensor,
    weights: RecurrentWeights<'_>,
    initial: Option<&LstmState>,
    direction: Direction,
) -> Result<(Tensor, LstmState)> {
    let mut state = match initial {
        Some(LstmState { hidden, cell }) => {
            LstmState { hidden: hidden.contiguous()?, cell: cell.clone() }
        }
        None => LstmState { hidden: zeros(x, weights)?, cell: zeros(x, weights)? },
    };
    let mut cells = Vec::new();
    let hidden = run(x, weights, direction, |inputs, map| {
        let sums = (inputs + map.apply(&state.hidden)?)?;
        let [i, f, g, o] = [0, 1, 2, 3].map(|gate| map.gate(&sums, gate));
        let kept = (sigmoid(&f?)? * &state.cell)?;
        let cell = (kept + (sigmoid(&i?)? * g?.tanh()?)?)?;
        cells.push(cell.clone());
        state = LstmState { hidden: (sigmoid(&o?)? * cell.tanh()?)?, cell };
        Ok(state.hidden.clone())
    })?;
    let ((y, hidden), (_, cell)) = (joined(&hidden, direction)?, joined(&cells, direction)?);
    Ok((y, LstmState { hidden, cell }))
}

/// Gated recurrent units.
pub(crate) fn gru(
    x: &Tensor,
    weights: RecurrentWeights<'_>,
    initial: Option<&Tensor>,
    direction: Direction,
) -> Result<(Tensor, Tensor)> {
    let mut state = match initial {
        Some(initial) => initial.contiguous()?,
        None => zeros(x, weights)?,
    };
    let hidden = run(x, weights, direction, |a, map| {
        let b = map.apply(&state)?;
        let [r, z] = [0, 1].map(|gate| sigmoid(&(map.gate(a, gate)? + map.gate(&b, gate)?)?));
        let n = (map.gate(a, 2)? + (r? * map.gate(&b, 2)?)?)?.tanh()?;
        state = (&n + (z? * (&state - &n)?)?)?;
        Ok(state.clone())
    })?;
    joined(&hidden, direction)
}

/// Hidden values or cells of 0.
fn zeros(x: &Tensor, weights: RecurrentWeights<'_>) -> Result<Tensor> {
    Ok(Tensor::zeros((x.dim(0)?, weights.hidden.dim(1)?), x.dtype(), x.device())?)
}

/// The map from the hidden values to the gates.
struct HiddenMap<'w> {
    /// Transposed once, so that its gradient is turned back once.
    weight: Tensor,
    bias: &'w Tensor,
}

impl HiddenMap<'_> {
    fn apply(&self, hidden: &Tensor) -> Result<Tensor> {
        Ok(hidden.matmul(&self.weight)?.broadcast_add(self.bias)?)
    }

    /// One block of the sums (B, G H) that go into the gates.
    fn gate(&self, sums: &Tensor, gate: usize) -> Result<Tensor> {
        let hidden = self.weight.dim(0)?;
        Ok(sums.narrow(1, gate * hidden, hidden)?)
    }
}

/// The hidden values of all steps in the order in which they are taken; `step` gives them from what
/// comes from the input.
fn run(
    x: &Tensor,
    weights: RecurrentWeights<'_>,
    direction: Direction,
    mut step: impl FnMut(&Tensor, &HiddenMap<'_>) -> Result<Tensor>,
) -> Result<Vec<Tensor>> {
    let map = HiddenMap { weight: weights.hidden.contiguous()?.t()?, bias: weights.hidden_bias };
    let mut inputs = steps(&linear(x, weights.input, weights.input_bias)?)?;
    if direction == Direction::Reverse {
        inputs.reverse();
    }
    inputs.iter().map(|inputs| step(inputs, &map)).collect()
}

/// Values of all steps at the places of their inputs, and those after the last step.
///
/// Both come from a stack in the order in which the steps were taken. candle visits what a tensor was
/// made of by calling itself, in this order: it meets a step when the one before is done, where from
/// the last step on it would go as deep as the sequence is long.
fn joined(steps: &[Tensor], direction: Direction) -> Result<(Tensor, Tensor)> {
    let all = Tensor::stack(steps, 1)?;
    let last = all.narrow(1, steps.len() - 1, 1)?.squeeze(1)?;
    match direction {
        Direction::Forward => Ok((all, last)),
        Direction::Reverse => Ok((select(&all, 1, (0..steps.len()).rev())?, last)),
    }
}

/// The steps of `x` (B, T, N). They are halved again and again, because the gradient of a part is
/// as large as what it was taken from.
fn steps(x: &Tensor) -> Result<Vec<Tensor>> {
    let count = x.dim(1)?;
    if count == 1 {
        return Ok(vec![x.squeeze(1)?]);
    }
    let half = count / 2;
    let mut all = steps(&x.narrow(1, 0, half)?)?;
    all.extend(steps(&x.narrow(1, half, count - half)?)?);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::testing::{check, composed, normal};
    use super::*;
    use crate::{gru, lstm};

    /// Input, weights of some gates and two states.
    fn inputs([batch, steps, width, hidden, gates]: [usize; 5]) -> Vec<Tensor> {
        let shapes: [(&str, &[usize]); 7] = [
            ("x", &[steps, batch, width]),
            ("input", &[gates * hidden, width]),
            ("hidden", &[gates * hidden, hidden]),
            ("input_bias", &[gates * hidden]),
            ("hidden_bias", &[gates * hidden]),
            ("first", &[batch, hidden]),
            ("second", &[batch, hidden]),
        ];
        shapes.iter().map(|(name, shape)| normal(name, shape)).collect()
    }

    fn weights(t: &[Tensor]) -> RecurrentWeights<'_> {
        RecurrentWeights { input: &t[1], hidden: &t[2], input_bias: &t[3], hidden_bias: &t[4] }
    }

    /// All hidden values and the last states, one after the other.
    fn flat(parts: &[&Tensor]) -> Tensor {
        let flat: Vec<Tensor> = parts.iter().map(|part| part.flatten_all().unwrap()).collect();
        Tensor::cat(&flat, 0).unwrap()
    }

    #[test]
    fn cells_agree_with_the_kernels() {
        for [batch, steps, width, hidden] in [[2, 5, 3, 4], [1, 1, 1, 1], [3, 8, 2, 5]] {
            for direction in [Direction::Forward, Direction::Reverse] {
                let case = format!("{batch} x {steps} x {width} to {hidden}, {direction:?}");
                let turned = |t: &[Tensor]| t[0].transpose(0, 1).unwrap();
                let tensors = inputs([batch, steps, width, hidden, 4]);
                check(&case, &tensors, &|t| {
                    let state = LstmState { hidden: t[5].clone(), cell: t[6].clone() };
                    let (y, last) = lstm(&turned(t), weights(t), Some(&state), direction).unwrap();
                    flat(&[&y, &last.hidden, &last.cell])
                });
                check(&case, &tensors[..5], &|t| {
                    let (y, last) = lstm(&turned(t), weights(t), None, direction).unwrap();
                    flat(&[&y, &last.cell])
                });
                let tensors = inputs([batch, steps, width, hidden, 3]);
                check(&case, &tensors[..6], &|t| {
                    let (y, last) = gru(&turned(t), weights(t), Some(&t[5]), direction).unwrap();
                    flat(&[&y, &last])
                });
                check(&case, &tensors[..5], &|t| {
                    gru(&turned(t), weights(t), None, direction).unwrap().0
                });
            }
        }
    }

    #[test]
    fn long_sequences_fit_the_stack_of_a_thread() {
        for direction in [Direction::Forward, Direction::Reverse] {
            let run = |gates| {
                let tensors = inputs([1, 1000, 1, 1, gates]);
                let input = Var::from_tensor(&tensors[1]).unwrap();
                let x = tensors[0].transpose(0, 1).unwrap();
                let weights = RecurrentWeights { input: &input, ..weights(&tensors) };
                let last = composed(|| match gates {
                    4 => lstm(&x, weights, None, direction).unwrap().1.cell,
                    _ => gru(&x, weights, None, direction).unwrap().1,
                });
                last.backward().unwrap();
            };
            run(4);
            run(3);
        }
    }
}
