use super::run::execute;
use crate::cli::DemoArgs;
use crate::failure::Result;
use crate::progress::Watch;
use crate::terminal::print_line;
use av_synth::SynthConfig;
use av_train::{Experiment, IfExists, RunOptions, RunPaths};

/// The experiment of the demo.
const EXPERIMENT: &str = include_str!("../../demo.toml");

/// What `--quick` changes.
const QUICK: [&str; 3] = ["training.epochs=3", "training.patience=2", "protocol.k=2"];

/// Persons, and clips of each person and emotion: many persons, so that faces and voices of people who were
/// not trained on can be learned.
const PERSONS: (usize, usize) = (16, 2);

/// The same in a quick demo.
const QUICK_PERSONS: (usize, usize) = (4, 1);

/// `av-bench demo`: render, extract, train, judge, report.
pub fn demo(arguments: &DemoArgs) -> Result<()> {
    let (settings, (subjects, clips)) = if arguments.quick {
        (QUICK.map(String::from).to_vec(), QUICK_PERSONS)
    } else {
        (vec![], PERSONS)
    };
    let synth = SynthConfig { subjects, clips, ..SynthConfig::default() };
    let experiment = Experiment::parse(EXPERIMENT, &settings)?;
    let paths = RunPaths {
        data: arguments.out.join("corpus"),
        out: arguments.out.clone(),
        cache: arguments.out.join("cache"),
    };
    let watch = Watch::new(None)?;
    let corpus = watch.during(|_| {
        av_synth::render(&synth, &paths.data, |done, total| watch.rendered(done, total))
    })?;
    print_line(format_args!(
        "{} clips rendered into {}",
        corpus.clips.len(),
        paths.data.display()
    ))?;
    let if_exists = if arguments.resume { IfExists::Resume } else { IfExists::Overwrite };
    execute(&experiment, &paths, RunOptions { if_exists, ..RunOptions::default() }).map(drop)
}
