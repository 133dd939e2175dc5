//! Loops in the widest vector instructions of the machine they run on.

use std::sync::OnceLock;

use pulp::Arch;

use crate::cpu::Float;

/// The environment variable that lowers the instructions.
const VARIABLE: &str = "AV_OPS_SIMD";

/// Elements of the widest vectors there are, f32 in AVX-512.
pub(crate) const WIDEST: usize = 16;

/// Runs `work` as compiled for those instructions. The closure must be marked `#[inline(always)]`: code that is
/// called rather than inlined keeps the instructions of the build.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    arch().dispatch(work)
}

/// The instructions of all loops: the widest of the machine, or those that the environment lowers them to. They are chosen
/// once, so that a process has one set of bits.
pub(crate) fn arch() -> Arch {
    static CHOSEN: OnceLock<Arch> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let widest = Arch::new();
        let name = std::env::var_os(VARIABLE).unwrap_or_default();
        lowered(widest, &name.to_string_lossy()).unwrap_or_else(|| {
            // No reason to fail, but a comparison under a name that is misspelt would compare nothing.
            let name = name.display();
            eprintln!("{VARIABLE}={name} changes nothing; it may be portable, avx2 or avx512");
            widest
        })
    })
}

/// Whether loops have the instructions of the build and no wider ones.
pub(crate) fn is_portable() -> bool {
    matches!(arch(), Arch::Scalar)
}

/// The instructions of this name where `widest` has them, and `widest` where it does not; none for another name.
fn lowered(widest: Arch, name: &str) -> Option<Arch> {
    match name {
        "portable" => Some(Arch::Scalar),
        "avx2" => Some(without_avx512(widest)),
        "avx512" | "" => Some(widest),
        _ => None,
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn without_avx512(widest: Arch) -> Arch {
    if matches!(widest, Arch::Scalar) {
        return widest;
    }
    pulp::x86::V3::try_new().map_or(widest, Arch::V3)
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn without_avx512(widest: Arch) -> Arch {
    widest
}

/// Sets the elements of `changed` at each place of the shortest slice by those of `given` and their own; `f` must be marked `#[inline(always)]`.
///
/// Results wait in an array until those of all lanes are there. Written to their slices one by one, they might change
/// what the next lane reads, as far as the compiler can tell, and many slices would keep it from vector instructions.
#[inline(always)]
pub(crate) fn map_lanes<T: Float, const G: usize, const C: usize>(
    given: [&[T]; G],
    changed: &mut [&mut [T]; C],
    f: impl Fn([T; G], [T; C]) -> [T; C],
) {
    let lengths =
        changed.iter().map(|slice| slice.len()).chain(given.iter().map(|slice| slice.len()));
    let length = lengths.min().unwrap_or(0);
    let whole = length - length % WIDEST;
    for start in (0..whole).step_by(WIDEST) {
        map_some::<T, G, C, WIDEST>(&given, changed, start, &f);
    }
    for start in whole..length {
        map_some::<T, G, C, 1>(&given, changed, start, &f);
    }
}

/// As [`map_lanes`] for `N` places from `start` on.
#[inline(always)]
fn map_some<T: Float, const G: usize, const C: usize, const N: usize>(
    given: &[&[T]; G],
    changed: &mut [&mut [T]; C],
    start: usize,
    f: &impl Fn([T; G], [T; C]) -> [T; C],
) {
    let (mut inputs, mut lanes) = ([[T::zero(); N]; G], [[T::zero(); N]; C]);
    for (inputs, given) in inputs.iter_mut().zip(given) {
        inputs.copy_from_slice(&given[start..start + N]);
    }
    for (lanes, changed) in lanes.iter_mut().zip(&*changed) {
        lanes.copy_from_slice(&changed[start..start + N]);
    }
    for lane in 0..N {
        let (mut input, mut own) = ([T::zero(); G], [T::zero(); C]);
        for (input, inputs) in input.iter_mut().zip(&inputs) {
            *input = inputs[lane];
        }
        for (own, lanes) in own.iter_mut().zip(&lanes) {
            *own = lanes[lane];
        }
        for (lanes, result) in lanes.iter_mut().zip(f(input, own)) {
            lanes[lane] = result;
        }
    }
    for (changed, lanes) in changed.iter_mut().zip(&lanes) {
        changed[start..start + N].copy_from_slice(lanes);
    }
}

/// The first `N` blocks of `length` elements.
#[inline(always)]
pub(crate) fn blocks<T, const N: usize>(values: &[T], length: usize) -> [&[T]; N] {
    std::array::from_fn(|block| &values[block * length..][..length])
}

/// The first `N` blocks of `length` elements, to be changed.
#[inline(always)]
pub(crate) fn blocks_mut<T, const N: usize>(values: &mut [T], length: usize) -> [&mut [T]; N] {
    let mut blocks = values.chunks_exact_mut(length);
    std::array::from_fn(|_| blocks.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use pulp::{Simd, WithSimd};

    use super::*;

    /// Elements of a vector in f32.
    fn lanes(arch: Arch) -> usize {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;

            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        arch.dispatch(Lanes)
    }

    #[test]
    fn a_name_lowers_the_instructions_and_never_raises_them() {
        for widest in [Arch::new(), Arch::Scalar] {
            for (name, most) in [("portable", 1), ("avx2", 8), ("avx512", 16), ("", 16)] {
                let lowered = lowered(widest, name).map(lanes);
                assert_eq!(lowered, Some(lanes(widest).min(most)), "{name:?} of {widest:?}");
            }
            for name in ["AVX2", "avx", "sse2", "portable "] {
                assert!(lowered(widest, name).is_none(), "{name:?}");
            }
        }
    }

    #[test]
    fn the_environment_is_heeded() {
        let most = match std::env::var(VARIABLE).as_deref() {
            Ok("portable") => 1,
            Ok("avx2") => 8,
            _ => 16,
        };
        assert_eq!(lanes(arch()), lanes(Arch::new()).min(most));
        assert_eq!(is_portable(), lanes(arch()) == 1);
    }
}
