//! Named random streams of a seed.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Separates the keys of these streams from any other use of the same hash.
const CONTEXT: &str = "av-synth 2026 named random streams";

/// A random stream that a seed and a name determine, whatever else was drawn before.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&seed.to_le_bytes());
        hasher.update(name.as_bytes());
        Self(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// A uniform draw from `[low, high)`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }

    /// A draw with mean 0 and standard deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    /// A normal draw with standard deviation 1, redrawn until it is within two of them: for
    /// quantities that must stay plausible, such as the width of a head.
    pub(crate) fn moderate(&mut self) -> f64 {
        loop {
            let draw = self.normal();
            if draw.abs() <= 2.0 {
                return draw;
            }
        }
    }

    /// One of the items, all equally likely.
    pub(crate) fn choose<T: Copy, const N: usize>(&mut self, items: &[T; N]) -> T {
        const { assert!(N > 0) }
        items[self.0.random_range(0..N)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_name_both_choose_the_stream() {
        let first = |seed, name| Stream::new(seed, name).normal().to_bits();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(2, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
    }

    #[test]
    fn moderate_draws_stay_within_two_standard_deviations() {
        let mut stream = Stream::new(1, "moderate");
        assert!((0..2000).all(|_| stream.moderate().abs() <= 2.0));
    }
}
