//! Products and decompositions of matrices of f64. The one file of the estimators that knows whose they are.

use nalgebra::{Cholesky, DMatrix, DMatrixView, Dyn, SymmetricEigen};
use std::f64::consts::SQRT_2;

pub(crate) type Mat = DMatrix<f64>;

/// Steps for each row before a decomposition is given up; two are usual.
const STEPS: usize = 100;

/// Rows of a triangle that is inverted as it is.
const SMALL: usize = 16;

/// What is below this share of the largest entry is 0 to a decomposition: far below the rounding of that entry, and
/// squares of smaller ones would come near the smallest number.
const NOTHING: f64 = 1e-60;

/// Numbers column by column as a matrix.
pub(crate) fn by_columns(values: &[f64], rows: usize, columns: usize) -> DMatrixView<'_, f64> {
    DMatrixView::from_slice(values, rows, columns)
}

/// Numbers row by row as a matrix. Not for the left side of a product: where a side is short, the library reads beyond the
/// end of rows that are not next to each other in memory (dimforge/nalgebra, issue 1616).
fn by_rows(values: &[f64], rows: usize, columns: usize) -> DMatrixView<'_, f64, Dyn, Dyn> {
    let (rows, columns) = (Dyn(rows), Dyn(columns));
    DMatrixView::from_slice_with_strides_generic(values, rows, columns, columns, Dyn(1))
}

/// `sums += left right'`.
pub(crate) fn add_product(sums: &mut Mat, left: &Mat, right: &Mat) {
    let right = by_rows(right.as_slice(), right.ncols(), right.nrows());
    sums.gemm(1.0, left, &right, 1.0);
}

/// The sums over rows, one after the other, of the products of a column on the left and one on the right, with the
/// widths of both.
pub(crate) fn products((left, width): (&[f64], usize), (right, columns): (&[f64], usize)) -> Mat {
    if width == 0 || columns == 0 {
        return Mat::zeros(width, columns);
    }
    let rows = left.len() / width;
    by_columns(left, width, rows) * by_rows(right, rows, columns)
}

/// The lower triangular L of `L L'`; nothing for a matrix that is not positive definite.
pub(crate) fn cholesky(matrix: Mat) -> Option<Mat> {
    Cholesky::new(matrix).map(Cholesky::unpack)
}

/// The inverse of a lower triangular matrix without a 0 on its diagonal, by those of its two halves: most of it is
/// products.
pub(crate) fn inverse(lower: &Mat) -> Option<Mat> {
    let rows = lower.nrows();
    if rows <= SMALL {
        return lower.solve_lower_triangular(&Mat::identity(rows, rows));
    }
    let half = rows / 2;
    let part = |row, column, shape| lower.view((row, column), shape).into_owned();
    let first = inverse(&part(0, 0, (half, half)))?;
    let last = inverse(&part(half, half, (rows - half, rows - half)))?;
    let between = &last * part(half, 0, (rows - half, half)) * &first;
    let mut whole = Mat::zeros(rows, rows);
    whole.view_mut((0, 0), first.shape()).copy_from(&first);
    whole.view_mut((half, half), last.shape()).copy_from(&last);
    whole.view_mut((half, 0), between.shape()).copy_from(&-between);
    Some(whole)
}

/// Orthonormal columns Q and the upper triangular R of `Q R`, whose diagonal is not negative.
pub(crate) fn qr(matrix: Mat) -> (Mat, Mat) {
    matrix.qr().unpack()
}

/// Eigenvalues of a symmetric matrix, descending, and its eigenvectors as columns. Nothing where they are not found.
pub(crate) fn eigen(matrix: Mat) -> Option<(Vec<f64>, Mat)> {
    let rows = matrix.nrows();
    if rows == 0 {
        return Some((vec![], matrix));
    }
    let (matrix, unit) = in_range(matrix)?;
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, STEPS * rows)?;
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let values = order.iter().map(|place| eigen.eigenvalues[*place] * unit).collect();
    Some((values, eigen.eigenvectors.select_columns(&order)))
}

/// `U S V'` with orthonormal columns in U and V, as many as the smaller side of the matrix.
pub(crate) struct Singular {
    pub u: Mat,
    /// The diagonal of S, descending.
    pub values: Vec<f64>,
    pub v: Mat,
}

/// The singular value decomposition. Nothing where it is not found.
///
/// With `(u, v)` an eigenvector of `[0 A; A' 0]` for a value s, u and v are singular vectors of A for s. They have the same
/// length, and are orthogonal to the others, up to rounding of the largest value by s; a QR decomposition in the order
/// of the values makes them so to the last digit and moves `U S V'` by that rounding alone. The library's own
/// decomposition is wrong for matrices whose rank is not full (dimforge/nalgebra, issue 1172).
pub(crate) fn singular(matrix: Mat) -> Option<Singular> {
    let (rows, columns) = matrix.shape();
    if rows < columns {
        let Singular { u, values, v } = singular(matrix.transpose())?;
        return Some(Singular { u: v, values, v: u });
    }
    if columns == 0 {
        return Some(Singular { u: matrix, values: vec![], v: Mat::zeros(0, 0) });
    }
    let (matrix, unit) = in_range(matrix)?;
    let (tall, square) = if rows > columns {
        let (q, r) = qr(matrix);
        (Some(q), r)
    } else {
        (None, matrix)
    };
    let mut both = Mat::zeros(2 * columns, 2 * columns);
    both.view_mut((columns, 0), (columns, columns)).copy_from(&square.transpose());
    both.view_mut((0, columns), (columns, columns)).copy_from(&square);
    let (mut values, vectors) = eigen(both)?;
    values.truncate(columns);
    let half = |first: usize| qr(vectors.view((first, 0), (columns, columns)) * SQRT_2).0;
    let (u, v) = (half(0), half(columns));
    // Rounding may leave a 0 below it.
    values.iter_mut().for_each(|value| *value = value.max(0.0) * unit);
    let u = if let Some(tall) = tall { tall * u } else { u };
    Some(Singular { u, values, v })
}

/// The matrix in the unit of its largest entry, and that entry. Nothing for one that is not finite.
fn in_range(matrix: Mat) -> Option<(Mat, f64)> {
    if matrix.iter().any(|value| !value.is_finite()) {
        return None;
    }
    // A unit other than 0 for a matrix of nothing else.
    let unit = matrix.iter().fold(f64::MIN_POSITIVE, |size, value| size.max(value.abs()));
    let scaled = matrix.map(|value| {
        let share = value / unit;
        if share.abs() > NOTHING { share } else { 0.0 }
    });
    Some((scaled, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    fn normal(stream: &mut ChaCha8Rng, rows: usize, columns: usize) -> Mat {
        Mat::from_fn(rows, columns, |_, _| stream.sample(StandardNormal))
    }

    /// Largest entry, or infinity where one is no number.
    fn size(matrix: &Mat) -> f64 {
        let larger = |size: f64, value: &f64| {
            if value.is_nan() { f64::INFINITY } else { size.max(value.abs()) }
        };
        matrix.iter().fold(0.0, larger)
    }

    fn from_orthonormal(columns: &Mat) -> f64 {
        size(&(columns.transpose() * columns - Mat::identity(columns.ncols(), columns.ncols())))
    }

    /// Matrices with what decompositions fail at: no rank, part of it, equal and graded values, sizes near the ends.
    fn matrices(stream: &mut ChaCha8Rng) -> Vec<Mat> {
        let (rows, columns) = (stream.random_range(1..=24), stream.random_range(1..=24));
        let (rank, shorter) = (stream.random_range(1..=4), rows.min(columns));
        let plain = normal(stream, rows, columns);
        let low = normal(stream, rows, rank) * normal(stream, rank, columns);
        let (u, v) = (qr(normal(stream, rows, shorter)).0, qr(normal(stream, columns, shorter)).0);
        let with = |value: &dyn Fn(usize) -> f64| {
            &u * Mat::from_diagonal(&nalgebra::DVector::from_fn(shorter, |i, _| value(i)))
                * v.transpose()
        };
        let scaled = |power: &dyn Fn(usize) -> f64| {
            Mat::from_fn(rows, columns, |i, j| plain[(i, j)] * power(j))
        };
        vec![
            Mat::zeros(rows, columns),
            Mat::from_element(rows, columns, 1.0),
            &low * 1e-150,
            &low * 1e150,
            Mat::from_fn(rows, columns, |i, j| low[(i, j % rank)]),
            with(&|i| [1.0, 0.5, 1e-3, 0.0][i % rank]),
            with(&|i| 1.0 + 1e-9 * (i % 3) as f64),
            with(&|i| 0.1_f64.powi(i as i32)),
            with(&|i| 1.0 / (1 + i / 2) as f64),
            scaled(&|column| 10_f64.powi(column as i32 - 12)),
            scaled(&|column| [1.0, 1e-200, 1e-310, 1e-100][column % 4]),
            plain,
            low,
        ]
    }

    #[test]
    fn singular_values_and_vectors_make_up_any_matrix() {
        let mut stream = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..60 {
            for (kind, matrix) in matrices(&mut stream).into_iter().enumerate() {
                let Singular { u, values, v } = singular(matrix.clone()).unwrap();
                assert!(values.windows(2).all(|pair| pair[0] >= pair[1]) && values[0] >= 0.0);
                let unit = values[0].max(f64::MIN_POSITIVE);
                let mut product = u.clone();
                for (mut column, value) in product.column_iter_mut().zip(&values) {
                    column *= value / unit;
                }
                let rest = size(&(product * v.transpose() - &matrix / unit));
                let (rows, columns) = matrix.shape();
                assert_eq!((u.shape(), v.shape().0), ((rows, rows.min(columns)), columns));
                assert!(rest < 2e-14, "{kind}: {rows} x {columns}, {rest:e}");
                let error = from_orthonormal(&u).max(from_orthonormal(&v));
                assert!(error < 1e-14, "{kind}: {rows} x {columns}, {error:e}");
            }
        }
    }

    #[test]
    fn eigenvalues_and_vectors_make_up_a_symmetric_matrix() {
        let mut stream = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..60 {
            for (kind, matrix) in matrices(&mut stream).into_iter().enumerate() {
                let unit = size(&matrix).max(f64::MIN_POSITIVE);
                let matrix = &matrix * matrix.transpose() / unit / unit;
                let (values, vectors) = eigen(matrix.clone()).unwrap();
                assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
                let mut product = vectors.clone();
                for (mut column, value) in product.column_iter_mut().zip(&values) {
                    column *= *value;
                }
                let rest = size(&(product * vectors.transpose() - &matrix)) / values[0].max(1e-300);
                assert!(rest < 2e-14, "{kind}: {rest:e}");
                assert!(from_orthonormal(&vectors) < 1e-14, "{kind}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_has_no_decomposition() {
        let matrix = Mat::from_fn(3, 3, |i, j| if i == j { f64::NAN } else { 1.0 });
        assert!(singular(matrix.clone()).is_none() && eigen(matrix.clone()).is_none());
        assert!(cholesky(matrix).is_none());
    }

    #[test]
    fn products_are_sums_over_rows_however_narrow_the_sides() {
        let mut stream = ChaCha8Rng::seed_from_u64(3);
        for (rows, width, columns) in [(9, 1, 1), (3, 2, 7), (700, 3, 2), (40, 7, 9), (5, 8, 8)] {
            let (a, b) = (normal(&mut stream, width, rows), normal(&mut stream, columns, rows));
            let expected = Mat::from_fn(width, columns, |i, j| {
                (0..rows).map(|row| a[(i, row)] * b[(j, row)]).sum()
            });
            let found = products((a.as_slice(), width), (b.as_slice(), columns));
            assert!(size(&(found - &expected)) < 1e-12);
            let mut sums = Mat::from_element(width, columns, 1.0);
            add_product(&mut sums, &a, &b);
            assert!(size(&(sums.add_scalar(-1.0) - expected)) < 1e-12);
        }
        assert_eq!(products((&[], 0), (&[1.0, 2.0], 2)).shape(), (0, 2));
    }

    #[test]
    fn a_triangle_times_its_inverse_is_nothing_but_ones() {
        let mut stream = ChaCha8Rng::seed_from_u64(4);
        for rows in [1, 2, 16, 17, 33, 70] {
            let rows_of = normal(&mut stream, rows, 2 * rows + 9);
            let lower = cholesky(&rows_of * rows_of.transpose()).unwrap();
            let inverse = inverse(&lower).unwrap();
            assert!(size(&(&lower * &inverse - Mat::identity(rows, rows))) < 1e-13, "{rows}");
            assert!(inverse.iter().zip(lower.iter()).all(|(i, l)| (*i == 0.0) == (*l == 0.0)));
        }
        assert!(inverse(&Mat::zeros(2, 2)).is_none());
    }
}
