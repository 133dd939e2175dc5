use super::matrix::Matrix;
use super::white::White;
use crate::linear::Mat;
use crate::{Error, Result};

/// What features say about a label, and the label features that say it.
#[derive(Clone, Debug, PartialEq)]
pub struct OneSidedH {
    /// `tr(S_f^-1 Cov(E[f | label]))`, the H-score of Bao et al.: between 0 and the smaller of classes - 1 and
    /// columns.
    pub h_score_bao: f64,
    /// Half of it: the largest Soft-HGR score that these features can have with any label view.
    pub one_sided_h: f64,
    /// The label view that reaches it, one row a class: `S_f^-1` times the class mean of `f~`; 0 for a class
    /// without a row.
    pub optimal_table: Vec<Vec<f64>>,
}

/// The one-sided H-score of features and labels: the label side is solved, not trained.
///
/// Definition: with `S_f = f~' f~ / (n - 1)` and m_c the mean of `f~` over class c,
/// `h_score_bao = sum_c n_c m_c' S_f^-1 m_c / (n - 1)`. Invariant under invertible linear maps of f.
///
/// Shapes: `f` (n, K), n labels below `classes`.
///
/// Errors: another number of labels, a label that is no class, fewer than two rows.
///
/// Numerics: f64, in white coordinates of `f~`; constant columns and columns that depend on others drop out. Both scores
/// are the same with divisor n; the table is n / (n - 1) times as large there. With no more rows than columns the
/// score is as large as it can be: that measures nothing.
///
/// Source: Bao et al., "An Information-Theoretic Approach to Transferability in Task Transfer Learning", ICIP
/// 2019.
///
/// ```
/// use hgr_corr::{Matrix, one_sided_h};
/// let f = [0.0, 2.0, 4.0, 6.0]; // means of classes 1 and 5: 16 of the sum of squares of 20 is between them
/// let found = one_sided_h(Matrix::new(&f, 4, 1)?, &[0, 0, 1, 1], 2)?;
/// assert!((found.h_score_bao - 0.8).abs() < 1e-15);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
pub fn one_sided_h(f: Matrix, labels: &[u32], classes: usize) -> Result<OneSidedH> {
    let counts = class_counts(f, labels, classes)?;
    if f.rows() < 2 {
        return Err(Error::TooFewRows { what: "an H-score", expected: 2, actual: f.rows() });
    }
    let a = f.rows() as f64 - 1.0;
    let white = White::new(f)?;
    let mut sums: Option<Mat> = None;
    for first in white.blocks() {
        let rows = white.rows(first);
        let sums = sums.get_or_insert_with(|| Mat::zeros(rows.nrows(), classes));
        for (row, &label) in rows.column_iter().zip(&labels[first..]) {
            let class = label as usize;
            sums.column_mut(class).axpy(1.0 / counts[class], &row, 1.0);
        }
    }
    let means = white.last(sums.unwrap_or_else(|| Mat::zeros(0, classes)));
    let back = white.back();
    let squares = means.column_iter().map(|mean| mean.norm_squared());
    let h_score_bao = counts.iter().zip(squares).map(|(count, square)| count * square).sum();
    // S_f^-1 is (n - 1) back back', and back' takes a mean of f~ to that of the basis.
    let table = back * means * a;
    let optimal_table = table.column_iter().map(|row| row.iter().copied().collect()).collect();
    Ok(OneSidedH { h_score_bao, one_sided_h: 0.5 * h_score_bao, optimal_table })
}

/// Rows of each class.
pub(super) fn class_counts(f: Matrix, labels: &[u32], classes: usize) -> Result<Vec<f64>> {
    let largest = labels.iter().copied().max();
    if labels.len() != f.rows() || largest.is_some_and(|largest| largest as usize >= classes) {
        return Err(Error::Shape {
            what: "the labels",
            expected: format!("{} labels below {classes}", f.rows()),
            actual: format!("{} labels up to {}", labels.len(), largest.unwrap_or(0)),
        });
    }
    let mut counts = vec![0.0; classes];
    labels.iter().for_each(|&label| counts[label as usize] += 1.0);
    Ok(counts)
}
