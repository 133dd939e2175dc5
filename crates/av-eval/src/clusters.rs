//! Who is seen in a row, and which training decided it: rows of one person, and of one training, are not independent.

use crate::{Error, Result};
use std::collections::BTreeMap;

/// Subject and seed of each decided clip.
///
/// Rows are clips of test sets, with one row per seed for a clip that was decided by several trainings. Numbers name
/// subjects and seeds, and may have gaps.
///
/// ```
/// let clusters = av_eval::Clusters::new(&[7, 7, 3, 7, 7, 3], &[0, 0, 0, 1, 1, 1])?;
/// assert_eq!((clusters.subjects(), clusters.seeds()), (2, 2));
/// assert_eq!(clusters.rows_of_seed(1), [3, 4, 5]);
/// # Ok::<(), av_eval::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Clusters {
    subjects: usize,
    rows: usize,
    seeds: Vec<SeedRows>,
}

/// The rows of one seed, and the subject of each, counted from 0 without gaps.
#[derive(Clone, Debug, Default)]
struct SeedRows {
    rows: Vec<usize>,
    subjects: Vec<usize>,
}

impl Clusters {
    /// `subject[i]` and `seed[i]` are those of row i.
    ///
    /// # Errors
    /// Lengths that differ; no rows.
    pub fn new(subject: &[usize], seed: &[usize]) -> Result<Self> {
        if subject.len() != seed.len() {
            let (expected, actual) = (subject.len(), seed.len());
            return Err(Error::Length { what: "the seeds of rows", expected, actual });
        }
        if subject.is_empty() {
            return Err(Error::TooFew { what: "a sample, in rows,", expected: 1, actual: 0 });
        }
        let names: BTreeMap<usize, ()> = subject.iter().map(|&name| (name, ())).collect();
        let places: BTreeMap<usize, usize> =
            names.into_keys().enumerate().map(|(place, name)| (name, place)).collect();
        let mut seeds: BTreeMap<usize, SeedRows> = BTreeMap::new();
        for (row, (name, seed)) in subject.iter().zip(seed).enumerate() {
            let of = seeds.entry(*seed).or_default();
            of.rows.push(row);
            of.subjects.push(places[name]);
        }
        let seeds = seeds.into_values().collect();
        Ok(Self { subjects: places.len(), rows: subject.len(), seeds })
    }

    /// How many subjects there are.
    pub fn subjects(&self) -> usize {
        self.subjects
    }

    /// How many seeds there are.
    pub fn seeds(&self) -> usize {
        self.seeds.len()
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of a seed, in the order given; seeds are counted from 0 in the order of their numbers. Empty for a seed that
    /// does not exist.
    pub fn rows_of_seed(&self, seed: usize) -> &[usize] {
        self.seeds.get(seed).map_or(&[], |of| &of.rows)
    }

    /// The subject of each row of a seed; subjects are counted from 0 in the order of their numbers.
    pub(crate) fn subjects_of_seed(&self, seed: usize) -> &[usize] {
        self.seeds.get(seed).map_or(&[], |of| &of.subjects)
    }

    /// What the rows of a seed count, where each subject counts `times`.
    pub(crate) fn fill(&self, seed: usize, times: &[u32], weights: &mut Vec<u32>) {
        weights.clear();
        weights.extend(self.subjects_of_seed(seed).iter().map(|&subject| times[subject]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_counted_without_gaps_and_rows_sorted_by_seed() {
        let clusters = Clusters::new(&[9, 2, 9, 5, 2], &[1, 0, 0, 1, 1]).unwrap();
        assert_eq!((clusters.subjects(), clusters.seeds(), clusters.rows()), (3, 2, 5));
        assert_eq!(clusters.rows_of_seed(0), [1, 2]);
        assert_eq!(clusters.rows_of_seed(1), [0, 3, 4]);
        assert_eq!(clusters.subjects_of_seed(1), [2, 1, 0]);
        assert!(clusters.rows_of_seed(2).is_empty());
        let mut weights = vec![8];
        clusters.fill(1, &[4, 0, 1], &mut weights);
        assert_eq!(weights, [1, 0, 4]);
    }

    #[test]
    fn rows_have_a_subject_and_a_seed_each() {
        let length = Error::Length { what: "the seeds of rows", expected: 2, actual: 1 };
        assert_eq!(Clusters::new(&[1, 1], &[0]).unwrap_err(), length);
        assert!(matches!(Clusters::new(&[], &[]), Err(Error::TooFew { .. })));
    }
}
