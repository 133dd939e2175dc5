//! What can go wrong, and what to do about it.

use std::path::PathBuf;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A corpus cannot be described or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key of the configuration is outside of its range. Change it.
    #[error("the key `{key}` must be {expected}, not {actual}")]
    Config {
        /// The key of [`SynthConfig`](crate::SynthConfig).
        key: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// The value it has.
        actual: String,
    },

    /// The folder holds files that are no corpus of this crate. Choose another folder.
    #[error("{path} is not a corpus but holds `{entry}`; choose an empty or a new folder")]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// The first of its entries, in the order of their names.
        entry: String,
    },

    /// The folder holds a corpus of another configuration or version. Choose another folder, or
    /// delete it first.
    #[error(
        "{path} describes a corpus of another configuration; choose another folder or delete it"
    )]
    OtherCorpus {
        /// The description that was found, `corpus.json` or its partial form.
        path: PathBuf,
    },

    /// A file or folder cannot be read. Check that it exists and its permissions.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A file or folder cannot be written. Check the space on the disk and the permissions.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A clip cannot be encoded. The source says which step failed.
    #[error("cannot encode the clip {path}")]
    Encode {
        /// The clip.
        path: PathBuf,
        /// What the encoder said.
        source: av_features::Error,
    },
}
