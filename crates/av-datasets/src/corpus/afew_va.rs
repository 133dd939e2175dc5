//! AFEW-VA: valence and arousal of every frame of film clips.

use super::annotation::{self, Complaints, MAX_FRAMES, number};
use super::files;
use super::walk::Files;
use crate::{Affect, Clip, Dataset, Expected, Modalities, Problem, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Both scales go from -10 to 10.
const SCALE: f64 = 10.0;

/// AFEW-VA: 600 clips of feature films with valence and arousal of every frame.
///
/// A clip is a folder `NNN` with `NNN.json` and one image a frame, `00000.png` and so on; folders above do not matter. The
/// clips have no label, and [`Clip::affect`] holds the targets: the annotated -10 to 10 divided by 10. The subject is
/// the actor.
///
/// The release has images and no media, so the clips have neither sound nor picture until a feature table is joined to them.
///
/// Source: J. Kossaifi, G. Tzimiropoulos, S. Todorovic and M. Pantic, Image and Vision Computing 65:23-36, 2017.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfewVa {
    /// Counts of the complete corpus, for `verify`.
    #[serde(default)]
    pub expected: Option<Expected>,
}

/// What is used of `NNN.json`.
#[derive(Deserialize)]
struct Sequence {
    #[serde(default)]
    video_id: serde_json::Value,
    #[serde(default)]
    actor: Option<String>,
    frames: BTreeMap<String, Frame>,
}

#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    actor: Option<String>,
    valence: f64,
    arousal: f64,
}

impl AfewVa {
    /// Lists the clips below a folder and reads their annotations.
    ///
    /// Problems: an annotation that cannot be read or is of another clip, a frame outside of the scale (it is
    /// missing then) or named otherwise than by its number, more than one actor or none, frames without image and images
    /// without frame.
    ///
    /// Errors: an unreadable folder, a folder without any clip.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let Files { relative, mut problems, .. } = Files::below(root)?;
        let images = images(&relative);
        let mut clips: BTreeMap<String, Clip> = BTreeMap::new();
        let mut described = BTreeSet::new();
        for path in relative.iter().filter(|path| path.to_lowercase().ends_with(".json")) {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            described.insert(folder);
            let read = id(folder, name).and_then(|id| match clips.get(&id) {
                Some(_) => Err(format!("clip `{id}` has a file already")),
                None => Ok((clip(&id, &root.join(path), images.get(folder))?, id)),
            });
            match read {
                Ok(((clip, complaints), id)) => {
                    clips.insert(id, clip);
                    problems
                        .extend(complaints.into_iter().map(|c| Problem::new(root.join(path), c)));
                }
                Err(reason) => problems.push(Problem::new(root.join(path), reason)),
            }
        }
        for folder in images.keys().filter(|folder| !described.contains(*folder)) {
            let reason = "images without a .json file next to them";
            problems.push(Problem::new(root.join(folder), reason));
        }
        if clips.is_empty() {
            let (expected, example) = ("folders 001 to 600 with a file each", "001/001.json");
            return Err(files::no_clips(root, "afew-va", expected, example, &relative, &problems));
        }
        let (name, clips) = ("afew-va".into(), clips.into_values().collect());
        Ok(Dataset { name, clips, problems, ..Dataset::default() })
    }
}

/// The numbers of the images of each folder.
fn images(files: &[String]) -> BTreeMap<&str, BTreeSet<usize>> {
    let mut images: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for path in files {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let is_image = ["png", "jpg"].contains(&extension.to_lowercase().as_str());
        if let Some(frame) = number(stem).filter(|_| is_image) {
            images.entry(folder).or_default().insert(frame);
        }
    }
    images
}

/// The name of the clip, which the folder and the file share.
fn id(folder: &str, name: &str) -> std::result::Result<String, String> {
    let folder = folder.rsplit('/').next().unwrap_or(folder);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    match number(stem) {
        Some(1..=600) if stem == folder && stem.len() == 3 => Ok(stem.into()),
        _ => Err("is not such as 001/001.json, with one number from 001 to 600".into()),
    }
}

/// The clip of an annotation, and what is wrong with it.
fn clip(
    id: &str,
    path: &Path,
    images: Option<&BTreeSet<usize>>,
) -> std::result::Result<(Clip, Vec<String>), String> {
    let text = annotation::text(path)?;
    let sequence: Sequence =
        serde_json::from_str(&text).map_err(|error| format!("is not an annotation: {error}"))?;
    if let Some(other) = sequence.video_id.as_str().filter(|other| *other != id) {
        return Err(format!("is the annotation of clip `{other}`"));
    }
    let mut wrong = vec![];
    let named = sequence.frames.values().map(|frame| &frame.actor).chain([&sequence.actor]);
    let named = named.filter_map(|actor| Some(actor.as_deref()?.trim()));
    let actors: BTreeSet<&str> = named.filter(|actor| !actor.is_empty()).collect();
    if actors.is_empty() {
        wrong.push("names no actor".into());
    }
    if actors.len() > 1 {
        let names = Vec::from_iter(actors.iter().copied()).join("`, `");
        wrong.push(format!("names more than one actor: `{names}`"));
    }
    let affect = affect(&sequence.frames, &mut wrong);
    let annotated: BTreeSet<usize> = sequence.frames.keys().filter_map(|key| number(key)).collect();
    let none = BTreeSet::new();
    let images = images.unwrap_or(&none);
    for (what, frame, count) in [
        (
            "frames without image",
            annotated.difference(images).next(),
            annotated.difference(images).count(),
        ),
        (
            "images without frame",
            images.difference(&annotated).next(),
            images.difference(&annotated).count(),
        ),
    ] {
        if let Some(frame) = frame {
            wrong.push(format!("{count} {what}, the first is {frame:05}"));
        }
    }
    let subject = actors.first().copied().unwrap_or_default().into();
    let clip = Clip {
        id: id.into(),
        subject,
        emotion: None,
        fold: None,
        turn: None,
        affect,
        sources: Modalities::default(),
    };
    Ok((clip, wrong))
}

/// The targets by the numbers of the frames.
fn affect(frames: &BTreeMap<String, Frame>, wrong: &mut Vec<String>) -> Vec<Option<Affect>> {
    let mut affect = vec![];
    let mut complaints = Complaints::default();
    for (key, frame) in frames {
        let Some(index) = number(key).filter(|index| *index < MAX_FRAMES) else {
            complaints.add(format!("frame `{key}` is not a number below {MAX_FRAMES}"));
            continue;
        };
        if affect.len() <= index {
            affect.resize(index + 1, None);
        }
        match Affect::scaled(frame.valence, frame.arousal, SCALE) {
            Ok(value) => affect[index] = Some(value),
            Err(reason) => complaints.add(format!("frame {key}: {reason}")),
        }
    }
    wrong.extend(complaints.summary());
    affect
}
