//! Linear discriminant analysis with shrinkage.

use super::{Classifier, LabelledRows, LinearScores};
use crate::{Error, Result};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Classes are normal distributions of one covariance; the most probable one is chosen.
///
/// The covariance is `(1 - s) S + s tr(S) / D I`, with `S` that of the clips around the mean of their class. Priors are the
/// frequencies of the classes. A class that no training clip has lies at the mean of all, with the prior of half a clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdaConfig {
    /// The shrinkage `s`, in `(0, 1]`; none: of the clips, after Ledoit and Wolf 2004 (doi 10.1016/S0047-259X(03)00096-4).
    pub shrinkage: Option<f64>,
}

impl Classifier for LdaConfig {
    fn check(&self, key: &str) -> Result<()> {
        let Some(shrinkage) = self.shrinkage else { return Ok(()) };
        let valid = shrinkage > 0.0 && shrinkage <= 1.0;
        Error::check(&format!("{key}.shrinkage"), shrinkage, valid, "above 0 and at most 1")
    }

    fn fit(&self, clips: &LabelledRows) -> Result<LinearScores> {
        let count = clips.labels.len();
        let mut rows = DMatrix::from_row_slice(count, clips.values.len() / count, &clips.values);
        let (means, priors) = classes(&rows, clips);
        for (row, &label) in clips.labels.iter().enumerate() {
            let centred = rows.row(row) - means.row(label);
            rows.set_row(row, &centred);
        }
        let covariance = shrunk(&rows, self.shrinkage);
        let Some(factors) = covariance.cholesky() else {
            return Err(Error::NothingToDiscriminate { clips: count });
        };
        let weight = factors.solve(&means.transpose()); // (D, C)
        let bias = priors.iter().enumerate().map(|(class, prior)| {
            prior.ln() - 0.5 * means.row(class).transpose().dot(&weight.column(class))
        });
        Ok(LinearScores { bias: bias.collect(), weight: weight.as_slice().to_vec() })
    }
}

/// Mean `(C, D)` and prior of each class.
fn classes(rows: &DMatrix<f64>, clips: &LabelledRows) -> (DMatrix<f64>, DVector<f64>) {
    let mut means = DMatrix::zeros(clips.classes, rows.ncols());
    let mut counts = DVector::zeros(clips.classes);
    for (row, &label) in rows.row_iter().zip(&clips.labels) {
        let sum = means.row(label) + row;
        means.set_row(label, &sum);
        counts[label] += 1.0;
    }
    let all = means.row_sum() / rows.nrows() as f64;
    for class in 0..clips.classes {
        let mean = if counts[class] > 0.0 { means.row(class) / counts[class] } else { all.clone() };
        means.set_row(class, &mean);
    }
    (means, counts.map(|count| f64::max(count, 0.5)) / rows.nrows() as f64)
}

/// Covariance of centred rows, shrunk.
fn shrunk(rows: &DMatrix<f64>, shrinkage: Option<f64>) -> DMatrix<f64> {
    let (count, columns) = (rows.nrows() as f64, rows.ncols() as f64);
    // A copy as the left side: of a view, rows apart in memory, the product would be wrong (dimforge/nalgebra, issue 1616).
    let mut covariance = rows.transpose() * rows / count;
    let variance = covariance.trace() / columns;
    let shrinkage = shrinkage.unwrap_or_else(|| {
        // Squared distances, each divided by D: of the covariance from the sphere, and of a single row's from the mean of all.
        let squares = covariance.norm_squared();
        let from_sphere = squares / columns - variance * variance;
        let fourth: f64 = rows.row_iter().map(|row| row.norm_squared().powi(2)).sum();
        let of_rows = (fourth / count - squares) / (columns * count);
        if from_sphere > 0.0 { (of_rows / from_sphere).min(1.0) } else { 1.0 }
    });
    covariance *= 1.0 - shrinkage;
    for diagonal in 0..covariance.nrows() {
        covariance[(diagonal, diagonal)] += shrinkage * variance;
    }
    covariance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_scikit_learn() {
        #[derive(Deserialize)]
        struct Case {
            rows: Vec<f64>,
            labels: Vec<usize>,
            classes: usize,
            shrinkage: Option<f64>,
            weight: Vec<f64>,
            bias: Vec<f64>,
        }
        let golden: Vec<Case> =
            serde_json::from_str(include_str!("../../../testdata/lda.json")).unwrap();
        assert_eq!(golden.len(), 4);
        for (index, case) in golden.into_iter().enumerate() {
            let Case { rows: values, labels, classes, shrinkage, .. } = case;
            let clips = LabelledRows { values, labels, classes };
            let fitted = LdaConfig { shrinkage }.fit(&clips).unwrap();
            for (found, expected) in [(&fitted.weight, &case.weight), (&fitted.bias, &case.bias)] {
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    let error = (found - expected).abs() / expected.abs().max(1.0);
                    assert!(error < 1e-10, "case {index}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_class_without_clips_is_the_mean_of_all_with_a_small_prior() {
        let values = vec![-1.0, 0.0, -1.0, 0.2, 1.0, 0.0, 1.0, 0.2];
        let clips = LabelledRows { values, labels: vec![0, 0, 2, 2], classes: 3 };
        let LinearScores { weight, bias } = LdaConfig { shrinkage: Some(1.0) }.fit(&clips).unwrap();
        // Within the classes the second column alone varies: variances 0 and 0.01, so 0.005 shrunk.
        let expected = [[-200.0, 20.0], [0.0, 20.0], [200.0, 20.0]];
        for (found, expected) in weight.iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-9, "{weight:?}");
        }
        assert!((bias[1] - (0.125_f64.ln() - 1.0)).abs() < 1e-12, "{bias:?}");
        assert!((bias[0] - (0.5_f64.ln() - 101.0)).abs() < 1e-9, "{bias:?}");
    }

    #[test]
    fn clips_that_do_not_vary_are_an_error() {
        let clips = LabelledRows { values: vec![3.0; 8], labels: vec![0, 1, 0, 1], classes: 2 };
        let error = LdaConfig::default().fit(&clips).unwrap_err();
        assert!(matches!(error, Error::NothingToDiscriminate { clips: 4 }), "{error}");
    }
}
