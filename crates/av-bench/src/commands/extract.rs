use super::run::read;
use crate::cli::ExtractArgs;
use crate::contact_sheet;
use crate::failure::{Failure, Result};
use crate::output;
use crate::progress::Watch;
use crate::terminal::{print, print_line};
use av_features::Cache;
use av_train::{Extraction, Observer, Shard, data::Fault};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// `av-bench extract`: fills the cache, prints the outcome of the clips, and fails if more of them have a fault than
/// the experiment allows.
pub fn extract(arguments: &ExtractArgs) -> Result<()> {
    let experiment = read(&arguments.common)?;
    let dataset = av_train::index(&experiment, &arguments.common.data, Observer::SILENT)?;
    let shard = arguments.shard;
    if let Some(path) = &arguments.contact_sheet {
        let clips =
            contact_sheet::write(path, &dataset, &experiment, shard, arguments.sheet_clips)?;
        print_line(format_args!("{clips} clips on {}", path.display()))?;
    }
    let cache = Cache::open(&arguments.common.cache)?;
    let watch = Watch::new(None)?;
    let began = Instant::now();
    let extraction = watch
        .during(|observer| av_train::extract(&dataset, &experiment.inputs, &cache, shard, observer))
        .map_err(how_to_resume)?;
    // What nobody can read is among the faults.
    let files = dataset.problems.iter().filter(|problem| !problem.unreadable);
    print(output::problems(files.map(output::of_file)))?;
    print(summary(&extraction, shard, dataset.clips.len(), began.elapsed()))?;
    check_share(&extraction, experiment.bad_clips)
}

/// An extraction has no `--resume`: the same command goes on.
fn how_to_resume(error: av_train::Error) -> Failure {
    if !matches!(error, av_train::Error::Interrupted) {
        return error.into();
    }
    let text = "interrupted; what was extracted is kept, and the same command goes on from there";
    Failure::Interrupted(text.into())
}

/// The outcome of the clips, then every fault under its kind.
fn summary(extraction: &Extraction, shard: Shard, total: usize, time: Duration) -> String {
    let Extraction { clips, computed, cached, rebuilt, failed, faults, faces, media_bytes } =
        extraction;
    let mut text = match shard {
        Shard::WHOLE => format!("{clips} clips: "),
        shard => format!("{clips} of {total} clips (shard {shard}): "),
    };
    text.push_str(&format!(
        "{computed} computed, {cached} from the cache, {rebuilt} rebuilt, {failed} failed\n"
    ));
    let seconds = time.as_secs_f64();
    text.push_str(&format!(
        "{seconds:.1} s, {:.1} clips per second, {:.1} MB of media\n",
        *clips as f64 / seconds.max(f64::MIN_POSITIVE),
        *media_bytes as f64 / 1e6
    ));
    if faces.frames > 0 {
        text.push_str(&format!("faces found in {} of {} frames\n", faces.found, faces.frames));
    }
    let mut kinds = BTreeMap::<&str, Vec<&Fault>>::new();
    for fault in faults {
        kinds.entry(fault.kind).or_default().push(fault);
    }
    for (kind, faults) in kinds {
        text.push_str(&format!("failed, {kind}: {}\n", faults.len()));
        for Fault { clip, reason, .. } in faults {
            text.push_str(&format!("  {clip}: {reason}\n"));
        }
    }
    text
}

/// Fails where a run would.
fn check_share(extraction: &Extraction, allowed: f64) -> Result<()> {
    let mut bad: Vec<&str> = extraction.faults.iter().map(|fault| fault.clip.as_str()).collect();
    bad.dedup();
    let (bad, clips) = (bad.len(), extraction.clips + bad.len() - extraction.failed);
    if bad as f64 <= allowed * clips as f64 {
        return Ok(());
    }
    let most = (allowed * clips as f64).floor();
    Err(Failure::Input(format!(
        "{bad} of {clips} clips failed, {most} are allowed (bad_clips = {allowed}): mend or remove the files above, or give \
         --set bad_clips=SHARE; all others are extracted"
    )))
}
