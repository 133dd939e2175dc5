use crate::cli::HgrArgs;
use crate::failure::{Failure, Result};
use crate::report::mode_curves;
use crate::terminal::{print, print_line};
use av_train::write_atomic;
use hgr_corr::{Hgr, HgrEstimate};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Cells, in lower case, that stand for a missing value.
const MISSING: [&str; 4] = ["", "na", "nan", "null"];

/// Modes that are printed.
const MODES: usize = 8;

/// `av-bench hgr`: the maximal correlation of columns of a table.
pub fn hgr(arguments: &HgrArgs) -> Result<()> {
    let table = Table::read(&arguments.table)?;
    let columns = |names: &[String]| -> Result<Vec<Vec<f64>>> {
        names.iter().map(|name| table.column(name)).collect()
    };
    let (x, y) = (columns(&arguments.x)?, columns(&arguments.y)?);
    let x: Vec<&[f64]> = x.iter().map(Vec::as_slice).collect();
    let y: Vec<&[f64]> = y.iter().map(Vec::as_slice).collect();
    let HgrArgs { permutations, seed, .. } = *arguments;
    let found = Hgr { permutations, seed, ..Hgr::default() }
        .estimate(&x, &y)
        .map_err(|error| Failure::Input(format!("{}: {error}", table.path.display())))?;
    print(text(&found, table.rows.len()))?;
    if let Some(path) = &arguments.svg {
        let plot = mode_curves(&found.modes, &arguments.x, &arguments.y)?;
        write_atomic(path, plot.as_bytes())?;
        print_line(format_args!("functions of the first modes: {}", path.display()))?;
    }
    Ok(())
}

fn text(found: &HgrEstimate, rows: usize) -> String {
    let (low, high) = found.interval;
    let (x, y) = found.functions;
    let mut text = format!(
        "HGR correlation {:.3}  [{low:.3}, {high:.3}]  p = {:.4}  ({rows} rows, {x} functions of x, {y} of y)\n\
         mode  cross-fitted  plug-in\n",
        found.sigma, found.p_value
    );
    let modes = found.cross_fitted.iter().zip(&found.plug_in).take(MODES);
    for (mode, (cross_fitted, plug_in)) in (1..).zip(modes) {
        text.push_str(&format!("{mode:>4}  {cross_fitted:>12.3}  {plug_in:>7.3}\n"));
    }
    text
}

/// A CSV file with a line of names.
struct Table {
    path: PathBuf,
    names: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn read(path: &Path) -> Result<Self> {
        let failed = |error| Failure::Input(format!("cannot read {}: {error}", path.display()));
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(failed)?;
        let names = reader.headers().map_err(failed)?.iter().map(String::from).collect();
        let rows = reader.records().collect::<std::result::Result<_, _>>().map_err(failed)?;
        Ok(Self { path: path.to_owned(), names, rows })
    }

    /// A column as numbers; texts are numbered in the order of the alphabet.
    fn column(&self, name: &str) -> Result<Vec<f64>> {
        let index = self.names.iter().position(|other| other == name).ok_or_else(|| {
            let known = self.names.join(", ");
            Failure::Input(format!("{} has no column {name}; it has {known}", self.path.display()))
        })?;
        let cells: Vec<Option<&str>> = self
            .rows
            .iter()
            .map(|row| {
                row.get(index).filter(|cell| !MISSING.contains(&cell.to_lowercase().as_str()))
            })
            .collect();
        let number = |cell: &Option<&str>| cell.map_or(Some(f64::NAN), |cell| cell.parse().ok());
        if let Some(numbers) = cells.iter().map(number).collect() {
            return Ok(numbers);
        }
        let symbols: Vec<&str> =
            cells.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        if symbols.len() > Hgr::SYMBOLS {
            return Err(Failure::Input(format!(
                "{}: column {name} holds {} different texts; at most {} can be compared: \
                 join the rare ones, or give numbers",
                self.path.display(),
                symbols.len(),
                Hgr::SYMBOLS
            )));
        }
        let code = |cell: &Option<&str>| {
            let place = cell.and_then(|cell| symbols.binary_search(&cell).ok());
            place.map_or(f64::NAN, |place| place as f64)
        };
        Ok(cells.iter().map(code).collect())
    }
}
