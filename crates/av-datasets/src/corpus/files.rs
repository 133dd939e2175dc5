//! Joins the files of each clip.

use super::labels::{Label, Labels};
use super::media::{extension, media};
use super::walk::Files;
use crate::{Clip, Dataset, Error, Modalities, Problem, Result, Source, Tracks, Turn};
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::path::{Path, PathBuf};

/// What the name of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recording {
    pub id: String,
    pub subject: String,
    /// The label code.
    pub label: String,
    pub fold: Option<String>,
    pub turn: Option<Turn>,
    pub tracks: Tracks,
}

/// What a file is: a recording, left out on purpose (none), or a problem (why).
pub(super) type Recognised = std::result::Result<Option<Recording>, String>;

/// A corpus of files, for [`index`].
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub corpus: &'a str,
    /// Where files are expected and how they are named, in words.
    pub expected: String,
    /// A name that would be recognised.
    pub example: &'a str,
    /// Extensions of the corpus and what such files hold. Other media files are problems, and files that
    /// are no media (tables, notes) are not looked at.
    pub extensions: &'a BTreeMap<String, Tracks>,
    pub labels: Labels<'a>,
}

/// Indexes all files below `root`, each as `recognise` says for its relative path.
pub(super) fn index(
    root: &Path,
    layout: &Layout,
    recognise: impl Fn(&str, Tracks) -> Recognised,
) -> Result<Dataset> {
    let Files { relative, mut problems, .. } = Files::below(root)?;
    let media = media();
    let mut drafts = BTreeMap::new();
    for path in &relative {
        let extension = extension(path);
        let recognised = match layout.extensions.get(&extension) {
            Some(&tracks) => recognise(path, tracks),
            None if media.contains_key(&extension) => {
                Err(format!("extension `{extension}` is not one of the corpus"))
            }
            None => Ok(None),
        };
        let added = recognised.and_then(|recording| match recording {
            Some(recording) => match layout.labels.read(&recording.label)? {
                Label::Class(class) => add(&mut drafts, recording, Some(class), path),
                Label::Unlabelled => add(&mut drafts, recording, None, path),
                Label::Excluded => Ok(()),
            },
            None => Ok(()),
        });
        if let Err(reason) = added {
            problems.push(Problem::new(root.join(path), reason));
        }
    }
    if drafts.is_empty() {
        let Layout { corpus, expected, example, .. } = layout;
        return Err(no_clips(root, corpus, expected, example, &relative, &problems));
    }
    let occurring: BTreeSet<String> = drafts.values().filter_map(|d| d.class.clone()).collect();
    let classes = layout.labels.in_order(&occurring);
    let clips = drafts.into_iter().map(|(id, draft)| draft.finish(id, root, &classes)).collect();
    Ok(Dataset { name: layout.corpus.into(), classes, clips, tables: vec![], problems })
}

/// The files of one clip.
struct Draft {
    subject: String,
    class: Option<String>,
    fold: Option<String>,
    turn: Option<Turn>,
    /// A file of one modality alone comes before one of both.
    files: BTreeMap<Tracks, String>,
    /// The file that said so first.
    first: String,
}

/// Errors: the reason why the file cannot be part of its clip.
fn add(
    drafts: &mut BTreeMap<String, Draft>,
    recording: Recording,
    class: Option<String>,
    path: &str,
) -> std::result::Result<(), String> {
    let Recording { id, subject, fold, turn, tracks, .. } = recording;
    let draft = drafts.entry(id.clone()).or_insert_with(|| Draft {
        subject: subject.clone(),
        class: class.clone(),
        fold: fold.clone(),
        turn,
        files: BTreeMap::new(),
        first: path.into(),
    });
    if (&draft.subject, &draft.class, &draft.fold) != (&subject, &class, &fold) {
        let first = &draft.first;
        return Err(format!(
            "names clip `{id}` with another subject, label or fold than `{first}`"
        ));
    }
    match draft.files.entry(tracks) {
        Entry::Occupied(first) => {
            Err(format!("duplicate: clip `{id}` has `{}` already", first.get()))
        }
        Entry::Vacant(place) => {
            place.insert(path.into());
            Ok(())
        }
    }
}

impl Draft {
    /// A file of one modality alone is preferred for that modality.
    fn finish(self, id: String, root: &Path, classes: &[String]) -> Clip {
        let Self { subject, class, fold, turn, files, .. } = self;
        let emotion = class.and_then(|class| classes.iter().position(|known| *known == class));
        let sources = Modalities::from_fn(|modality| {
            let (_, file) = files.iter().find(|(tracks, _)| tracks.hold(modality))?;
            Some(Source::Media(root.join(file)))
        });
        Clip { id, subject, emotion, fold, turn, affect: vec![], sources }
    }
}

/// The error of a folder whose files are of no clip.
pub(super) fn no_clips(
    root: &Path,
    corpus: &str,
    expected: &str,
    example: &str,
    files: &[String],
    problems: &[Problem],
) -> Error {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        *kinds.entry(extension(file)).or_default() += 1;
    }
    let kinds: Vec<String> =
        kinds.into_iter().map(|(extension, count)| format!("{count} `.{extension}`")).collect();
    let mut found = match kinds.is_empty() {
        true => "no readable file is there".into(),
        false => format!("its files are {}", kinds.join(", ")),
    };
    if let Some(problem) = problems.first() {
        found = format!("{found} ({problem})");
    }
    Error::NoClips {
        root: PathBuf::from(root),
        corpus: corpus.into(),
        layout: expected.into(),
        example: example.into(),
        found,
    }
}
