use crate::cli::SynthArgs;
use crate::failure::Result;
use crate::progress::Watch;
use crate::terminal::print_line;
use av_synth::SynthConfig;

/// `av-bench synth`.
pub fn synth(arguments: &SynthArgs) -> Result<()> {
    let mut config = SynthConfig { layout: arguments.layout.into(), ..SynthConfig::default() };
    config.subjects = arguments.subjects.unwrap_or(config.subjects);
    config.clips = arguments.clips.unwrap_or(config.clips);
    config.seed = arguments.seed.unwrap_or(config.seed);
    let watch = Watch::new(None)?;
    let corpus = watch.during(|_| {
        av_synth::render(&config, &arguments.out, |done, total| watch.rendered(done, total))
    })?;
    print_line(format_args!("{} clips in {}", corpus.clips.len(), arguments.out.display()))
}
