//! Aff-Wild2: valence and arousal of every frame of videos from the Internet.

use super::annotation::{self, Complaints, MAX_FRAMES};
use super::files;
use super::media::media;
use super::walk::Files;
use crate::{Affect, Clip, Dataset, Expected, Modalities, Problem, Result, Source, Tracks};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// First line of an annotation of valence and arousal.
const HEADER: &str = "valence,arousal";

/// Stands for a value that nobody gave.
const MISSING: f64 = -5.0;

/// Ends of the names of annotations of one of two people in a video.
const PLACES: [&str; 2] = ["_left", "_right"];

/// Aff-Wild2: videos from the Internet with valence and arousal of every frame.
///
/// Videos and annotations lie in any folders. An annotation is a text file whose first line is `valence,arousal` and
/// whose following lines are the frames; it has the name of its video, with `_left` or `_right` for one of two people. Text files
/// that begin otherwise are those of the other challenges and are not looked at, unless a folder above them begins with `VA`. A
/// folder `Train_Set` or `Validation_Set` above an annotation is the clip's fold, `train` or `validation`.
///
/// The clips have no label, and [`Clip::affect`] holds the targets. A video without annotation is a clip without targets. Who
/// is seen is not known: the subject is the name of the video, for both people in it.
///
/// Source: D. Kollias and S. Zafeiriou, "Aff-Wild2: Extending the Aff-Wild Database for Affect Recognition", 2018.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffWild2 {
    /// Counts of the release, for `verify`.
    #[serde(default)]
    pub expected: Option<Expected>,
}

/// Paths by their names without extension.
type Named<'a> = BTreeMap<&'a str, &'a str>;

impl AffWild2 {
    /// Lists the clips below a folder and reads their annotations.
    ///
    /// Problems: an annotation without video, two annotations or two videos of one name, a line that is not two numbers
    /// from -1 to 1 or -5 (its frame is missing then).
    ///
    /// Errors: an unreadable folder, a folder without any video that has an annotation.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let Files { relative, mut problems, .. } = Files::below(root)?;
        let mut report = |path: &str, reason: String| {
            problems.push(Problem::new(root.join(path), reason));
        };
        let media = media();
        let is_video = |extension: &str| media.get(extension) == Some(&Tracks::Both);
        let videos = named(&relative, is_video, &mut report);
        let texts = relative.iter().filter(|path| path.to_lowercase().ends_with(".txt"));
        let mut clips: BTreeMap<&str, Clip> = BTreeMap::new();
        let mut annotated = BTreeSet::new();
        for path in texts {
            let (_, stem, _) = parts(path);
            let text = match read(&root.join(path), path) {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(reason) => {
                    report(path, reason);
                    continue;
                }
            };
            if clips.contains_key(stem) {
                report(path, format!("clip `{stem}` has an annotation already"));
                continue;
            }
            let Some((video, file)) = video(&videos, stem) else {
                report(path, "there is no video of its name".into());
                continue;
            };
            let (affect, complaints) = affect(&text);
            if let Some(complaint) = complaints.summary() {
                report(path, complaint);
            }
            annotated.insert(video);
            clips.insert(stem, clip(root, stem, video, file, fold(path), affect));
        }
        if clips.is_empty() {
            let expected =
                "videos, and text files of their names that begin with `valence,arousal`";
            let example = "VA_Estimation_Challenge/Train_Set/1-30-1280x720.txt";
            return Err(files::no_clips(
                root,
                "aff-wild2",
                expected,
                example,
                &relative,
                &problems,
            ));
        }
        for (&video, &file) in videos.iter().filter(|(video, _)| !annotated.contains(*video)) {
            clips.insert(video, clip(root, video, video, file, None, vec![]));
        }
        let (name, clips) = ("aff-wild2".into(), clips.into_values().collect());
        Ok(Dataset { name, clips, problems, ..Dataset::default() })
    }
}

/// Folders, name without extension, and extension of a path, the latter in lower case.
fn parts(path: &str) -> (&str, &str, String) {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    (folders, stem, extension.to_lowercase())
}

/// Files of an extension by name. A second one of a name is reported.
fn named<'a>(
    files: &'a [String],
    takes: impl Fn(&str) -> bool,
    report: &mut impl FnMut(&str, String),
) -> Named<'a> {
    let mut named = Named::new();
    for path in files {
        let (_, stem, extension) = parts(path);
        if !takes(&extension) {
            continue;
        }
        match named.get(stem) {
            Some(first) => report(path, format!("has the name of `{first}`")),
            None => {
                named.insert(stem, path.as_str());
            }
        }
    }
    named
}

/// The text of an annotation; none for a text file of another kind. Errors: why it cannot be read.
fn read(path: &Path, relative: &str) -> std::result::Result<Option<String>, String> {
    let (folders, ..) = parts(relative);
    let text = annotation::text(path)?;
    if text.lines().next().is_some_and(|line| line.trim() == HEADER) {
        return Ok(Some(text));
    }
    match folders.split('/').any(|folder| folder.starts_with("VA")) {
        true => Err(format!("line 1: is not `{HEADER}`")),
        false => Ok(None),
    }
}

/// The video of an annotation: that of its name, or of its name without the place of a person.
fn video<'a>(videos: &Named<'a>, stem: &str) -> Option<(&'a str, &'a str)> {
    let bases = PLACES.iter().filter_map(|place| stem.strip_suffix(place));
    let mut names = std::iter::once(stem).chain(bases);
    names.find_map(|name| videos.get_key_value(name)).map(|(&video, &file)| (video, file))
}

fn fold(path: &str) -> Option<String> {
    let (folders, ..) = parts(path);
    folders.rsplit('/').map(str::to_lowercase).find_map(|folder| match folder.as_str() {
        "train_set" | "training_set" | "train" => Some("train".into()),
        "validation_set" | "validation" => Some("validation".into()),
        _ => None,
    })
}

/// The targets, one a line below the first.
fn affect(text: &str) -> (Vec<Option<Affect>>, Complaints) {
    let mut complaints = Complaints::default();
    let mut frames = vec![];
    for (index, line) in text.trim_end().lines().enumerate().skip(1) {
        if frames.len() == MAX_FRAMES {
            complaints.add(format!("line {}: more than {MAX_FRAMES} frames", index + 1));
            break;
        }
        frames.push(match target(line) {
            Ok(target) => target,
            Err(reason) => {
                complaints.add(format!("line {}: {reason}", index + 1));
                None
            }
        });
    }
    (frames, complaints)
}

fn target(line: &str) -> std::result::Result<Option<Affect>, String> {
    let numbers = line.split_once(',').and_then(|(valence, arousal)| {
        Some((valence.trim().parse::<f64>().ok()?, arousal.trim().parse::<f64>().ok()?))
    });
    let (valence, arousal) = numbers.ok_or_else(|| format!("`{line}` is not two numbers"))?;
    if valence == MISSING || arousal == MISSING {
        return Ok(None);
    }
    Affect::scaled(valence, arousal, 1.0).map(Some)
}

fn clip(
    root: &Path,
    id: &str,
    video: &str,
    file: &str,
    fold: Option<String>,
    affect: Vec<Option<Affect>>,
) -> Clip {
    let source = Source::Media(root.join(file));
    Clip {
        id: id.into(),
        subject: video.into(),
        emotion: None,
        fold,
        turn: None,
        affect,
        sources: Modalities::from_fn(|modality| {
            Tracks::Both.hold(modality).then(|| source.clone())
        }),
    }
}
