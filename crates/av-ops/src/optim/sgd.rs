//! Gradient descent with momentum.

use std::collections::BTreeMap;

use candle_core::backend::BackendStorage as _;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor, Var};
use rayon::prelude::*;

use crate::composed;
use crate::cpu::{Float, PIECE, change, slice, slice_mut, with_float};
use crate::optim::{Member, ParameterGroup, before_line, check_not_negative, check_share, members};
use crate::parameters::{Parameters, check_match};
use crate::vectorised::vectorised;
use crate::{Error, Result};

const NAME: &str = "Sgd";

/// Options of [`Sgd`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdConfig {
    /// Share of the old direction that stays at each step, at least 0 and below 1.
    pub momentum: f64,
    /// Looks ahead by one step of momentum; needs a momentum above 0.
    pub nesterov: bool,
    /// Share of a weight that is added to its gradient.
    pub weight_decay: f64,
}

impl Default for SgdConfig {
    /// Momentum 0.9 without looking ahead, and no decay.
    fn default() -> Self {
        Self { momentum: 0.9, nesterov: false, weight_decay: 0.0 }
    }
}

/// Stochastic gradient descent with momentum.
///
/// Definition: for each weight `w` with gradient `g`: `d = g + weight_decay w`, `b = momentum b +
/// d`, then `w = w - rate b`, or with Nesterov's look ahead `w = w - rate (d + momentum b)`. The
/// direction `b` starts at 0. A weight that the loss does not depend on stays as it is.
///
/// Source: Sutskever et al., "On the importance of initialization and momentum in deep learning",
/// ICML 2013, in the form of PyTorch 2.15, where the rate is outside of the direction.
///
/// ```
/// use av_ops::{Init, Parameters, Sgd, SgdConfig, Streams};
/// use candle_core::{DType, Device};
///
/// let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
/// let weight = parameters.scope("net").weight("weight", 1, Init::Constant(3.0))?;
/// let mut optimiser = Sgd::new(&parameters, SgdConfig { momentum: 0.5, ..SgdConfig::default() })?;
/// for _ in 0..2 {
///     let loss = (&weight * 2.0)?.sum_all()?;
///     optimiser.step(&loss.backward()?, 0.25)?;
/// }
/// assert_eq!(weight.to_vec1::<f64>()?, [1.75]); // 3 - 0.25 * 2 - 0.25 * (2 + 0.5 * 2)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sgd {
    config: SgdConfig,
    slots: BTreeMap<String, Slot>,
}

#[derive(Debug)]
struct Slot {
    weight: Var,
    direction: Tensor,
    rate_factor: f64,
    weight_decay: f64,
}

/// What an [`Sgd`] needs to continue a run to the same bits; store the directions with
/// [`save_tensors`](crate::save_tensors).
#[derive(Debug, Clone)]
pub struct SgdState {
    /// The direction of each weight, under its name with "direction." in front.
    pub directions: BTreeMap<String, Tensor>,
}

impl Sgd {
    /// An optimiser of all weights that exist now.
    ///
    /// Errors: an option out of its range; weights that are not f32 or f64.
    pub fn new(parameters: &Parameters, config: SgdConfig) -> Result<Self> {
        Self::with_groups(parameters, config, &[])
    }

    /// As [`new`](Self::new) with groups of weights that learn and decay otherwise.
    ///
    /// Errors: as [`new`](Self::new); a prefix that no name begins with.
    pub fn with_groups(
        parameters: &Parameters,
        config: SgdConfig,
        groups: &[ParameterGroup],
    ) -> Result<Self> {
        check_share(NAME, "momentum", config.momentum)?;
        if config.nesterov && config.momentum == 0.0 {
            return Err(Error::Argument {
                operator: NAME,
                name: "momentum",
                expected: "above 0 with nesterov",
                actual: config.momentum.to_string(),
            });
        }
        let mut slots = BTreeMap::new();
        for member in members(NAME, parameters, config.weight_decay, groups)? {
            let Member { name, weight, rate_factor, weight_decay } = member;
            let (weight, direction) = (weight.clone(), weight.zeros_like()?);
            slots.insert(name.to_owned(), Slot { weight, direction, rate_factor, weight_decay });
        }
        Ok(Self { config, slots })
    }

    /// Changes the weights by one step.
    ///
    /// Errors: a learning rate that is negative or not finite.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        check_not_negative(NAME, "learning_rate", learning_rate)?;
        let SgdConfig { momentum, nesterov, .. } = self.config;
        for Slot { weight, direction, rate_factor, weight_decay } in self.slots.values_mut() {
            let Some(gradient) = gradients.get(weight) else {
                continue;
            };
            let (rate, decay) = (learning_rate * *rate_factor, *weight_decay);
            let update = Update { direction, momentum, nesterov, rate, decay };
            if composed::applies(weight) {
                *direction = update.compose(weight, gradient)?;
                continue;
            }
            weight.inplace_op2(&gradient.contiguous()?, &update)?;
        }
        Ok(())
    }

    /// A copy of the state, to be stored.
    pub fn state(&self) -> Result<SgdState> {
        let copy = |(name, tensor): (String, &Tensor)| Ok((name, tensor.copy()?));
        Ok(SgdState { directions: self.directions().map(copy).collect::<Result<_>>()? })
    }

    /// Continues from a stored state.
    ///
    /// Errors: a state of other weights, with the first name that differs; nothing is changed then.
    pub fn restore(&mut self, state: &SgdState) -> Result<()> {
        let own: Vec<(String, &Tensor)> = self.directions().collect();
        let own = own.iter().map(|(name, tensor)| (name.as_str(), *tensor));
        check_match(own, &state.directions, "the optimiser state")?;
        for (name, slot) in &mut self.slots {
            if let Some(direction) = state.directions.get(&format!("direction.{name}")) {
                slot.direction = direction.to_device(slot.weight.device())?.copy()?;
            }
        }
        Ok(())
    }

    fn directions(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.slots.iter().map(|(name, slot)| (format!("direction.{name}"), &slot.direction))
    }
}

/// One step of one weight.
struct Update<'s> {
    direction: &'s Tensor,
    momentum: f64,
    nesterov: bool,
    rate: f64,
    decay: f64,
}

impl Update<'_> {
    /// Off the CPU: changes the weight, and gives the moved direction.
    fn compose(&self, weight: &Var, gradient: &Tensor) -> Result<Tensor> {
        let weight_before = weight.as_detached_tensor();
        let d = (gradient.detach() + (&weight_before * self.decay)?)?;
        let direction = ((self.direction * self.momentum)? + &d)?;
        let ahead =
            if self.nesterov { (d + (&direction * self.momentum)?)? } else { direction.clone() };
        weight.set(&(weight_before - (ahead * self.rate)?)?)?;
        Ok(direction)
    }

    fn apply<T: Float>(&self, weight: &mut [T], gradient: &[T], direction: &mut [T]) {
        let [momentum, rate, decay] = [self.momentum, self.rate, self.decay].map(T::from_f64);
        // Both forms are `w - rate (ahead d + stay b)`.
        let (ahead, stay) =
            if self.nesterov { (T::one(), momentum) } else { (T::zero(), T::one()) };
        let step = |(weight, gradient, direction): (&mut [T], &[T], &mut [T])| {
            vectorised(
                #[inline(always)]
                || {
                    for ((w, &g), b) in weight.iter_mut().zip(gradient).zip(direction) {
                        let d = g + decay * *w;
                        *b = momentum * *b + d;
                        *w -= rate * (ahead * d + stay * *b);
                    }
                },
            );
        };
        let head = before_line(weight);
        let (weight_head, weight) = weight.split_at_mut(head);
        let (gradient_head, gradient) = gradient.split_at(head);
        let (direction_head, direction) = direction.split_at_mut(head);
        step((weight_head, gradient_head, direction_head));
        weight
            .par_chunks_mut(PIECE)
            .zip(gradient.par_chunks(PIECE))
            .zip(direction.par_chunks_mut(PIECE))
            .for_each(|((weight, gradient), direction)| step((weight, gradient, direction)));
    }
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        weight_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        with_float!(weight.dtype(), T => {
            let weight = slice_mut::<T>(weight, weight_layout)?;
            let gradient = slice(gradient, gradient_layout)?;
            change(self.direction, |direction| {
                self.apply(weight, gradient, direction);
                Ok(())
            })
        })
    }
}
