//! Where clips come from.

mod afew_va;
mod aff_wild2;
mod annotation;
mod crema_d;
mod enterface;
mod extensions;
mod files;
mod iemocap;
mod labels;
mod listed;
mod listing;
mod media;
mod meld;
mod pattern;
mod ravdess;
mod rows;
mod twins;
mod walk;

pub use afew_va::AfewVa;
pub use aff_wild2::AffWild2;
pub use crema_d::{CremaD, Rater};
pub use enterface::Enterface;
pub use iemocap::Iemocap;
pub use listing::Listing;
pub use media::{MediaFiles, media_files};
pub use meld::{Annotation, Meld};
pub use pattern::Pattern;
pub(crate) use ravdess::performance;
pub use ravdess::{Channel, Ravdess};
pub use rows::Rows;

use crate::error::listed;
use crate::{Dataset, Error, Expected, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A description file larger than this is something else.
const MAX_DESCRIPTION_BYTES: u64 = 1 << 20;

/// The descriptions of `datasets/`.
const SHIPPED: [(&str, &str); 11] = [
    ("afew-va", include_str!("../../../../datasets/afew-va/corpus.toml")),
    ("aff-wild2", include_str!("../../../../datasets/aff-wild2/corpus.toml")),
    ("baum1s", include_str!("../../../../datasets/baum1s/corpus.toml")),
    ("crema-d", include_str!("../../../../datasets/crema-d/labels.toml")),
    ("enterface05", include_str!("../../../../datasets/enterface05/labels.toml")),
    ("iemocap-4", include_str!("../../../../datasets/iemocap/four.toml")),
    ("iemocap-6", include_str!("../../../../datasets/iemocap/six.toml")),
    ("javanese-av", include_str!("../../../../datasets/javanese-av/corpus.toml")),
    ("meld", include_str!("../../../../datasets/meld/labels.toml")),
    ("ravdess", include_str!("../../../../datasets/ravdess/labels.toml")),
    ("savee", include_str!("../../../../datasets/savee/corpus.toml")),
];

/// A corpus: the `[dataset]` section of an experiment file, or a description file of its own.
///
/// ```
/// use av_datasets::CorpusConfig;
/// let config: CorpusConfig = toml::from_str("kind = 'ravdess'\nchannel = 'song'")?;
/// assert!(matches!(config, CorpusConfig::Ravdess(_)));
/// let typo = toml::from_str::<CorpusConfig>("kind = 'ravdess'\nchanel = 'song'").unwrap_err();
/// assert!(typo.to_string().contains("unknown field `chanel`"));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CorpusConfig {
    /// `kind = "afew-va"`.
    AfewVa(AfewVa),
    /// `kind = "aff-wild2"`.
    AffWild2(AffWild2),
    /// `kind = "crema-d"`.
    CremaD(CremaD),
    /// `kind = "enterface05"`.
    #[serde(rename = "enterface05")]
    Enterface(Enterface),
    /// `kind = "iemocap"`.
    Iemocap(Iemocap),
    /// `kind = "meld"`.
    Meld(Meld),
    /// `kind = "ravdess"`.
    Ravdess(Ravdess),
    /// `kind = "pattern"`: media files whose paths a regular expression describes.
    Pattern(Box<Pattern>),
    /// `kind = "listing"`: media files that a table lists.
    Listing(Box<Listing>),
    /// `kind = "rows"`: the rows of a table, without media.
    Rows(Box<Rows>),
    /// `kind = "corpus"`: as a description file says.
    Corpus(Description),
}

/// A corpus that a file describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// A TOML file with the keys of any other kind of corpus, `kind` among them. Relative to the file
    /// that names it.
    pub description: PathBuf,
}

impl CorpusConfig {
    /// Reads a description file.
    ///
    /// Errors: an unreadable file, an unknown or missing key, a description that names another file.
    pub fn read(path: &Path) -> Result<Self> {
        let read = |source| Error::Read { path: path.into(), source };
        let metadata = std::fs::metadata(path).map_err(read)?;
        if !metadata.is_file() {
            return Err(Error::Kind { path: path.into(), expected: "a file" });
        }
        if metadata.len() > MAX_DESCRIPTION_BYTES {
            let limit = MAX_DESCRIPTION_BYTES;
            return Err(Error::Limit { path: path.into(), what: "bytes", limit });
        }
        Self::parse(path, &std::fs::read_to_string(path).map_err(read)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let config = toml::from_str(text)
            .map_err(|source| Error::Description { path: path.into(), source: Box::new(source) })?;
        if matches!(config, Self::Corpus(_)) {
            return Err(Error::Setting {
                key: "kind",
                expected: "the kind of a description file: it must not name a further file".into(),
                actual: "corpus".into(),
            });
        }
        Ok(config)
    }

    /// Names of the descriptions that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// A description that comes with the program, by the name of its folder in `datasets/`; `iemocap-4` and
    /// `iemocap-6` are the two of one folder.
    ///
    /// Errors: a name there is not.
    ///
    /// ```
    /// let ravdess = av_datasets::CorpusConfig::shipped("ravdess")?;
    /// assert_eq!(ravdess.expected().map(|expected| expected.clips), Some(1440));
    /// # Ok::<(), av_datasets::Error>(())
    /// ```
    pub fn shipped(name: &str) -> Result<Self> {
        match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            Some((name, text)) => Self::parse(Path::new(name), text),
            None => {
                let available = listed(&SHIPPED.map(|(name, _)| name));
                Err(Error::Name { name: name.into(), available })
            }
        }
    }

    /// The same corpus without reference to a description file; `base` is the folder of the file that this
    /// configuration was read from. A record should hold this.
    ///
    /// Errors: as of [`read`](Self::read).
    pub fn resolve(self, base: &Path) -> Result<Self> {
        match &self {
            Self::Corpus(Description { description }) => Self::read(&base.join(description)),
            Self::AfewVa(_)
            | Self::AffWild2(_)
            | Self::CremaD(_)
            | Self::Enterface(_)
            | Self::Iemocap(_)
            | Self::Meld(_)
            | Self::Ravdess(_)
            | Self::Pattern(_)
            | Self::Listing(_)
            | Self::Rows(_) => Ok(self),
        }
    }

    /// Lists the clips below the folder `root`, sorted by name; decodes no media. Files of one name and size in two folders are
    /// compared by their bytes: one recording as two clips is a problem, and both clips are there.
    ///
    /// What does not belong is listed in [`Dataset::problems`]. A description that was not
    /// [resolved](Self::resolve) is looked for from the current folder.
    ///
    /// Errors: an unreadable folder, a folder without any clip of the corpus (it says what was expected), a
    /// description that cannot work.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        match self {
            Self::AfewVa(afew_va) => afew_va.index(root),
            Self::AffWild2(aff_wild2) => aff_wild2.index(root),
            Self::CremaD(crema_d) => crema_d.index(root),
            Self::Enterface(enterface) => enterface.index(root),
            Self::Iemocap(iemocap) => iemocap.index(root),
            Self::Meld(meld) => meld.index(root),
            Self::Ravdess(ravdess) => ravdess.index(root),
            Self::Pattern(pattern) => pattern.index(root),
            Self::Listing(listing) => listing.index(root),
            Self::Rows(rows) => rows.index(root),
            Self::Corpus(_) => self.clone().resolve(Path::new(""))?.index(root),
        }
    }

    /// Counts of the complete corpus, where the description gives them.
    pub fn expected(&self) -> Option<&Expected> {
        match self {
            Self::AfewVa(afew_va) => afew_va.expected.as_ref(),
            Self::AffWild2(aff_wild2) => aff_wild2.expected.as_ref(),
            Self::CremaD(crema_d) => crema_d.expected.as_ref(),
            Self::Enterface(enterface) => enterface.expected.as_ref(),
            Self::Iemocap(iemocap) => iemocap.expected.as_ref(),
            Self::Meld(meld) => meld.expected.as_ref(),
            Self::Ravdess(ravdess) => ravdess.expected.as_ref(),
            Self::Pattern(pattern) => pattern.expected.as_ref(),
            Self::Listing(listing) => listing.expected.as_ref(),
            Self::Rows(rows) => rows.expected.as_ref(),
            Self::Corpus(_) => None,
        }
    }
}
