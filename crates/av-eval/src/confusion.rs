//! Counts of true and decided classes, and the scores that follow from them alone.

use crate::{Error, mean};
use serde::{Deserialize, Serialize};

/// The largest count of clips; beyond it the division of two counts would start from rounded numbers.
const MAX_CLIPS: u64 = 1 << f64::MANTISSA_DIGITS;

/// Counts of (true class, decided class) pairs: the confusion matrix.
///
/// Scores are computed in f64 and never rounded. Stored by serde as its rows; rows that are not square are rejected.
///
/// ```
/// use av_eval::Confusion;
/// let mut counts = Confusion::new(2);
/// for (truth, decided) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
///     counts.add(truth, decided);
/// }
/// assert_eq!(counts.accuracy(), 0.75);
/// assert!((counts.uar() - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-15);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<u64>>", into = "Vec<Vec<u64>>")]
pub struct Confusion {
    /// One row per true class, one column per decided class.
    rows: Vec<Vec<u64>>,
}

impl Confusion {
    /// No pairs yet.
    pub fn new(classes: usize) -> Self {
        Self { rows: vec![vec![0; classes]; classes] }
    }

    /// Counts one clip. Pairs outside of the classes are ignored, as they cannot come from a model of them.
    pub fn add(&mut self, truth: usize, decided: usize) {
        self.add_clips(truth, decided, 1);
    }

    /// Counts `clips` clips of the same pair, as [`Confusion::add`] does with one.
    pub fn add_clips(&mut self, truth: usize, decided: usize, clips: u64) {
        if let Some(cell) = self.rows.get_mut(truth).and_then(|row| row.get_mut(decided)) {
            *cell += clips;
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

    /// The counts, one row per true class.
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

    /// Share of each class's clips that were decided as that class; `None` for a class without clips.
    pub fn recalls(&self) -> Vec<Option<f64>> {
        let recall = |class: usize| share(self.rows[class][class], self.occurring(class));
        (0..self.rows.len()).map(recall).collect()
    }

    /// Share of the clips decided as each class that are of that class; `None` for a class never decided.
    pub fn precisions(&self) -> Vec<Option<f64>> {
        let precision = |class: usize| share(self.rows[class][class], self.decided(class));
        (0..self.rows.len()).map(precision).collect()
    }

    /// F1 of each class: the harmonic mean of precision and recall, which is twice the right clips over those that occur
    /// plus those that were decided. `None` for a class that neither occurs nor was decided.
    pub fn f1s(&self) -> Vec<Option<f64>> {
        let f1 = |class: usize| {
            let (right, clips) =
                (self.rows[class][class], self.occurring(class) + self.decided(class));
            (clips > 0).then(|| 2.0 * right as f64 / clips as f64)
        };
        (0..self.rows.len()).map(f1).collect()
    }

    /// Unweighted average recall: the mean recall of the classes that occur. NaN without clips.
    ///
    /// The field's other names: balanced accuracy, macro recall.
    pub fn uar(&self) -> f64 {
        mean(&self.recalls().into_iter().flatten().collect::<Vec<_>>())
    }

    /// Mean F1 of the classes that occur or are decided. NaN without clips.
    pub fn macro_f1(&self) -> f64 {
        mean(&self.f1s().into_iter().flatten().collect::<Vec<_>>())
    }

    /// Mean F1 of the classes, each weighted by the number of its clips. NaN without clips.
    pub fn weighted_f1(&self) -> f64 {
        let weighted = |(class, f1): (usize, Option<f64>)| Some(self.occurring(class) as f64 * f1?);
        let sum: f64 = self.f1s().into_iter().enumerate().filter_map(weighted).sum();
        sum / self.total() as f64
    }

    /// Clips of a class.
    fn occurring(&self, class: usize) -> u64 {
        self.rows[class].iter().sum()
    }

    /// Clips that were decided as a class.
    fn decided(&self, class: usize) -> u64 {
        self.rows.iter().map(|row| row[class]).sum()
    }
}

/// `None` of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl TryFrom<Vec<Vec<u64>>> for Confusion {
    type Error = Error;

    /// # Errors
    /// [`Error::NotSquare`], and [`Error::TooManyClips`] where counts are not exact in f64.
    fn try_from(rows: Vec<Vec<u64>>) -> Result<Self, Error> {
        if let Some(row) = rows.iter().position(|row| row.len() != rows.len()) {
            return Err(Error::NotSquare { row, expected: rows.len(), actual: rows[row].len() });
        }
        let total = rows.iter().flatten().try_fold(0u64, |sum, &count| sum.checked_add(count));
        match total {
            Some(total) if total <= MAX_CLIPS => Ok(Self { rows }),
            _ => Err(Error::TooManyClips { most: MAX_CLIPS }),
        }
    }
}

impl From<Confusion> for Vec<Vec<u64>> {
    fn from(counts: Confusion) -> Self {
        counts.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[&[u64]]) -> Confusion {
        Confusion::try_from(rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn scores_of_a_hand_computed_table() {
        let table = counts(&[&[5, 3, 0], &[1, 2, 1], &[0, 0, 8]]);
        assert_eq!(table.total(), 20);
        assert_eq!(table.accuracy(), 15.0 / 20.0);
        assert!((table.uar() - (5.0 / 8.0 + 0.5 + 1.0) / 3.0).abs() < 1e-15);
        assert_eq!(table.recalls(), [Some(5.0 / 8.0), Some(0.5), Some(1.0)]);
        assert_eq!(table.precisions(), [Some(5.0 / 6.0), Some(2.0 / 5.0), Some(8.0 / 9.0)]);
        let f1s = [10.0 / 14.0, 4.0 / 9.0, 16.0 / 17.0];
        assert_eq!(table.f1s(), f1s.map(Some));
        assert!((table.macro_f1() - (f1s[0] + f1s[1] + f1s[2]) / 3.0).abs() < 1e-15);
        let weighted = (8.0 * f1s[0] + 4.0 * f1s[1] + 8.0 * f1s[2]) / 20.0;
        assert!((table.weighted_f1() - weighted).abs() < 1e-15);
    }

    #[test]
    fn a_class_without_clips_has_no_recall_but_spoils_f1_when_decided() {
        let table = counts(&[&[3, 1, 0], &[0, 0, 0], &[0, 0, 0]]);
        assert_eq!(table.uar(), 0.75);
        assert_eq!(table.recalls(), [Some(0.75), None, None]);
        assert_eq!(table.precisions(), [Some(1.0), Some(0.0), None]);
        assert_eq!(table.f1s(), [Some(6.0 / 7.0), Some(0.0), None]);
        assert!((table.macro_f1() - (6.0 / 7.0) / 2.0).abs() < 1e-15);
        assert_eq!(table.weighted_f1(), 6.0 / 7.0);
    }

    #[test]
    fn without_clips_there_is_no_score() {
        let none = Confusion::new(3);
        for score in [none.accuracy(), none.uar(), none.macro_f1(), none.weighted_f1()] {
            assert!(score.is_nan());
        }
    }

    #[test]
    fn folds_merge_and_strange_pairs_are_ignored() {
        let mut table = counts(&[&[1, 2], &[3, 4]]);
        table.merge(&counts(&[&[10, 20], &[30, 40]]));
        table.add(0, 1);
        table.add_clips(1, 0, 5);
        table.add(2, 0);
        table.add(0, 2);
        assert_eq!(table, counts(&[&[11, 23], &[38, 44]]));
    }

    #[test]
    fn it_is_stored_as_its_rows_and_bad_rows_are_rejected() {
        let table = counts(&[&[1, 2], &[3, 4]]);
        assert_eq!(serde_json::to_string(&table).unwrap(), "[[1,2],[3,4]]");
        assert_eq!(serde_json::from_str::<Confusion>("[[1,2],[3,4]]").unwrap(), table);
        for bad in ["[[1,2],[3]]", "[[1,2]]", "[[1],[2]]"] {
            let message = serde_json::from_str::<Confusion>(bad).unwrap_err().to_string();
            assert!(message.contains("square"), "{message}");
        }
        assert_eq!(counts(&[&[MAX_CLIPS]]).total(), 9_007_199_254_740_992);
        for many in [vec![vec![MAX_CLIPS, 1], vec![0, 0]], vec![vec![u64::MAX, 1], vec![0, 0]]] {
            assert!(matches!(Confusion::try_from(many), Err(Error::TooManyClips { .. })));
        }
    }
}
