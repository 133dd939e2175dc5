//! Features of every clip in memory.

use super::input::InputConfig;
use super::loader::{Loaded, Loader, unreadable};
use crate::observer::{Event, Observer};
use crate::{ClipProblem, Error, Result};
use av_datasets::{Dataset, Modalities};
use av_features::{Cache, Faces, Features};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The features of all clips of a data set, in its order.
#[derive(Clone, Debug)]
pub struct FeatureSet {
    /// Features of each clip; none where the clip lacks the modality.
    pub clips: Vec<Modalities<Option<Features>>>,
    /// Shape of one segment of each modality; empty where no clip has it.
    pub shapes: Modalities<Vec<usize>>,
    /// Frames that were looked at and those with a face.
    pub faces: Faces,
    /// What is wrong with clips that are used all the same, and with files that may have been clips.
    pub problems: Vec<ClipProblem>,
}

impl FeatureSet {
    /// Extracts what the cache does not hold, clips in parallel.
    ///
    /// # Errors
    ///
    /// More clips with problems and unreadable files than the fraction `bad_clips` (each is named), segments whose shape
    /// differs between clips, a cache that cannot be written.
    pub fn load(
        dataset: &Dataset,
        inputs: &Modalities<Option<InputConfig>>,
        cache: &Cache,
        bad_clips: f64,
        observer: Observer,
    ) -> Result<Self> {
        let done = AtomicUsize::new(0);
        let total = dataset.clips.len();
        let loader = Loader { inputs, cache, tables: &dataset.tables, observer };
        let loaded: Vec<_> = dataset
            .clips
            .par_iter()
            .map(|clip| {
                observer.check_cancelled()?;
                let loaded = loader.clip(clip)?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                observer.emit(Event::Extracted { done, total, clip: &clip.id });
                Ok(loaded)
            })
            .collect::<Result<_>>()?;

        let mut set = Self {
            clips: Vec::with_capacity(total),
            shapes: Modalities::default(),
            faces: Faces { frames: 0, found: 0 },
            problems: unreadable(dataset).map(ClipProblem::of_file).collect(),
        };
        let files = set.problems.len();
        for (clip, loaded) in dataset.clips.iter().zip(loaded) {
            let features = Modalities::from_fn(|modality| modality).zip(loaded);
            let features =
                features.map(|(modality, loaded)| set.accept(&clip.id, modality.medium(), loaded));
            set.count(&clip.id, &features)?;
            set.clips.push(features);
        }
        set.check_fraction(total + files, bad_clips)?;
        Ok(set)
    }

    fn accept(&mut self, clip: &str, medium: &str, loaded: Loaded) -> Option<Features> {
        let reason = match loaded {
            Loaded::Features(cached) => return Some(cached.features),
            Loaded::Absent { wanted: false } => return None,
            Loaded::Absent { wanted: true } => format!("the clip has no {medium}"),
            Loaded::Problem { reason, .. } => reason,
        };
        let problem = ClipProblem { clip: clip.into(), reason };
        // A file that cannot be opened has one fault, not one per modality.
        if self.problems.last() != Some(&problem) {
            self.problems.push(problem);
        }
        None
    }

    fn count(&mut self, clip: &str, features: &Modalities<Option<Features>>) -> Result<()> {
        for (modality, features) in features.iter() {
            let Some(features) = features else { continue };
            let shape = &mut self.shapes[modality];
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

    fn check_fraction(&self, clips: usize, allowed: f64) -> Result<()> {
        let mut bad: Vec<&str> = self.problems.iter().map(|p| p.clip.as_str()).collect();
        bad.dedup();
        if bad.len() as f64 <= allowed * clips as f64 {
            return Ok(());
        }
        Err(Error::BadClips { bad: bad.len(), clips, allowed, problems: self.problems.clone() })
    }
}
