//! What a system says of clips, next to what is true of them.

use crate::{Confusion, Error, Result};

/// How far the sum of a row of probabilities may be from 1: 16 units in the last place of f32.
///
/// Each probability of a softmax in f32 carries a relative error of a few such units, and so does the sum. Rows printed with
/// seven decimals are within it too, up to 38 classes; percentages, logits and rows that lack a class are not.
pub const SUM_TOLERANCE: f64 = 16.0 * f32::EPSILON as f64;

/// The index of the largest value, the first of equals. 0 without values.
///
/// ```
/// assert_eq!(av_eval::argmax(&[0.2, 0.4, 0.4]), 1);
/// ```
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// Class probabilities of clips, one row per clip, and the true classes.
///
/// ```
/// use av_eval::{ClassDecisions, Metric, Outcomes};
/// let decisions = ClassDecisions::new(2, vec![0, 1, 1], vec![0.9, 0.1, 0.6, 0.4, 0.2, 0.8])?;
/// assert_eq!(decisions.decided(), [0, 0, 1]);
/// assert_eq!(decisions.confusion().uar(), 0.75);
/// # Ok::<(), av_eval::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClassDecisions {
    classes: usize,
    truth: Vec<usize>,
    probabilities: Vec<f64>,
}

impl ClassDecisions {
    /// Checks and keeps them. `probabilities` has `classes` values per clip, clip after clip.
    ///
    /// # Errors
    /// No classes; lengths that do not fit; a true class that is not among the classes; values that are no probabilities;
    /// rows whose sum is further from 1 than [`SUM_TOLERANCE`].
    pub fn new(classes: usize, truth: Vec<usize>, probabilities: Vec<f64>) -> Result<Self> {
        if classes == 0 {
            return Err(Error::NoClasses);
        }
        let (expected, actual) = (truth.len().saturating_mul(classes), probabilities.len());
        if expected != actual {
            return Err(Error::Length { what: "probabilities", expected, actual });
        }
        if let Some(row) = truth.iter().position(|&class| class >= classes) {
            return Err(Error::Truth { row, class: truth[row], classes });
        }
        if let Some(index) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
            let value = probabilities[index];
            return Err(Error::Probability { what: "class probability", index, value });
        }
        for (row, values) in probabilities.chunks_exact(classes).enumerate() {
            let sum: f64 = values.iter().sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(Error::Sum { row, sum });
            }
        }
        Ok(Self { classes, truth, probabilities })
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// True class of each clip.
    pub fn truth(&self) -> &[usize] {
        &self.truth
    }

    /// Probabilities of each clip.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.classes)
    }

    /// The most probable class of each clip, the first of equals.
    pub fn decided(&self) -> Vec<usize> {
        self.rows().map(argmax).collect()
    }

    /// Counts of true and decided classes.
    pub fn confusion(&self) -> Confusion {
        let mut counts = Confusion::new(self.classes);
        for (&truth, decided) in self.truth.iter().zip(self.decided()) {
            counts.add(truth, decided);
        }
        counts
    }

    /// The clips at these places, in this order. Places that do not exist are left out.
    pub(crate) fn select(&self, places: &[usize]) -> Self {
        let rows: Vec<&[f64]> = self.rows().collect();
        let places = places.iter().filter(|&&place| place < rows.len());
        let (truth, chosen): (Vec<usize>, Vec<&[f64]>) =
            places.map(|&place| (self.truth[place], rows[place])).unzip();
        Self { classes: self.classes, truth, probabilities: chosen.concat() }
    }
}

/// Predicted numbers of clips, such as valence, and the true numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueDecisions {
    truth: Vec<f64>,
    predicted: Vec<f64>,
}

impl ValueDecisions {
    /// Checks and keeps them.
    ///
    /// # Errors
    /// Lengths that differ; values that are not finite.
    pub fn new(truth: Vec<f64>, predicted: Vec<f64>) -> Result<Self> {
        if truth.len() != predicted.len() {
            let (expected, actual) = (truth.len(), predicted.len());
            return Err(Error::Length { what: "predicted values", expected, actual });
        }
        for (what, values) in [("the true values", &truth), ("the predicted values", &predicted)] {
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                return Err(Error::NonFinite { what, row, value: values[row] });
            }
        }
        Ok(Self { truth, predicted })
    }

    /// True value of each clip.
    pub fn truth(&self) -> &[f64] {
        &self.truth
    }

    /// Predicted value of each clip.
    pub fn predicted(&self) -> &[f64] {
        &self.predicted
    }

    /// The clips at these places, in this order. Places that do not exist are left out.
    pub(crate) fn select(&self, places: &[usize]) -> Self {
        let of = |values: &[f64]| {
            places.iter().filter_map(|&place| values.get(place).copied()).collect()
        };
        Self { truth: of(&self.truth), predicted: of(&self.predicted) }
    }
}

/// Decisions of either kind: what a [`Metric`](crate::Metric) scores.
#[derive(Clone, Copy, Debug)]
pub enum Outcomes<'a> {
    /// Class probabilities.
    Classes(&'a ClassDecisions),
    /// Numbers.
    Values(&'a ValueDecisions),
}

impl<'a> Outcomes<'a> {
    /// The class probabilities, where they are of that kind.
    pub fn classes(self) -> Option<&'a ClassDecisions> {
        match self {
            Self::Classes(decisions) => Some(decisions),
            Self::Values(_) => None,
        }
    }

    /// The numbers, where they are of that kind.
    pub fn values(self) -> Option<&'a ValueDecisions> {
        match self {
            Self::Values(decisions) => Some(decisions),
            Self::Classes(_) => None,
        }
    }

    /// How many clips there are.
    pub fn clips(self) -> usize {
        match self {
            Self::Classes(decisions) => decisions.truth.len(),
            Self::Values(decisions) => decisions.truth.len(),
        }
    }
}

impl<'a> From<&'a ClassDecisions> for Outcomes<'a> {
    fn from(decisions: &'a ClassDecisions) -> Self {
        Self::Classes(decisions)
    }
}

impl<'a> From<&'a ValueDecisions> for Outcomes<'a> {
    fn from(decisions: &'a ValueDecisions) -> Self {
        Self::Values(decisions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_is_decided() {
        let rows = vec![0.25, 0.5, 0.25, 0.4, 0.2, 0.4, 0.1, 0.2, 0.7];
        let decisions = ClassDecisions::new(3, vec![1, 2, 0], rows).unwrap();
        assert_eq!(decisions.decided(), [1, 0, 2]);
        assert_eq!(decisions.confusion().rows(), [[0, 0, 1], [0, 1, 0], [1, 0, 0]]);
        assert_eq!(argmax(&[]), 0);
    }

    #[test]
    fn what_is_no_decision_is_rejected() {
        let new = ClassDecisions::new;
        assert_eq!(new(0, vec![], vec![]), Err(Error::NoClasses));
        let length = Error::Length { what: "probabilities", expected: 4, actual: 2 };
        assert_eq!(new(2, vec![0, 1], vec![0.5, 0.5]), Err(length));
        let truth = Error::Truth { row: 1, class: 2, classes: 2 };
        assert_eq!(new(2, vec![1, 2], vec![0.5; 4]), Err(truth));
        for (value, other) in [(-0.1, 1.1), (1.1, -0.1), (f64::NAN, 1.0), (f64::INFINITY, 0.0)] {
            let result = new(2, vec![0, 0], vec![0.5, 0.5, value, other]);
            assert!(matches!(result, Err(Error::Probability { index: 2, .. })), "{value}");
        }
        // 0.75 + 0.125 is exact.
        let sum = Error::Sum { row: 1, sum: 0.875 };
        assert_eq!(new(2, vec![0, 0], vec![0.0, 1.0, 0.75, 0.125]), Err(sum));
    }

    #[test]
    fn a_sum_may_be_off_by_the_rounding_of_f32_and_no_more() {
        // Halves and powers of two: every sum here is exact.
        for sign in [1.0, -1.0] {
            let row = |times: f64| vec![0.5, 0.5 + sign * times * SUM_TOLERANCE];
            assert!(ClassDecisions::new(2, vec![0], row(1.0)).is_ok());
            let beyond = ClassDecisions::new(2, vec![0], row(1.0 + 1.0 / 64.0));
            assert!(matches!(beyond, Err(Error::Sum { row: 0, .. })), "{sign}");
        }
        let thirds = vec![f64::from(1f32 / 3.0); 3];
        assert!(ClassDecisions::new(3, vec![0], thirds).is_ok());
    }

    #[test]
    fn values_are_finite_and_as_many_as_truths() {
        let length = Error::Length { what: "predicted values", expected: 2, actual: 1 };
        assert_eq!(ValueDecisions::new(vec![1.0, 2.0], vec![1.0]), Err(length));
        let infinite = f64::INFINITY;
        let bad = |what, row| Error::NonFinite { what, row, value: infinite };
        let of = |truth: [f64; 2], predicted: [f64; 2]| {
            ValueDecisions::new(truth.into(), predicted.into()).unwrap_err()
        };
        assert_eq!(of([1.0, infinite], [1.0, 1.0]), bad("the true values", 1));
        assert_eq!(of([1.0, 1.0], [infinite, 1.0]), bad("the predicted values", 0));
    }

    #[test]
    fn clips_are_selected_in_the_order_of_places() {
        let rows = vec![0.9, 0.1, 0.4, 0.6, 0.3, 0.7];
        let decisions = ClassDecisions::new(2, vec![0, 0, 1], rows).unwrap();
        let expected = ClassDecisions::new(2, vec![1, 0], vec![0.3, 0.7, 0.9, 0.1]).unwrap();
        assert_eq!(decisions.select(&[2, 0, 3]), expected);
        let values = ValueDecisions::new(vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]).unwrap();
        let expected = ValueDecisions::new(vec![3.0, 1.0], vec![6.0, 4.0]).unwrap();
        assert_eq!(values.select(&[2, 0, 3]), expected);
    }
}
