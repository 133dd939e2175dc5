//! Features of every clip, from the cache, from media or from a table.

use crate::control::{Control, Event};
use crate::experiment::{AudioInput, Experiment, VideoInput};
use crate::{AudioVisual, Error, Result};
use av_datasets::{Dataset, Problem, Source, Table};
use av_features::{Cache, Cached, Faces, Features, Origin, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The features of all clips of a data set, in its order.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Features of each clip; none where the clip lacks the modality.
    pub clips: Vec<AudioVisual<Option<Features>>>,
    /// Shape of one segment of each modality; empty where no clip has it.
    pub shapes: AudioVisual<Vec<usize>>,
    /// Frames that were looked at and those with a face.
    pub faces: Faces,
    /// What is wrong with clips that are used all the same, and with files that may have been clips.
    pub problems: Vec<ClipProblem>,
}

/// A clip with a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipProblem {
    /// Name of the clip.
    pub clip: String,
    /// What is wrong, with the file.
    pub reason: String,
}

impl ClipProblem {
    /// A file that is no clip, named by its path.
    pub(crate) fn of(problem: &Problem) -> Self {
        Self { clip: problem.path.display().to_string(), reason: problem.reason.clone() }
    }
}

/// The files that may be clips, for all that can be known.
pub(crate) fn unreadable(dataset: &Dataset) -> impl Iterator<Item = &Problem> {
    dataset.problems.iter().filter(|problem| problem.unreadable)
}

impl Inputs {
    /// Extracts what the cache does not hold, clips in parallel.
    ///
    /// Errors: more clips with problems and unreadable files than `bad_clips` allows (each is named),
    /// segments whose shape differs between clips, a cache that cannot be written.
    pub fn load(
        dataset: &Dataset,
        experiment: &Experiment,
        cache: &Cache,
        control: Control,
    ) -> Result<Self> {
        let done = AtomicUsize::new(0);
        let total = dataset.clips.len();
        let loaded: Vec<_> = dataset
            .clips
            .par_iter()
            .map(|clip| {
                control.check()?;
                let tables = &dataset.tables;
                let loader = Loader { experiment, cache, tables, control };
                let audio = clip.audio.as_ref().map(|source| loader.audio(source)).transpose();
                let video = clip.video.as_ref().map(|source| loader.video(source)).transpose();
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                control.tell(Event::Extracted { done, total, clip: &clip.id });
                Ok((separate(audio)?, separate(video)?))
            })
            .collect::<Result<_>>()?;

        let mut inputs = Self {
            clips: Vec::with_capacity(total),
            shapes: AudioVisual::default(),
            faces: Faces { frames: 0, found: 0 },
            problems: unreadable(dataset).map(ClipProblem::of).collect(),
        };
        let files = inputs.problems.len();
        for (clip, (audio, video)) in dataset.clips.iter().zip(loaded) {
            let features = AudioVisual {
                audio: inputs.accept(&clip.id, "sound", audio),
                video: inputs.accept(&clip.id, "picture", video),
            };
            inputs.count(&clip.id, &features)?;
            inputs.clips.push(features);
        }
        inputs.check_share(total + files, experiment.bad_clips)?;
        Ok(inputs)
    }

    fn accept(&mut self, clip: &str, side: &str, loaded: Loaded) -> Option<Features> {
        let reason = match loaded {
            Loaded::Features(cached) => return Some(cached.features),
            Loaded::Absent => format!("the clip has no {side}"),
            Loaded::Problem { reason, .. } => reason,
        };
        let problem = ClipProblem { clip: clip.into(), reason };
        // A file that cannot be opened has one fault, not one a side.
        if self.problems.last() != Some(&problem) {
            self.problems.push(problem);
        }
        None
    }

    fn count(&mut self, clip: &str, features: &AudioVisual<Option<Features>>) -> Result<()> {
        let sides = features
            .as_ref()
            .zip(AudioVisual { audio: &mut self.shapes.audio, video: &mut self.shapes.video });
        for (features, shape) in sides.into_array() {
            let Some(features) = features else { continue };
            let segment = features.shape.get(1..).unwrap_or_default();
            if shape.is_empty() {
                *shape = segment.to_vec();
            }
            if shape != segment {
                return Err(Error::Shape {
                    clip: clip.into(),
                    expected: shape.clone(),
                    actual: segment.to_vec(),
                });
            }
            if let Some(Faces { frames, found }) = features.faces {
                self.faces.frames += frames;
                self.faces.found += found;
            }
        }
        Ok(())
    }

    fn check_share(&self, clips: usize, allowed: f64) -> Result<()> {
        let mut bad: Vec<&str> = self.problems.iter().map(|p| p.clip.as_str()).collect();
        bad.dedup();
        if bad.len() as f64 <= allowed * clips as f64 {
            return Ok(());
        }
        Err(Error::BadClips { bad: bad.len(), clips, allowed, problems: self.problems.clone() })
    }
}

/// What became of one side of a clip.
pub(crate) enum Loaded {
    Features(Cached),
    Absent,
    Problem { kind: &'static str, reason: String },
}

/// Keeps apart what is wrong with the clip and what is wrong with the machine (a full disk).
pub(crate) fn separate(loaded: Result<Option<Cached>>) -> Result<Loaded> {
    match loaded {
        Ok(Some(cached)) => Ok(Loaded::Features(cached)),
        Ok(None) => Ok(Loaded::Absent),
        Err(Error::Features(error)) if is_of_clip(&error) => {
            Ok(Loaded::Problem { kind: error.kind(), reason: error.to_string() })
        }
        Err(error) => Err(error),
    }
}

/// Whether the fault lies in the media file; else in a setting, the disk or the build, and other clips would fail too.
fn is_of_clip(error: &av_features::Error) -> bool {
    use av_features::Error as E;
    !matches!(
        error,
        E::Write { .. }
            | E::Config { .. }
            | E::Internal { .. }
            | E::WithoutVideo { .. }
            | E::WithoutOnnx { .. }
            | E::Detector { .. }
    )
}

/// Gets the features of one side of a clip.
pub(crate) struct Loader<'a> {
    pub experiment: &'a Experiment,
    pub cache: &'a Cache,
    pub tables: &'a [Table],
    pub control: Control<'a>,
}

impl Loader<'_> {
    pub fn audio(&self, source: &Source) -> Result<Cached> {
        match (source, &self.experiment.audio) {
            (Source::Media(path), AudioInput::LogMel(extractor)) => self.cached(path, extractor),
            (Source::Media(path), AudioInput::Mfcc(extractor)) => self.cached(path, extractor),
            (Source::Media(path), AudioInput::Functionals(extractor)) => {
                self.cached(path, extractor)
            }
            (Source::Media(path), AudioInput::Table(_)) => Err(no_row("audio", path)),
            (Source::Row { table, row }, _) => self.row(*table, *row),
        }
    }

    pub fn video(&self, source: &Source) -> Result<Cached> {
        match (source, &self.experiment.video) {
            (Source::Media(path), VideoInput::FaceCrops(extractor)) => self.cached(path, extractor),
            (Source::Media(path), VideoInput::FaceHog(extractor)) => self.cached(path, extractor),
            (Source::Media(path), VideoInput::FaceMotion(extractor)) => {
                self.cached(path, extractor)
            }
            (Source::Media(path), VideoInput::Table(_)) => Err(no_row("video", path)),
            (Source::Row { table, row }, _) => self.row(*table, *row),
        }
    }

    fn cached(&self, path: &Path, extractor: &impl av_features::Extractor) -> Result<Cached> {
        let cached = self.cache.features(path, extractor)?;
        if cached.origin == Origin::Rebuilt {
            self.control.tell(Event::Rebuilt { clip: &path.display().to_string() });
        }
        Ok(cached)
    }

    fn row(&self, table: usize, row: usize) -> Result<Cached> {
        let missing = || Error::Row { table, row };
        let table = self.tables.get(table).ok_or_else(missing)?;
        let values = table.rows.get(row).ok_or_else(missing)?;
        let features = Features {
            shape: vec![1, values.len()],
            values: Values::F32(values.clone()),
            times_s: vec![0.0],
            names: table.columns.clone(),
            faces: None,
            warnings: vec![],
        };
        Ok(Cached { features, origin: Origin::Hit })
    }
}

fn no_row(side: &'static str, path: &Path) -> Error {
    Error::NoRow { side, path: path.into() }
}
