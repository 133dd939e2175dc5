//! How often the interval of the bootstrap holds the truth, over many simulated studies of which the truth is known.
//!
//! Bounds are three standard errors of a binomial share. Draws are fewer than usual, for time.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use av_eval::{Bootstrap, BootstrapEstimate, ClassDecisions, Clusters, Metric};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const STUDIES: u64 = 2_000;
const DRAWS: usize = 500;

fn share(holds: impl Fn(u64) -> bool) -> f64 {
    (0..STUDIES).filter(|&study| holds(study)).count() as f64 / STUDIES as f64
}

/// Three standard errors of a share.
fn bound(share: f64) -> f64 {
    3.0 * (share * (1.0 - share) / STUDIES as f64).sqrt()
}

/// Sum of twelve uniforms: mean 0, variance 1, and tails as those of the normal distribution as far as intervals go.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// Differences with an effect of the subject, of the seed, and of the two together, of the given sizes; the truth is 0.
/// `hide_seeds` keeps the seeds from the bootstrap.
fn study(
    number: u64,
    [subjects, seeds]: [usize; 2],
    sizes: [f64; 3],
    hide_seeds: bool,
) -> BootstrapEstimate {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let of_subject: Vec<f64> = (0..subjects).map(|_| sizes[0] * normal(&mut rng)).collect();
    let of_seed: Vec<f64> = (0..seeds).map(|_| sizes[1] * normal(&mut rng)).collect();
    let rows: Vec<(usize, usize)> =
        (0..seeds).flat_map(|seed| (0..subjects).map(move |subject| (subject, seed))).collect();
    let value = |&(subject, seed): &(usize, usize)| {
        of_subject[subject] + of_seed[seed] + sizes[2] * normal(&mut rng)
    };
    let values: Vec<f64> = rows.iter().map(value).collect();
    let seed_of = |&(_, seed): &(usize, usize)| if hide_seeds { 0 } else { seed };
    let subject: Vec<usize> = rows.iter().map(|row| row.0).collect();
    let clusters = Clusters::new(&subject, &rows.iter().map(seed_of).collect::<Vec<_>>()).unwrap();
    let bootstrap = Bootstrap { draws: DRAWS, seed: number, ..Bootstrap::default() };
    let mean = |seed: usize, weights: &[u32]| {
        let rows = clusters.rows_of_seed(seed).iter().zip(weights);
        let sum: f64 = rows.map(|(&row, &weight)| values[row] * f64::from(weight)).sum();
        Some(sum / f64::from(weights.iter().sum::<u32>()))
    };
    bootstrap.statistic(&clusters, mean).unwrap().unwrap()
}

fn holds(found: BootstrapEstimate) -> bool {
    found.interval.unwrap().contains(0.0)
}

#[test]
fn nineteen_of_twenty_hold_the_truth_for_few_and_many_subjects() {
    for subjects in [6, 10, 30] {
        let held = share(|number| holds(study(number, [subjects, 1], [1.0, 0.0, 0.0], false)));
        println!("{subjects}: {held}");
        assert!((held - 0.95).abs() < bound(0.95), "{subjects} subjects: {held}");
    }
}

#[test]
fn the_luck_of_seeds_is_covered_where_seeds_are_told_apart() {
    let sizes = [0.5, 0.5, 0.3];
    let held = share(|number| holds(study(number, [20, 10], sizes, false)));
    println!("{held}");
    assert!((held - 0.95).abs() < bound(0.95), "{held}");
    let held = share(|number| holds(study(number, [20, 10], sizes, true)));
    println!("{held}");
    assert!(held < 0.9, "{held} without the seeds: they were needless");
}

/// One person is recognised more easily than another; the truth is the mean over people.
#[test]
fn the_recall_of_new_people_is_covered() {
    let (subjects, clips) = (20, 9);
    let people: Vec<usize> = (0..subjects * clips).map(|row| row / clips).collect();
    let clusters = Clusters::new(&people, &vec![0; people.len()]).unwrap();
    let recall_of = |class: usize, ease: f64| [0.5, 0.6, 0.7][class] + 0.4 * (ease - 0.5);
    let held = share(|number| {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let ease: Vec<f64> = (0..subjects).map(|_| rng.random()).collect();
        let truth: Vec<usize> = (0..people.len()).map(|row| row % 3).collect();
        let mut rows = vec![];
        for (&class, &person) in truth.iter().zip(&people) {
            let right = rng.random::<f64>() < recall_of(class, ease[person]);
            let decided = if right { class } else { (class + 1) % 3 };
            rows.extend((0..3).map(|class| if class == decided { 1.0 } else { 0.0 }));
        }
        let decisions = ClassDecisions::new(3, truth, rows).unwrap();
        let bootstrap = Bootstrap { draws: DRAWS, seed: number, ..Bootstrap::default() };
        let found = bootstrap.score(Metric::Uar, &clusters, &decisions).unwrap();
        found.interval.unwrap().contains(0.6)
    });
    println!("{held}");
    assert!((held - 0.95).abs() < bound(0.95), "{held}");
}
