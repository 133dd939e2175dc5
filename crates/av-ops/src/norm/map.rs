//! The map of one channel that normalises, scales and shifts, with an optional ReLU, and its
//! gradient.

use crate::activation::{passing, rectify};
use crate::cpu::Float;
use crate::norm::Moments;
use crate::sums::sums;

/// `y = (x - centre) factor + shift`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Map<T> {
    pub(super) centre: T,
    pub(super) factor: T,
    pub(super) shift: T,
    weight: f64,
    /// `1 / sqrt(variance + epsilon)`.
    pub(super) scale: f64,
}

impl<T: Float> Map<T> {
    pub(super) fn new(moments: Moments, epsilon: f64, weight: T, bias: T) -> Self {
        let scale = moments.scale(epsilon);
        let factor = T::from_f64(weight.to_f64() * scale);
        let weight = weight.to_f64();
        Self { centre: T::from_f64(moments.mean), factor, shift: bias, weight, scale }
    }

    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    #[inline(always)]
    fn apply(&self, x: T) -> T {
        (x - self.centre) * self.factor + self.shift
    }

    #[inline(always)]
    pub(super) fn write(&self, relu: bool, x: &[T], y: &mut [T]) {
        if relu {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = rectify(self.apply(x)));
        } else {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = self.apply(x));
        }
    }

    /// The sums of `d` and of `d (x - centre) scale`, where `d` is the gradient of the value before
    /// ReLU. That value is computed again, which costs less than reading the result.
    #[inline(always)]
    pub(super) fn sums(&self, relu: bool, x: &[T], dy: &[T]) -> [f64; 2] {
        let [d, du] = if relu {
            sums(
                [x, dy, dy],
                #[inline(always)]
                |x, dy, _| {
                    let d = passing(self.apply(x), dy);
                    [d, d * (x - self.centre)]
                },
            )
        } else {
            sums(
                [x, dy, dy],
                #[inline(always)]
                |x, dy, _| [dy, dy * (x - self.centre)],
            )
        };
        [d, du * self.scale]
    }

    /// `dx = factor (d - means[0] - (x - centre) scale means[1])`.
    #[inline(always)]
    pub(super) fn write_gradient(
        &self,
        relu: bool,
        means: [f64; 2],
        x: &[T],
        dy: &[T],
        dx: &mut [T],
    ) {
        let [mean, slope] = [means[0], means[1] * self.scale].map(T::from_f64);
        let elements = dx.iter_mut().zip(x.iter().zip(dy));
        if relu {
            for (dx, (&x, &dy)) in elements {
                let d = passing(self.apply(x), dy);
                *dx = self.factor * (d - mean - (x - self.centre) * slope);
            }
        } else {
            for (dx, (&x, &dy)) in elements {
                *dx = self.factor * (dy - mean - (x - self.centre) * slope);
            }
        }
    }

    /// `dx = factor d - scale (means[0] + (x - centre) scale means[1])`, where the means are those
    /// of `d weight` and `d weight (x - centre) scale` over several channels.
    #[inline(always)]
    pub(super) fn write_shared_gradient(
        &self,
        relu: bool,
        means: [f64; 2],
        x: &[T],
        dy: &[T],
        dx: &mut [T],
    ) {
        let [offset, slope] =
            [means[0], means[1] * self.scale].map(|mean| T::from_f64(mean * self.scale));
        let elements = dx.iter_mut().zip(x.iter().zip(dy));
        if relu {
            for (dx, (&x, &dy)) in elements {
                let d = passing(self.apply(x), dy);
                *dx = self.factor * d - offset - (x - self.centre) * slope;
            }
        } else {
            for (dx, (&x, &dy)) in elements {
                *dx = self.factor * dy - offset - (x - self.centre) * slope;
            }
        }
    }
}
