//! Intervals of scores over people and trainings, by drawing both with replacement.

use crate::by_seed::BySeed;
use crate::describe::quantile_of_sorted;
use crate::interval::{normal_quantile, t_quantile};
use crate::{COVERAGE, Clusters, Error, Interval, Metric, Outcomes, Result, sd};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The bootstrap over subjects and seeds: what new people, and these trainings begun again, would give.
///
/// Definition: the score of a seed is that of all its clips pooled (over folds), and the score is the mean over seeds. A draw
/// takes as many subjects as there are, with replacement, and so with the seeds, independently; all clips of a drawn
/// subject come along, under every drawn seed. The interval lies between the quantiles of the draws, both ends
/// moved away from the score by the factor `t(n - 1)/z sqrt(n/(n - 1))` of n subjects: draws from few subjects are less spread
/// than means of new ones, and quantiles of the normal distribution too near. With 20 subjects the factor is 1.10.
///
/// What it covers: new subjects, and the luck of initial weights and orders. Not new training sets: see
/// [`corrected_resampled_t_of_folds`](crate::corrected_resampled_t_of_folds). With S seeds, their part of the variance is
/// understated by 1/S; one seed says nothing of luck. What differs by chance between subject and seed together is counted
/// more than once, which makes the interval rather too wide.
///
/// Two calls with the same settings and clusters draw the same subjects. The same bits on every machine of the same
/// arithmetic; one thread. Cost: `draws` passes over the clips.
///
/// Source: T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015 (the factor);
/// A. B. Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 1, 2007 (two ways of drawing at once).
///
/// ```
/// use av_eval::{Bootstrap, ClassDecisions, Clusters, Metric};
/// // Four people with two clips each, one training. System a is right with everybody, b with two of them.
/// let people = Clusters::new(&[0, 0, 1, 1, 2, 2, 3, 3], &[0; 8])?;
/// let truth = [0, 1].repeat(4);
/// let a = ClassDecisions::new(2, truth.clone(), [0.9, 0.1, 0.1, 0.9].repeat(4))?;
/// let b = ClassDecisions::new(2, truth, [[0.9, 0.1, 0.1, 0.9], [0.1, 0.9, 0.9, 0.1]].concat().repeat(2))?;
/// let found = Bootstrap::default().difference(Metric::Uar, &people, &a, &b)?;
/// assert_eq!(found.value, 0.5);
/// assert!(found.interval.unwrap().contains(0.0)); // no difference seen: four people are few
/// # Ok::<(), av_eval::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// How many draws: at least `2 / (1 - coverage)`; 5,000 place the ends to about 2 % of the width.
    pub draws: usize,
    /// What the draws follow from.
    pub seed: u64,
    /// Share of samples whose interval holds the truth, between 0 and 1.
    pub coverage: f64,
}

impl Default for Bootstrap {
    /// 5,000 draws, 95 %.
    fn default() -> Self {
        Self { draws: 5_000, seed: 0, coverage: COVERAGE }
    }
}

/// A score, or a difference of scores, over people and trainings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootstrapEstimate {
    /// On all clips.
    pub value: f64,
    /// Where it lies for new people; none with one subject.
    pub interval: Option<Interval>,
    /// Standard deviation of the draws; none with one subject.
    pub standard_error: Option<f64>,
    /// How many subjects there were.
    pub subjects: usize,
    /// How many seeds there were.
    pub seeds: usize,
    /// How many draws were taken.
    pub draws: usize,
    /// How many of them had no finite score, such as the CCC of one clip many times, and were left out.
    pub undefined_draws: usize,
}

impl Bootstrap {
    /// A score of one system.
    ///
    /// # Errors
    /// Settings out of range; another number of decisions than rows; a metric of another kind of decisions; a score that is
    /// not finite on all clips.
    pub fn score<'a>(
        &self,
        metric: Metric,
        clusters: &Clusters,
        outcomes: impl Into<Outcomes<'a>>,
    ) -> Result<BootstrapEstimate> {
        self.of(clusters, &BySeed::of(metric, clusters, outcomes.into())?)
    }

    /// The score of system `a` less that of system `b`: row i of both is the same clip under the same seed.
    ///
    /// # Errors
    /// As for [`Bootstrap::score`]; true values that differ.
    pub fn difference<'a, 'b>(
        &self,
        metric: Metric,
        clusters: &Clusters,
        a: impl Into<Outcomes<'a>>,
        b: impl Into<Outcomes<'b>>,
    ) -> Result<BootstrapEstimate> {
        self.of(clusters, &BySeed::difference(metric, clusters, a.into(), b.into())?)
    }

    fn of(&self, clusters: &Clusters, scores: &BySeed) -> Result<BootstrapEstimate> {
        let found = self.statistic(clusters, |seed, weights| scores.score(seed, weights))?;
        found.ok_or_else(|| scores.undefined("these clips".into()))
    }

    /// Any number that can be computed from the clips of one seed, each counted some times.
    ///
    /// `statistic` is given a seed, as in [`Clusters::rows_of_seed`], and what each of its rows counts. It says `None` where
    /// there is no finite number; so does this, where that is so for a seed on all its clips.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn statistic(
        &self,
        clusters: &Clusters,
        mut statistic: impl FnMut(usize, &[u32]) -> Option<f64>,
    ) -> Result<Option<BootstrapEstimate>> {
        self.check()?;
        let mut weights = vec![];
        // The mean over seeds, each drawn so many times, of subjects drawn so many times.
        let mut score = |subjects: &[u32], seeds: &[u32]| {
            let (mut sum, mut drawn) = (0.0, 0.0);
            for (seed, &times) in seeds.iter().enumerate().filter(|(_, times)| **times > 0) {
                clusters.fill(seed, subjects, &mut weights);
                let score = statistic(seed, &weights).filter(|score| score.is_finite())?;
                sum += f64::from(times) * score;
                drawn += f64::from(times);
            }
            Some(sum / drawn)
        };
        let (mut subjects, mut seeds) = (vec![1; clusters.subjects()], vec![1; clusters.seeds()]);
        let Some(value) = score(&subjects, &seeds) else { return Ok(None) };
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut scores = Vec::with_capacity(self.draws);
        for _ in 0..self.draws {
            draw(&mut rng, &mut subjects);
            draw(&mut rng, &mut seeds);
            scores.extend(score(&subjects, &seeds));
        }
        let several = clusters.subjects() > 1;
        Ok(Some(BootstrapEstimate {
            value,
            undefined_draws: self.draws - scores.len(),
            standard_error: sd(&scores).filter(|_| several),
            interval: self.interval(value, scores, clusters.subjects()),
            subjects: clusters.subjects(),
            seeds: clusters.seeds(),
            draws: self.draws,
        }))
    }

    /// Between the quantiles of the draws, widened for few subjects.
    fn interval(&self, value: f64, mut scores: Vec<f64>, subjects: usize) -> Option<Interval> {
        let subjects = subjects as f64;
        let degrees = subjects - 1.0;
        let factor = t_quantile(self.coverage, degrees)? / normal_quantile(self.coverage)?
            * (subjects / degrees).sqrt();
        scores.sort_unstable_by(f64::total_cmp);
        let end = |at| Some(value + factor * (quantile_of_sorted(&scores, at)? - value));
        Some(Interval {
            low: end(0.5 - self.coverage / 2.0)?,
            high: end(0.5 + self.coverage / 2.0)?,
        })
    }

    fn check(&self) -> Result<()> {
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            let (what, allowed) = ("the coverage", "between 0 and 1");
            return Err(Error::Setting { what, value: self.coverage, allowed });
        }
        // Rounded, as 1 - 0.95 is not 0.05.
        if self.draws as f64 * (1.0 - self.coverage) < 2.0 - f64::EPSILON * self.draws as f64 {
            let (what, allowed) = ("the number of draws", "2 / (1 - coverage) or more");
            return Err(Error::Setting { what, value: self.draws as f64, allowed });
        }
        Ok(())
    }
}

/// How often each of them is drawn, in as many draws as there are.
fn draw(rng: &mut ChaCha8Rng, times: &mut [u32]) {
    times.fill(0);
    for _ in 0..times.len() {
        // u32, as the draws of usize depend on the machine.
        let drawn = rng.random_range(0..times.len() as u32);
        times[drawn as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClassDecisions, ValueDecisions};

    /// Six subjects with values of their own under one seed.
    const VALUES: [f64; 6] = [0.5, -1.0, 2.0, 0.25, 4.0, 1.0];

    fn mean_of_values(times: &[u32]) -> Option<f64> {
        let sum: f64 = VALUES.iter().zip(times).map(|(value, &k)| value * f64::from(k)).sum();
        Some(sum / times.iter().sum::<u32>() as f64)
    }

    #[test]
    fn the_draws_of_a_mean_have_its_standard_error() {
        let people = Clusters::new(&[0, 1, 2, 3, 4, 5], &[0; 6]).unwrap();
        let bootstrap = Bootstrap { draws: 40_000, ..Bootstrap::default() };
        let found =
            bootstrap.statistic(&people, |_, times| mean_of_values(times)).unwrap().unwrap();
        // The variance of a bootstrap mean is that with n, over n.
        let exact = sd(&VALUES).unwrap() * (5.0f64 / 6.0).sqrt() / 6f64.sqrt();
        let error = exact / (2.0 * 40_000f64).sqrt(); // of a standard deviation, for nearly normal draws
        assert!((found.standard_error.unwrap() - exact).abs() < 4.0 * error, "{found:?}");
        assert_eq!(found.value, 1.125);
        assert_eq!((found.subjects, found.seeds, found.undefined_draws), (6, 1, 0));
    }

    #[test]
    fn ends_are_moved_by_the_stated_factor() {
        let bootstrap = Bootstrap::default();
        let scores: Vec<f64> = (0..=40).map(f64::from).collect();
        // Quantiles 1 and 39 about 10; t(5) = 2.570582, z = 1.959964.
        let factor = 2.570_582 / 1.959_964 * 1.2f64.sqrt();
        let found = bootstrap.interval(10.0, scores.clone(), 6).unwrap();
        assert!((found.low - (10.0 - 9.0 * factor)).abs() < 1e-5, "{found:?}");
        assert!((found.high - (10.0 + 29.0 * factor)).abs() < 2e-5, "{found:?}");
        assert_eq!(bootstrap.interval(10.0, scores, 1), None);
    }

    #[test]
    fn each_is_drawn_as_often_as_the_others() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let (mut times, mut sums) = ([9; 5], [0; 5]);
        for _ in 0..4_000 {
            draw(&mut rng, &mut times);
            assert_eq!(times.iter().sum::<u32>(), 5);
            sums.iter_mut().zip(times).for_each(|(sum, times)| *sum += times);
        }
        let spread = (20_000.0f64 * 0.2 * 0.8).sqrt();
        assert!(
            sums.iter().all(|&sum| (f64::from(sum) - 4_000.0).abs() < 4.0 * spread),
            "{sums:?}"
        );
    }

    #[test]
    fn seeds_are_drawn_too_and_the_score_is_their_mean() {
        // No difference between subjects: all spread is that of the seeds, 0, 1 and 5.
        let people = Clusters::new(&[0, 1, 0, 1, 0, 1], &[0, 0, 1, 1, 2, 2]).unwrap();
        let bootstrap = Bootstrap { draws: 40_000, ..Bootstrap::default() };
        let of = |seed: usize, _: &[u32]| Some([0.0, 1.0, 5.0][seed]);
        let found = bootstrap.statistic(&people, of).unwrap().unwrap();
        assert_eq!((found.value, found.seeds), (2.0, 3));
        let exact = (14.0f64 / 3.0 / 3.0).sqrt();
        let error = exact / (2.0 * 40_000f64).sqrt();
        assert!((found.standard_error.unwrap() - exact).abs() < 4.0 * error, "{found:?}");
    }

    #[test]
    fn the_value_is_the_mean_over_seeds_and_a_less_b() {
        // Four subjects with a clip of each class, under two seeds; a and b are right about other clips.
        let subject: Vec<usize> = (0..16).map(|row| row / 2 % 4).collect();
        let seed: Vec<usize> = (0..16).map(|row| row / 8).collect();
        let people = Clusters::new(&subject, &seed).unwrap();
        let truth: Vec<usize> = (0..16).map(|row| row % 2).collect();
        let of = |wrong: &[usize]| {
            let right = |row: &usize| row.is_multiple_of(2) != wrong.contains(row);
            let rows =
                (0..16).flat_map(|row| if right(&row) { [0.75, 0.25] } else { [0.25, 0.75] });
            ClassDecisions::new(2, truth.clone(), rows.collect()).unwrap()
        };
        let (a, b) = (of(&[1, 8]), of(&[0, 3, 4, 5, 9, 11, 12]));
        let bootstrap = Bootstrap { draws: 2_000, ..Bootstrap::default() };
        // F1 of 8 clips with one error, 6/7 and 8/9; b has four and three.
        let a_alone = bootstrap.score(Metric::MacroF1, &people, &a).unwrap().value;
        assert!((a_alone - (6.0 / 7.0 + 8.0 / 9.0) / 2.0).abs() < 1e-15, "{a_alone}");
        let b_alone = bootstrap.score(Metric::MacroF1, &people, &b).unwrap().value;
        let found = bootstrap.difference(Metric::MacroF1, &people, &a, &b).unwrap();
        assert!(
            (found.value - (a_alone - b_alone)).abs() < 1e-15 && found.value > 0.2,
            "{found:?}"
        );
        let mirrored = bootstrap.difference(Metric::MacroF1, &people, &b, &a).unwrap();
        let (found, mirrored) = (found.interval.unwrap(), mirrored.interval.unwrap());
        assert!(
            (found.low + mirrored.high).abs() < 1e-14 && (found.high + mirrored.low).abs() < 1e-14
        );
    }

    #[test]
    fn draws_follow_from_the_seed() {
        let people = Clusters::new(&[0, 1, 2, 3, 4, 5], &[0; 6]).unwrap();
        let of = |seed| {
            let bootstrap = Bootstrap { draws: 100, seed, ..Bootstrap::default() };
            bootstrap.statistic(&people, |_, times| mean_of_values(times)).unwrap().unwrap()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_score_without_a_value_is_an_error_and_in_a_draw_is_counted() {
        let people = Clusters::new(&[0, 1], &[0; 2]).unwrap();
        let bootstrap = Bootstrap { draws: 4_000, ..Bootstrap::default() };
        // One clip twice is a constant: half of the draws. Truth and prediction differ, so that they have a CCC of 0.
        let apart = ValueDecisions::new(vec![0.0, 1.0], vec![0.5, 2.0]).unwrap();
        let found = bootstrap.score(Metric::Ccc, &people, &apart).unwrap();
        assert_eq!(found.undefined_draws, 0);
        let equal = ValueDecisions::new(vec![0.0, 1.0], vec![0.0, 1.0]).unwrap();
        let found = bootstrap.score(Metric::Ccc, &people, &equal).unwrap();
        let off = (found.undefined_draws as f64 - 2_000.0).abs();
        assert!(off < 4.0 * 1_000f64.sqrt(), "{found:?}");
        assert_eq!(found.standard_error, Some(0.0));
        let constant = ValueDecisions::new(vec![1.0; 2], vec![1.0; 2]).unwrap();
        let error = bootstrap.score(Metric::Ccc, &people, &constant).unwrap_err().to_string();
        assert!(error.starts_with("CCC has no finite value on these clips"), "{error}");
        let sure = ClassDecisions::new(2, vec![0, 1], vec![1.0, 0.0, 1.0, 0.0]).unwrap();
        let error = bootstrap.difference(Metric::LogLoss, &people, &sure, &sure).unwrap_err();
        assert!(error.to_string().contains("probability 0"), "{error}");
    }

    #[test]
    fn one_subject_has_a_score_and_no_interval() {
        let person = Clusters::new(&[3, 3], &[0; 2]).unwrap();
        let decisions = ClassDecisions::new(2, vec![0, 1], vec![0.75, 0.25, 0.75, 0.25]).unwrap();
        let found = Bootstrap::default().score(Metric::Accuracy, &person, &decisions).unwrap();
        assert_eq!((found.value, found.interval, found.standard_error), (0.5, None, None));
    }

    #[test]
    fn settings_out_of_range_are_rejected() {
        let check = |draws, coverage| Bootstrap { draws, coverage, seed: 0 }.check();
        assert!(check(40, 0.95).is_ok() && check(20, 0.9).is_ok());
        for (draws, coverage) in [(39, 0.95), (0, 0.5), (100, 1.0), (100, 0.0), (100, f64::NAN)] {
            assert!(matches!(check(draws, coverage), Err(Error::Setting { .. })), "{draws}");
        }
    }
}
