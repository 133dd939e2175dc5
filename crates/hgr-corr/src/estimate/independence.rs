use super::basis::Basis;
use super::rows::{NanPolicy, check};
use super::side::Side;
use crate::Result;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Degree of the finest polynomials.
const DEGREE: usize = 10;

/// An alternative to independence.
struct Alternative {
    /// How likely it is taken to be.
    weight: f64,
    /// Whether polynomials of these degrees in x and y may be correlated under it.
    holds: fn(usize, usize) -> bool,
}

/// Monotone dependence, a bend on either side, a wave of one side that the other follows or bends with, any.
/// Half of the weight is on the first, so that little power is lost there.
const ALTERNATIVES: [Alternative; 5] = [
    Alternative { weight: 0.57, holds: |x, y| x * y == 1 },
    Alternative { weight: 0.16, holds: |x, y| x.max(y) <= 2 },
    Alternative { weight: 0.14, holds: |x, y| x * y <= 4 },
    Alternative { weight: 0.08, holds: |x, y| x * y <= 12 },
    Alternative { weight: 0.05, holds: |_, _| true },
];

/// Variance of a coefficient under an alternative, in units of its variance under independence: a dependence
/// that three standard errors show.
const STRENGTH: f64 = 9.0;

/// Rows above which the permutations are replaced by their normal limit.
const LIMIT_ROWS: usize = 4096;

/// Mixed into the seed, so that permutations and folds are drawn from different streams.
const STREAM: u64 = 1;

/// A test of independence that sees dependence of any shape and favours smooth ones.
///
/// Definition: with orthonormal polynomials of the mid-ranks, of degrees j of x and k of y up to 10, and their
/// sample covariances `c_jk`, the statistic is the logarithm of a weighted mean of likelihood ratios. Under an
/// alternative some of the `c_jk` are normal with ten times the variance they have under independence: the
/// first alone, which is Spearman's correlation (weight .57), degrees up to 2 (.16), `j k <= 4` (.14),
/// `j k <= 12` (.08), all (.05).
///
/// Numerics: the p-value counts permutations of y, and is exact for any n. Above 4,096 rows it counts draws from
/// the normal distribution to which the covariances tend under permutation.
///
/// Source: ours; a mixture of Bayes factors used as a test statistic.
///
/// ```
/// use hgr_corr::Independence;
/// let x: Vec<f64> = (0..60).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|x| (x - 29.5).abs()).collect();
/// assert_eq!(Independence::default().test(&[&x], &[&y])?.p_value, 0.001);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Independence {
    /// Permutations; the smallest p-value is 1 / (permutations + 1).
    pub permutations: usize,
    /// Decides the permutations.
    pub seed: u64,
    /// What a missing value (NaN) is.
    pub nan_policy: NanPolicy,
}

impl Default for Independence {
    fn default() -> Self {
        Self { permutations: 999, seed: 0, nan_policy: NanPolicy::Omit }
    }
}

/// The outcome of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Tested {
    /// The statistic: larger means more dependent.
    pub statistic: f64,
    /// Probability of a statistic at least as large under independence.
    pub p_value: f64,
}

impl Independence {
    /// Tests columns x against columns y.
    ///
    /// Errors: as [`Hgr::estimate`](crate::Hgr::estimate).
    pub fn test(&self, x: &[&[f64]], y: &[&[f64]]) -> Result<Tested> {
        self.nan_policy.apply(x, y, |x, y| self.of_rows(x, y))
    }

    fn of_rows(&self, x: &[&[f64]], y: &[&[f64]]) -> Result<Tested> {
        let rows = check(x, y)?;
        let side = |columns| Side::new(columns, |column| Basis::polynomials(column, DEGREE));
        let (f, g) = (side(x), side(y));
        let mixture = Mixture::new(f.levels(), g.levels());
        let root = (rows as f64).sqrt();
        let products =
            f.products(&g, &(0..).zip(0..rows).map(|(row, _)| row).collect::<Vec<u32>>());
        let pairs = (0..f.width()).flat_map(|i| (0..g.width()).map(move |j| (i, j)));
        let observed: Vec<f64> = pairs.map(|pair| products[pair] / root).collect();
        let statistic = mixture.of(&observed);
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed);
        stream.set_stream(STREAM);
        let above = if rows <= LIMIT_ROWS {
            let (a, b) = (f.rows(), g.rows());
            let mut order: Vec<usize> = (0..rows).collect();
            let mut drawn = || {
                order.shuffle(&mut stream);
                mixture.of(&scores(&a, &b, &order, (f.width(), g.width())))
            };
            (0..self.permutations).filter(|_| drawn() >= statistic).count()
        } else {
            let mut drawn = || {
                let normal = std::iter::repeat_with(|| stream.sample(StandardNormal));
                mixture.of(&normal.take(observed.len()).collect::<Vec<f64>>())
            };
            (0..self.permutations).filter(|_| drawn() >= statistic).count()
        };
        let p_value = (above as f64 + 1.0) / (self.permutations as f64 + 1.0);
        Ok(Tested { statistic, p_value })
    }
}

/// The statistic as a function of the covariances in units of their deviation under independence.
struct Mixture {
    /// For each alternative the pairs of features that it correlates.
    pairs: Vec<Vec<usize>>,
    /// Logarithm of weight and normalisation of each alternative.
    offsets: Vec<f64>,
}

impl Mixture {
    fn new(x: &[usize], y: &[usize]) -> Self {
        let degrees: Vec<(usize, usize)> =
            x.iter().flat_map(|a| y.iter().map(move |b| (*a, *b))).collect();
        let held = |alternative: &Alternative| -> Vec<usize> {
            let pairs = degrees.iter().enumerate();
            pairs.filter(|(_, (a, b))| (alternative.holds)(*a, *b)).map(|(pair, _)| pair).collect()
        };
        let pairs: Vec<Vec<usize>> = ALTERNATIVES.iter().map(held).collect();
        let offset = |(alternative, pairs): (&Alternative, &Vec<usize>)| {
            alternative.weight.ln() - 0.5 * pairs.len() as f64 * STRENGTH.ln_1p()
        };
        let offsets = ALTERNATIVES.iter().zip(&pairs).map(offset).collect();
        Self { pairs, offsets }
    }

    fn of(&self, scores: &[f64]) -> f64 {
        let power =
            |pairs: &Vec<usize>| pairs.iter().map(|pair| scores[*pair].powi(2)).sum::<f64>();
        let ratio = |(pairs, offset)| offset + 0.5 * power(pairs) * STRENGTH / (1.0 + STRENGTH);
        let ratios: Vec<f64> = self.pairs.iter().zip(&self.offsets).map(ratio).collect();
        let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        largest + ratios.iter().map(|ratio| (ratio - largest).exp()).sum::<f64>().ln()
    }
}

/// Sums of products of the features of x with those of the rows of y in the given order, with variance 1 over
/// all orders.
fn scores(x: &[f64], y: &[f64], order: &[usize], (kx, ky): (usize, usize)) -> Vec<f64> {
    let mut sums = vec![0.0; kx * ky];
    if sums.is_empty() {
        return sums;
    }
    for (a, row) in x.chunks_exact(kx).zip(order) {
        let b = &y[row * ky..(row + 1) * ky];
        for (sums, a) in sums.chunks_exact_mut(ky).zip(a) {
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
        }
    }
    let root = (order.len() as f64).sqrt();
    sums.iter_mut().for_each(|sum| *sum /= root);
    sums
}
