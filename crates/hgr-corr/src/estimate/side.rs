//! One side of a pair: the functions of its columns, and their moments with those of the other side.

use super::basis::Basis;
use super::column::Column;
use faer::{Mat, MatRef};

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
}

impl Side {
    pub fn new(columns: &[&[f64]], basis: impl Fn(&Column) -> Basis) -> Self {
        let mut coded = vec![];
        let mut order = vec![];
        for (index, values) in columns.iter().enumerate() {
            let column = Column::new(values);
            let basis = basis(&column);
            order.extend(basis.levels.iter().enumerate().map(|(f, level)| (*level, index, f)));
            coded.push(Coded { column, table: basis.table(), width: basis.width() });
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
        let counts: Vec<Vec<f64>> = self.columns.iter().map(|c| counts(c, rows)).collect();
        let sum = |(column, function): &(usize, usize)| {
            let coded = &self.columns[*column];
            let values = coded.table.iter().skip(*function).step_by(coded.width);
            values.zip(&counts[*column]).map(|(value, count)| value * count).sum()
        };
        self.features.iter().map(sum).collect()
    }

    /// The sums over some rows of the products of a feature of this side and one of the other.
    pub fn products(&self, other: &Self, rows: &[u32]) -> Mat<f64> {
        let block = |a: &Coded| {
            other.columns.iter().map(|b| products(a, b, rows)).collect::<Vec<Mat<f64>>>()
        };
        let blocks: Vec<Vec<Mat<f64>>> = self.columns.iter().map(block).collect();
        Mat::from_fn(self.width(), other.width(), |i, j| {
            let ((a, f), (b, g)) = (self.features[i], other.features[j]);
            blocks[a][b][(f, g)]
        })
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
        let mut tables: Vec<Vec<f64>> = self.columns.iter().map(|c| vec![0.0; c.atoms()]).collect();
        for ((column, function), weight) in self.features.iter().zip(weights) {
            let coded = &self.columns[*column];
            let values = coded.table.iter().skip(*function).step_by(coded.width);
            tables[*column].iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        }
        Combined { side: self, tables }
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

fn counts(coded: &Coded, rows: &[u32]) -> Vec<f64> {
    let mut counts = vec![0.0; coded.atoms()];
    rows.iter().for_each(|row| counts[coded.column.codes[*row as usize] as usize] += 1.0);
    counts
}

/// The functions of `b` are summed by the atoms of `a` first: a row then costs the width of one table, not
/// the product of two.
fn products(a: &Coded, b: &Coded, rows: &[u32]) -> Mat<f64> {
    if a.width == 0 || b.width == 0 {
        return Mat::zeros(a.width, b.width);
    }
    let mut place = vec![u32::MAX; a.atoms()];
    let mut present: Vec<u32> = vec![];
    let mut sums: Vec<f64> = vec![];
    for row in rows {
        let code = a.column.codes[*row as usize];
        let place = &mut place[code as usize];
        if *place == u32::MAX {
            // There are at most as many as rows, whose numbers are of this type.
            *place = present.len() as u32;
            present.push(code);
            sums.resize(sums.len() + b.width, 0.0);
        }
        let start = *place as usize * b.width;
        let sums = &mut sums[start..start + b.width];
        let values = b.row(b.column.codes[*row as usize]);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    let left: Vec<f64> = present.iter().flat_map(|code| a.row(*code)).copied().collect();
    let left = MatRef::from_row_major_slice(&left, present.len(), a.width);
    let right = MatRef::from_row_major_slice(&sums, present.len(), b.width);
    left.transpose() * right
}
