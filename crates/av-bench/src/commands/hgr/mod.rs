mod column;

use crate::cli::HgrArgs;
use crate::failure::{Failure, Result};
use crate::report::mode_curves;
use crate::terminal::{print, print_line};
use av_datasets::TextTable;
use av_train::write_atomic;
use column::Column;
use hgr_corr::{Hgr, HgrEstimate, NanPolicy};
use std::path::Path;

/// Modes that are printed.
const MODES: usize = 8;

/// `av-bench hgr`: the maximal correlation of columns of a table.
pub fn hgr(arguments: &HgrArgs) -> Result<()> {
    let path = &arguments.table;
    let mut table = TextTable::open(path)?;
    let [x, y] = [&arguments.x, &arguments.y].map(|named| columns(&table, named));
    let (x, y) = (x?, y?);
    let mut read: Vec<Column> = x.iter().chain(&y).map(|name| Column::new(name)).collect();
    let indices: Vec<usize> =
        x.iter().chain(&y).map(|name| table.column(name)).collect::<std::result::Result<_, _>>()?;
    let mut rows = 0;
    while let Some(row) = table.next_row()? {
        rows += 1;
        let cells = read.iter_mut().zip(&indices);
        cells.for_each(|(column, &index)| column.push(row.line(), row.value(index)));
    }
    let nan_policy = if arguments.missing_values { NanPolicy::Value } else { NanPolicy::Omit };
    let given = Given { path, rows, empty_rows: table.empty_rows(), nan_policy, columns: &read };
    let numbers: Vec<Vec<f64>> =
        read.iter().map(|column| column.numbers(path)).collect::<Result<_>>()?;
    let numbers: Vec<&[f64]> = numbers.iter().map(Vec::as_slice).collect();
    let (left, right) = numbers.split_at(x.len());
    let HgrArgs { permutations, seed, .. } = *arguments;
    let found = Hgr { permutations, seed, nan_policy, ..Hgr::default() }
        .estimate(left, right)
        .map_err(|error| given.failure(&error, x.len()))?;
    print(text(&found) + &given.left_out(found.rows))?;
    if let Some(path) = &arguments.svg {
        let plot = mode_curves(&found.modes, &x, &y)?;
        write_atomic(path, plot.as_bytes())?;
        print_line(format_args!("functions of the first modes: {}", path.display()))?;
    }
    Ok(())
}

/// The columns of a side. Names are separated by commas, and a name may hold commas itself: the longest that fits is taken.
fn columns(table: &TextTable, named: &[String]) -> Result<Vec<String>> {
    let mut names = vec![];
    for argument in named {
        let parts: Vec<&str> = argument.split(',').collect();
        let mut from = 0;
        while from < parts.len() {
            let joined = |to: usize| parts[from..to].join(",").trim().to_owned();
            let known = |to: &usize| table.column(&joined(*to)).is_ok();
            let to = (from + 1..=parts.len()).rev().find(known).unwrap_or(from + 1);
            let name = joined(to);
            table.column(&name)?;
            names.push(name);
            from = to;
        }
    }
    Ok(names)
}

fn text(found: &HgrEstimate) -> String {
    let (low, high) = found.interval;
    let (x, y) = found.functions;
    let mut text = format!(
        "HGR correlation {:.3}  [{low:.3}, {high:.3}]  p = {:.4}  ({} rows, {x} functions of x, {y} of y)\n\
         mode  cross-fitted  plug-in\n",
        found.sigma, found.p_value, found.rows
    );
    let modes = found.cross_fitted.iter().zip(&found.plug_in).take(MODES);
    for (mode, (cross_fitted, plug_in)) in (1..).zip(modes) {
        text.push_str(&format!("{mode:>4}  {cross_fitted:>12.3}  {plug_in:>7.3}\n"));
    }
    text
}

/// What was in the table.
struct Given<'a> {
    path: &'a Path,
    rows: usize,
    empty_rows: u64,
    nan_policy: NanPolicy,
    columns: &'a [Column],
}

impl Given<'_> {
    /// Why there is no estimate, with the name of the column instead of its place; the first columns are those of x.
    fn failure(&self, error: &hgr_corr::Error, x: usize) -> Failure {
        let path = self.path.display();
        let &hgr_corr::Error::Incomplete { expected, rows, complete, side, column, values } = error
        else {
            return Failure::Input(format!("{path}: {error}"));
        };
        let place = if side == "x" { column } else { x + column };
        let name = self.columns.get(place - 1).map_or("", Column::name);
        Failure::Input(format!(
            "{path}: at least {expected} rows with a value in every column are needed; of {rows} rows {complete} have one, and \
             column `{name}` has {values} values: leave it out, or take a missing value as a value (--missing-values)"
        ))
    }

    /// Why rows were not used, one reason on a line; empty where all were.
    fn left_out(&self, used: usize) -> String {
        let mut text = String::new();
        let path = self.path.display();
        if self.empty_rows > 0 {
            text.push_str(&format!(
                "{path}: {} rows without any text are no rows\n",
                self.empty_rows
            ));
        }
        let missing: Vec<String> = self
            .columns
            .iter()
            .filter(|column| column.missing() > 0)
            .map(|column| format!("{} in `{}`", column.missing(), column.name()))
            .collect();
        let missing = missing.join(", ");
        match self.nan_policy {
            _ if missing.is_empty() => {}
            NanPolicy::Omit => text.push_str(&format!(
                "{path}: {} of {} rows left out: no value {missing} (--missing-values takes that as a value)\n",
                self.rows - used,
                self.rows
            )),
            NanPolicy::Value => {
                text.push_str(&format!("{path}: missing, and taken as a value: {missing}\n"));
            }
        }
        text
    }
}
