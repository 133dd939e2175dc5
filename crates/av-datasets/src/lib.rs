//! Corpora as lists of clips, labels and subjects; protocols and folds. Decodes no media.
//!
//! A [`CorpusConfig`] says how the files of a corpus are named. [`CorpusConfig::index`] lists them as a
//! [`Dataset`]: clips with a subject, an emotion, and a source of sound and of picture, each of which may be
//! absent. Feature tables that were computed elsewhere (OpenFace, openSMILE, ...) can take the place of
//! either side. A [`Protocol`] splits the clips into folds by subject, or as the corpus
//! itself is split.
//!
//! Nothing is skipped silently: a media file that does not belong is listed in [`Dataset::problems`] with the
//! reason. This crate downloads nothing, decodes no media and computes no feature; it reads file names, TOML
//! descriptions, annotations and feature tables.
//!
//! # Example
//!
//! ```
//! use av_datasets::{CorpusConfig, Modality, folds};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = tempfile::tempdir()?; // where RAVDESS lies: here three actors, empty files and a stray one
//! for actor in ["01", "02", "03"] {
//!     for name in [format!("01-01-03-01-01-01-{actor}.mp4"), format!("03-01-04-01-01-01-{actor}.wav")] {
//!         std::fs::File::create(data.path().join(name))?;
//!     }
//! }
//! std::fs::File::create(data.path().join("holiday.mp4"))?;
//!
//! let corpus: CorpusConfig = toml::from_str("kind = 'ravdess'")?;
//! let dataset = corpus.index(data.path())?;
//! assert_eq!(dataset.classes, ["happy", "sad"]);
//! assert_eq!(dataset.clips.len(), 6);
//! assert_eq!(dataset.summary().without[Modality::Video], 3); // the wav files have no picture
//! assert!(dataset.problems[0].path.ends_with("holiday.mp4"));
//!
//! let folds = folds(&dataset, &toml::from_str("kind = 'leave-one-subject-out'")?, 0)?;
//! assert_eq!(folds[0].name, "01");
//! assert_eq!((folds[0].train.clips().len(), folds[0].test.clips().len()), (4, 2));
//! let (fit, validation) = folds[0].train.split_validation(&dataset, 0.5, 0)?;
//! assert_eq!((fit.clips().len(), validation.clips().len()), (2, 2));
//! # Ok(())
//! # }
//! ```
//!
//! # Overview
//!
//! | to | use |
//! |---|---|
//! | describe a corpus | [`CorpusConfig`]: [`Enterface`], [`Ravdess`], [`CremaD`], [`Meld`], [`Iemocap`], [`AfewVa`], [`AffWild2`], [`Pattern`], [`Listing`], [`Rows`], or a [`Description`] file |
//! | list the media files of any folder | [`media_files`] |
//! | list its clips | [`CorpusConfig::index`], [`Dataset`], [`Clip`], [`Source`] |
//! | take a feature table as one modality | [`TableConfig`], [`Dataset::join`], [`Modality`], [`Modalities`] |
//! | follow a conversation | [`Clip::turn`], [`Turn`] |
//! | take valence and arousal of each frame | [`Clip::affect`], [`Affect`], [`AffectSummary`] |
//! | check that it is complete | [`Dataset::summary`], [`Summary::differences`], [`Expected`] |
//! | name the clips behind a score | [`Dataset::manifest_hash`] |
//! | split it | [`Protocol`], [`folds`], [`Fold`] |
//! | fit without seeing test clips | [`TrainView`], [`TrainView::split_validation`], [`TestView`] |

mod affect;
mod clip;
mod corpus;
mod dataset;
mod error;
mod manifest;
mod modality;
mod name;
mod order;
mod protocol;
mod summary;
mod table;
mod view;

pub use affect::{Affect, AffectSummary};
pub use clip::{Clip, Source, Tracks, Turn};
pub use corpus::{
    AfewVa, AffWild2, Annotation, Channel, CorpusConfig, CremaD, Description, Enterface, Iemocap,
    Listing, MediaFiles, Meld, Pattern, Rater, Ravdess, Rows, media_files,
};
pub use dataset::{Dataset, MetadataColumn, Problem};
pub use error::{Error, Result};
pub use modality::{Modalities, Modality};
pub use protocol::{Fold, Protocol, folds};
pub use summary::{ClassCount, Difference, Expected, Summary};
pub use table::{Rewrite, Table, TableConfig, TextRow, TextTable, UnusedColumn};
pub use view::{TestView, TrainView};
