//! Seeded randomness: one seed, many named streams.

use rand::{Rng as _, RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Separates the keys of these streams from any other use of the same hash.
const CONTEXT: &str = "av-ops 2026 named random streams";

/// A family of random generators that one seed and a name determine.
///
/// The generator of a name does not depend on which other names were used, or in which order. A
/// name holds everything that should change the draws: "shuffle/3" for the third epoch,
/// "dropout/120" for step 120. A resumed run therefore needs no generator state: it asks for the
/// next name.
///
/// ```
/// let streams = av_ops::Streams::new(7);
/// let (mut a, mut b) = (streams.rng("shuffle/3"), streams.rng("shuffle/3"));
/// assert_eq!(a.uniform(), b.uniform());
/// assert_ne!(streams.rng("shuffle/4").uniform(), streams.rng("shuffle/3").uniform());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed these streams came from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A generator at the start of the named stream.
    ///
    /// Numerics: ChaCha with 8 rounds; its key is the BLAKE3 hash of the seed and the name.
    pub fn rng(&self, name: &str) -> Rng {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(name.as_bytes());
        Rng(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }
}

/// A seeded random generator; get one from [`Streams::rng`].
///
/// Uniform draws and shuffles are the same on every platform; normal draws may differ in the last
/// bit, because they use the logarithm of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// A draw from the uniform distribution on `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// A draw from the normal distribution with mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    /// A draw from `0, 1, ..., bound - 1`, all equally likely; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.random_range(0..bound) }
    }

    /// Puts the items into a random order, all orders equally likely.
    ///
    /// ```
    /// let mut order: Vec<usize> = (0..5).collect();
    /// av_ops::Streams::new(1).rng("shuffle/0").shuffle(&mut order);
    /// assert_ne!(order, [0, 1, 2, 3, 4]);
    /// order.sort();
    /// assert_eq!(order, [0, 1, 2, 3, 4]);
    /// ```
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        use rand::seq::SliceRandom as _;
        items.shuffle(&mut self.0);
    }

    /// 32 random bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }
}

/// Whether a network is being trained or used; training brings its random generator.
///
/// A training step without a generator cannot be written. Pass `mode.reborrow()` to a function
/// that takes a `Mode` by value, and `&mut mode` to the rest.
#[derive(Debug)]
pub enum Mode<'r> {
    /// Batch statistics, and dropout drawn from this generator.
    Train(&'r mut Rng),
    /// Running statistics, no dropout: the output depends on the input only.
    Eval,
}

impl Mode<'_> {
    /// True in training.
    pub fn is_train(&self) -> bool {
        matches!(self, Mode::Train(_))
    }

    /// The same mode for a shorter time.
    pub fn reborrow(&mut self) -> Mode<'_> {
        match self {
            Mode::Train(rng) => Mode::Train(rng),
            Mode::Eval => Mode::Eval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_of_seed_seven_never_change() {
        // Stored runs depend on these values: a change here changes every result.
        let mut rng = Streams::new(7).rng("shuffle/3");
        let draws = [rng.bits(), rng.bits(), rng.bits()];
        assert_eq!(draws, [1_102_984_430, 3_976_452_929, 1_644_196_628]);
    }

    #[test]
    fn seed_and_name_both_choose_the_stream() {
        let first = |seed, name| Streams::new(seed).rng(name).bits();
        assert_ne!(first(1, "a"), first(2, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_eq!(first(1, "a"), first(1, "a"));
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let mut rng = Streams::new(3).rng("normal");
        let draws: Vec<f64> = (0..40_000).map(|_| rng.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 40_000.0;
        let variance = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 40_000.0;
        // Five standard errors: 5 / sqrt(n) and 5 sqrt(2 / n).
        assert!(mean.abs() < 0.025, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.036, "variance {variance}");
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut rng = Streams::new(3).rng("below");
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[usize::try_from(rng.below(5)).unwrap()] += 1;
        }
        // Binomial with mean 200, standard deviation 12.6: five of them.
        assert!(seen.iter().all(|&count| (137..=263).contains(&count)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }
}
