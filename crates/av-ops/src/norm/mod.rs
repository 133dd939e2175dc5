//! Normalisation over a batch, a group of channels or a row, and what the three share.

mod batch;
mod group;
mod layer;
mod map;
mod places;

pub use batch::{BatchNormConfig, Running, batch_norm};
pub use group::{GroupNormConfig, group_norm};
pub use layer::layer_norm;

use crate::cpu::Float;
use crate::sums::sum;
use crate::{Error, Result};

/// What a set of elements is normalised by.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    mean: f64,
    /// With divisor n.
    variance: f64,
}

impl Moments {
    /// The moments of the elements in `parts` together; the variance is that of the centred values,
    /// so that a large mean does not swamp it.
    #[inline(always)]
    fn of<'v, T: Float>(parts: impl Iterator<Item = &'v [T]> + Clone, elements: usize) -> Self {
        let mut total = 0.0;
        for part in parts.clone() {
            total += sum(
                part,
                #[inline(always)]
                |x| x,
            );
        }
        let mean = total / elements as f64;
        let centre = T::from_f64(mean);
        let mut squares = 0.0;
        for part in parts {
            squares += sum(
                part,
                #[inline(always)]
                |x| (x - centre) * (x - centre),
            );
        }
        Self { mean, variance: squares / elements as f64 }
    }

    /// `1 / sqrt(variance + epsilon)`.
    fn scale(&self, epsilon: f64) -> f64 {
        1.0 / (self.variance + epsilon).sqrt()
    }
}

fn check_epsilon(operator: &'static str, epsilon: f64) -> Result<()> {
    if epsilon > 0.0 && epsilon.is_finite() {
        return Ok(());
    }
    let (expected, actual) = ("above 0 and finite", epsilon.to_string());
    Err(Error::Argument { operator, name: "epsilon", expected, actual })
}
