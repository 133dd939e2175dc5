//! Long short-term memory.

use candle_core::Tensor;

use crate::Result;
use crate::composed;
use crate::cpu::Float;
use crate::recurrence::{Block, Cell, Direction, RecurrentWeights, check, run};
use crate::vectorised::{blocks, blocks_mut, map_lanes};

/// The state of an [`lstm`] between two steps.
#[derive(Debug, Clone)]
pub struct LstmState {
    /// The hidden values, (B, H).
    pub hidden: Tensor,
    /// The memory cells, (B, H).
    pub cell: Tensor,
}

/// Runs long short-term memory over a batch of sequences, and gives all hidden values and the last
/// state.
///
/// Definition: with `a[t] = input x[t] + input_bias + hidden h[t-1] + hidden_bias` in four blocks
/// of H: `i = sigmoid(a_1)`, `f = sigmoid(a_2)`, `g = tanh(a_3)`, `o = sigmoid(a_4)`, then `c[t] =
/// f c[t-1] + i g` and `h[t] = o tanh(c[t])`. Without an initial state `h` and `c` start at 0. In
/// reverse, the step before `t` is `t + 1`.
///
/// Shapes: `x` (B, T, I), `weights` with blocks of H rows for i, f, g and o; the result is
/// (B, T, H).
///
/// Errors: shapes that do not fit together, an empty dimension, tensors that are not f32 or f64 or
/// not on one device.
///
/// Numerics: sums run in the element type, those of the gradients of the biases in f64. A gradient
/// that comes through the last cells goes back through time on its own: a loss that depends on them
/// and on the hidden values takes that way twice.
///
/// Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), with
/// the forget gate of Gers et al. (2000); layout and order of the gates are those of PyTorch.
///
/// ```
/// use av_ops::{Direction, RecurrentWeights, lstm};
/// use candle_core::{DType, Device, Tensor};
///
/// // Gates that let everything pass: the cell adds up its inputs, squashed twice.
/// let x = Tensor::new(&[[[0.5f64], [0.25]]], &Device::Cpu)?;
/// let input = Tensor::new(&[[0f64], [0.0], [1.0], [0.0]], &Device::Cpu)?;
/// let open = Tensor::new(&[50f64, 50.0, 0.0, 50.0], &Device::Cpu)?;
/// let weights = RecurrentWeights {
///     input: &input,
///     hidden: &input.zeros_like()?,
///     input_bias: &open,
///     hidden_bias: &open.zeros_like()?,
/// };
/// let (y, last) = lstm(&x, weights, None, Direction::Forward)?;
/// let cell = 0.5f64.tanh() + 0.25f64.tanh();
/// assert!((last.cell.to_vec2::<f64>()?[0][0] - cell).abs() < 1e-12);
/// assert!((y.to_vec3::<f64>()?[0][1][0] - cell.tanh()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn lstm(
    x: &Tensor,
    weights: RecurrentWeights<'_>,
    initial: Option<&LstmState>,
    direction: Direction,
) -> Result<(Tensor, LstmState)> {
    let states = initial.map(|state| [&state.hidden, &state.cell]);
    let states = states.as_ref().map(|states| &states[..]);
    check::<Lstm>(x, weights, states)?;
    if composed::applies(x) {
        return composed::lstm(x, weights, initial, direction);
    }
    let ran = run::<Lstm>(x, weights, states, direction)?;
    let last = LstmState { hidden: ran.last()?, cell: ran.rest()? };
    Ok((ran.y, last))
}

struct Lstm;

impl Cell for Lstm {
    const NAME: &'static str = "lstm";
    const GATES: usize = 4;
    const STATES: usize = 2;
    const INPUT: &'static [Block] = &[Block { weight: 0, slot: 0, count: 4 }];

    #[inline(always)]
    fn step<T: Float>(gates: &mut [T], state: &mut [T]) {
        let hidden = state.len() / 2;
        let ([i, f, g, o], [h, c]) = (blocks_mut(gates, hidden), blocks_mut(state, hidden));
        map_lanes(
            [],
            &mut [i, f, g, o, h, c],
            #[inline(always)]
            |[], [i, f, g, o, _, c]| {
                let [i, f, o] = [i.sigmoid(), f.sigmoid(), o.sigmoid()];
                let g = g.hyperbolic_tangent();
                let c = f * c + i * g;
                [i, f, g, o, o * c.hyperbolic_tangent(), c]
            },
        );
    }

    #[inline(always)]
    fn back<T: Float>(gates: &[T], before: [&[T]; 2], d_state: &mut [T], d_gates: &mut [T]) {
        let [_, c] = before;
        let hidden = c.len();
        let [i, f, g, o] = blocks(gates, hidden);
        let ([di, df, dg, d_o], [dh, dc]) =
            (blocks_mut(d_gates, hidden), blocks_mut(d_state, hidden));
        map_lanes(
            [i, f, g, o, c],
            &mut [di, df, dg, d_o, dh, dc],
            #[inline(always)]
            |[i, f, g, o, c], [.., dh, dc]| {
                let one = T::one();
                let squashed = (f * c + i * g).hyperbolic_tangent();
                let dc = dc + dh * o * (one - squashed * squashed);
                [
                    dc * g * i * (one - i),
                    dc * c * f * (one - f),
                    dc * i * (one - g * g),
                    dh * squashed * o * (one - o),
                    T::zero(),
                    dc * f,
                ]
            },
        );
    }
}
