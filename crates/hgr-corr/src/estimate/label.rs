use super::matrix::Matrix;
use super::spectrum::Whitened;
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
/// Numerics: f64, by the SVD of `f~`; constant columns and columns that depend on others drop out. Both scores
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
    let Whitened { basis, back } = Whitened::new(&f.centred(&f.means()))?;
    let mut means = vec![vec![0.0; basis.ncols()]; classes];
    for (row, &label) in labels.iter().enumerate() {
        let (mean, count) = (&mut means[label as usize], counts[label as usize]);
        mean.iter_mut().enumerate().for_each(|(mode, mean)| *mean += basis[(row, mode)] / count);
    }
    let squares = |mean: &Vec<f64>| mean.iter().map(|value| value * value).sum::<f64>();
    let h_score_bao = counts.iter().zip(&means).map(|(count, mean)| count * squares(mean)).sum();
    // S_f^-1 is (n - 1) back back', and back' takes a mean of f~ to that of the basis.
    let entry = |column: usize, mean: &[f64]| {
        mean.iter().enumerate().map(|(mode, value)| a * back[(column, mode)] * value).sum()
    };
    let row = |mean: &Vec<f64>| (0..f.columns()).map(|column| entry(column, mean)).collect();
    let optimal_table = means.iter().map(row).collect();
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
