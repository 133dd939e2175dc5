//! Media files in, named feature arrays out.
//!
//! This crate reads the sound and the picture of a clip (wav, mp4, avi, flv, mkv, webm, mov, mpg, ...) and turns
//! them into arrays for networks and classifiers. It trains nothing, knows no labels and no corpora, and its
//! arrays are plain vectors with a shape. It also writes clips, for those who make their own.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "video")] {
//! use av_features::{Cache, ClipFormat, Extractor, FaceCrops, LogMel, Origin, write_clip};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! // Two seconds of a grey picture and silence; any recording will do.
//! let clip = folder.join("clip.mp4");
//! let format = ClipFormat { width: 64, height: 48, fps: 25, sample_rate_hz: 16_000 };
//! write_clip(&clip, &format, (0..50).map(|_| vec![128; 64 * 48 * 3]), &[0.0; 32_000])?;
//!
//! let sound = LogMel::default().extract(&clip)?;
//! assert_eq!(sound.shape, [30, 3, 64, 64]);
//!
//! // Segment i of the sound and segment i of the picture have the same centre.
//! let cache = Cache::open(&folder.join("cache"))?;
//! let faces = cache.features(&clip, &FaceCrops::default())?;
//! assert_eq!(faces.features.shape, [30, 3, 64, 64]);
//! assert_eq!(faces.features.times_s, sound.times_s);
//! assert_eq!(faces.origin, Origin::Computed);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Words
//!
//! A *clip* is one media file. A *segment* is a piece of it that a network sees; the centres of the segments
//! divide the clip evenly, for sound and picture alike ([`segments`]). A *frame* is one image of a video or
//! one window of a spectrogram, and *hop* is the distance of two windows.
//!
//! # Overview
//!
//! | Extractor | From | Shape | What |
//! |---|---|---|---|
//! | [`LogMel`] | sound | `(30, 3, 64, 64)` | log-mel segments with deltas |
//! | [`Mfcc`] | sound | `(30, 3, n_mfcc, 64)` | cepstral segments with deltas, as librosa, torchaudio or Kaldi |
//! | [`Functionals`] | sound | `(1, 100)`, `(1, 88)` | named sets of statistics of the voice over the clip |
//! | [`FaceCrops`] | picture | `(30, 3, 64, 64)` bytes | the face at the centre of each segment |
//! | [`FaceHog`] | picture | `(1, 288)` | named statistics of the shape of the face |
//! | [`FaceMotion`] | picture | `(1, 32)` | named statistics of the movements of the face |
//!
//! Frame by frame, from samples: [`MelSpectrogram`], [`Mfcc::frames`] and [`deltas`] equal those of librosa,
//! torchaudio or Kaldi by the name of the tool ([`Convention`]), [`descriptors`] of the spectrum those of librosa;
//! [`Pyin`] tracks the pitch, [`voice_quality`] looks at single periods. [`Trim`] cuts silence off a clip, and
//! [`augment`] makes other sounds, spectrograms and pictures of one.
//!
//! Underneath: [`read_sound`] gives one channel at any rate and [`resample`] another one, [`Frames`] the images of a
//! video with their times, [`FaceTrack`] where the face is in them, [`FaceDetector`] another detector for it,
//! [`write_clip`] makes an mp4 file, [`write_png`] an image, and [`Cache`] keeps what was extracted. A program that
//! holds any extractor as `dyn` [`Extractor`] asks it what it is; an extractor of one's own is a struct of settings that
//! implements this trait.
//!
//! # Contracts
//!
//! *The same every time.* One thread a clip, no randomness: the same file and settings give the same features.
//! Work on many clips at once instead.
//!
//! *Media files are hostile.* Pipes, folders, playlists, images and oversized frames are refused; FFmpeg reads
//! from an open file and never sees a name or a protocol; counts, sizes and times are within [`Limits`]. Damaged
//! packets are passed over and reported in [`Features::warnings`]; a clip without anything decodable is an
//! [`Error`].
//!
//! *FFmpeg is silent.* The first use of FFmpeg turns its log off for the whole process.
//!
//! # Features
//!
//! `video` (on by default) links FFmpeg. Without it wav files are read by a Rust library, and everything else is
//! an error that says so.
//!
//! `onnx` runs a [`FaceDetector`] by a model file of one's own, in place of the one that is built in.

mod audio;
pub mod augment;
mod cache;
mod error;
mod face;
mod features;
mod files;
mod image;
mod media;
pub mod segments;

pub use audio::{
    Convention, DescriptorConfig, Descriptors, FunctionalSet, Functionals, LogMel, Logarithm,
    Matrix, MelPlan, MelScale, MelSpectrogram, Mfcc, Normalisation, POWER_FLOOR, PitchTrack,
    Precision, Pyin, Trim, VoiceQuality, deltas, descriptors, resample, voice_quality,
};
pub use cache::{Cache, Cached, Origin};
pub use error::{Error, Result};
pub use face::{
    FaceCrops, FaceDetector, FaceHog, FaceMotion, FaceTrack, FaceTracking, Follow, Sighting,
};
pub use features::{Extractor, Faces, Features, Settings, Values};
pub use image::{Frame, Square};
#[cfg(feature = "video")]
pub use media::{ClipFormat, write_clip, write_png};
pub use media::{Frames, Limits, Sound, read_sound, read_sound_within};
