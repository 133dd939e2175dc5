//! Scores of clip decisions, each computed once, in f64, and never rounded.

use serde::{Deserialize, Serialize};

/// Counts of (true class, decided class) pairs.
///
/// ```
/// use av_train::Confusion;
/// let mut counts = Confusion::new(2);
/// for (truth, decided) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
///     counts.add(truth, decided);
/// }
/// assert_eq!(counts.accuracy(), 0.75);
/// assert!((counts.uar() - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-15);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// One row a true class, one column a decided class.
    rows: Vec<Vec<u64>>,
}

impl Confusion {
    /// No pairs yet.
    pub fn new(classes: usize) -> Self {
        Self { rows: vec![vec![0; classes]; classes] }
    }

    /// Counts one clip. Pairs outside the classes are ignored, as they cannot come from a model of them.
    pub fn add(&mut self, truth: usize, decided: usize) {
        if let Some(cell) = self.rows.get_mut(truth).and_then(|row| row.get_mut(decided)) {
            *cell += 1;
        }
    }

    /// Adds the counts of another fold.
    pub fn merge(&mut self, other: &Self) {
        for (row, other) in self.rows.iter_mut().zip(&other.rows) {
            for (cell, count) in row.iter_mut().zip(other) {
                *cell += count;
            }
        }
    }

    /// The counts, one row a true class.
    pub fn rows(&self) -> &[Vec<u64>] {
        &self.rows
    }

    /// All clips.
    pub fn total(&self) -> u64 {
        self.rows.iter().flatten().sum()
    }

    /// Share of clips decided rightly (weighted average recall). NaN without clips.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.rows.len()).map(|class| self.rows[class][class]).sum();
        right as f64 / self.total() as f64
    }

    /// Unweighted average recall: the mean recall of the classes that occur. NaN without clips.
    pub fn uar(&self) -> f64 {
        let recalls: Vec<f64> = (0..self.rows.len())
            .filter_map(|class| {
                let clips: u64 = self.rows[class].iter().sum();
                (clips > 0).then(|| self.rows[class][class] as f64 / clips as f64)
            })
            .collect();
        mean(&recalls)
    }

    /// Mean F1 of the classes that occur or are decided. NaN without clips.
    pub fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = (0..self.rows.len())
            .filter_map(|class| {
                let right = self.rows[class][class];
                let clips: u64 = self.rows[class].iter().sum();
                let decided: u64 = self.rows.iter().map(|row| row[class]).sum();
                (clips + decided > 0).then(|| 2.0 * right as f64 / (clips + decided) as f64)
            })
            .collect();
        mean(&scores)
    }
}

/// The mean. NaN of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation with n - 1. `None` with fewer than two values.
pub(crate) fn sd(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[&[u64]]) -> Confusion {
        Confusion { rows: rows.iter().map(|row| row.to_vec()).collect() }
    }

    #[test]
    fn scores_of_a_hand_computed_table() {
        let table = counts(&[&[5, 3, 0], &[1, 2, 1], &[0, 0, 8]]);
        assert_eq!(table.accuracy(), 15.0 / 20.0);
        assert!((table.uar() - (5.0 / 8.0 + 0.5 + 1.0) / 3.0).abs() < 1e-15);
        let f1 = (10.0 / 14.0 + 4.0 / 9.0 + 16.0 / 17.0) / 3.0;
        assert!((table.macro_f1() - f1).abs() < 1e-15);
    }

    #[test]
    fn a_class_without_clips_has_no_recall_but_spoils_f1_when_decided() {
        let table = counts(&[&[3, 1], &[0, 0]]);
        assert_eq!(table.uar(), 0.75);
        assert!((table.macro_f1() - (6.0 / 7.0) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn sd_is_that_of_a_sample() {
        assert_eq!(sd(&[1.0, 2.0, 3.0]), Some(1.0));
        assert_eq!(sd(&[1.0]), None);
    }
}
