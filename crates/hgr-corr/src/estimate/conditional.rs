use super::hgr::{Hgr, HgrEstimate};
use super::rows::{FEWEST_ROWS, check, gather, slices};
use crate::{Error, Result};
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::collections::BTreeMap;

/// The dependence of x and y that is left where a symbol z is known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConditionalHgr {
    /// The estimates for each value of z that has enough rows, ascending.
    pub strata: Vec<Stratum>,
    /// Rows in no estimate: those without a value that [`NanPolicy::Omit`](crate::NanPolicy::Omit) leaves out, and those
    /// of values of z that have fewer than 20 others.
    pub left_out: usize,
    /// The largest sigma of a stratum: the conditional maximal correlation. A maximum of estimates, so too large
    /// where there are many strata.
    pub largest: f64,
    /// The root of the mean over the rows of the squared sigma of their stratum: hardly moved by one small stratum.
    pub mean_square: f64,
    /// Of the hypothesis that x and y are independent given z: the p-values of the strata by Fisher's method.
    pub p_value: f64,
}

/// The rows with one value of z.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stratum {
    /// The value of z.
    pub given: u32,
    /// Its number of rows.
    pub rows: usize,
    /// The estimate from these rows alone.
    pub estimate: HgrEstimate,
}

impl Hgr {
    /// The maximal correlation of x and y given a column of symbols.
    ///
    /// Definition: the correlation of f(x, z) and g(y, z) over functions with mean 0 given z is largest in the value
    /// of z where x and y are most dependent; each value is estimated by itself.
    ///
    /// Errors: as [`Hgr::estimate`]; another number of symbols than rows; no symbol with 20 rows.
    ///
    /// ```
    /// use hgr_corr::Hgr;
    /// // y follows x where z is 0 and mirrors it where z is 1: together they look independent.
    /// let x: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 400)).collect();
    /// let z: Vec<u32> = (0..400).map(|i| i % 2).collect();
    /// let y: Vec<f64> = x.iter().zip(&z).map(|(x, z)| if *z == 0 { *x } else { 400.0 - x }).collect();
    /// let given = Hgr::default().given(&[&x], &[&y], &z)?;
    /// assert!(given.mean_square > 0.999 && given.p_value < 0.001);
    /// # Ok::<(), hgr_corr::Error>(())
    /// ```
    pub fn given(&self, x: &[&[f64]], y: &[&[f64]], z: &[u32]) -> Result<ConditionalHgr> {
        let rows = check(x, y)?;
        if z.len() != rows {
            return Err(Error::Shape {
                what: "the symbols that are given",
                expected: format!("{rows}, one a row"),
                actual: z.len().to_string(),
            });
        }
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let complete = self.nan_policy.rows(x, y)?.unwrap_or_else(|| (0..rows).collect());
        for row in &complete {
            members.entry(z[*row]).or_default().push(*row);
        }
        let (mut strata, mut left_out) = (vec![], rows - complete.len());
        for (given, members) in members {
            if members.len() < FEWEST_ROWS {
                left_out += members.len();
                continue;
            }
            let [x, y] = [x, y].map(|columns| gather(columns, &members));
            let estimate = self.estimate(&slices(&x), &slices(&y))?;
            strata.push(Stratum { given, rows: members.len(), estimate });
        }
        combine(strata, left_out)
    }
}

fn combine(strata: Vec<Stratum>, left_out: usize) -> Result<ConditionalHgr> {
    if strata.is_empty() {
        let what = "a conditional correlation, for one value of what is given,";
        return Err(Error::TooFewRows { what, expected: FEWEST_ROWS, actual: 0 });
    }
    let rows: usize = strata.iter().map(|stratum| stratum.rows).sum();
    let squares = strata.iter().map(|s| s.rows as f64 * s.estimate.sigma.powi(2)).sum::<f64>();
    let logarithms: f64 = strata.iter().map(|stratum| stratum.estimate.p_value.ln()).sum();
    let chi_square = ChiSquared::new(2.0 * strata.len() as f64)
        .map_err(|_| Error::NotConverged { what: "chi-square distribution of the strata" })?;
    Ok(ConditionalHgr {
        left_out,
        largest: strata.iter().map(|stratum| stratum.estimate.sigma).fold(0.0, f64::max),
        mean_square: (squares / rows as f64).sqrt(),
        p_value: chi_square.sf(-2.0 * logarithms),
        strata,
    })
}
