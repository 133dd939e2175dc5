//! One side of a pair: the functions of its columns, and their moments with those of the other side.

use super::basis::Basis;
use super::column::Column;
use crate::linear::{self, Mat};
use crate::vectorised::vectorised;

/// The columns of one side and their functions, in the order of their levels.
#[derive(Debug)]
pub(super) struct Side {
    columns: Vec<Coded>,
    /// Column and function behind each feature, coarse functions of all columns first.
    features: Vec<(usize, usize)>,
    /// Level of each feature.
    levels: Vec<usize>,
}

/// A column and the table of its functions.
#[derive(Debug)]
struct Coded {
    column: Column,
    table: Vec<f64>,
    width: usize,
}

impl Coded {
    fn row(&self, code: u32) -> &[f64] {
        let start = code as usize * self.width;
        &self.table[start..start + self.width]
    }

    fn atoms(&self) -> usize {
        self.column.atoms.len() + usize::from(self.column.missing.is_some())
    }

    /// Rows of each atom, among some.
    fn counts(&self, rows: &[u32]) -> Vec<f64> {
        let mut counts = vec![0.0; self.atoms()];
        rows.iter().for_each(|row| counts[self.column.codes[*row as usize] as usize] += 1.0);
        counts
    }

    /// The sums over some rows of the products of two functions: rows of an atom are counted, not visited.
    fn squares(&self, rows: &[u32]) -> Mat {
        if self.width == 0 {
            return Mat::zeros(0, 0);
        }
        let counts = self.counts(rows).into_iter();
        let present = counts.zip(self.table.chunks_exact(self.width)).filter(|(n, _)| *n > 0.0);
        let weighted: Vec<f64> = present
            .flat_map(|(count, row)| {
                let root = f64::sqrt(count);
                row.iter().map(move |value| root * value)
            })
            .collect();
        let weighted = (weighted.as_slice(), self.width);
        linear::products(weighted, weighted)
    }
}

impl Side {
    pub fn new(columns: &[&[f64]], basis: impl Fn(&Column) -> Basis) -> Self {
        let mut coded = vec![];
        let mut order = vec![];
        for (index, values) in columns.iter().enumerate() {
            let column = Column::new(values);
            let basis = basis(&column);
            order.extend(basis.levels.iter().enumerate().map(|(f, level)| (*level, index, f)));
            let width = basis.width();
            coded.push(Coded { column, table: basis.table, width });
        }
        order.sort_unstable();
        let features = order.iter().map(|(_, column, function)| (*column, *function)).collect();
        let levels = order.iter().map(|(level, _, _)| *level).collect();
        Self { columns: coded, features, levels }
    }

    /// Number of features.
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// Level of each feature, ascending.
    pub fn levels(&self) -> &[usize] {
        &self.levels
    }

    /// Number of features up to a level.
    pub fn up_to(&self, level: usize) -> usize {
        self.levels.partition_point(|other| *other <= level)
    }

    /// The sums of the features over some rows.
    pub fn sums(&self, rows: &[u32]) -> Vec<f64> {
        let sum = |coded: &Coded| {
            let table = linear::by_columns(&coded.table, coded.width, coded.atoms());
            table * Mat::from_vec(coded.atoms(), 1, coded.counts(rows))
        };
        let sums: Vec<Mat> = self.columns.iter().map(sum).collect();
        self.features.iter().map(|(column, function)| sums[*column][*function]).collect()
    }

    /// The sums over some rows of the products of two features.
    pub fn squares(&self, rows: &[u32]) -> Mat {
        self.arranged(self, |a, b| {
            if a == b {
                self.columns[a].squares(rows)
            } else {
                products(&self.columns[a], &self.columns[b], rows)
            }
        })
    }

    /// The sums over some rows of the products of a feature of this side and one of the other.
    pub fn products(&self, other: &Self, rows: &[u32]) -> Mat {
        self.arranged(other, |a, b| products(&self.columns[a], &other.columns[b], rows))
    }

    /// Blocks of columns in the order of the features.
    fn arranged(&self, other: &Self, block: impl Fn(usize, usize) -> Mat) -> Mat {
        let blocks: Vec<Vec<Mat>> = (0..self.columns.len())
            .map(|a| (0..other.columns.len()).map(|b| block(a, b)).collect())
            .collect();
        let mut all = Mat::zeros(self.width(), other.width());
        for (place, (b, g)) in other.features.iter().enumerate() {
            for (value, (a, f)) in all.column_mut(place).iter_mut().zip(&self.features) {
                *value = blocks[*a][*b][(*f, *g)];
            }
        }
        all
    }

    /// The features of every row: one row after the other.
    pub fn rows(&self) -> Vec<f64> {
        let rows = self.columns.first().map_or(0, |coded| coded.column.codes.len());
        let feature = |row: usize, (column, function): &(usize, usize)| {
            let coded = &self.columns[*column];
            coded.row(coded.column.codes[row])[*function]
        };
        (0..rows).flat_map(|row| self.features.iter().map(move |f| feature(row, f))).collect()
    }

    /// A linear combination of the first features as a table over the atoms of each column.
    pub fn combine(&self, weights: &[f64]) -> Combined<'_> {
        let mut own: Vec<Vec<f64>> = self.columns.iter().map(|c| vec![0.0; c.width]).collect();
        for ((column, function), weight) in self.features.iter().zip(weights) {
            own[*column][*function] = *weight;
        }
        let table = |(coded, own): (&Coded, &Vec<f64>)| {
            let value = |atom| coded.row(atom).iter().zip(own).map(|(f, weight)| f * weight).sum();
            (0..).take(coded.atoms()).map(value).collect()
        };
        Combined { side: self, tables: self.columns.iter().zip(&own).map(table).collect() }
    }
}

/// A sum of functions of the columns of a side.
pub(super) struct Combined<'a> {
    side: &'a Side,
    tables: Vec<Vec<f64>>,
}

impl Combined<'_> {
    /// Its value in one row.
    pub fn at(&self, row: u32) -> f64 {
        let value =
            |(coded, table): (&Coded, &Vec<f64>)| table[coded.column.codes[row as usize] as usize];
        self.side.columns.iter().zip(&self.tables).map(value).sum()
    }

    /// For each column the values of its atoms and the function there; missing values as NaN.
    pub fn curves(&self) -> Vec<Vec<(f64, f64)>> {
        let curve = |(coded, table): (&Coded, &Vec<f64>)| {
            let values = coded.column.atoms.iter().map(|atom| atom.value).chain([f64::NAN]);
            values.zip(table.iter().copied()).collect()
        };
        self.side.columns.iter().zip(&self.tables).map(curve).collect()
    }
}

/// The functions of `b` are summed by the atoms of `a` first: a row then costs the width of one table, not
/// the product of two.
fn products(a: &Coded, b: &Coded, rows: &[u32]) -> Mat {
    if a.width == 0 || b.width == 0 {
        return Mat::zeros(a.width, b.width);
    }
    let pairs = pairs(a, b, rows);
    let groups: Vec<&[[u32; 2]]> = pairs.chunk_by(|one, next| one[0] == next[0]).collect();
    let mut left = Vec::with_capacity(groups.len() * a.width);
    let mut sums = vec![0.0; groups.len() * b.width];
    for (group, sums) in groups.iter().zip(sums.chunks_exact_mut(b.width)) {
        left.extend_from_slice(a.row(group[0][0]));
        vectorised(
            #[inline(always)]
            || {
                for [_, code] in *group {
                    sums.iter_mut().zip(b.row(*code)).for_each(|(sum, value)| *sum += value);
                }
            },
        );
    }
    linear::products((&left, a.width), (&sums, b.width))
}

/// The atoms of some rows in both columns, in the order of the first.
fn pairs(a: &Coded, b: &Coded, rows: &[u32]) -> Vec<[u32; 2]> {
    let codes = rows.iter().map(|row| [a, b].map(|coded| coded.column.codes[*row as usize]));
    let mut places = vec![0; a.atoms() + 1];
    codes.clone().for_each(|[first, _]| places[first as usize + 1] += 1);
    (1..places.len()).for_each(|atom| places[atom] += places[atom - 1]);
    let mut pairs = vec![[0; 2]; rows.len()];
    for pair in codes {
        let place = &mut places[pair[0] as usize];
        pairs[*place] = pair;
        *place += 1;
    }
    pairs
}
