use super::basis::{Basis, SYMBOLS};
use super::cross_fit::{Pair, Whitened, whiten};
use super::independence::Independence;
use super::rows::{NanPolicy, check};
use super::side::Side;
use crate::{Error, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers of functions a column that are tried.
const LEVELS: [usize; 13] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96];

/// Rows for each function of a column at the largest number that is tried: fewer would be fitted to noise.
const ROWS_PER_FUNCTION: usize = 16;

/// A number of functions is good enough when it loses at most so many standard errors, over the folds, against
/// the best: with one, the best of many candidates stands out on independent data by luck alone.
const CLOSE: f64 = 2.0;

/// It is good enough, too, when it loses no more than this, which nobody would notice.
const NEGLIGIBLE: f64 = 1e-3;

/// Modes whose functions are returned.
const MODES: usize = 4;

/// Half the width of the interval in standard errors: 95 % of a normal distribution.
const WIDTH: f64 = 1.959_963_984_540_054;

/// The HGR maximal correlation of two columns of numbers, with its defaults; see [`Hgr`].
///
/// ```
/// use hgr_corr::hgr;
/// // A parabola: uncorrelated, and yet y is a function of x.
/// let x: Vec<f64> = (0..500).map(|i| f64::from(i) / 250.0 - 1.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x * x).collect();
/// let found = hgr(&x, &y)?;
/// assert!(found.sigma > 0.999, "{}", found.sigma);
/// assert!(found.p_value <= 0.001);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn hgr(x: &[f64], y: &[f64]) -> Result<HgrEstimate> {
    Hgr::default().estimate(&[x], &[y])
}

/// The estimator of the HGR maximal correlation of data.
///
/// Definition: each column is replaced by functions of its mid-ranks: its normal score, with 1,024 rows the square of
/// that, and cosines, or all functions where it has at most 16 distinct values. The rows are split into folds; on all but one the linear
/// combinations f and g with the largest correlation are found, on that one their correlation is measured.
/// `sigma` is the mean over the folds. The number of functions is the smallest that loses no more than two
/// standard errors, over the folds, or .001 against the best one. Several columns on a side are added:
/// f(x) = f_1(x_1) + f_2(x_2) + ... Rows in which a column has no value (NaN) are left out, or a missing value is a
/// value of its own, as `nan_policy` says.
///
/// Numerics: f64. Only ranks matter: the result is the same for any increasing function of a column. Columns of
/// more than 4,096 rows and 512 values are rounded to about 512 steps of rank. Deterministic in `seed`. `sigma` is biased
/// towards 0 by what the functions at hand cannot express and by the error of fitting them; it
/// does not grow from fitting noise, as `plug_in` does.
///
/// Cost: about 100 additions a row; memory about 20 bytes a row. Measured against other libraries: docs/results/hgr-peers.md,
/// and on laws whose answer is known: docs/results/hgr-truth.md.
///
/// Source: Hirschfeld 1935, Gebelein 1941, Rényi 1959 (the coefficient); cross-fitting is our choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hgr {
    /// Parts of the data that judge in turn; 2 at least.
    pub folds: usize,
    /// Permutations behind the p-value; 0 for none, and a p-value of 1.
    pub permutations: usize,
    /// Decides folds and permutations.
    pub seed: u64,
    /// What a missing value is.
    pub nan_policy: NanPolicy,
}

impl Default for Hgr {
    fn default() -> Self {
        Self { folds: 5, permutations: 999, seed: 0, nan_policy: NanPolicy::Omit }
    }
}

/// What [`Hgr`] finds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HgrEstimate {
    /// The estimate: cross-fitted, within 0 to 1.
    pub sigma: f64,
    /// 95 % interval for the correlation of the functions that were found. The HGR correlation itself, a
    /// maximum over all functions, may lie above.
    pub interval: (f64, f64),
    /// Of the hypothesis that x and y are independent; see [`Independence`].
    pub p_value: f64,
    /// Correlations of all modes on the rows they were fitted on, descending: too large, on independent data
    /// about the root of (number of functions / rows).
    pub plug_in: Vec<f64>,
    /// Correlations of the modes on rows they were not fitted on: mean over the folds, within -1 to 1.
    pub cross_fitted: Vec<f64>,
    /// Rows behind the estimate: without those that [`NanPolicy::Omit`] leaves out.
    pub rows: usize,
    /// Number of functions of x and of y that were chosen.
    pub functions: (usize, usize),
    /// The functions of the first modes, at most four, fitted on all rows.
    pub modes: Vec<Mode>,
}

/// A pair of functions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mode {
    /// For each column of x the values where f is known and f there; a missing value is NaN.
    pub f: Vec<Vec<(f64, f64)>>,
    /// For each column of y the same for g.
    pub g: Vec<Vec<(f64, f64)>>,
}

impl Hgr {
    /// A column with at most this many distinct values is a set of symbols: any function of it is allowed.
    pub const SYMBOLS: usize = SYMBOLS;

    /// The estimate for columns x and y.
    ///
    /// Errors: columns of different lengths, none on a side, fewer than 20 rows that count, fewer than two folds.
    pub fn estimate(&self, x: &[&[f64]], y: &[&[f64]]) -> Result<HgrEstimate> {
        self.nan_policy.apply(x, y, |x, y| self.of_rows(x, y))
    }

    fn of_rows(&self, x: &[&[f64]], y: &[&[f64]]) -> Result<HgrEstimate> {
        let rows = check(x, y)?;
        if self.folds < 2 || self.folds * 4 > rows {
            return Err(Error::Shape {
                what: "the folds",
                expected: format!("2 to {}: four rows each", rows / 4),
                actual: self.folds.to_string(),
            });
        }
        let highest = (rows / ROWS_PER_FUNCTION).clamp(1, 96);
        let side = |columns| Side::new(columns, |column| Basis::cosines(column, highest));
        let (f, g) = (side(x), side(y));
        let folds = self.split(rows);
        let (splits, whole) = whiten(&f, &g, &folds)?;
        let chosen = choose(&f, &g, &splits);
        let (kx, ky) = (f.up_to(chosen.0), g.up_to(chosen.1));
        let pairs: Vec<Vec<Pair>> =
            splits.iter().map(|split| split.pairs(kx, ky)).collect::<Result<_>>()?;
        let fitted = whole.pairs(kx, ky)?;
        let mean = |mode: usize| {
            pairs.iter().map(|pairs| pairs[mode].judged).sum::<f64>() / pairs.len() as f64
        };
        let cross_fitted: Vec<f64> = (0..fitted.len()).map(mean).collect();
        let sigma = cross_fitted.first().map_or(0.0, |sigma| sigma.max(0.0));
        let firsts = pairs.iter().map(|pairs| pairs.first());
        let error = standard_error(&f, &g, firsts.zip(&folds), sigma, rows);
        let p_value = match self.permutations {
            0 => 1.0,
            permutations => {
                let Self { seed, nan_policy, .. } = *self;
                Independence { permutations, seed, nan_policy }.test(x, y)?.p_value
            }
        };
        let curves =
            |pair: &Pair| Mode { f: f.combine(&pair.f).curves(), g: g.combine(&pair.g).curves() };
        Ok(HgrEstimate {
            sigma,
            interval: interval(sigma, error),
            p_value,
            plug_in: fitted.iter().map(|pair| pair.fitted).collect(),
            cross_fitted,
            rows,
            functions: (kx, ky),
            modes: fitted.iter().take(MODES).map(curves).collect(),
        })
    }

    /// Row numbers of the folds: of each run of as many rows as folds, one falls into each, in an order turned by
    /// chance.
    fn split(&self, rows: usize) -> Vec<Vec<u32>> {
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed);
        let mut folds = vec![Vec::with_capacity(rows / self.folds + 1); self.folds];
        let (mut turn, mut taken) = (0, self.folds);
        for row in (0u32..).take(rows) {
            if taken == self.folds {
                (turn, taken) = (stream.random_range(0..self.folds), 0);
            }
            folds[turn].push(row);
            taken += 1;
            turn = if turn + 1 == self.folds { 0 } else { turn + 1 };
        }
        folds
    }
}

/// The coarsest levels of both sides that lose no more than [`CLOSE`] standard errors against the best.
fn choose(x: &Side, y: &Side, splits: &[Whitened]) -> (usize, usize) {
    let levels = |side: &Side| -> Vec<usize> {
        let highest = side.levels().last().copied().unwrap_or(0);
        let tried = LEVELS.iter().copied().take_while(|level| *level < highest);
        tried.chain([highest]).collect()
    };
    let (lx, ly) = (levels(x), levels(y));
    let score = |level: (usize, usize)| -> Vec<f64> {
        let size = (x.up_to(level.0), y.up_to(level.1));
        splits.iter().map(|split| split.judged(size.0, size.1)).collect()
    };
    // Both sides together first, then each alone: a function that is smooth on one side may be fine on the
    // other.
    let place = |levels: &[usize], index: usize| levels[index.min(levels.len() - 1)];
    let together: Vec<(usize, usize)> =
        (0..lx.len().max(ly.len())).map(|i| (place(&lx, i), place(&ly, i))).collect();
    let scores: Vec<Vec<f64>> = together.iter().map(|level| score(*level)).collect();
    let mean = |scores: &Vec<f64>| scores.iter().sum::<f64>();
    let best = scores.iter().max_by(|a, b| mean(a).total_cmp(&mean(b))).cloned();
    let best = best.unwrap_or_default();
    let close = |scores: &[f64]| loses_little(&best, scores);
    let first = scores.iter().position(|scores| close(scores)).unwrap_or(0);
    let (mut a, mut b) = together[first];
    a = lx.iter().copied().find(|level| *level >= a || close(&score((*level, b)))).unwrap_or(a);
    b = ly.iter().copied().find(|level| *level >= b || close(&score((a, *level)))).unwrap_or(b);
    (a, b)
}

/// Whether the paired differences over the folds have a mean below [`NEGLIGIBLE`] or [`CLOSE`] standard errors.
fn loses_little(best: &[f64], other: &[f64]) -> bool {
    let count = best.len() as f64;
    let losses: Vec<f64> = best.iter().zip(other).map(|(best, other)| best - other).collect();
    let mean = losses.iter().sum::<f64>() / count;
    let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / (count - 1.0);
    mean <= NEGLIGIBLE.max(CLOSE * (variance / count).sqrt())
}

/// Standard error of a mean of held-out correlations, from the influence of each row.
fn standard_error<'a>(
    x: &Side,
    y: &Side,
    folds: impl Iterator<Item = (Option<&'a Pair>, &'a Vec<u32>)>,
    sigma: f64,
    rows: usize,
) -> f64 {
    let mut total = 0.0;
    for (pair, fold) in folds {
        let Some(pair) = pair else { return 0.0 };
        let (f, g) = (x.combine(&pair.f), y.combine(&pair.g));
        let values: Vec<[f64; 2]> = fold.iter().map(|row| [f.at(*row), g.at(*row)]).collect();
        let count = fold.len() as f64;
        let mean = [0, 1].map(|side| values.iter().map(|v| v[side]).sum::<f64>() / count);
        let spread = [0, 1].map(|side| {
            let square = |v: &[f64; 2]| (v[side] - mean[side]).powi(2);
            (values.iter().map(square).sum::<f64>() / count).sqrt().max(f64::MIN_POSITIVE)
        });
        for value in values {
            let [a, b] = [0, 1].map(|side| (value[side] - mean[side]) / spread[side]);
            total += (a * b - 0.5 * sigma * (a * a + b * b)).powi(2);
        }
    }
    total.sqrt() / rows as f64
}

/// Symmetric in Fisher's transform, in which the error of a correlation does not depend on it.
fn interval(sigma: f64, error: f64) -> (f64, f64) {
    let slope = 1.0 - sigma * sigma;
    if slope <= f64::EPSILON {
        return ((sigma - WIDTH * error).max(0.0), 1.0);
    }
    let (middle, reach) = (sigma.atanh(), WIDTH * error / slope);
    ((middle - reach).tanh().max(0.0), (middle + reach).tanh())
}
