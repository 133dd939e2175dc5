use super::label::{class_counts, one_sided_h};
use super::matrix::Matrix;
use crate::{Error, Result};

/// Class probabilities from features and a label table, without training a classifier.
///
/// Definition: `P(y | x) = P(y) (1 + f~(x) . h~(y))` with f minus its means and h minus its mean under P(y). Exact
/// for optimal features with one column fewer than there are classes. For others a negative value is set to 0 and
/// the row is divided by its sum.
///
/// Numerics: f64. The values of a row add up to 1 before clipping, so the sum that divides is at least 1.
///
/// Source: Xu and Huang, "Maximal Correlation Regression", IEEE Access 8, 2020.
///
/// ```
/// use hgr_corr::{Matrix, MaximalCorrelationRegression};
/// let f = [0.0, 0.0, 0.0, 1.0, 1.0]; // class 1 in one of three, then in both
/// let f = Matrix::new(&f, 5, 1)?;
/// let model = MaximalCorrelationRegression::fit(f, &[0, 0, 1, 1, 1], 2)?;
/// let posteriors = model.posteriors(Matrix::new(&[0.0, 1.0], 2, 1)?)?;
/// assert!((posteriors[0][1] - 1.0 / 3.0).abs() < 1e-15 && (posteriors[1][1] - 1.0).abs() < 1e-15);
/// # Ok::<(), hgr_corr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MaximalCorrelationRegression {
    means: Vec<f64>,
    /// One row a class, minus the mean over the classes.
    table: Vec<Vec<f64>>,
    priors: Vec<f64>,
}

impl MaximalCorrelationRegression {
    /// From features and a label table that were trained together, as by `label_hgr`.
    ///
    /// Shapes: K means of the features, table (C, K), C priors: probabilities or counts of the classes.
    ///
    /// Errors: shapes that do not fit together, means that are not finite, priors that are negative or add up to
    /// 0.
    pub fn new(means: &[f64], table: Matrix, priors: &[f64]) -> Result<Self> {
        if table.columns() != means.len() || table.rows() != priors.len() {
            return Err(Error::Shape {
                what: "the label table",
                expected: format!("{} classes x {} columns", priors.len(), means.len()),
                actual: format!("{} x {}", table.rows(), table.columns()),
            });
        }
        Matrix::new(means, 1, means.len())?;
        let total: f64 = priors.iter().sum();
        if priors.iter().any(|prior| *prior < 0.0) || !total.is_finite() || total <= 0.0 {
            return Err(Error::Shape {
                what: "the class priors",
                expected: "probabilities or counts, not all of them 0".into(),
                actual: format!("{priors:?}"),
            });
        }
        let priors: Vec<f64> = priors.iter().map(|prior| prior / total).collect();
        let weighted =
            |column| priors.iter().enumerate().map(move |(c, p)| p * table.at(c, column));
        let centre: Vec<f64> = (0..means.len()).map(|column| weighted(column).sum()).collect();
        let row = |class| (0..means.len()).map(|c| table.at(class, c) - centre[c]).collect();
        let table = (0..priors.len()).map(row).collect();
        Ok(Self { means: means.to_vec(), table, priors })
    }

    /// From features and labels: the table is the optimal one for these features, see [`one_sided_h`].
    ///
    /// Errors: as [`one_sided_h`].
    pub fn fit(f: Matrix, labels: &[u32], classes: usize) -> Result<Self> {
        let mut table = one_sided_h(f, labels, classes)?.optimal_table;
        // Probabilities are means over n rows, so the covariance that is inverted has the divisor n too.
        let population = f.rows() as f64 / (f.rows() as f64 - 1.0);
        table.iter_mut().flatten().for_each(|entry| *entry *= population);
        let values = table.concat();
        let counts = class_counts(f, labels, classes)?;
        Self::new(&f.means(), Matrix::new(&values, classes, f.columns())?, &counts)
    }

    /// Class probabilities, one row a sample.
    ///
    /// Errors: another number of columns than the features of the model.
    pub fn posteriors(&self, f: Matrix) -> Result<Vec<Vec<f64>>> {
        if f.columns() != self.means.len() {
            return Err(Error::Shape {
                what: "the features",
                expected: format!("{} columns", self.means.len()),
                actual: f.columns().to_string(),
            });
        }
        let posterior = |row: usize| {
            let value = |(prior, entries): (&f64, &Vec<f64>)| {
                let centred = self.means.iter().enumerate().map(|(c, mean)| f.at(row, c) - mean);
                let product: f64 = centred.zip(entries).map(|(f, h)| f * h).sum();
                (prior * (1.0 + product)).max(0.0)
            };
            let mut values: Vec<f64> = self.priors.iter().zip(&self.table).map(value).collect();
            let sum: f64 = values.iter().sum();
            values.iter_mut().for_each(|value| *value /= sum);
            values
        };
        Ok((0..f.rows()).map(posterior).collect())
    }
}
