//! Arithmetic on the vectors of the machine, one frame a lane.
//!
//! A lane never sees another, and no product is fused with a sum: what a frame comes to does not depend on how many
//! lanes the machine has.

use std::ops::{Add, Mul, Sub};

use pulp::Simd;
use realfft::FftNum;

/// A number that vectors are made of.
pub(crate) trait Real: FftNum + From<f32> + Into<f64> {
    /// As many of them as the instructions hold.
    type Vector<S: Simd>: Copy;

    /// How many.
    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }

    fn rounded(value: f64) -> Self;
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    fn sum<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn difference<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn product<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// A slice as vectors, without what is left at its end.
    fn vectors<S: Simd>(slice: &[Self]) -> &[Self::Vector<S>];
    fn vectors_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Vector<S>];
    /// Samples in these numbers: themselves, or what `buffer` is filled with.
    fn widened<'a>(samples: &'a [f32], buffer: &'a mut [Self]) -> &'a [Self];
    /// These numbers as f32: themselves, or what `buffer` is filled with.
    fn narrowed<'a>(numbers: &'a [Self], buffer: &'a mut [f32]) -> &'a [f32];
    /// Whether that needs a buffer.
    const WIDER: bool;
}

macro_rules! real {
    ($real:ident, $vector:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $of:ident, $of_mut:ident,
     $wider:literal, $widened:ident, $narrowed:ident) => {
        impl Real for $real {
            type Vector<S: Simd> = S::$vector;

            const WIDER: bool = $wider;

            #[inline(always)]
            fn widened<'a>(samples: &'a [f32], buffer: &'a mut [Self]) -> &'a [Self] {
                $widened(samples, buffer)
            }

            #[inline(always)]
            fn narrowed<'a>(numbers: &'a [Self], buffer: &'a mut [f32]) -> &'a [f32] {
                $narrowed(numbers, buffer)
            }

            fn rounded(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
                simd.$splat(value)
            }

            #[inline(always)]
            fn sum<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.$add(a, b)
            }

            #[inline(always)]
            fn difference<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$sub(a, b)
            }

            #[inline(always)]
            fn product<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$mul(a, b)
            }

            #[inline(always)]
            fn vectors<S: Simd>(slice: &[Self]) -> &[Self::Vector<S>] {
                S::$of(slice).0
            }

            #[inline(always)]
            fn vectors_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Vector<S>] {
                S::$of_mut(slice).0
            }
        }
    };
}

real!(
    f32,
    f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    false,
    as_they_are,
    as_they_are
);
real!(
    f64,
    f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    true,
    in_f64,
    in_f32
);

#[inline(always)]
fn as_they_are<'a>(samples: &'a [f32], _: &'a mut [f32]) -> &'a [f32] {
    samples
}

#[inline(always)]
fn in_f64<'a>(samples: &'a [f32], buffer: &'a mut [f64]) -> &'a [f64] {
    for (to, &from) in buffer.iter_mut().zip(samples) {
        *to = from.into();
    }
    buffer
}

#[inline(always)]
fn in_f32<'a>(numbers: &'a [f64], buffer: &'a mut [f32]) -> &'a [f32] {
    for (to, &from) in buffer.iter_mut().zip(numbers) {
        *to = from as f32;
    }
    buffer
}

/// A number of each frame of a block.
pub(crate) struct Lanes<S: Simd, T: Real> {
    pub(crate) simd: S,
    pub(crate) vector: T::Vector<S>,
}

impl<S: Simd, T: Real> Clone for Lanes<S, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd, T: Real> Copy for Lanes<S, T> {}

impl<S: Simd, T: Real> Lanes<S, T> {
    #[inline(always)]
    pub(crate) fn new(simd: S, vector: T::Vector<S>) -> Self {
        Self { simd, vector }
    }

    #[inline(always)]
    pub(crate) fn splat(simd: S, value: T) -> Self {
        Self::new(simd, T::splat(simd, value))
    }
}

impl<S: Simd, T: Real> Add for Lanes<S, T> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(self.simd, T::sum(self.simd, self.vector, other.vector))
    }
}

impl<S: Simd, T: Real> Sub for Lanes<S, T> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(self.simd, T::difference(self.simd, self.vector, other.vector))
    }
}

impl<S: Simd, T: Real> Mul for Lanes<S, T> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(self.simd, T::product(self.simd, self.vector, other.vector))
    }
}

impl<S: Simd, T: Real> Mul<T> for Lanes<S, T> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: T) -> Self {
        self * Self::splat(self.simd, factor)
    }
}

/// Numbers that start where a line of the cache does: vectors that straddle two lines take twice as long.
pub(crate) struct Aligned<T> {
    numbers: Vec<T>,
    start: usize,
    length: usize,
}

/// Bytes of a line of the cache, and of the widest vector.
const LINE: usize = 64;

impl<T: Real> Aligned<T> {
    pub(crate) fn zeros(length: usize) -> Self {
        let numbers = vec![T::zero(); length + LINE / size_of::<T>()];
        let start = numbers.as_ptr().align_offset(LINE).min(numbers.len() - length);
        Self { numbers, start, length }
    }

    #[inline(always)]
    pub(crate) fn get(&mut self) -> &mut [T] {
        &mut self.numbers[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_start_where_a_line_of_the_cache_does() {
        for length in [1, 5, 100] {
            assert_eq!(Aligned::<f32>::zeros(length).get().as_ptr().align_offset(LINE), 0);
            assert_eq!(Aligned::<f64>::zeros(length).get().len(), length);
        }
    }
}
