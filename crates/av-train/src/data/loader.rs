//! Gets the features of one modality of a clip, and distinguishes a bad clip from a bad machine.

use super::input::InputConfig;
use crate::observer::{Event, Observer};
use crate::{Error, Result};
use av_datasets::{Clip, Dataset, Modalities, Modality, Problem, Source, Table};
use av_features::{Cache, Cached, Features, Origin, Values};

/// The files that may be clips, for all that can be known.
pub(crate) fn unreadable(dataset: &Dataset) -> impl Iterator<Item = &Problem> {
    dataset.problems.iter().filter(|problem| problem.unreadable)
}

/// The outcome of one modality of a clip.
pub(crate) enum Loaded {
    Features(Cached),
    /// The clip lacks it, or nobody asked for it.
    Absent {
        wanted: bool,
    },
    Problem {
        kind: &'static str,
        reason: String,
    },
}

/// Where features come from.
pub(crate) struct Loader<'a> {
    pub inputs: &'a Modalities<Option<InputConfig>>,
    pub cache: &'a Cache,
    pub tables: &'a [Table],
    pub observer: Observer<'a>,
}

impl Loader<'_> {
    /// The features of a clip. A modality without an input is not looked at.
    ///
    /// # Errors
    ///
    /// Faults of a setting, the disk or the build; those of the clip are in what is returned.
    pub fn clip(&self, clip: &Clip) -> Result<Modalities<Loaded>> {
        clip.sources.as_ref().try_map(|modality, source| match (&self.inputs[modality], source) {
            (None, _) => Ok(Loaded::Absent { wanted: false }),
            (Some(_), None) => Ok(Loaded::Absent { wanted: true }),
            (Some(input), Some(source)) => separate(self.source(modality, input, source)),
        })
    }

    /// The features of one source.
    pub fn source(
        &self,
        modality: Modality,
        input: &InputConfig,
        source: &Source,
    ) -> Result<Cached> {
        let path = match source {
            Source::Media(path) => path,
            Source::Row { table, row } => return self.row(*table, *row),
        };
        let missing = || Error::NoRow { modality, path: path.clone() };
        let cached = self.cache.features(path, input.extractor().ok_or_else(missing)?)?;
        if cached.origin == Origin::Rebuilt {
            self.observer.emit(Event::Rebuilt { clip: &path.display().to_string() });
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

/// Keeps apart what is wrong with the clip and what is wrong with the machine (a full disk).
fn separate(loaded: Result<Cached>) -> Result<Loaded> {
    match loaded {
        Ok(cached) => Ok(Loaded::Features(cached)),
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
