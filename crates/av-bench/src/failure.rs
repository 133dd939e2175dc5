//! Why the program stops, and the exit code that says so.

use std::process::ExitCode;

/// Exit code after Ctrl-C, as shells use it.
const INTERRUPTED: u8 = 130;

/// Exit code of a program whose output nobody reads any more, as shells use it: 128 and the number of SIGPIPE.
const UNREAD: u8 = 141;

/// A reason to stop, printed as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// From an experiment.
    #[error("{0}{hint}", hint = hint(.0))]
    Train(Box<av_train::Error>),
    /// From rendering.
    #[error(transparent)]
    Synth(#[from] av_synth::Error),
    /// From a corpus.
    #[error(transparent)]
    Datasets(#[from] av_datasets::Error),
    /// From the feature cache.
    #[error(transparent)]
    Features(#[from] av_features::Error),
    /// Something the user gave, in our own words.
    #[error("{0}")]
    Input(String),
    /// Ctrl-C, and how to go on.
    #[error("{0}")]
    Interrupted(String),
    /// Nobody reads the output any more: a pipe to `head` that has seen enough. The only one that is not printed.
    #[error("nobody reads the output any more")]
    Unread,
    /// Something that should not happen.
    #[error("{0}")]
    Internal(String),
}

/// Result of a command.
pub type Result<T> = std::result::Result<T, Failure>;

impl From<av_train::Error> for Failure {
    fn from(error: av_train::Error) -> Self {
        Self::Train(Box::new(error))
    }
}

/// The flags by which the mend that a library error names is asked of this program.
fn hint(error: &av_train::Error) -> &'static str {
    use av_train::Error as E;
    if matches!(error, E::Occupied { .. }) {
        " (--resume, --replace, or another --out)"
    } else if matches!(error, E::OtherRun { .. }) {
        " (another --out, or --replace)"
    } else if matches!(error, E::Busy { .. }) {
        " (another --out)"
    } else if matches!(error, E::Write { .. }) {
        " (another --out, --resume)"
    } else if matches!(error, E::Interrupted) {
        " (--resume)"
    } else if matches!(error, E::BadClips { .. }) {
        " (--set bad_clips=FRACTION)"
    } else {
        ""
    }
}

impl Failure {
    /// 1: internal; 2: the user's input or disk; 130: Ctrl-C; 141: nobody reads the output.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Train(error) if matches!(**error, av_train::Error::Interrupted) => {
                INTERRUPTED.into()
            }
            Self::Interrupted(_) => INTERRUPTED.into(),
            Self::Unread => UNREAD.into(),
            Self::Train(error) if error.is_internal() => 1.into(),
            Self::Internal(_) => 1.into(),
            Self::Train(_)
            | Self::Synth(_)
            | Self::Datasets(_)
            | Self::Features(_)
            | Self::Input(_) => 2.into(),
        }
    }

    /// A file that cannot be written.
    pub fn write(path: &std::path::Path, source: impl std::fmt::Display) -> Self {
        Self::Input(format!("cannot write {}: {source}", path.display()))
    }
}
