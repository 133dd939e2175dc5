//! The exponential and its relatives in f32, written so that a loop over them becomes vector
//! instructions: the library's functions are called one element at a time.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LOG2_E};

/// Above this the exponential overflows.
const LARGEST: f32 = 88.722_84;

/// Below this the exponential is 0.
const SMALLEST: f32 = -104.0;

/// ln 2 in two parts, the first with so few bits that a whole number times it is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = (std::f64::consts::LN_2 - LN_2_HIGH as f64) as f32;

/// A number to which a fraction cannot be added: adding it and taking it off again rounds.
const ROUNDING: f32 = 12_582_912.0;

/// Coefficients of the Taylor series of the exponential, from the seventh order down to the second.
const SERIES: [f32; 6] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0];

/// e to the power x.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let value = power(if x > LARGEST { LARGEST } else { x });
    if x > LARGEST { f32::INFINITY } else { value }
}

/// The exponential of what is not above [`LARGEST`]: 2^n times that of the rest.
#[inline(always)]
fn power(x: f32) -> f32 {
    let (n, less_one) = reduced(if x < SMALLEST { SMALLEST } else { x });
    // In two steps, as 2^n alone may be below or above what a number holds.
    let half = (n * 0.5 + ROUNDING) - ROUNDING;
    (less_one + 1.0) * two_to(half) * two_to(n - half)
}

/// x as n ln 2 and a rest of at most half of ln 2: n, and by its series the exponential of the rest less 1.
#[inline(always)]
fn reduced(x: f32) -> (f32, f32) {
    let n = (x * LOG2_E + ROUNDING) - ROUNDING;
    let rest = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let series = SERIES.iter().skip(1).fold(SERIES[0], |sum, term| sum * rest + term);
    (n, series * rest * rest + rest)
}

/// 2 to the power of a whole number from -126 to 127, put together from its bits. NaN gives
/// anything: what it is multiplied with is NaN too.
#[inline(always)]
fn two_to(n: f32) -> f32 {
    // The low bits of the sum hold the whole number; the shift moves them to the exponent.
    f32::from_bits((n + (ROUNDING + 127.0)).to_bits() << 23)
}

/// 1 / (1 + e^-x), by a power that does not overflow.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let power = power(-x.abs());
    let above = if x < 0.0 { power } else { 1.0 };
    above / (1.0 + power)
}

/// The hyperbolic tangent: e^2x - 1 by e^2x + 1. Near 0, where n is 0, no 1 swallows the first.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    // Above, the quotient is 1 to the last bit.
    let twice = 2.0 * x.abs();
    let twice = if twice > 20.0 { 20.0 } else { twice };
    let (n, less_one) = reduced(twice);
    let scale = two_to(n);
    let less_one = scale * less_one + (scale - 1.0);
    (less_one / (less_one + 2.0)).copysign(x)
}

/// Coefficients of `erfc(z) / (t e^(-z^2))` as a polynomial in `t = 1 / (1 + z / 2)`, from the
/// ninth order down: fitted at 400 Chebyshev nodes with equal weight on relative errors, which stay
/// below 1.7e-7.
const TAIL: [f32; 10] = [
    -0.025_688_967,
    0.065_331,
    0.028_879_432,
    -0.196_392_77,
    0.078_035_53,
    0.058_817_3,
    0.180_294_77,
    0.246_525_12,
    0.282_103_7,
    0.282_094_75,
];

/// Distribution and density of the standard normal distribution; both tails of the distribution
/// are right to the last places.
#[inline(always)]
pub(crate) fn normal(x: f32) -> (f32, f32) {
    let power = power(-0.5 * x * x);
    let t = 1.0 / (1.0 + x.abs() * (0.5 * FRAC_1_SQRT_2));
    let tail = 0.5 * t * power * TAIL.iter().fold(0.0, |sum, term| sum * t + term);
    let below = if x < 0.0 { tail } else { 1.0 - tail };
    (below, power * (FRAC_2_SQRT_PI * 0.5 * FRAC_1_SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All f32 from -110 to 110 in steps of a few thousand in their order.
    fn numbers() -> impl Iterator<Item = f32> {
        (0..110_f32.to_bits()).step_by(9973).map(f32::from_bits).flat_map(|x| [x, -x])
    }

    /// The largest distance from the true value in units of its last place.
    fn worst(f: fn(f32) -> f32, truth: fn(f64) -> f64) -> (f64, f32) {
        let error = |x: f32| {
            let (value, truth) = (f64::from(f(x)), truth(f64::from(x)));
            let place = 2_f64.powf(truth.abs().log2().floor().max(-126.0) - 23.0);
            let infinite = value == f64::INFINITY && truth > f64::from(f32::MAX);
            if infinite { 0.0 } else { (value - truth).abs() / place }
        };
        numbers().map(|x| (error(x), x)).fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
    }

    #[test]
    fn the_values_are_right_to_the_last_places() {
        for (name, f, truth, places) in [
            ("exp", exp as fn(f32) -> f32, f64::exp as fn(f64) -> f64, 1.0),
            ("sigmoid", sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 2.5),
            ("tanh", tanh, f64::tanh, 3.0),
        ] {
            let (error, x) = worst(f, truth);
            assert!(error <= places, "{name}({x}) is off by {error} units in the last place");
        }
    }

    #[test]
    fn the_normal_distribution_is_right_in_its_bulk_and_its_tails() {
        for x in numbers().filter(|x| x.abs() < 8.0) {
            let (below, density) = normal(x);
            let wide = f64::from(x);
            let expected = 0.5 * libm::erfc(-wide * std::f64::consts::FRAC_1_SQRT_2);
            // The argument of the exponential is rounded: its error grows with its size.
            let tolerance = 5e-7 + 1e-7 * wide * wide;
            let error = (f64::from(below) / expected - 1.0).abs();
            assert!(error < tolerance, "distribution at {x}: {error}");
            let expected = (-0.5 * wide * wide).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let error = (f64::from(density) / expected - 1.0).abs();
            assert!(error < tolerance, "density at {x}: {error}");
        }
        let infinite = f32::INFINITY;
        assert_eq!([normal(-infinite), normal(infinite)], [(0.0, 0.0), (1.0, 0.0)]);
        assert!(normal(f32::NAN).0.is_nan());
    }

    #[test]
    fn the_ends_are_exact() {
        let infinite = f32::INFINITY;
        assert_eq!([0.0, -0.0, infinite, -infinite].map(exp), [1.0, 1.0, infinite, 0.0]);
        assert_eq!([0.0, infinite, -infinite].map(sigmoid), [0.5, 1.0, 0.0]);
        assert_eq!([0.0, infinite, -infinite].map(tanh), [0.0, 1.0, -1.0]);
        assert!(tanh(-0.0).is_sign_negative());
        for f in [exp, sigmoid, tanh] {
            assert!(f(f32::NAN).is_nan());
        }
    }
}
