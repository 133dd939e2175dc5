use crate::cli::{ExperimentArgs, RunArgs};
use crate::failure::Result;
use crate::progress::Watch;
use crate::{report, table};
use av_train::{Existing, Experiment, Places, Record, write_atomic};
use std::path::Path;

/// `av-bench run`.
pub fn run(arguments: &RunArgs) -> Result<()> {
    let experiment = read(&arguments.common)?;
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("runs").join(&experiment.name));
    let existing = match (arguments.resume, arguments.replace) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    };
    let places = places(&arguments.common, &out);
    execute(&experiment, &places, existing).map(drop)
}

/// Runs, prints the table and writes the page.
pub fn execute(experiment: &Experiment, places: &Places, existing: Existing) -> Result<Record> {
    let watch = Watch::new(Some(&places.out))?;
    let record = watch.during(|control| av_train::run(experiment, places, existing, control))?;
    let page = places.out.join("report.html");
    write_atomic(&page, report::page(&[&record])?.as_bytes())?;
    print!("{}", table::record(&record));
    println!("\nrecord {}", places.out.join("record.json").display());
    println!("report {}", page.display());
    Ok(record)
}

/// The experiment file with its settings.
pub fn read(arguments: &ExperimentArgs) -> Result<Experiment> {
    Ok(Experiment::read(&arguments.experiment, &arguments.settings)?)
}

fn places(arguments: &ExperimentArgs, out: &Path) -> Places {
    Places { data: arguments.data.clone(), out: out.into(), cache: arguments.cache.clone() }
}
