//! What can go wrong.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

/// An error of a library underneath.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// What went wrong, in which file, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {path}: {source}; does it exist, and may it be read?")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}; is the disk full or the folder read-only?")]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A path names a folder, a pipe or a device.
    #[error("{path} is not a regular file; give the path of a media file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file is none of the known media formats, or its header is damaged or cut off.
    #[error("{path} is not a readable media file: {source}; was it copied completely?")]
    Open {
        /// The file.
        path: PathBuf,
        /// The error of the reader.
        source: Cause,
    },
    /// A media file has no sound.
    #[error("{path} has no sound stream; leave out the audio of this clip")]
    NoSound {
        /// The file.
        path: PathBuf,
    },
    /// A media file has no moving picture.
    #[error("{path} has no video stream; leave out the video of this clip")]
    NoVideo {
        /// The file.
        path: PathBuf,
    },
    /// A stream is there, but not one sample or frame of it could be decoded.
    #[error("{path} holds no decodable {what}; the file is empty or damaged")]
    Empty {
        /// The file.
        path: PathBuf,
        /// `"sound"` or `"frame"`.
        what: &'static str,
    },
    /// A clip too short to be one.
    #[error("{path} lasts {duration_s:.2} s, less than {minimum_s} s; leave the clip out")]
    TooShort {
        /// The file.
        path: PathBuf,
        /// How long it is, in seconds.
        duration_s: f64,
        /// How long it must be, in seconds.
        minimum_s: f64,
    },
    /// A stream cannot be decoded.
    #[error("cannot decode {path}: {source}; convert the file, for example to mp4 or wav")]
    Decode {
        /// The file.
        path: PathBuf,
        /// The error of the decoder.
        source: Cause,
    },
    /// A media file is larger than this crate accepts.
    #[error("{path} has {what} of {actual}, more than {limit}; cut or scale the file")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large, with its unit.
        what: &'static str,
        /// The value in the file.
        actual: u64,
        /// The largest value that is accepted.
        limit: u64,
    },
    /// The frames of a video are larger than this crate accepts.
    #[error(
        "{path} has frames of {width} x {height} pixels, which are {} in all and more than the {limit} that are read; scale \
         the video down, for example with `ffmpeg -i IN -vf scale=1280:-2 OUT`",
        u64::from(*width) * u64::from(*height)
    )]
    FrameSize {
        /// The file.
        path: PathBuf,
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Most pixels of a frame that are accepted.
        limit: u64,
    },
    /// The sound of a media file has a sample rate that no recording has.
    #[error(
        "{path} has sound at {sample_rate_hz} Hz; rates of 1,000 to 384,000 Hz are possible: is the header damaged?"
    )]
    FileRate {
        /// The file.
        path: PathBuf,
        /// Rate of its sound.
        sample_rate_hz: u32,
    },
    /// A media file gives no further frame or sound for too long.
    #[error("{path} takes longer than {limit_s} s to read; convert the file, or is the disk slow?")]
    Timeout {
        /// The file.
        path: PathBuf,
        /// The time that it had, in seconds.
        limit_s: f64,
    },
    /// This build reads wav files only.
    #[error("{path} needs FFmpeg: build av-features with the feature `video`, or give a wav file")]
    WithoutVideo {
        /// The file.
        path: PathBuf,
    },
    /// This build has no face detectors by model files.
    #[error(
        "{path} needs the feature `onnx`: build with it, or leave the detector out of the configuration"
    )]
    WithoutOnnx {
        /// The model file.
        path: PathBuf,
    },
    /// A model file is none that finds faces, or cannot be run.
    #[error("{path} cannot be used as a face detector: {reason}")]
    Detector {
        /// The model file.
        path: PathBuf,
        /// What is wrong and what is possible.
        reason: String,
    },
    /// The configuration of an extractor is not usable.
    #[error("{extractor}: {reason}")]
    Config {
        /// Name of the extractor.
        extractor: &'static str,
        /// What is wrong and what is possible.
        reason: String,
    },
    /// A sample rate that cannot be converted.
    #[error(
        "cannot resample from {from_hz} to {to_hz} Hz; rates of 1,000 to 384,000 Hz are possible"
    )]
    SampleRate {
        /// Rate of the sound.
        from_hz: u32,
        /// Rate that was asked for.
        to_hz: u32,
    },
    /// A library underneath failed where it should not.
    #[error("{what} failed: {source}; please report this")]
    Internal {
        /// The step.
        what: &'static str,
        /// The error of the library.
        source: Cause,
    },
    /// A clip cannot be written as it was described.
    #[error("the clip cannot be written: {reason}")]
    ClipFormat {
        /// What is wrong.
        reason: String,
    },
    /// FFmpeg could not encode a clip, for example because the disk is full.
    #[error("FFmpeg could not write {path}: {source}; is the disk full?")]
    Encode {
        /// The file.
        path: PathBuf,
        /// The error of FFmpeg.
        source: Cause,
    },
}

/// The result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The kind of fault in a few words, the same for all files that have it: to count by.
    ///
    /// ```
    /// let error = av_features::read_sound(std::path::Path::new("absent.wav"), 16_000).unwrap_err();
    /// assert_eq!(error.kind(), "cannot be read");
    /// ```
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Read { .. } => "cannot be read",
            Self::Write { .. } => "cannot be written",
            Self::NotAFile { .. } => "no regular file",
            Self::Open { .. } => "no readable media file",
            Self::NoSound { .. } => "no sound stream",
            Self::NoVideo { .. } => "no video stream",
            Self::Empty { .. } => "nothing in it can be decoded",
            Self::TooShort { .. } => "too short",
            Self::Decode { .. } => "cannot be decoded",
            Self::TooLarge { .. } | Self::FrameSize { .. } => "too large",
            Self::WithoutVideo { .. } => "needs FFmpeg",
            Self::WithoutOnnx { .. } => "needs the feature onnx",
            Self::Detector { .. } => "no usable face detector",
            Self::Config { .. } => "impossible setting",
            Self::FileRate { .. } | Self::SampleRate { .. } => "sample rate out of range",
            Self::Timeout { .. } => "takes too long to read",
            Self::Internal { .. } => "internal error",
            Self::ClipFormat { .. } => "impossible format",
            Self::Encode { .. } => "cannot be encoded",
        }
    }
}
