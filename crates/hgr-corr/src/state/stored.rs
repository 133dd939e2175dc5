//! A state that is read from elsewhere, and the checks before it is one.

use super::HgrState;
use crate::{Error, Result};
use serde::Deserialize;

/// How far, relative to the largest entry, two mirrored entries of a stored table may differ.
const SYMMETRY: f64 = 1e-9;

/// A state as it is read, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    rows: usize,
    f_means: Vec<f64>,
    g_means: Vec<f64>,
    m_ff: Vec<f64>,
    m_gg: Vec<f64>,
    m_fg: Vec<f64>,
}

impl TryFrom<Stored> for HgrState {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let (p, q) = (stored.f_means.len(), stored.g_means.len());
        for (what, values, rows, columns) in [
            ("the means of f", &stored.f_means, 1, p),
            ("the means of g", &stored.g_means, 1, q),
            ("M_ff of the state", &stored.m_ff, p, p),
            ("M_gg of the state", &stored.m_gg, q, q),
            ("M_fg of the state", &stored.m_fg, p, q),
        ] {
            check_values(what, values, rows, columns)?;
        }
        check_moments("M_ff of the state", &stored.m_ff, p)?;
        check_moments("M_gg of the state", &stored.m_gg, q)?;
        let Stored { rows, f_means, g_means, m_ff, m_gg, m_fg } = stored;
        let state = Self { rows, f_means, g_means, m_ff, m_gg, m_fg };
        if rows == 0 && state != Self::new(p, q) {
            return Err(Error::Shape {
                what: "the state of no rows",
                expected: "zeros".into(),
                actual: "other values".into(),
            });
        }
        Ok(state)
    }
}

fn check_values(what: &'static str, values: &[f64], rows: usize, columns: usize) -> Result<()> {
    if rows.checked_mul(columns) != Some(values.len()) {
        return Err(Error::Shape {
            what,
            expected: format!("{rows} x {columns} values"),
            actual: values.len().to_string(),
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => {
            let (row, column) = (index / columns, index % columns);
            Err(Error::NonFinite { what, value: values[index], row, column })
        }
    }
}

/// Fails unless the table is symmetric within rounding and its diagonal has no negative entry.
fn check_moments(what: &'static str, moments: &[f64], columns: usize) -> Result<()> {
    let largest = moments.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
    let at = |row: usize, column: usize| moments[row * columns + column];
    let entries = (0..columns).flat_map(|row| (0..=row).map(move |column| (row, column)));
    let wrong = |(row, column): &(usize, usize)| {
        (at(*row, *column) - at(*column, *row)).abs() > SYMMETRY * largest || at(*row, *row) < 0.0
    };
    let Some((row, column)) = entries.into_iter().find(wrong) else { return Ok(()) };
    Err(Error::Shape {
        what,
        expected: "a symmetric table without a negative entry on its diagonal".into(),
        actual: format!(
            "{} at ({row}, {column}), {} at ({column}, {row})",
            at(row, column),
            at(column, row)
        ),
    })
}
