//! Optimisers, and the clipping of gradients.

mod adamw;
mod clip;
mod sgd;

pub use adamw::{AdamW, AdamWConfig, AdamWState};
pub use clip::clip_grad_norm;
pub use sgd::{Sgd, SgdConfig, SgdState};

use candle_core::Var;

use crate::cpu::check_inputs;
use crate::parameters::Parameters;
use crate::{Error, Result};

/// Weights that an optimiser treats in a way of their own.
///
/// A weight belongs to the group with the longest prefix that its name begins with, or to none.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterGroup {
    /// How the names of these weights begin, such as "audio." for all of a scope.
    pub prefix: String,
    /// What the learning rate is multiplied by, at least 0.
    pub rate_factor: f64,
    /// The weight decay of these weights, at least 0, in place of that of the optimiser.
    pub weight_decay: f64,
}

/// A weight, and how fast it learns and decays.
#[derive(Debug)]
struct Member<'p> {
    name: &'p str,
    weight: &'p Var,
    rate_factor: f64,
    weight_decay: f64,
}

/// The weights of an optimiser in name order.
fn members<'p>(
    operator: &'static str,
    parameters: &'p Parameters,
    weight_decay: f64,
    groups: &[ParameterGroup],
) -> Result<Vec<Member<'p>>> {
    check_not_negative(operator, "weight_decay", weight_decay)?;
    for group in groups {
        check_not_negative(operator, "rate_factor", group.rate_factor)?;
        check_not_negative(operator, "weight_decay", group.weight_decay)?;
        if !parameters.trainable().any(|(name, _)| name.starts_with(&group.prefix)) {
            let (expected, actual) = ("the beginning of a name", format!("`{}`", group.prefix));
            return Err(Error::Argument { operator, name: "prefix", expected, actual });
        }
    }
    let member = |(name, weight): (&'p str, &'p Var)| {
        check_inputs(operator, &[weight])?;
        let own = groups.iter().filter(|group| name.starts_with(&group.prefix));
        let (rate_factor, weight_decay) = own
            .max_by_key(|group| group.prefix.len())
            .map_or((1.0, weight_decay), |group| (group.rate_factor, group.weight_decay));
        Ok(Member { name, weight, rate_factor, weight_decay })
    };
    parameters.trainable().map(member).collect()
}

/// The elements in front of the first cache line that begins with an element.
///
/// Large allocations all begin at the same distance from a line, so the tensors of a step reach a
/// line together, and a vector that is as wide as a line then touches one line instead of two.
fn before_line<T>(elements: &[T]) -> usize {
    const LINE: usize = 64;
    elements.as_ptr().align_offset(LINE).min(elements.len())
}

fn check_not_negative(operator: &'static str, name: &'static str, value: f64) -> Result<()> {
    let holds = (0.0..f64::INFINITY).contains(&value);
    require(operator, name, "at least 0 and finite", value, holds)
}

fn check_share(operator: &'static str, name: &'static str, value: f64) -> Result<()> {
    require(operator, name, "at least 0 and below 1", value, (0.0..1.0).contains(&value))
}

fn require(
    operator: &'static str,
    name: &'static str,
    expected: &'static str,
    actual: f64,
    holds: bool,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Argument { operator, name, expected, actual: actual.to_string() })
}
