//! Orthonormal functions of a column, as tables over its atoms.

use super::column::{Atom, Column};
use crate::linear::{Mat, add_product, cholesky, inverse, qr};
use statrs::distribution::{ContinuousCDF, Normal};
use std::f64::consts::PI;

/// A column with at most this many distinct values is a set of symbols: any function of it is allowed.
pub(super) const SYMBOLS: usize = 16;

/// Number of cosines, sixteen rows each, from which on the tails have a function of their own. With fewer rows a few
/// extreme ones would decide its correlation.
const TAILS: usize = 64;

/// A function whose part that earlier ones do not hold is smaller than this share of it is dropped.
const DEPENDENT: f64 = 1e-6;

/// A function with at least this share of its square left is independent of the earlier ones beyond doubt.
const CLEAR: f64 = 1e-6;

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
        // A column that is always missing is a constant.
        if column.missing.is_some() && !column.atoms.is_empty() {
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

    /// The constant and the functions, weighted by the roots of the masses, orthonormal in their order; functions that
    /// earlier ones hold leave first.
    fn finish(self) -> Basis {
        let roots: Vec<f64> = self.masses.iter().map(|mass| mass.sqrt()).collect();
        let mut kept: Vec<usize> = (0..self.functions.len()).collect();
        loop {
            let mut weighted = Mat::zeros(kept.len() + 1, roots.len());
            for ((atom, mut column), root) in weighted.column_iter_mut().enumerate().zip(&roots) {
                column[0] = *root;
                let values = kept.iter().map(|function| root * self.functions[*function][atom]);
                column.iter_mut().skip(1).zip(values).for_each(|(place, value)| *place = value);
            }
            let white = orthonormal(&weighted).and_then(|white| orthonormal(&white));
            let white = white.or_else(|| {
                let (q, r) = qr(weighted.transpose());
                let free: Vec<usize> = (0..kept.len())
                    .filter(|f| r[(f + 1, f + 1)] > DEPENDENT * weighted.row(f + 1).norm())
                    .collect();
                if free.len() == kept.len() {
                    return Some(q.transpose());
                }
                kept = free.into_iter().map(|place| kept[place]).collect();
                None
            });
            if let Some(white) = white {
                let columns = white.column_iter().zip(&roots);
                let table = columns
                    .flat_map(|(column, root)| {
                        column.iter().skip(1).map(move |value| value / root).collect::<Vec<f64>>()
                    })
                    .collect();
                return Basis { table, levels: kept.iter().map(|f| self.levels[*f]).collect() };
            }
        }
    }
}

/// Rows made orthonormal in their order by the Cholesky factor of their products. That costs the digits of those squares
/// which are not in what is left of a row without the earlier ones, and a second time restores them. Nothing where it
/// costs too many.
fn orthonormal(rows: &Mat) -> Option<Mat> {
    let mut squares = Mat::zeros(rows.nrows(), rows.nrows());
    add_product(&mut squares, rows, rows);
    let sizes: Vec<f64> = squares.diagonal().iter().copied().collect();
    let factor = cholesky(squares)?;
    let clear = |(row, size): (usize, &f64)| factor[(row, row)].powi(2) > CLEAR * size;
    sizes.iter().enumerate().all(clear).then(|| inverse(&factor))?.map(|inverse| inverse * rows)
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
    fn functions_of_crowded_values_are_orthonormal_until_they_are_one() {
        // Values that crowd at one end, where polynomials hardly differ: the more the steeper.
        for (steep, width) in [(0.01, 10), (0.05, 10), (0.2, 10), (0.4, 10), (0.8, 7)] {
            let values: Vec<f64> = (0..300).map(|i| f64::from(i) * steep).map(f64::exp).collect();
            let column = Column::exact(&values);
            let basis = Basis::powers(&column, 10);
            assert!(gram(&column, &basis) < 1e-14, "{steep}: {:e}", gram(&column, &basis));
            assert_eq!(basis.width(), width, "{steep}");
        }
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
