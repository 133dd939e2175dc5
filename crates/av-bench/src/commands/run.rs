use crate::cli::{ExperimentArgs, RunArgs};
use crate::failure::Result;
use crate::progress::Watch;
use crate::terminal::{print, print_line};
use crate::{output, report};
use av_train::{Experiment, IfExists, Record, RunOptions, RunPaths, write_atomic};
use std::path::Path;

/// `av-bench run`.
pub fn run(arguments: &RunArgs) -> Result<()> {
    let experiment = read(&arguments.common)?;
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("runs").join(&experiment.name));
    let if_exists = match (arguments.resume, arguments.replace) {
        (true, _) => IfExists::Resume,
        (_, true) => IfExists::Overwrite,
        _ => IfExists::Error,
    };
    let options = RunOptions { if_exists, embeddings: arguments.embeddings };
    execute(&experiment, &paths(&arguments.common, &out), options).map(drop)
}

/// Runs, prints the table and writes the page.
pub fn execute(experiment: &Experiment, paths: &RunPaths, options: RunOptions) -> Result<Record> {
    let watch = Watch::new(Some(&paths.out))?;
    let record = watch.during(|observer| av_train::run(experiment, paths, options, observer))?;
    let page = paths.out.join("report.html");
    write_atomic(&page, report::page(&[&record])?.as_bytes())?;
    print(output::record(&record))?;
    print_line(format_args!("\nrecord {}", paths.out.join("record.json").display()))?;
    print_line(format_args!("report {}", page.display()))?;
    Ok(record)
}

/// The experiment file with its settings.
pub fn read(arguments: &ExperimentArgs) -> Result<Experiment> {
    Ok(Experiment::read(&arguments.experiment, &arguments.settings)?)
}

fn paths(arguments: &ExperimentArgs, out: &Path) -> RunPaths {
    RunPaths { data: arguments.data.clone(), out: out.into(), cache: arguments.cache.clone() }
}
