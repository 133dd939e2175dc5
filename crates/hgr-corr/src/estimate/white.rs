//! Features in coordinates in which they are uncorrelated and have one length, without a copy of all rows.

use super::matrix::Matrix;
use crate::linear::{Mat, add_product, eigen, qr};
use crate::{Error, Result};
use std::ops::Range;

/// Directions whose singular value is below this share of the largest hold rounding alone and are dropped.
const RANK: f64 = 1e-12;

/// Directions that come out this short are read no further; of the others the singular values are computed.
const SHORT: f64 = 3e-13;

/// Rows that are worked on at a time: as many as a cache holds.
const ROWS_AT_A_TIME: usize = 512;

/// Variances of coordinates that lie within this factor of each other are told apart to the last digit, and so the
/// coordinates are good enough.
const EVEN: f64 = 4.0;

/// Shares of the largest variance below this are rounding. Such directions become longer by no more than its root, and
/// are seen at the next pass.
const UNSEEN: f64 = 1e-12;

/// Passes over the rows. Two are usual, and three see down to the rank.
const PASSES: usize = 6;

const NOT_FOUND: Error = Error::NotConverged { what: "eigenvectors of the features" };

/// Centred features, read a few rows at a time, and the way to white coordinates.
///
/// Sums of squares of columns lose half of the digits where columns are nearly dependent. So rows are taken to
/// coordinates that those sums make white, and summed again there, until the sums are even: from there the last turn
/// is exact.
pub(super) struct White<'a> {
    features: Matrix<'a>,
    means: Vec<f64>,
    /// The columns that vary.
    columns: Vec<usize>,
    /// A power of two that brings the largest deviation near 1.
    unit: f64,
    /// From the columns that vary to the coordinates in which rows are read.
    map: Mat,
    /// Whether `map` changes nothing.
    plain: bool,
    /// From those to white ones.
    turn: Mat,
}

impl<'a> White<'a> {
    pub fn new(features: Matrix<'a>) -> Result<Self> {
        let mut white = Self::centred(features);
        let mut largest = None;
        for _ in 0..PASSES {
            let found = eigen(white.squares());
            let (values, vectors) = found.ok_or(NOT_FOUND)?;
            let first = values.first().copied().unwrap_or(0.0).max(0.0);
            let largest = *largest.get_or_insert(first.sqrt());
            let back = &white.map * &vectors;
            // What rounding may hide does not count as small.
            let deviation = |mode: usize| (values[mode].max(0.0) + UNSEEN * 1e-2 * first).sqrt();
            let kept: Vec<usize> = (0..values.len())
                .filter(|mode| deviation(*mode) > SHORT * largest * back.column(*mode).norm())
                .collect();
            let vectors = vectors.select_columns(&kept);
            let kept: Vec<f64> = kept.into_iter().map(|mode| values[mode]).collect();
            if first == 0.0 || kept.iter().all(|value| *value * EVEN >= first) {
                white.turn = over_roots(vectors, &kept, 0.0);
                return white.of_rank(RANK * largest);
            }
            white.map = &white.map * over_roots(vectors, &kept, UNSEEN * first);
            white.plain = false;
        }
        Err(Error::NotConverged { what: "white coordinates of the features" })
    }

    /// Without the directions whose singular value is at most `least`: those on the way back, inverted.
    fn of_rank(mut self, least: f64) -> Result<Self> {
        let back = &self.map * &self.turn;
        if back.norm() * least < 1.0 {
            return Ok(self);
        }
        let (values, vectors) = eigen(back.transpose() * back).ok_or(NOT_FOUND)?;
        let short = values.iter().take_while(|value| value.sqrt() * least >= 1.0).count();
        self.turn *= vectors.columns(short, values.len() - short);
        Ok(self)
    }

    fn centred(features: Matrix<'a>) -> Self {
        let means = features.means();
        let reach = features.reach(&means);
        let varies = |column: &usize| Matrix::varies(reach[*column], means[*column]);
        let columns: Vec<usize> = (0..features.columns()).filter(varies).collect();
        let largest = columns.iter().fold(0.0, |size: f64, column| size.max(reach[*column]));
        let unit = (-largest.log2().clamp(-1000.0, 1000.0).floor()).exp2();
        let count = columns.len();
        let (map, turn) = (Mat::identity(count, count), Mat::zeros(count, 0));
        let mut white = Self { features, means, columns, unit, map, plain: true, turn };
        if features.rows() < count {
            // No more coordinates than rows are needed.
            white.map = qr(white.deviations(0..features.rows())).0;
            white.plain = false;
        }
        white
    }

    /// Where the blocks of rows begin.
    pub fn blocks(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.features.rows()).step_by(ROWS_AT_A_TIME)
    }

    /// A block of rows, each a column, before the last turn.
    pub fn rows(&self, first: usize) -> Mat {
        let rows = self.features.rows();
        let block = self.deviations(first..rows.min(first + ROWS_AT_A_TIME));
        if self.plain { block } else { self.map.transpose() * block }
    }

    /// Rows in the columns that vary, minus their means.
    fn deviations(&self, rows: Range<usize>) -> Mat {
        let mut block = Mat::zeros(self.columns.len(), rows.len());
        for (row, mut into) in rows.zip(block.column_iter_mut()) {
            let values = self.features.row(row);
            for (into, column) in into.iter_mut().zip(&self.columns) {
                *into = (values[*column] - self.means[*column]) * self.unit;
            }
        }
        block
    }

    fn squares(&self) -> Mat {
        let mut sums = Mat::zeros(self.map.ncols(), self.map.ncols());
        for first in self.blocks() {
            let rows = self.rows(first);
            add_product(&mut sums, &rows, &rows);
        }
        sums
    }

    /// The products of white coordinates of two sides.
    pub fn cross(&self, other: &White) -> Mat {
        let mut sums = Mat::zeros(self.map.ncols(), other.map.ncols());
        for first in self.blocks() {
            add_product(&mut sums, &self.rows(first), &other.rows(first));
        }
        self.last(sums) * &other.turn
    }

    /// The last turn, of sums of rows that are columns.
    pub fn last(&self, sums: Mat) -> Mat {
        self.turn.transpose() * sums
    }

    /// The weights of the features in each white coordinate.
    pub fn back(&self) -> Mat {
        let weights = &self.map * &self.turn * self.unit;
        let mut back = Mat::zeros(self.features.columns(), weights.ncols());
        for (row, column) in weights.row_iter().zip(&self.columns) {
            back.row_mut(*column).copy_from(&row);
        }
        back
    }

    pub fn means(self) -> Vec<f64> {
        self.means
    }
}

/// Columns divided by the roots of `values`, none of which counts as less than `least`.
fn over_roots(mut columns: Mat, values: &[f64], least: f64) -> Mat {
    for (mut column, value) in columns.column_iter_mut().zip(values) {
        column /= value.max(least).sqrt();
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    /// How far the products of the coordinates are from those of orthonormal ones, and how many there are.
    fn white(values: &[f64], rows: usize) -> (f64, usize) {
        let features = Matrix::new(values, rows, values.len() / rows).unwrap();
        let white = White::new(features).unwrap();
        let products = white.cross(&white);
        let rank = products.nrows();
        assert_eq!(white.back().shape(), (features.columns(), rank));
        ((products - Mat::identity(rank, rank)).amax(), rank)
    }

    fn normal(rows: usize, columns: usize, scale: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut stream = ChaCha8Rng::seed_from_u64(1);
        let mut value = |i| scale(i % columns) * stream.sample::<f64, _>(StandardNormal);
        (0..rows * columns).map(&mut value).collect()
    }

    #[test]
    fn columns_of_any_size_are_white_over_many_rows_and_few() {
        for (rows, columns) in [(2, 1), (40, 7), (1500, 12), (6, 9), (1, 2), (3, 600), (520, 530)] {
            for step in [1.0, 0.3, 1e-2] {
                let values = normal(rows, columns, |column| f64::powi(step, column.min(5) as i32));
                let (error, rank) = white(&values, rows);
                assert!(error < 2e-14, "{rows} x {columns}, {step}: {error:e}");
                assert_eq!(rank, columns.min(rows - 1), "{rows} x {columns}, {step}");
            }
        }
        for unit in [1e-300, 1e-150, 1e150, 1e300] {
            assert_eq!(white(&normal(50, 3, |_| unit), 50).1, 3);
        }
    }

    #[test]
    fn directions_are_dropped_at_the_rank_and_not_above() {
        let shares =
            [(1e-3, 4), (1e-7, 4), (1e-9, 4), (1e-11, 4), (2e-12, 3), (1e-13, 3), (0.0, 3)];
        for (rows, (share, kept)) in (1000..1008).flat_map(|rows| shares.map(|share| (rows, share)))
        {
            let mut values = normal(rows, 6, |_| 1.0);
            for row in values.chunks_exact_mut(6) {
                // Two that follow from others, one of them up to a share, and one that is constant.
                row[3] = row[0] + row[1];
                row[4] = row[1] - row[2] + share * row[4];
                row[5] = 7.0;
            }
            let (error, rank) = white(&values, rows);
            assert!(error < 2e-14 && rank == kept, "{rows}, {share}: {error:e}, {rank}");
        }
        assert_eq!(white(&[3.0; 8], 4), (0.0, 0));
    }

    #[test]
    fn weights_and_means_lead_from_the_features_to_the_coordinates() {
        let mut values = normal(40, 4, |_| 300.0);
        for row in values.chunks_exact_mut(4) {
            row[1] = 5.0;
            row[2] += 70.0;
        }
        let white = White::new(Matrix::new(&values, 40, 4).unwrap()).unwrap();
        let (coordinates, weights) = (white.last(white.rows(0)), white.back());
        let means = white.means();
        for (column, found) in means.iter().enumerate() {
            let mean = values.iter().skip(column).step_by(4).sum::<f64>() / 40.0;
            assert!((found - mean).abs() < 1e-12, "{column}: {found}");
        }
        for (row, found) in values.chunks_exact(4).zip(coordinates.column_iter()) {
            let deviations = Mat::from_fn(4, 1, |column, _| row[column] - means[column]);
            assert!((weights.transpose() * deviations - found).amax() < 1e-13);
        }
    }

    #[test]
    fn a_map_of_nearly_dependent_columns_is_read_through_to_the_last_digit() {
        let f = normal(1500, 4, |_| 1.0);
        for share in [1.0, 1e-4, 1e-8] {
            let map = |row: &[f64]| {
                [row[0], row[0] + share * row[1], row[2] - row[0], row[3] + share * row[2]]
            };
            let g: Vec<f64> = f.as_chunks::<4>().0.iter().flat_map(|row| map(row)).collect();
            let [x, y] =
                [&f, &g].map(|side| White::new(Matrix::new(side, 1500, 4).unwrap()).unwrap());
            let cross = y.cross(&x);
            let error = (&cross * cross.transpose() - Mat::identity(4, 4)).amax();
            assert!(error < 1e-14 + 2e-16 / share, "{share}: {error:e}");
        }
    }
}
