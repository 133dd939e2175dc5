//! A column of numbers as symbols: what estimators that see ranks alone need of it.

use super::index::{Index, key, number};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// Up to this many rows every distinct value is an atom of its own; above, ranks are rounded to about [`BINS`] steps
/// where there are more values.
const EXACT_ROWS: usize = 4096;

/// Atoms of a long column. A function with 96 half periods over the ranks still varies slowly within one.
const BINS: usize = 512;

/// Rows that decide where the atoms of a long column begin.
const SAMPLE: usize = 16 * BINS;

/// A column whose rows are coded by the atom they fall into: a value, or a narrow range of ranks.
///
/// NaN is a missing value and has an atom of its own.
#[derive(Debug)]
pub(super) struct Column {
    /// The atom of each row.
    pub codes: Vec<u32>,
    /// The atoms in the order of their values.
    pub atoms: Vec<Atom>,
    /// The atom of the rows without a value, after all others.
    pub missing: Option<u32>,
}

/// Rows of a column with the same value, or nearly the same rank.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atom {
    /// Where it begins: no value in it is smaller.
    pub value: f64,
    /// Share of the rows.
    pub mass: f64,
    /// Mean rank of its rows among those with a value, as a share in (0, 1).
    pub rank: f64,
}

impl Column {
    /// Long columns with their ranks rounded.
    pub fn new(values: &[f64]) -> Self {
        if let Some(distinct) = few(values) {
            return Self::coded(values, &distinct);
        }
        let present = values.iter().filter(|value| !value.is_nan());
        let (count, smallest) =
            present.fold((0, f64::INFINITY), |(count, low), value| (count + 1, value.min(low)));
        if count <= EXACT_ROWS {
            return Self::exact(values);
        }
        Self::coded(values, &quantiles(values, smallest))
    }

    /// Every distinct value an atom, however many there are.
    pub fn exact(values: &[f64]) -> Self {
        let present = values.iter().filter(|value| !value.is_nan());
        let mut keys: Vec<u64> = present.map(|value| key(*value)).collect();
        keys.sort_unstable();
        keys.dedup();
        Self::coded(values, &keys)
    }

    /// Atoms that begin at the given keys, the first of which is not above any value.
    fn coded(values: &[f64], edges: &[u64]) -> Self {
        let missing = edges.len();
        let index = Index::new(edges);
        let mut counts = vec![0.0; missing + 1];
        let code = |value: &f64| {
            let code = if value.is_nan() { missing } else { index.not_above(*value) - 1 };
            counts[code] += 1.0;
            // No more atoms than rows, whose numbers are of this type, and one.
            code as u32
        };
        let mut codes: Vec<u32> = values.iter().map(code).collect();
        let taken: Vec<usize> = (0..missing).filter(|code| counts[*code] > 0.0).collect();
        if taken.len() < missing {
            let place = |code: &u32| taken.partition_point(|other| *other < *code as usize) as u32;
            codes.iter_mut().for_each(|code| *code = place(code));
        }
        let rows = values.len() as f64;
        let present = rows - counts[missing];
        let mut before = 0.0;
        let atoms = taken.iter().map(|code| {
            let rank = (before + 0.5 * counts[*code]) / present;
            before += counts[*code];
            Atom { value: number(edges[*code]), mass: counts[*code] / rows, rank }
        });
        let missing = (present < rows).then_some(taken.len() as u32);
        Self { atoms: atoms.collect(), missing, codes }
    }

    /// Share of the rows without a value.
    pub fn missing_mass(&self) -> f64 {
        1.0 - self.atoms.iter().map(|atom| atom.mass).sum::<f64>()
    }
}

/// The keys of the distinct values where there are no more than [`BINS`].
fn few(values: &[f64]) -> Option<Vec<u64>> {
    let mut distinct = HashSet::with_capacity(BINS + 1);
    for value in values.iter().filter(|value| !value.is_nan()) {
        distinct.insert(key(*value));
        if distinct.len() > BINS {
            return None;
        }
    }
    let mut distinct: Vec<u64> = distinct.into_iter().collect();
    distinct.sort_unstable();
    Some(distinct)
}

/// Where atoms of about equal mass begin, judged by a sample: a sort of all rows would cost more than all the rest.
/// A value that fills an atom is one alone.
fn quantiles(values: &[f64], smallest: f64) -> Vec<u64> {
    let mut stream = ChaCha8Rng::seed_from_u64(0);
    let drawn = std::iter::repeat_with(|| values[stream.random_range(0..values.len())]);
    let mut sample: Vec<u64> =
        drawn.filter(|value| !value.is_nan()).take(SAMPLE).map(key).collect();
    sample.sort_unstable();
    // The tails, where functions may be steep, in ever smaller steps.
    let tail = (0..).map(|power| 1 << power).take_while(|place| *place < SAMPLE / BINS);
    let places = (0..SAMPLE).step_by(SAMPLE / BINS).chain(tail.flat_map(|t| [t, SAMPLE - t]));
    let mut edges: Vec<u64> = places.map(|place| sample[place]).collect();
    edges.sort_unstable();
    let repeated = edges.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0] + 1);
    let after: Vec<u64> = repeated.collect();
    edges[0] = key(smallest);
    edges.extend(after);
    edges.sort_unstable();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks_and_nan_is_apart() {
        let column = Column::new(&[2.0, f64::NAN, -1.0, 2.0, 0.0, -0.0, f64::INFINITY]);
        assert_eq!(column.codes, [2, 4, 0, 2, 1, 1, 3]);
        assert_eq!(column.missing, Some(4));
        let values: Vec<f64> = column.atoms.iter().map(|atom| atom.value).collect();
        assert_eq!(values, [-1.0, 0.0, 2.0, f64::INFINITY]);
        let ranks: Vec<f64> = column.atoms.iter().map(|atom| 6.0 * atom.rank).collect();
        assert_eq!(ranks, [0.5, 2.0, 4.0, 5.5]);
        assert!((column.missing_mass() - 1.0 / 7.0).abs() < 1e-15);
    }

    #[test]
    fn a_long_column_has_small_atoms_and_heavy_values_have_their_own() {
        let rows = 40_000;
        let smooth: Vec<f64> = (0..rows).map(|row| f64::from(row) * -0.5).collect();
        let column = Column::new(&smooth);
        let atoms = column.atoms.len();
        assert!((BINS..BINS + 16).contains(&atoms), "{atoms}");
        assert!(column.atoms.iter().all(|atom| atom.mass * (BINS as f64) < 3.0));
        assert_eq!(column.atoms[0].value, smooth[rows as usize - 1]);
        // Every third value is 7; its atom holds nothing else.
        let heavy: Vec<f64> = (0..rows)
            .map(|row| if row % 3 == 0 { 7.0 } else { f64::from(row) * 1e-3 + 5e-4 })
            .collect();
        let column = Column::new(&heavy);
        let atom = column.atoms.iter().find(|atom| atom.value == 7.0).unwrap();
        assert!((atom.mass - 1.0 / 3.0).abs() < 1e-4, "{}", atom.mass);
        assert_eq!(
            column.codes.iter().filter(|code| column.atoms[**code as usize].value == 7.0).count(),
            13_334
        );
        for (value, code) in heavy.iter().zip(&column.codes) {
            assert!(column.atoms[*code as usize].value <= *value);
        }
    }
}
