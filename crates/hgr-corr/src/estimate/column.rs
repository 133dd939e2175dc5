//! A column of numbers as symbols: what estimators that see ranks alone need of it.

/// Up to this many rows every distinct value is an atom of its own; above, ranks are rounded to [`BINS`].
const EXACT_ROWS: usize = 4096;

/// Atoms of a long column. A function with 96 half periods over the ranks still varies slowly within one.
const BINS: usize = 1024;

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
    /// The smallest value in it.
    pub value: f64,
    /// Share of the rows.
    pub mass: f64,
    /// Mean rank of its rows among those with a value, as a share in (0, 1).
    pub rank: f64,
}

impl Column {
    /// Long columns with their ranks rounded.
    pub fn new(values: &[f64]) -> Self {
        Self::rounded_above(EXACT_ROWS, values)
    }

    /// Every distinct value an atom, however many there are.
    pub fn exact(values: &[f64]) -> Self {
        Self::rounded_above(values.len(), values)
    }

    fn rounded_above(rows: usize, values: &[f64]) -> Self {
        let mut sorted: Vec<u64> =
            values.iter().filter(|value| !value.is_nan()).map(|value| key(*value)).collect();
        sorted.sort_unstable();
        let present = sorted.len();
        let edges = if present <= rows { distinct(sorted) } else { quantiles(&sorted) };
        let missing = if present < values.len() { u32::try_from(edges.len()).ok() } else { None };
        let code = |value: &f64| {
            if value.is_nan() {
                return edges.len();
            }
            let key = key(*value);
            edges.partition_point(|edge| *edge <= key) - 1
        };
        let mut counts = vec![0.0; edges.len() + 1];
        // No more atoms than rows, whose numbers are of this type, and one.
        let codes = values.iter().map(|value| {
            let code = code(value);
            counts[code] += 1.0;
            code as u32
        });
        let codes = codes.collect();
        let mut before = 0.0;
        let atoms = edges.iter().zip(&counts).map(|(edge, count)| {
            let rank = (before + 0.5 * count) / present as f64;
            before += count;
            Atom { value: number(*edge), mass: count / values.len() as f64, rank }
        });
        Self { codes, atoms: atoms.collect(), missing }
    }

    /// Share of the rows without a value.
    pub fn missing_mass(&self) -> f64 {
        1.0 - self.atoms.iter().map(|atom| atom.mass).sum::<f64>()
    }
}

/// A whole number in the order of the numbers; both zeros are one.
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The number of a key.
fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

fn distinct(mut sorted: Vec<u64>) -> Vec<u64> {
    sorted.dedup();
    sorted
}

/// Where atoms of about equal mass begin. A value that fills an atom is one alone.
fn quantiles(sorted: &[u64]) -> Vec<u64> {
    let starts = (0..BINS).map(|bin| bin * sorted.len() / BINS);
    let mut edges: Vec<u64> = starts.map(|row| sorted[row]).collect();
    let repeated: Vec<u64> =
        edges.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    for value in distinct(repeated) {
        let next = sorted.partition_point(|other| *other <= value);
        edges.extend(sorted.get(next));
    }
    edges.sort_unstable();
    distinct(edges)
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
    fn a_long_column_has_atoms_of_equal_mass_and_heavy_values_have_their_own() {
        let rows = 40_000;
        let smooth: Vec<f64> = (0..rows).map(|row| f64::from(row) * -0.5).collect();
        let column = Column::new(&smooth);
        assert_eq!(column.atoms.len(), BINS);
        assert!(column.atoms.iter().all(|atom| (atom.mass * BINS as f64 - 1.0).abs() < 0.03));
        // Every third value is 7; its atom holds nothing else.
        let heavy: Vec<f64> =
            (0..rows).map(|row| if row % 3 == 0 { 7.0 } else { f64::from(row) * 1e-3 }).collect();
        let column = Column::new(&heavy);
        let atom = column.atoms.iter().find(|atom| atom.value == 7.0).unwrap();
        assert!((atom.mass - 1.0 / 3.0).abs() < 1e-4, "{}", atom.mass);
        for (value, code) in heavy.iter().zip(&column.codes) {
            assert!(column.atoms[*code as usize].value <= *value);
        }
    }

    #[test]
    fn keys_have_the_order_of_the_numbers() {
        let numbers = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(numbers.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(numbers.iter().all(|value| number(key(*value)) == *value));
        assert_eq!(key(-0.0), key(0.0));
    }
}
