//! Scores of one system, or of two on the same clips, with the clips of each seed apart.

use crate::{ClassDecisions, Clusters, Error, Metric, Outcomes, Result, Scorer, ValueDecisions};

/// A metric made ready for the rows of each seed, for one system or for the difference of two.
pub(crate) struct BySeed {
    metric: Metric,
    scorers: Vec<(Scorer, Option<Scorer>)>,
}

impl BySeed {
    /// Of one system.
    pub(crate) fn of(metric: Metric, clusters: &Clusters, outcomes: Outcomes<'_>) -> Result<Self> {
        let scorers = scorers(metric, clusters, outcomes)?;
        Ok(Self { metric, scorers: scorers.into_iter().map(|scorer| (scorer, None)).collect() })
    }

    /// Of system `a` less that of system `b`.
    pub(crate) fn difference(
        metric: Metric,
        clusters: &Clusters,
        a: Outcomes<'_>,
        b: Outcomes<'_>,
    ) -> Result<Self> {
        let (first, second) = (scorers(metric, clusters, a)?, scorers(metric, clusters, b)?);
        if let Some(row) = first_other_truth(a, b) {
            return Err(Error::OtherClips { row });
        }
        Ok(Self { metric, scorers: first.into_iter().zip(second.into_iter().map(Some)).collect() })
    }

    /// The score or the difference on the rows of a seed; `None` where it is no finite number.
    pub(crate) fn score(&self, seed: usize, weights: &[u32]) -> Option<f64> {
        let (a, b) = self.scorers.get(seed)?;
        let b = match b {
            Some(b) => b.score(weights)?,
            None => 0.0,
        };
        Some(a.score(weights)? - b).filter(|score| score.is_finite())
    }

    /// The error for a score that should be there.
    pub(crate) fn undefined(&self, what: String) -> Error {
        Error::Undefined { metric: self.metric, what }
    }
}

fn scorers(metric: Metric, clusters: &Clusters, outcomes: Outcomes<'_>) -> Result<Vec<Scorer>> {
    let (expected, actual) = (clusters.rows(), outcomes.clips());
    if expected != actual {
        return Err(Error::Length { what: "decided clips", expected, actual });
    }
    let scorer = |seed| {
        let rows = clusters.rows_of_seed(seed);
        match outcomes {
            Outcomes::Classes(decisions) => metric.scorer(&decisions.select(rows)),
            Outcomes::Values(decisions) => metric.scorer(&decisions.select(rows)),
        }
        .ok_or(Error::OtherKind { metric })
    };
    (0..clusters.seeds()).map(scorer).collect()
}

/// The first row where two systems have another true value, or classes of another number.
fn first_other_truth(a: Outcomes<'_>, b: Outcomes<'_>) -> Option<usize> {
    fn first<T: PartialEq>(a: &[T], b: &[T]) -> Option<usize> {
        a.iter().zip(b).position(|(a, b)| a != b)
    }
    let classes = |a: &ClassDecisions, b: &ClassDecisions| {
        if a.classes() == b.classes() { first(a.truth(), b.truth()) } else { Some(0) }
    };
    let values = |a: &ValueDecisions, b: &ValueDecisions| first(a.truth(), b.truth());
    match (a, b) {
        (Outcomes::Classes(a), Outcomes::Classes(b)) => classes(a, b),
        (Outcomes::Values(a), Outcomes::Values(b)) => values(a, b),
        (Outcomes::Classes(_), Outcomes::Values(_))
        | (Outcomes::Values(_), Outcomes::Classes(_)) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(truth: [usize; 4]) -> ClassDecisions {
        let rows = vec![0.9, 0.1, 0.4, 0.6, 0.7, 0.3, 0.2, 0.8];
        ClassDecisions::new(2, truth.into(), rows).unwrap()
    }

    #[test]
    fn a_seed_has_its_rows_and_a_difference_is_a_less_b() {
        let clusters = Clusters::new(&[0, 1, 0, 1], &[5, 5, 6, 6]).unwrap();
        let a = classes([0, 1, 1, 1]); // right, right; wrong, right
        let rows = vec![0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.2, 0.8];
        let b = ClassDecisions::new(2, a.truth().to_vec(), rows).unwrap(); // right, wrong; right, right
        let of_a = BySeed::of(Metric::Accuracy, &clusters, (&a).into()).unwrap();
        assert_eq!((of_a.score(0, &[1, 1]), of_a.score(1, &[1, 1])), (Some(1.0), Some(0.5)));
        assert_eq!(of_a.score(1, &[3, 1]), Some(0.25));
        let both = BySeed::difference(Metric::Accuracy, &clusters, (&a).into(), (&b).into());
        let both = both.unwrap();
        assert_eq!((both.score(0, &[1, 1]), both.score(1, &[1, 1])), (Some(0.5), Some(-0.5)));
        assert_eq!(both.score(2, &[1, 1]), None);
    }

    #[test]
    fn systems_are_compared_on_the_same_clips_alone() {
        let clusters = Clusters::new(&[0, 1, 0, 1], &[0; 4]).unwrap();
        let (a, b) = (classes([0, 1, 1, 1]), classes([0, 1, 0, 1]));
        let error = |metric, a: Outcomes<'_>, b: Outcomes<'_>| {
            BySeed::difference(metric, &clusters, a, b).err()
        };
        let other = Some(Error::OtherClips { row: 2 });
        assert_eq!(error(Metric::Uar, (&a).into(), (&b).into()), other);
        let three = ClassDecisions::new(3, a.truth().to_vec(), [1.0, 0.0, 0.0].repeat(4)).unwrap();
        let other = Some(Error::OtherClips { row: 0 });
        assert_eq!(error(Metric::Uar, (&a).into(), (&three).into()), other);
        let kind = Some(Error::OtherKind { metric: Metric::Ccc });
        assert_eq!(error(Metric::Ccc, (&a).into(), (&a).into()), kind);
        let short = ClassDecisions::new(2, vec![0; 3], [1.0, 0.0].repeat(3)).unwrap();
        let length = Some(Error::Length { what: "decided clips", expected: 4, actual: 3 });
        assert_eq!(error(Metric::Uar, (&a).into(), (&short).into()), length);
    }
}
