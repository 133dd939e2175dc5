//! Maximal correlation: the loss of training, and the estimator of tables.

use super::{Answer, Work};
use super::{draws, variable};
use crate::commands::bench::fixtures::Fixtures;
use std::hint::black_box;

/// Rows and columns of both views: a large batch of the width of a hidden layer, so that products have the most part.
const VIEWS: [usize; 2] = [256, 64];

/// Rows of a large table.
const ROWS: usize = 100_000;

/// Soft-HGR of two views, forward and backward.
pub fn soft_hgr(_: &Fixtures) -> Answer<Work> {
    let (f, g) = (variable("f", &VIEWS)?, variable("g", &VIEWS)?);
    Ok(Box::new(move || {
        black_box(hgr_corr::soft_hgr(&f, &g)?.backward()?);
        Ok(())
    }))
}

/// The estimate of two columns with interval and p-value.
pub fn hgr(_: &Fixtures) -> Answer<Work> {
    let x = draws("x", ROWS);
    let y: Vec<f64> = x.iter().zip(draws("y", ROWS)).map(|(x, noise)| x * x + noise).collect();
    Ok(Box::new(move || {
        black_box(hgr_corr::hgr(&x, &y)?);
        Ok(())
    }))
}
