use super::run::execute;
use crate::cli::DemoArgs;
use crate::failure::Result;
use crate::progress::Watch;
use av_synth::SynthConfig;
use av_train::{Existing, Experiment, Places};

/// The experiment of the demo.
const EXPERIMENT: &str = include_str!("../../demo.toml");

/// What `--quick` changes.
const QUICK: [&str; 4] =
    ["training.epochs=3", "seeds=[1, 2, 3]", "protocol.k=2", "training.patience=2"];

/// Persons and clips of each person and emotion in a quick demo.
const QUICK_SUBJECTS: usize = 4;

/// Clips of each person and emotion in a quick demo.
const QUICK_CLIPS: usize = 1;

/// `av-bench demo`: render, extract, train, judge, report.
pub fn demo(arguments: &DemoArgs) -> Result<()> {
    let mut synth = SynthConfig::default();
    let mut settings = vec![];
    if arguments.quick {
        synth.subjects = QUICK_SUBJECTS;
        synth.clips = QUICK_CLIPS;
        settings.extend(QUICK.map(String::from));
    }
    let experiment = Experiment::parse(EXPERIMENT, &settings)?;
    let places = Places {
        data: arguments.out.join("corpus"),
        out: arguments.out.clone(),
        cache: arguments.out.join("cache"),
    };
    let watch = Watch::new(None)?;
    let corpus = watch.during(|control| {
        let rendered = |done, total| watch.rendered(done, total);
        let _ = control;
        av_synth::render(&synth, &places.data, rendered)
    })?;
    println!("{} clips rendered into {}", corpus.clips.len(), places.data.display());
    let existing = if arguments.resume { Existing::Resume } else { Existing::Replace };
    execute(&experiment, &places, existing).map(drop)
}
