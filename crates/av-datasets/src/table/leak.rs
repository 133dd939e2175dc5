//! Features that give the answer away: a label, a subject or a row number that stands in the table as a number.

use super::Table;
use super::columns::Feature;
use crate::{Error, Problem, Result};
use std::collections::HashMap;

/// Rows below which chance may make a feature look like a label.
const FEWEST_ROWS: usize = 20;

/// Rows for each value of a column that is one of few codes, and not a measurement of which every value is another.
const ROWS_PER_VALUE: usize = 4;

/// Looks at the features of a table whose rows have a class and a subject; one that `include` names is meant.
///
/// Errors: a feature that gives the class away. One that gives the subject away is a problem.
pub(super) fn find(
    table: &Table,
    features: &[Feature],
    targets: &[[Option<usize>; 2]],
) -> Result<Vec<Problem>> {
    let mut problems = vec![];
    for (place, column) in table.columns.iter().enumerate() {
        if features.get(place).is_some_and(|feature| feature.named) {
            continue;
        }
        let values = table.rows.iter().map(|row| row[place]);
        let determined = |by: usize| {
            determines(values.clone().zip(targets).map(|(value, target)| (value, target[by])))
        };
        let leak = |what| Error::Leak { path: table.path.clone(), column: column.clone(), what };
        // Subjects first, as one may have one class.
        if let Some(count) = determined(1) {
            let reason = format!(
                "column `{column}` has {count} values, each of one subject alone; is it a feature?"
            );
            problems.push(Problem::new(&table.path, reason));
        } else if let Some(count) = determined(0) {
            return Err(leak(format!("has {count} values, each of one class alone")));
        } else if counts_rows(values) {
            return Err(leak("numbers the rows".into()));
        }
    }
    Ok(problems)
}

/// The number of values of a column where each goes with one target alone, among targets that differ.
///
/// Values that are missing and rows without a target do not count.
fn determines(rows: impl ExactSizeIterator<Item = (f32, Option<usize>)>) -> Option<usize> {
    let most = rows.len() / ROWS_PER_VALUE;
    let mut targets: HashMap<u32, usize> = HashMap::new();
    let (mut counted, mut first, mut differ) = (0, None, false);
    for (value, target) in rows {
        let Some(target) = target.filter(|_| !value.is_nan()) else { continue };
        // 0 and -0 are one value.
        let known = *targets.entry((value + 0.0).to_bits()).or_insert(target);
        if known != target || targets.len() > most {
            return None;
        }
        counted += 1;
        differ |= *first.get_or_insert(target) != target;
    }
    let values = targets.len();
    (differ && counted >= FEWEST_ROWS.max(ROWS_PER_VALUE * values)).then_some(values)
}

/// Whether a column of whole numbers grows from each row to the next.
fn counts_rows(values: impl ExactSizeIterator<Item = f32> + Clone) -> bool {
    let next = values.clone().skip(1);
    values.len() >= FEWEST_ROWS
        && values.clone().all(|value| value.fract() == 0.0)
        && values.zip(next).all(|(value, next)| value < next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_label_is_seen_and_a_measurement_is_not() {
        let label = |row: usize| Some(row % 3);
        let of = |value: fn(usize) -> f32, count: usize| {
            determines((0..count).map(|row| (value(row), label(row))))
        };
        assert_eq!(of(|row| [2.0, -1.0, 0.5][row % 3], 30), Some(3));
        // Two codes for one class, and a value that is missing now and then.
        assert_eq!(of(|row| if row % 7 == 0 { f32::NAN } else { (row % 6) as f32 }, 60), Some(6));
        assert_eq!(of(|row| [0.0, -0.0, 1.0][row % 3], 30), None, "0 and -0 are one value");
        assert_eq!(of(|row| (row % 2) as f32, 30), None);
        assert_eq!(of(|row| row as f32, 300), None, "every value is another");
        assert_eq!(of(|row| (row % 3) as f32, 19), None, "too few rows");
        assert_eq!(of(|_| 4.0, 30), None);
        // Where there is one class, every column determines it.
        assert_eq!(determines((0..30).map(|row| ((row % 2) as f32, Some(0)))), None);
        assert_eq!(determines((0..30).map(|row| ((row % 2) as f32, None))), None);
    }

    #[test]
    fn a_row_number_is_seen_and_a_measurement_is_not() {
        let rows = |value: fn(usize) -> f32, count: usize| counts_rows((0..count).map(value));
        assert!(rows(|row| row as f32, 20));
        assert!(rows(|row| (row * row) as f32 - 9.0, 25));
        assert!(!rows(|row| row as f32, 19));
        assert!(!rows(|row| row as f32 + 0.5, 20));
        assert!(!rows(|row| (row / 2) as f32, 20));
        assert!(!rows(|row| if row == 7 { f32::NAN } else { row as f32 }, 20));
    }
}
