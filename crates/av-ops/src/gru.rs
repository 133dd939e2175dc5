//! Gated recurrent units.

use candle_core::Tensor;

use crate::Result;
use crate::composed;
use crate::cpu::Float;
use crate::recurrence::{Block, Cell, Direction, RecurrentWeights, check, run};
use crate::vectorised::{blocks, blocks_mut, map_lanes};

/// Runs gated recurrent units over a batch of sequences, and gives all hidden values and the last
/// ones, (B, H).
///
/// Definition: with `a = input x[t] + input_bias` and `b = hidden h[t-1] + hidden_bias` in three
/// blocks of H: `r = sigmoid(a_1 + b_1)`, `z = sigmoid(a_2 + b_2)`, `n = tanh(a_3 + r b_3)`, then
/// `h[t] = (1 - z) n + z h[t-1]`. Without initial values `h` starts at 0. In reverse, the step
/// before `t` is `t + 1`.
///
/// Shapes: `x` (B, T, I), `weights` with blocks of H rows for r, z and n, `initial` (B, H); the
/// result is (B, T, H).
///
/// Errors, Numerics: as [`lstm`](fn@crate::lstm).
///
/// Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014;
/// layout, order of the gates and the reset after the hidden map are those of PyTorch.
///
/// ```
/// use av_ops::{Direction, RecurrentWeights, gru};
/// use candle_core::{DType, Device, Tensor};
///
/// // With all weights 0 the gates are 1/2 and n is 0: the hidden values halve at each step.
/// let x = Tensor::ones((1, 3, 2), DType::F32, &Device::Cpu)?;
/// let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu);
/// let (input, hidden, bias) = (zeros(&[3, 2])?, zeros(&[3, 1])?, zeros(&[3])?);
/// let weights =
///     RecurrentWeights { input: &input, hidden: &hidden, input_bias: &bias, hidden_bias: &bias };
/// let start = Tensor::new(&[[8f32]], &Device::Cpu)?;
/// let (y, last) = gru(&x, weights, Some(&start), Direction::Forward)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [4.0, 2.0, 1.0]);
/// assert_eq!(last.to_vec2::<f32>()?, [[1.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gru(
    x: &Tensor,
    weights: RecurrentWeights<'_>,
    initial: Option<&Tensor>,
    direction: Direction,
) -> Result<(Tensor, Tensor)> {
    let states = initial.as_ref().map(std::slice::from_ref);
    check::<Gru>(x, weights, states)?;
    if composed::applies(x) {
        return composed::gru(x, weights, initial, direction);
    }
    let ran = run::<Gru>(x, weights, states, direction)?;
    let last = ran.last()?;
    Ok((ran.y, last))
}

/// Its gates are r, z, the third block of the hidden map, and n.
struct Gru;

impl Cell for Gru {
    const NAME: &'static str = "gru";
    const GATES: usize = 3;
    const STATES: usize = 1;
    const INPUT: &'static [Block] =
        &[Block { weight: 0, slot: 0, count: 2 }, Block { weight: 2, slot: 3, count: 1 }];

    #[inline(always)]
    fn step<T: Float>(gates: &mut [T], h: &mut [T]) {
        let [r, z, b, n] = blocks_mut(gates, h.len());
        map_lanes(
            [&*b],
            &mut [r, z, n, h],
            #[inline(always)]
            |[b], [r, z, n, h]| {
                let (r, z) = (r.sigmoid(), z.sigmoid());
                let n = (n + r * b).hyperbolic_tangent();
                [r, z, n, n + z * (h - n)]
            },
        );
    }

    #[inline(always)]
    fn back<T: Float>(gates: &[T], [h, _]: [&[T]; 2], dh: &mut [T], d_gates: &mut [T]) {
        let [r, z, b, n] = blocks(gates, h.len());
        let [dr, dz, db, dn] = blocks_mut(d_gates, h.len());
        map_lanes(
            [r, z, b, n, h],
            &mut [dr, dz, db, dn, dh],
            #[inline(always)]
            |[r, z, b, n, h], [.., dh]| {
                let one = T::one();
                let dn = dh * (one - z) * (one - n * n);
                [dn * b * r * (one - r), dh * (h - n) * z * (one - z), dn * r, dn, dh * z]
            },
        );
    }
}
