//! Orthonormal functions of a column, as tables over its atoms.

use super::column::{Atom, Column};
use faer::Mat;
use statrs::distribution::{ContinuousCDF, Normal};
use std::f64::consts::PI;

/// A column with at most this many distinct values is a set of symbols: any function of it is allowed.
pub(super) const SYMBOLS: usize = 16;

/// Number of cosines, sixteen rows each, from which on the tails have a function of their own. With fewer rows a few
/// extreme ones would decide its correlation.
const TAILS: usize = 64;

/// A function whose part that earlier ones do not hold is smaller than this share of it is dropped.
const DEPENDENT: f64 = 1e-6;

/// Functions of a column with mean 0 and variance 1 over its rows, uncorrelated with each other.
#[derive(Debug)]
pub(super) struct Basis {
    /// The values on the atoms, one row an atom, the missing one last.
    pub table: Vec<f64>,
    /// The level of each function, from 1: how fine it is.
    pub levels: Vec<usize>,
}

impl Basis {
    /// Normal score and cosines of the mid-ranks, or any function of a column of few symbols.
    ///
    /// The normal score makes the first pair of functions exact for normal variables and everything that
    /// is a monotone image of them. Its square follows the tails, which cosines do slowly.
    pub fn cosines(column: &Column, highest: usize) -> Self {
        let mut builder = Builder::new(column);
        if column.atoms.len() <= SYMBOLS {
            for symbol in 1..column.atoms.len() {
                builder.push(1, |index, _| if index == symbol { 1.0 } else { 0.0 });
            }
            return builder.finish();
        }
        if let Ok(normal) = Normal::new(0.0, 1.0) {
            let score: Vec<f64> =
                column.atoms.iter().map(|atom| normal.inverse_cdf(atom.rank)).collect();
            builder.push(1, |index, _| score[index]);
            if highest >= TAILS {
                builder.push(3, |index, _| score[index].powi(2));
            }
        }
        // cos(pi k u) by its recurrence in k: a call of the cosine for each would cost as much as the decomposition.
        let first: Vec<f64> = column.atoms.iter().map(|atom| (PI * atom.rank).cos()).collect();
        let (mut before, mut cosine) = (vec![1.0; first.len()], first.clone());
        for level in 2..=highest.min(column.atoms.len() - 2) {
            builder.push(level, |index, _| cosine[index]);
            for ((before, cosine), first) in before.iter_mut().zip(&cosine).zip(&first) {
                *before = 2.0 * first * cosine - *before;
            }
            std::mem::swap(&mut before, &mut cosine);
        }
        builder.finish()
    }

    /// Polynomials of the mid-ranks.
    pub fn polynomials(column: &Column, highest: usize) -> Self {
        Self::chebyshev(column, highest, |atom| 2.0 * atom.rank - 1.0)
    }

    /// Polynomials of the values.
    pub fn powers(column: &Column, highest: usize) -> Self {
        let (low, high) = match column.atoms.as_slice() {
            [first, .., last] => (first.value, last.value),
            _ => (0.0, 1.0),
        };
        Self::chebyshev(column, highest, |atom| 2.0 * (atom.value - low) / (high - low) - 1.0)
    }

    /// Polynomials of a place between -1 and 1. Those of Chebyshev span the same functions as powers, without
    /// their cancellation.
    fn chebyshev(column: &Column, highest: usize, place: impl Fn(&Atom) -> f64) -> Self {
        let mut builder = Builder::new(column);
        for degree in 1..=highest.min(column.atoms.len().saturating_sub(1)) {
            let angle = |atom: &Atom| place(atom).clamp(-1.0, 1.0).acos();
            builder.push(degree, |_, atom| (degree as f64 * angle(atom)).cos());
        }
        builder.finish()
    }

    /// Number of functions.
    pub fn width(&self) -> usize {
        self.levels.len()
    }
}

/// Functions of a column as they are, before they are made orthonormal under the masses of its atoms.
struct Builder<'a> {
    column: &'a Column,
    masses: Vec<f64>,
    functions: Vec<Vec<f64>>,
    levels: Vec<usize>,
}

impl<'a> Builder<'a> {
    fn new(column: &'a Column) -> Self {
        let mut masses: Vec<f64> = column.atoms.iter().map(|atom| atom.mass).collect();
        let (mut functions, mut levels) = (vec![], vec![]);
        if column.missing.is_some() {
            masses.push(column.missing_mass());
            functions.push([vec![0.0; column.atoms.len()], vec![1.0]].concat());
            levels.push(1);
        }
        Self { column, masses, functions, levels }
    }

    /// Adds a function of the atoms and their numbers; it is 0 for missing values.
    fn push(&mut self, level: usize, function: impl Fn(usize, &Atom) -> f64) {
        let atoms = self.column.atoms.iter().enumerate();
        let mut values: Vec<f64> = atoms.map(|(index, atom)| function(index, atom)).collect();
        values.resize(self.masses.len(), 0.0);
        self.functions.push(values);
        self.levels.push(level);
    }

    /// QR decomposition of the constant and the functions, weighted by the roots of the masses; functions that
    /// earlier ones hold leave first.
    fn finish(self) -> Basis {
        let roots: Vec<f64> = self.masses.iter().map(|mass| mass.sqrt()).collect();
        let mut kept: Vec<usize> = (0..self.functions.len()).collect();
        loop {
            let mut weighted = Mat::zeros(roots.len(), kept.len() + 1);
            weighted.col_as_slice_mut(0).copy_from_slice(&roots);
            for (place, function) in kept.iter().enumerate() {
                let values = roots.iter().zip(&self.functions[*function]).map(|(root, f)| root * f);
                let into = weighted.col_as_slice_mut(place + 1).iter_mut();
                into.zip(values).for_each(|(place, value)| *place = value);
            }
            let qr = weighted.qr();
            let rest = |column: usize| qr.thin_R()[(column, column)];
            let free: Vec<usize> = (1..=kept.len())
                .filter(|c| rest(*c).abs() > DEPENDENT * weighted.col(*c).norm_l2())
                .collect();
            if free.len() == kept.len() {
                let q = qr.compute_thin_Q();
                let mut table = vec![0.0; roots.len() * free.len()];
                for (place, column) in free.iter().enumerate() {
                    let sign = rest(*column).signum();
                    let values = q.col(*column).iter().zip(&roots).map(|(q, root)| sign * q / root);
                    let into = table.iter_mut().skip(place).step_by(free.len());
                    into.zip(values).for_each(|(place, value)| *place = value);
                }
                return Basis { table, levels: kept.iter().map(|f| self.levels[*f]).collect() };
            }
            kept = free.into_iter().map(|column| kept[column - 1]).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gram(column: &Column, basis: &Basis) -> f64 {
        let table = &basis.table;
        let rows: Vec<&[f64]> =
            column.codes.iter().map(|c| &table[*c as usize * basis.width()..]).collect();
        let moment = |i: usize, j: usize| {
            rows.iter().map(|row| row[i] * row[j]).sum::<f64>() / rows.len() as f64
        };
        let pairs = (0..basis.width()).flat_map(|i| (0..=i).map(move |j| (i, j)));
        pairs.map(|(i, j)| (moment(i, j) - f64::from(u8::from(i == j))).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn functions_are_orthonormal_over_the_rows_with_ties_and_missing_values() {
        let values: Vec<f64> = (0..300)
            .map(|i| if i % 11 == 0 { f64::NAN } else { f64::from(i * i % 97).floor() })
            .collect();
        let column = Column::new(&values);
        assert!(gram(&column, &Basis::cosines(&column, 20)) < 1e-12);
        assert!(gram(&column, &Basis::polynomials(&column, 10)) < 1e-12);
    }

    #[test]
    fn few_symbols_have_every_function_and_a_constant_has_none() {
        let column = Column::new(&[1.0, 2.0, 5.0, 5.0, 2.0, 1.0, 1.0]);
        let basis = Basis::cosines(&column, 9);
        assert_eq!((basis.width(), basis.levels.as_slice()), (2, [1, 1].as_slice()));
        assert_eq!(Basis::cosines(&Column::new(&[3.0; 5]), 4).width(), 0);
        assert_eq!(Basis::polynomials(&Column::new(&[3.0; 5]), 4).width(), 0);
        // A constant that is sometimes missing: whether it is there is a function.
        assert_eq!(Basis::cosines(&Column::new(&[3.0, f64::NAN, 3.0]), 4).width(), 1);
    }
}
