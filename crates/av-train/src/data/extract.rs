//! Filling the cache: clips one after the other, whose features are not kept.

use super::input::InputConfig;
use super::loader::{Loaded, Loader, unreadable};
use super::shard::Shard;
use crate::Result;
use crate::observer::{Event, Observer};
use av_datasets::{Clip, Dataset, Modalities, Source};
use av_features::{Cache, Cached, Faces, Origin};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The outcome of the clips of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// Clips of the shard: the sum of the next four.
    pub clips: usize,
    /// Clips of which features were computed now.
    pub computed: usize,
    /// Clips whose features were there, in the cache or in a feature table.
    pub cached: usize,
    /// Clips with a damaged cache entry, which was computed again.
    pub rebuilt: usize,
    /// Clips with a fault.
    pub failed: usize,
    /// Every fault, in the order of the data set. The first shard also lists the files of which nobody can say whether they
    /// are clips; they count nowhere else.
    pub faults: Vec<Fault>,
    /// Frames that were looked at and those with a face.
    pub faces: Faces,
    /// Bytes of the media files.
    pub media_bytes: u64,
}

/// What is wrong with one modality of a clip, or with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the clip, or path of the file.
    pub clip: String,
    /// The kind of fault in a few words, the same for all clips that have it.
    pub kind: &'static str,
    /// What is wrong, where, and what to do.
    pub reason: String,
}

/// Fills the cache with the features of the clips of one shard.
///
/// Clips are extracted in parallel, one a core, and their features are dropped as soon as they are stored: memory
/// does not grow with the number of clips. An entry is there completely or not at all, so that an interrupted call
/// (Ctrl-C, a crash, a power cut) goes on where it stopped when it is made again.
///
/// A fault of a media file stops nothing and is listed.
///
/// # Errors
///
/// [`Error::Interrupted`](crate::Error::Interrupted), a setting that no extractor accepts, a cache that cannot be
/// written, a clip without the row that a feature table should have.
pub fn extract(
    dataset: &Dataset,
    inputs: &Modalities<Option<InputConfig>>,
    cache: &Cache,
    shard: Shard,
    observer: Observer,
) -> Result<Extraction> {
    let clips: Vec<&Clip> = dataset.clips.iter().filter(|clip| shard.holds(&clip.id)).collect();
    let loader = Loader { inputs, cache, tables: &dataset.tables, observer };
    let done = AtomicUsize::new(0);
    let mut extraction = clips
        .par_iter()
        .map(|clip| -> Result<Extraction> {
            observer.check_cancelled()?;
            let one = Extraction::of(clip, &loader)?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            observer.emit(Event::Extracted { done, total: clips.len(), clip: &clip.id });
            Ok(one)
        })
        .try_reduce(Extraction::default, |a, b| Ok(a.and(b)))?;
    if shard.is_first() {
        let files = unreadable(dataset).map(|problem| Fault {
            clip: problem.path.display().to_string(),
            kind: "a file that may be a clip and cannot be used",
            reason: problem.reason.clone(),
        });
        extraction.faults.extend(files);
    }
    Ok(extraction)
}

impl Default for Extraction {
    /// Of no clip.
    fn default() -> Self {
        Self {
            clips: 0,
            computed: 0,
            cached: 0,
            rebuilt: 0,
            failed: 0,
            faults: vec![],
            faces: Faces { frames: 0, found: 0 },
            media_bytes: 0,
        }
    }
}

impl Extraction {
    /// Extracts every modality of one clip.
    fn of(clip: &Clip, loader: &Loader) -> Result<Self> {
        let mut one = Self { clips: 1, media_bytes: media_bytes(clip), ..Self::default() };
        let mut origins = vec![];
        for (modality, loaded) in loader.clip(clip)? {
            let (kind, reason) = match loaded {
                Loaded::Features(Cached { features, origin }) => {
                    let Faces { frames, found } = features.faces.unwrap_or(one.faces);
                    one.faces = Faces { frames, found };
                    origins.push(origin);
                    continue;
                }
                Loaded::Absent { wanted: false } => continue,
                Loaded::Absent { wanted: true } => {
                    let kind = "the clip lacks a modality";
                    (kind, format!("the clip has no {}", modality.medium()))
                }
                Loaded::Problem { kind, reason } => (kind, reason),
            };
            let fault = Fault { clip: clip.id.clone(), kind, reason };
            // A file that cannot be opened has one fault, not one per modality.
            if !one.faults.contains(&fault) {
                one.faults.push(fault);
            }
        }
        let count = if !one.faults.is_empty() {
            &mut one.failed
        } else if origins.contains(&Origin::Rebuilt) {
            &mut one.rebuilt
        } else if origins.contains(&Origin::Computed) {
            &mut one.computed
        } else {
            &mut one.cached
        };
        *count = 1;
        Ok(one)
    }

    /// Both together.
    fn and(mut self, mut other: Self) -> Self {
        self.faults.append(&mut other.faults);
        Self {
            clips: self.clips + other.clips,
            computed: self.computed + other.computed,
            cached: self.cached + other.cached,
            rebuilt: self.rebuilt + other.rebuilt,
            failed: self.failed + other.failed,
            faults: self.faults,
            faces: Faces {
                frames: self.faces.frames + other.faces.frames,
                found: self.faces.found + other.faces.found,
            },
            media_bytes: self.media_bytes + other.media_bytes,
        }
    }
}

/// Bytes of the media files of a clip; a file that cannot be looked at counts nothing, and is a fault elsewhere.
fn media_bytes(clip: &Clip) -> u64 {
    let mut files: Vec<_> = clip
        .sources
        .iter()
        .filter_map(|(_, source)| match source {
            Some(Source::Media(path)) => Some(path),
            Some(Source::Row { .. }) | None => None,
        })
        .collect();
    files.dedup();
    files.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_two_clips_adds_up_in_their_order() {
        let of = |unit: usize, name: &str| Extraction {
            clips: unit,
            computed: 2 * unit,
            cached: 3 * unit,
            rebuilt: 4 * unit,
            failed: 5 * unit,
            faults: vec![Fault { clip: name.into(), kind: "kind", reason: "reason".into() }],
            faces: Faces { frames: 6 * unit, found: 7 * unit },
            media_bytes: 8 * unit as u64,
        };
        let sum = of(1, "a").and(of(10, "b"));
        let mut expected = of(11, "a");
        expected.faults.extend(of(10, "b").faults);
        assert_eq!(sum, expected);
        assert_eq!(Extraction::default().and(of(1, "a")), of(1, "a"));
    }
}
