//! Recurrent cells together with their parameters.

use candle_core::Tensor;

use crate::Result;
use crate::gru::gru;
use crate::init::Init;
use crate::lstm::{LstmState, lstm};
use crate::parameters::Scope;
use crate::recurrence::{Direction, RecurrentWeights};

/// Long short-term memory over sequences; see [`lstm`](fn@lstm).
///
/// A bidirectional one is two of them, one in each [`Direction`], their results joined by
/// `Tensor::cat` in the last dimension.
#[derive(Debug, Clone)]
pub struct Lstm {
    weights: Weights,
    direction: Direction,
}

impl Lstm {
    /// Creates `input_weight` (4 hidden, inputs) and `hidden_weight` (4 hidden, hidden), normal
    /// with variance 1 / (3 hidden), `input_bias` and `hidden_bias` (4 hidden) of zeros.
    ///
    /// Errors: names that exist already.
    pub fn new(
        scope: &mut Scope<'_>,
        inputs: usize,
        hidden: usize,
        direction: Direction,
    ) -> Result<Self> {
        Ok(Self { weights: Weights::new(scope, 4, inputs, hidden)?, direction })
    }

    /// All hidden values and the last state of sequences `x` (B, T, inputs) that start at zero.
    ///
    /// Errors: as [`lstm`](fn@lstm).
    pub fn forward(&self, x: &Tensor) -> Result<(Tensor, LstmState)> {
        lstm(x, self.weights.borrowed(), None, self.direction)
    }

    /// As [`forward`](Self::forward) for sequences that go on from a state.
    ///
    /// Errors: as [`lstm`](fn@lstm).
    pub fn forward_from(&self, x: &Tensor, state: &LstmState) -> Result<(Tensor, LstmState)> {
        lstm(x, self.weights.borrowed(), Some(state), self.direction)
    }
}

/// Gated recurrent units over sequences; see [`gru`](fn@gru), and [`Lstm`] for both directions.
#[derive(Debug, Clone)]
pub struct Gru {
    weights: Weights,
    direction: Direction,
}

impl Gru {
    /// Creates `input_weight` (3 hidden, inputs) and `hidden_weight` (3 hidden, hidden), normal
    /// with variance 1 / (3 hidden), `input_bias` and `hidden_bias` (3 hidden) of zeros.
    ///
    /// Errors: names that exist already.
    pub fn new(
        scope: &mut Scope<'_>,
        inputs: usize,
        hidden: usize,
        direction: Direction,
    ) -> Result<Self> {
        Ok(Self { weights: Weights::new(scope, 3, inputs, hidden)?, direction })
    }

    /// All hidden values and the last ones of sequences `x` (B, T, inputs) that start at zero.
    ///
    /// Errors: as [`gru`](fn@gru).
    pub fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        gru(x, self.weights.borrowed(), None, self.direction)
    }

    /// As [`forward`](Self::forward) for sequences that go on from hidden values (B, hidden).
    ///
    /// Errors: as [`gru`](fn@gru).
    pub fn forward_from(&self, x: &Tensor, initial: &Tensor) -> Result<(Tensor, Tensor)> {
        gru(x, self.weights.borrowed(), Some(initial), self.direction)
    }
}

#[derive(Debug, Clone)]
struct Weights {
    input: Tensor,
    hidden: Tensor,
    input_bias: Tensor,
    hidden_bias: Tensor,
}

impl Weights {
    fn new(scope: &mut Scope<'_>, gates: usize, inputs: usize, hidden: usize) -> Result<Self> {
        // The variance of PyTorch's uniform draws between plus and minus 1 / sqrt(hidden).
        let init = Init::Normal { deviation: (3.0 * hidden as f64).sqrt().recip() };
        let (rows, zeros) = (gates * hidden, Init::Constant(0.0));
        Ok(Self {
            input: scope.weight("input_weight", (rows, inputs), init)?,
            hidden: scope.weight("hidden_weight", (rows, hidden), init)?,
            input_bias: scope.weight("input_bias", rows, zeros)?,
            hidden_bias: scope.weight("hidden_bias", rows, zeros)?,
        })
    }

    fn borrowed(&self) -> RecurrentWeights<'_> {
        let Self { input, hidden, input_bias, hidden_bias } = self;
        RecurrentWeights { input, hidden, input_bias, hidden_bias }
    }
}
