//! The AdamW optimiser, and the clipping of gradients.

use std::collections::BTreeMap;

use candle_core::backend::BackendStorage as _;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Tensor, Var};
use rayon::prelude::*;

use crate::cpu::{Float, PIECE, Values, check_inputs, slice, slice_mut, with_float};
use crate::parameters::{Parameters, check_match};
use crate::sums::sum;
use crate::{Error, Result};

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
/// too. A weight that the loss does not depend on stays as it is.
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
    first: Tensor,
    second: Tensor,
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
    /// Errors: an option out of its range; weights that are not f32 or f64 or not on the CPU.
    pub fn new(parameters: &Parameters, config: AdamWConfig) -> Result<Self> {
        let AdamWConfig { beta1, beta2, epsilon, weight_decay } = config;
        let share = 0.0..1.0;
        let positive = f64::MIN_POSITIVE..f64::INFINITY;
        require("beta1", "at least 0 and below 1", beta1, share.contains(&beta1))?;
        require("beta2", "at least 0 and below 1", beta2, share.contains(&beta2))?;
        require("epsilon", "above 0 and finite", epsilon, positive.contains(&epsilon))?;
        let allowed = (0.0..f64::INFINITY).contains(&weight_decay);
        require("weight_decay", "at least 0 and finite", weight_decay, allowed)?;
        let mut slots = BTreeMap::new();
        for (name, weight) in parameters.trainable() {
            check_inputs("AdamW", &[weight])?;
            let (first, second) = (weight.zeros_like()?, weight.zeros_like()?);
            slots.insert(name.to_owned(), Slot { weight: weight.clone(), first, second });
        }
        Ok(Self { config, step: 0, slots })
    }

    /// Changes the weights by one step.
    ///
    /// Errors: a learning rate that is negative or not finite.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        let allowed = (0.0..f64::INFINITY).contains(&learning_rate);
        require("learning_rate", "at least 0 and finite", learning_rate, allowed)?;
        self.step += 1;
        let AdamWConfig { beta1, beta2, epsilon, weight_decay } = self.config;
        let steps = self.step as f64;
        let update = Update {
            keep: 1.0 - learning_rate * weight_decay,
            rate: learning_rate / (1.0 - beta1.powf(steps)),
            root: 1.0 / (1.0 - beta2.powf(steps)).sqrt(),
            epsilon,
        };
        for Slot { weight, first, second } in self.slots.values() {
            let Some(gradient) = gradients.get(weight) else {
                continue;
            };
            let gradient = gradient.contiguous()?;
            first.inplace_op2(&gradient, &Moment { beta: beta1, squared: false })?;
            second.inplace_op2(&gradient, &Moment { beta: beta2, squared: true })?;
            weight.inplace_op3(first, second, &update)?;
        }
        Ok(())
    }

    /// A copy of the state, to be stored.
    pub fn state(&self) -> Result<AdamWState> {
        let copy = |(name, tensor): (String, &Tensor)| Ok((name, tensor.copy()?));
        let moments = self.moments().map(copy).collect::<Result<_>>()?;
        Ok(AdamWState { step: self.step, moments })
    }

    /// Continues from a stored state.
    ///
    /// Errors: a state of other weights, with the first name that differs; nothing is changed then.
    pub fn restore(&mut self, state: &AdamWState) -> Result<()> {
        let own: Vec<(String, &Tensor)> = self.moments().collect();
        let own = own.iter().map(|(name, tensor)| (name.as_str(), *tensor));
        check_match(own, &state.moments, "the optimiser state")?;
        for (name, slot) in &mut self.slots {
            if let Some(first) = state.moments.get(&format!("first.{name}")) {
                slot.first = first.copy()?;
            }
            if let Some(second) = state.moments.get(&format!("second.{name}")) {
                slot.second = second.copy()?;
            }
        }
        self.step = state.step;
        Ok(())
    }

    fn moments(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.slots.iter().flat_map(|(name, slot)| {
            [(format!("first.{name}"), &slot.first), (format!("second.{name}"), &slot.second)]
        })
    }
}

fn require(name: &'static str, expected: &'static str, actual: f64, holds: bool) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Argument { operator: "AdamW", name, expected, actual: actual.to_string() })
}

/// Moves a running moment towards a gradient or its square.
struct Moment {
    beta: f64,
    squared: bool,
}

impl Moment {
    fn apply<T: Float>(&self, moment: &mut [T], gradient: &[T]) {
        let (old, new) = (T::from_f64(self.beta), T::from_f64(1.0 - self.beta));
        moment.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE)).for_each(
            |(moment, gradient)| {
                for (moment, &g) in moment.iter_mut().zip(gradient) {
                    let term = if self.squared { g * g } else { g };
                    *moment = old * *moment + new * term;
                }
            },
        );
    }
}

impl InplaceOp2 for Moment {
    fn name(&self) -> &'static str {
        "adamw-moment"
    }

    fn cpu_fwd(
        &self,
        moment: &mut CpuStorage,
        moment_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        with_float!(moment.dtype(), T => {
            let gradient = slice(gradient, gradient_layout)?;
            self.apply::<T>(slice_mut(moment, moment_layout)?, gradient);
            Ok(())
        })
    }
}

/// Moves weights against their gradient: `w = keep w - rate m / (root sqrt(v) + epsilon)`.
struct Update {
    keep: f64,
    rate: f64,
    root: f64,
    epsilon: f64,
}

impl Update {
    fn apply<T: Float>(&self, weight: &mut [T], first: &[T], second: &[T]) {
        let [keep, rate, root, epsilon] =
            [self.keep, self.rate, self.root, self.epsilon].map(T::from_f64);
        weight
            .par_chunks_mut(PIECE)
            .zip(first.par_chunks(PIECE).zip(second.par_chunks(PIECE)))
            .for_each(|(weight, (first, second))| {
                for (weight, (&m, &v)) in weight.iter_mut().zip(first.iter().zip(second)) {
                    *weight = keep * *weight - rate * m / (root * v.square_root() + epsilon);
                }
            });
    }
}

impl InplaceOp3 for Update {
    fn name(&self) -> &'static str {
        "adamw-update"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        weight_layout: &Layout,
        first: &CpuStorage,
        first_layout: &Layout,
        second: &CpuStorage,
        second_layout: &Layout,
    ) -> candle_core::Result<()> {
        with_float!(weight.dtype(), T => {
            let (first, second) = (slice(first, first_layout)?, slice(second, second_layout)?);
            self.apply::<T>(slice_mut(weight, weight_layout)?, first, second);
            Ok(())
        })
    }
}

/// Shortens the gradient of all weights together to a largest norm, and gives the norm it had.
///
/// Definition: `norm = sqrt(sum of g^2)` over the elements of all gradients; where it exceeds
/// `max_norm`, every gradient is multiplied by `max_norm / norm`.
///
/// Errors: `max_norm` not above 0; a gradient that is infinite or not a number, with the name of
/// its weight; gradients that are not f32 or f64 or not on the CPU.
///
/// Numerics: the sum runs in f64 in name order.
///
/// ```
/// use av_ops::{Init, Parameters, Streams, clip_grad_norm};
/// use candle_core::{DType, Device};
///
/// let mut parameters = Parameters::new(Streams::new(0), DType::F64, &Device::Cpu);
/// let weight = parameters.scope("net").weight("weight", 1, Init::Constant(3.0))?;
/// let mut gradients = weight.sqr()?.sum_all()?.backward()?;
/// assert_eq!(clip_grad_norm(&mut gradients, &parameters, 1.5)?, 6.0);
/// let clipped = gradients.get(&weight).map(|gradient| gradient.to_vec1::<f64>()).transpose()?;
/// assert_eq!(clipped, Some(vec![1.5]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clip_grad_norm(
    gradients: &mut GradStore,
    parameters: &Parameters,
    max_norm: f64,
) -> Result<f64> {
    const NAME: &str = "clip_grad_norm";
    if max_norm.is_nan() || max_norm <= 0.0 {
        return Err(Error::Argument {
            operator: NAME,
            name: "max_norm",
            expected: "above 0",
            actual: max_norm.to_string(),
        });
    }
    let mut total = 0.0;
    for (name, weight) in parameters.trainable() {
        let Some(gradient) = gradients.get(weight) else {
            continue;
        };
        check_inputs(NAME, &[gradient])?;
        let gradient = gradient.contiguous()?;
        // Squares of large f32 values overflow f32, so they are taken in f64.
        let gradient = gradient.to_dtype(candle_core::DType::F64)?;
        let squares = sum::<f64>(Values::of(&gradient).slice()?, |g| g * g);
        if !squares.is_finite() {
            return Err(Error::NonFinite { name: name.to_owned() });
        }
        total += squares;
    }
    let norm = total.sqrt();
    if norm > max_norm {
        for (_, weight) in parameters.trainable() {
            if let Some(gradient) = gradients.remove(weight) {
                gradients.insert(weight, (gradient * (max_norm / norm))?);
            }
        }
    }
    Ok(norm)
}
