use super::ace::{Ace, standardised};
use super::classic::present;
use super::column::Column;
use crate::{Error, Result};

/// Alternating conditional expectations of two columns of numbers, smoothed over neighbouring ranks.
///
/// Definition: as [`ace`](crate::ace), with `E[g | x]` estimated by the mean of g over the rows whose rank in x lies within
/// half of `window` (a share of all rows, .1 is usual) of that of x; rows with equal x share their estimate.
///
/// The last rho is the correlation of f and g on the rows they are fitted on: too large, on independent data by about the
/// root of 2 / (window n).
///
/// Shapes: `f` and `g` have one value a row.
///
/// Errors: columns of different lengths, fewer than 20 rows, NaN, a window outside of (0, 1].
///
/// Numerics: f64. A constant column gives 0. A function with jumps or waves finer than the window is not found.
///
/// Source: Breiman and Friedman, JASA 1985, with a running mean in the place of their smoother.
///
/// ```
/// use hgr_corr::smoothed_ace;
/// let x: Vec<f64> = (0..500).map(|i| f64::from(i) / 250.0 - 1.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x * x).collect();
/// let found = smoothed_ace(&x, &y, 0.05, 20)?;
/// assert!(found.rho[19] > 0.99);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn smoothed_ace(x: &[f64], y: &[f64], window: f64, rounds: usize) -> Result<Ace> {
    let rows = present(x, y)?;
    if !(window > 0.0 && window <= 1.0) {
        return Err(Error::Shape {
            what: "the window",
            expected: "a share of the rows above 0 and up to 1".into(),
            actual: window.to_string(),
        });
    }
    let (x, y) = (Smoother::new(x, window), Smoother::new(y, window));
    let mass = vec![1.0 / rows as f64; rows];
    // Neither even nor odd, so that no symmetry of the law hides the first mode from it.
    let start = y.ranks().map(|rank| (rank - 0.5) + 2.0 * (rank - 0.5).powi(2)).collect();
    let mut g = standardised(start, &mass, CONSTANT).1;
    let (mut f, mut rho) = (vec![0.0; rows], vec![]);
    for _ in 0..rounds {
        f = standardised(x.expectation(&g), &mass, CONSTANT).1;
        let (_, next) = standardised(y.expectation(&f), &mass, CONSTANT);
        g = next;
        rho.push(f.iter().zip(&g).map(|(f, g)| f * g).sum::<f64>() / rows as f64);
    }
    Ok(Ace { rho, f, g })
}

/// A standard deviation below this is rounding.
const CONSTANT: f64 = 1e-12;

/// Means over neighbouring ranks of a column.
struct Smoother {
    column: Column,
    /// For each atom the first one in its window and the first one behind it.
    windows: Vec<(usize, usize)>,
}

impl Smoother {
    fn new(values: &[f64], window: f64) -> Self {
        let column = Column::exact(values);
        let rank = |atom: usize| column.atoms[atom].rank;
        let around = |atom: usize| {
            let reach = 0.5 * window;
            let first = column.atoms.partition_point(|other| other.rank < rank(atom) - reach);
            let behind = column.atoms.partition_point(|other| other.rank <= rank(atom) + reach);
            (first, behind)
        };
        let windows = (0..column.atoms.len()).map(around).collect();
        Self { column, windows }
    }

    fn ranks(&self) -> impl Iterator<Item = f64> {
        self.column.codes.iter().map(|code| self.column.atoms[*code as usize].rank)
    }

    /// The smoothed conditional expectation of some values, for every row.
    fn expectation(&self, values: &[f64]) -> Vec<f64> {
        let atoms = self.column.atoms.len();
        let (mut sums, mut masses) = (vec![0.0; atoms + 1], vec![0.0; atoms + 1]);
        for (code, value) in self.column.codes.iter().zip(values) {
            sums[*code as usize + 1] += value;
            masses[*code as usize + 1] += 1.0;
        }
        for atom in 0..atoms {
            sums[atom + 1] += sums[atom];
            masses[atom + 1] += masses[atom];
        }
        let mean = |(first, behind): &(usize, usize)| {
            (sums[*behind] - sums[*first]) / (masses[*behind] - masses[*first])
        };
        let means: Vec<f64> = self.windows.iter().map(mean).collect();
        self.column.codes.iter().map(|code| means[*code as usize]).collect()
    }
}
