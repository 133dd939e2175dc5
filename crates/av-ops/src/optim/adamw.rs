//! The AdamW optimiser.

use std::collections::BTreeMap;

use candle_core::backend::BackendStorage as _;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor, Var};
use rayon::prelude::*;

use crate::Result;
use crate::composed;
use crate::cpu::{Float, PIECE, change, slice, slice_mut, with_float};
use crate::optim::{
    Member, ParameterGroup, before_line, check_not_negative, check_share, members, require,
};
use crate::parameters::{Parameters, check_match};
use crate::vectorised::vectorised;

const NAME: &str = "AdamW";

/// The moments as they lie behind each other.
const ORDER: [&str; 2] = ["first", "second"];

/// Options of [`AdamW`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWConfig {
    /// Share of the old first moment that stays at each step, at least 0 and below 1.
    pub beta1: f64,
    /// Share of the old second moment that stays at each step, at least 0 and below 1.
    pub beta2: f64,
    /// Added to the root of the second moment, so that a weight without gradient is not divided by
    /// zero; above 0.
    pub epsilon: f64,
    /// Share of a weight that is taken off at each step for each unit of learning rate.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    /// The values of the papers: 0.9, 0.999, 1e-8, and a decay of 0.01.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

/// Adam with decoupled weight decay.
///
/// Definition: at step `t`, for each weight `w` with gradient `g`: `m = beta1 m + (1 - beta1) g`,
/// `v = beta2 v + (1 - beta2) g^2`, then `w = (1 - rate weight_decay) w - rate m' / (sqrt(v') +
/// epsilon)` with `m' = m / (1 - beta1^t)` and `v' = v / (1 - beta2^t)`. All weights decay, biases
/// too. A weight that the loss does not depend on stays as it is. Without weight decay this is
/// Adam.
///
/// Source: Kingma and Ba, "Adam", ICLR 2015, algorithm 1; Loshchilov and Hutter, "Decoupled weight
/// decay regularization", ICLR 2019, algorithm 2.
///
/// ```
/// use av_ops::{AdamW, AdamWConfig, Init, Parameters, Streams};
/// use candle_core::{DType, Device};
///
/// let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
/// let weight = parameters.scope("net").weight("weight", 1, Init::Constant(3.0))?;
/// let config = AdamWConfig { weight_decay: 0.0, ..AdamWConfig::default() };
/// let mut optimiser = AdamW::new(&parameters, config)?;
/// let loss = weight.sqr()?.sum_all()?;
/// optimiser.step(&loss.backward()?, 0.1)?;
/// // The first step is the learning rate, whatever the size of the gradient.
/// assert!((weight.to_vec1::<f64>()?[0] - 2.9).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    step: u64,
    slots: BTreeMap<String, Slot>,
}

/// A weight and the running moments of its gradient.
#[derive(Debug)]
struct Slot {
    weight: Var,
    /// The first one and the second one, (2, shape of the weight). Two large tensors often lie such that their elements
    /// compete for the same banks of the memory: five million weights then took an eighth longer.
    moments: Tensor,
    rate_factor: f64,
    weight_decay: f64,
}

/// What an [`AdamW`] needs to continue a run to the same bits; store the moments with
/// [`save_tensors`](crate::save_tensors).
#[derive(Debug, Clone)]
pub struct AdamWState {
    /// Steps taken.
    pub step: u64,
    /// The moments of each weight, under its name with "first." or "second." in front.
    pub moments: BTreeMap<String, Tensor>,
}

impl AdamW {
    /// An optimiser of all weights that exist now.
    ///
    /// Errors: an option out of its range; weights that are not f32 or f64.
    pub fn new(parameters: &Parameters, config: AdamWConfig) -> Result<Self> {
        Self::with_groups(parameters, config, &[])
    }

    /// As [`new`](Self::new) with groups of weights that learn and decay otherwise.
    ///
    /// Errors: as [`new`](Self::new); a prefix that no name begins with.
    pub fn with_groups(
        parameters: &Parameters,
        config: AdamWConfig,
        groups: &[ParameterGroup],
    ) -> Result<Self> {
        let AdamWConfig { beta1, beta2, epsilon, weight_decay } = config;
        check_share(NAME, "beta1", beta1)?;
        check_share(NAME, "beta2", beta2)?;
        let positive = f64::MIN_POSITIVE..f64::INFINITY;
        require(NAME, "epsilon", "above 0 and finite", epsilon, positive.contains(&epsilon))?;
        let mut slots = BTreeMap::new();
        for member in members(NAME, parameters, weight_decay, groups)? {
            let Member { name, weight, rate_factor, weight_decay } = member;
            let zeros = weight.zeros_like()?;
            let (weight, moments) = (weight.clone(), Tensor::stack(&[&zeros, &zeros], 0)?);
            let slot = Slot { weight, moments, rate_factor, weight_decay };
            slots.insert(name.to_owned(), slot);
        }
        Ok(Self { config, step: 0, slots })
    }

    /// Changes the weights by one step.
    ///
    /// Errors: a learning rate that is negative or not finite.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        check_not_negative(NAME, "learning_rate", learning_rate)?;
        self.step += 1;
        let AdamWConfig { beta1, beta2, epsilon, .. } = self.config;
        let steps = self.step as f64;
        for Slot { weight, moments, rate_factor, weight_decay } in self.slots.values_mut() {
            let Some(gradient) = gradients.get(weight) else {
                continue;
            };
            let rate = learning_rate * *rate_factor;
            let update = Update {
                moments,
                beta1,
                beta2,
                keep: 1.0 - rate * *weight_decay,
                rate: rate / (1.0 - beta1.powf(steps)),
                root: 1.0 / (1.0 - beta2.powf(steps)).sqrt(),
                epsilon,
            };
            if composed::applies(weight) {
                *moments = update.compose(weight, gradient)?;
                continue;
            }
            weight.inplace_op2(&gradient.contiguous()?, &update)?;
        }
        Ok(())
    }

    /// A copy of the state, to be stored.
    pub fn state(&self) -> Result<AdamWState> {
        let copy = |(name, moment): (String, Tensor)| Ok((name, moment.force_contiguous()?));
        let moments = self.moments()?.into_iter().map(copy).collect::<Result<_>>()?;
        Ok(AdamWState { step: self.step, moments })
    }

    /// Continues from a stored state.
    ///
    /// Errors: a state of other weights, with the first name that differs; nothing is changed then.
    pub fn restore(&mut self, state: &AdamWState) -> Result<()> {
        let own = self.moments()?;
        let own = own.iter().map(|(name, moment)| (name.as_str(), moment));
        check_match(own, &state.moments, "the optimiser state")?;
        for (name, slot) in &mut self.slots {
            let moments = ORDER.iter().filter_map(|order| state.moments.get(&moment(order, name)));
            let moments = moments.map(|moment| moment.to_device(slot.weight.device()));
            slot.moments = Tensor::stack(&moments.collect::<candle_core::Result<Vec<_>>>()?, 0)?;
        }
        self.step = state.step;
        Ok(())
    }

    /// The moments of all weights, by the names of [`AdamWState`].
    fn moments(&self) -> Result<Vec<(String, Tensor)>> {
        let mut moments = Vec::new();
        for (name, slot) in &self.slots {
            for (index, order) in ORDER.iter().enumerate() {
                moments.push((moment(order, name), slot.moments.get(index)?));
            }
        }
        Ok(moments)
    }
}

/// The name of a moment of a weight in a state.
fn moment(order: &str, weight: &str) -> String {
    format!("{order}.{weight}")
}

/// Moves the moments towards a gradient, and a weight against it: `w = keep w - rate m / (root
/// sqrt(v) + epsilon)`.
struct Update<'s> {
    moments: &'s Tensor,
    beta1: f64,
    beta2: f64,
    keep: f64,
    rate: f64,
    root: f64,
    epsilon: f64,
}

impl Update<'_> {
    /// Off the CPU: changes the weight, and gives the moved moments.
    fn compose(&self, weight: &Var, gradient: &Tensor) -> Result<Tensor> {
        let gradient = gradient.detach();
        let first = ((self.moments.get(0)? * self.beta1)? + (&gradient * (1.0 - self.beta1))?)?;
        let second =
            ((self.moments.get(1)? * self.beta2)? + (gradient.sqr()? * (1.0 - self.beta2))?)?;
        let size = second.sqrt()?.affine(self.root, self.epsilon)?;
        let kept = (weight.as_detached_tensor() * self.keep)?;
        weight.set(&(kept - ((&first / size)? * self.rate)?)?)?;
        Ok(Tensor::stack(&[first, second], 0)?)
    }

    fn apply<T: Float>(&self, weight: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        let [keep, rate, root, epsilon] =
            [self.keep, self.rate, self.root, self.epsilon].map(T::from_f64);
        let [old1, new1, old2, new2] =
            [self.beta1, 1.0 - self.beta1, self.beta2, 1.0 - self.beta2].map(T::from_f64);
        let step = |(weight, gradient, first, second): (&mut [T], &[T], &mut [T], &mut [T])| {
            vectorised(
                #[inline(always)]
                || {
                    let moments = first.iter_mut().zip(second);
                    for ((w, &g), (m, v)) in weight.iter_mut().zip(gradient).zip(moments) {
                        *m = old1 * *m + new1 * g;
                        *v = old2 * *v + new2 * (g * g);
                        *w = keep * *w - rate * *m / (root * v.square_root() + epsilon);
                    }
                },
            );
        };
        let head = before_line(weight);
        let (weight_head, weight) = weight.split_at_mut(head);
        let (gradient_head, gradient) = gradient.split_at(head);
        let (first_head, first) = first.split_at_mut(head);
        let (second_head, second) = second.split_at_mut(head);
        step((weight_head, gradient_head, first_head, second_head));
        weight
            .par_chunks_mut(PIECE)
            .zip(gradient.par_chunks(PIECE))
            .zip(first.par_chunks_mut(PIECE))
            .zip(second.par_chunks_mut(PIECE))
            .for_each(|(((weight, gradient), first), second)| {
                step((weight, gradient, first, second));
            });
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
            change(self.moments, |moments| {
                let (first, second) = moments.split_at_mut(weight.len());
                self.apply(weight, gradient, first, second);
                Ok(())
            })
        })
    }
}
