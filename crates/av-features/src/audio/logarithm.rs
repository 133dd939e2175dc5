//! Logarithms of powers.

use std::f32::consts::SQRT_2;

use serde::{Deserialize, Serialize};

/// Smallest band power whose logarithm is taken where no tool is followed: somewhat below the quantisation noise of 16-bit
/// sound, so that digital silence lies beside real silence.
pub const POWER_FLOOR: f32 = 1e-8;

/// The logarithm of a mel spectrogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logarithm {
    /// `10 log10 max(1e-10, x)`, not below the largest value of the sound less 80: librosa's
    /// `power_to_db` and torchaudio's `AmplitudeToDB` with `top_db=80`.
    Decibel,
    /// `ln(x + 1e-6)`: torchaudio's `log_mels`.
    Offset,
    /// `ln max(2^-23, x)`: Kaldi's, whose floor is the epsilon of f32.
    Floor,
}

/// Smallest power in decibels, and how far below the loudest band the others end.
const DECIBEL_FLOOR: f32 = 1e-10;
const DECIBEL_RANGE: f32 = 80.0;

/// What torchaudio adds before its natural logarithm.
const OFFSET: f32 = 1e-6;

impl Logarithm {
    /// Replaces the powers of a sound by their logarithms.
    pub(crate) fn apply(self, powers: &mut [f32]) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || match self {
                Self::Decibel => {
                    let floor = decibel(largest(powers)) - DECIBEL_RANGE;
                    for power in powers {
                        *power = larger(decibel(*power), floor);
                    }
                }
                Self::Offset => {
                    for power in powers {
                        *power = ln(*power + OFFSET);
                    }
                }
                Self::Floor => floored(powers, f32::EPSILON),
            },
        );
    }
}

/// Replaces powers by their natural logarithms, those below [`POWER_FLOOR`] by its.
pub(crate) fn ln_above_floor(powers: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || floored(powers, POWER_FLOOR),
    );
}

#[inline(always)]
fn floored(powers: &mut [f32], floor: f32) {
    for power in powers {
        *power = ln(larger(*power, floor));
    }
}

/// As [`f32::max`], in one instruction: the second if the first is no number.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The largest of numbers that are not negative.
#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<64>();
    let mut largest = [0.0; 64];
    for chunk in chunks {
        for (largest, &value) in largest.iter_mut().zip(chunk) {
            *largest = larger(value, *largest);
        }
    }
    largest.into_iter().chain(rest.iter().copied()).fold(0.0, f32::max)
}

/// `10 / ln 10` as a sum of what f32 holds of it and most of the rest.
const TEN_BY_LN_10: [f32; 2] = [4.342_944_6, 1.969_927_2e-7];

#[inline(always)]
fn decibel(power: f32) -> f32 {
    let ln = ln(larger(power, DECIBEL_FLOOR));
    ln * TEN_BY_LN_10[0] + ln * TEN_BY_LN_10[1]
}

/// `ln 2` as a sum whose first part times an exponent is exact.
const LN_2_PARTS: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// Bits of the mantissa.
const MANTISSA: u32 = 23;

/// The natural logarithm of a number that is at least [`f32::MIN_POSITIVE`], or of none; within 1 ulp of the exact one, and
/// without branches, so that loops over it are vectors.
///
/// `x = 2^e (1 + f)` with `1 + f` around 1; `ln(1 + f) = 2 artanh s` with `s = f / (2 + f)`, whose series ends below a tenth of
/// the rounding after four terms: `|s| < 0.172`.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // The exponent of `x / sqrt(1/2)`, and what remains within sqrt(1/2) to sqrt(2).
    let half = (SQRT_2 / 2.0).to_bits();
    let shifted = x.to_bits().wrapping_sub(half);
    let exponent = shifted as i32 >> MANTISSA;
    let f = f32::from_bits((shifted & ((1 << MANTISSA) - 1)) + half) - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let series = 2.0 / 5.0 + square * (2.0 / 7.0 + square * (2.0 / 9.0));
    let rest = square * (2.0 / 3.0 + square * series);
    let e = exponent as f32;
    // 2 s = f - s f.
    let ln = e * LN_2_PARTS[0] + (f - (s * (f - rest) - e * LN_2_PARTS[1]));
    if x < f32::INFINITY { ln } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance of a value from the truth in units of the last place of the truth.
    fn ulps(found: f32, truth: f64) -> f64 {
        let nearest = truth as f32;
        let unit = f64::from(nearest.abs().next_up() - nearest.abs());
        (f64::from(found) - truth).abs() / unit
    }

    #[test]
    fn logarithms_are_right_to_the_last_place_over_the_whole_range() {
        let (mut worst, mut worst_decibel) = (0.0_f64, 0.0_f64);
        let around_one = (0x3f00_0000..0x4000_0000).step_by(97);
        let least = f32::MIN_POSITIVE.to_bits();
        for bits in (least..0x7f80_0000).step_by(1009).chain(around_one) {
            let x = f32::from_bits(bits);
            worst = worst.max(ulps(ln(x), f64::from(x).ln()));
            if x > DECIBEL_FLOOR {
                worst_decibel = worst_decibel.max(ulps(decibel(x), 10.0 * f64::from(x).log10()));
            }
        }
        println!("ln {worst:.3} ulp, decibel {worst_decibel:.3} ulp");
        assert!(worst < 1.0, "{worst}");
        assert!(worst_decibel < 2.0, "{worst_decibel}");
    }

    #[test]
    fn logarithms_of_powers_that_are_no_positive_number() {
        let floor = 1e-10_f32.log10() * 10.0;
        for (logarithm, expected) in [
            (Logarithm::Decibel, [floor, floor, floor, f32::INFINITY]),
            (Logarithm::Offset, [1e-6_f32.ln(), 1e-6_f32.ln(), f32::NAN, f32::INFINITY]),
            (
                Logarithm::Floor,
                [f32::EPSILON.ln(), f32::EPSILON.ln(), f32::EPSILON.ln(), f32::INFINITY],
            ),
        ] {
            for (power, expected) in [0.0, 1e-40, f32::NAN, f32::INFINITY].into_iter().zip(expected)
            {
                let mut powers = [power];
                logarithm.apply(&mut powers);
                let near = (powers[0] - expected).abs() < 1e-5;
                let same = powers[0] == expected || (powers[0].is_nan() && expected.is_nan());
                assert!(near || same, "{logarithm:?} of {power}: {}", powers[0]);
            }
        }
        assert_eq!(ln(1.0), 0.0);
        let mut powers = [0.0, 1e-9, f32::NAN, 1e-8, 1e-7, 1.0];
        ln_above_floor(&mut powers);
        for (found, truth) in powers.into_iter().zip([1e-8, 1e-8, 1e-8, 1e-8, 1e-7, 1.0_f32]) {
            assert!(ulps(found, f64::from(truth).ln()) < 1.0, "{found} of {truth}");
        }
    }

    #[test]
    fn a_sound_ends_80_decibels_below_its_loudest_band() {
        for length in [1, 63, 64, 65, 200] {
            let mut powers = vec![1e-9; length];
            powers[length / 2] = 100.0;
            Logarithm::Decibel.apply(&mut powers);
            for (i, &found) in powers.iter().enumerate() {
                assert_eq!(found, if i == length / 2 { 20.0 } else { -60.0 }, "{i} of {length}");
            }
        }
        let mut silence = vec![0.0; 70];
        Logarithm::Decibel.apply(&mut silence);
        assert!(silence.iter().all(|&value| value == -100.0), "{silence:?}");
    }
}
