/// What can go wrong when a network is built or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is neither a vector nor a picture.
    #[error(
        "features of shape {shape:?} fit no network: expected (D) for vectors or (C, H, W) for pictures"
    )]
    InputShape {
        /// Shape of one segment.
        shape: Vec<usize>,
    },
    /// A setting that no network can be built with.
    #[error("network setting {name} is {actual}: it must be {expected}")]
    Setting {
        /// Name of the setting as in the experiment file.
        name: &'static str,
        /// What was given.
        actual: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// An operator failed.
    #[error(transparent)]
    Ops(#[from] av_ops::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
