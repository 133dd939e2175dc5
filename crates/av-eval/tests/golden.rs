//! Scores and tests against scikit-learn and SciPy: `scripts/goldens/eval.py`.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use av_eval::{
    ClassDecisions, Confusion, Metric, ValueDecisions, corrected_resampled_t, ece, fit_temperature,
    friedman, mae, median, quantile, sd, sign_flips, wilcoxon,
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Golden {
    classes: Vec<Classes>,
    values: Vec<Values>,
    differences: Vec<Differences>,
    friedman: Vec<Friedman>,
    intervals: Vec<Intervals>,
}

#[derive(Deserialize)]
struct Classes {
    classes: usize,
    truth: Vec<usize>,
    probabilities: Vec<f64>,
    bins: usize,
    confusion: Confusion,
    recalls: Vec<Option<f64>>,
    precisions: Vec<Option<f64>>,
    scores: BTreeMap<Metric, f64>,
    ece: f64,
    temperature: f64,
}

#[derive(Deserialize)]
struct Values {
    truth: Vec<f64>,
    predicted: Vec<f64>,
    ccc: f64,
    rmse: f64,
    mae: f64,
    sd: f64,
    median: f64,
    quantiles: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Differences {
    differences: Vec<f64>,
    sign_flips: f64,
    wilcoxon: f64,
    rank_sum: f64,
    coarse: Vec<f64>,
    coarse_wilcoxon: f64,
}

#[derive(Deserialize)]
struct Friedman {
    scores: Vec<Vec<f64>>,
    mean_ranks: Vec<f64>,
    chi_square: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Intervals {
    differences: Vec<f64>,
    overlap: f64,
    low: f64,
    high: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../testdata/golden.json")).unwrap()
}

/// Sums of about a hundred numbers of size 1 and below, in another order.
fn assert_near(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-14 * expected.abs().max(1.0),
        "{what}: {found} {expected}"
    );
}

#[test]
fn scores_of_classes_are_those_of_scikit_learn() {
    let mut compared = 0;
    for case in golden().classes {
        let decisions = ClassDecisions::new(case.classes, case.truth, case.probabilities).unwrap();
        let confusion = decisions.confusion();
        assert_eq!(confusion, case.confusion);
        assert_eq!(confusion.recalls(), case.recalls);
        assert_eq!(confusion.precisions(), case.precisions);
        for (metric, expected) in case.scores {
            assert_near(metric.of(&decisions).unwrap(), expected, metric.name());
            compared += 1;
        }
        assert_near(ece(&decisions, case.bins).unwrap(), case.ece, "ece");
        let fitted = fit_temperature(&decisions).unwrap();
        assert_eq!(fitted.at_bound, None);
        // A minimum found by values is known to the root of their precision.
        let off = (fitted.value / case.temperature - 1.0).abs();
        assert!(off < 1e-7, "{} {}", fitted.value, case.temperature);
    }
    assert_eq!(compared, 18);
}

#[test]
fn scores_of_values_and_descriptions_are_those_of_numpy() {
    for case in golden().values {
        assert_near(sd(&case.truth).unwrap(), case.sd, "sd");
        assert_near(median(&case.truth).unwrap(), case.median, "median");
        for (at, expected) in case.quantiles {
            assert_near(quantile(&case.truth, at).unwrap(), expected, "quantile");
        }
        let decisions = ValueDecisions::new(case.truth, case.predicted).unwrap();
        assert_near(Metric::Ccc.of(&decisions).unwrap(), case.ccc, "ccc");
        assert_near(Metric::Rmse.of(&decisions).unwrap(), case.rmse, "rmse");
        assert_near(mae(&decisions).unwrap(), case.mae, "mae");
    }
}

#[test]
fn tests_of_differences_are_those_of_scipy() {
    for case in golden().differences {
        assert_near(sign_flips(&case.differences, 0).unwrap().p, case.sign_flips, "sign flips");
        let ranks = wilcoxon(&case.differences).unwrap();
        assert_near(ranks.p, case.wilcoxon, "wilcoxon");
        assert_eq!(ranks.rank_sum, case.rank_sum);
        assert_near(wilcoxon(&case.coarse).unwrap().p, case.coarse_wilcoxon, "with ties");
    }
}

#[test]
fn friedmans_test_is_that_of_scipy() {
    for case in golden().friedman {
        let found = friedman(&case.scores).unwrap();
        for (found, expected) in found.mean_ranks.iter().zip(&case.mean_ranks) {
            assert_near(*found, *expected, "mean rank");
        }
        assert_near(found.chi_square, case.chi_square, "chi square");
        // The incomplete gamma function of statrs.
        assert!((found.p / case.p - 1.0).abs() < 1e-12, "{} {}", found.p, case.p);
    }
}

#[test]
fn the_corrected_interval_has_scipys_quantile() {
    for case in golden().intervals {
        let found = corrected_resampled_t(&case.differences, case.overlap).interval.unwrap();
        // The quantile of statrs.
        let bound = 1e-9 * (case.high - case.low);
        assert!((found.low - case.low).abs() < bound, "{found:?} {}", case.low);
        assert!((found.high - case.high).abs() < bound, "{found:?} {}", case.high);
    }
}
