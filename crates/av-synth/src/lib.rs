//! Talking-face clips with a known common latent, written as real media files.
//!
//! [`render`] writes a corpus of persons who speak with six emotions (or up to eight): mp4 files with
//! a picture and a sound, named as the corpus RAVDESS names its own, a table `truth.csv` of everything
//! that was drawn for each clip, and a description `corpus.json` of the model that drew it.
//!
//! # What is known
//!
//! A clip has a label and a latent z of two numbers, the *common information* of its two modalities.
//! Both move an expression of the voice (arousal, brightness, tempo) and an expression of the face
//! (brows, eyes, mouth), and each expression has noise of its own:
//!
//! ```text
//!            label                  voice = mean of the label + s A z + noise  ->  pitch, timbre, rate  ->  sound
//!              |   \     z
//!              |    \   / \
//!              v     v v   v
//!            voice   . . . face    face = mean of the label + s V z + noise  ->  brows, lids, lips     ->  picture
//! ```
//!
//! From this the accuracy of the best decision from the voice, from the face and from both follows,
//! and the canonical correlations of the two given the label ([`ExpressionModel`]). Some classes lie
//! close together in the voice and others in the face, so that it takes both to tell all apart.
//!
//! Everything else is nuisance: what is said, loudness, microphone and room; light, pose, blinks and
//! the camera. The persons differ in pitch, vocal tract, rate and loudness, in head, hair, skin and
//! features, and in what their faces look like at rest. The mouth moves with the syllables.
//!
//! # What it is not
//!
//! No model of real emotions or real people: an instrument to test methods on. It does not extract,
//! index or learn anything, and writes no other media than these clips.
//!
//! # Example
//!
//! ```
//! use av_synth::{Corpus, Emotion, SynthConfig};
//!
//! let config = SynthConfig {
//!     emotions: vec![Emotion::Happy, Emotion::Angry],
//!     subjects: 2,
//!     clips: 1,
//!     ..SynthConfig::default()
//! };
//! let corpus = Corpus::new(&config)?; // render(&config, folder, progress) also writes it
//! let clip = &corpus.clips[0];
//! assert_eq!(clip.id, "01-01-03-01-01-01-01");
//! let frame = clip.frames(&config).next().unwrap_or_default();
//! assert_eq!(frame.len(), 3 * 128 * 128);
//! assert_eq!(clip.samples(&config).len(), (clip.duration_s * 16_000.0).round() as usize);
//!
//! // Given the label, voice and face share two directions with this correlation.
//! assert!((corpus.description.canonical_correlation - 0.797).abs() < 0.001);
//! # Ok::<(), av_synth::Error>(())
//! ```
//!
//! # Overview
//!
//! | to | use |
//! |---|---|
//! | say what to render | [`SynthConfig`], [`Emotion`], [`Layout`] |
//! | render it | [`render`] |
//! | know what was drawn | [`Corpus`], [`Clip`], [`Draw`], [`Person`], [`Recording`], [`Scene`] |
//! | know what could be reached | [`ExpressionModel`], [`BayesAccuracy`], [`Description`] |
//!
//! # Determinism
//!
//! Every clip draws from streams named after the seed and the clip, and every person from streams
//! named after the seed and the person. A clip therefore has the same bytes whatever else is in the
//! corpus, on however many threads it is rendered.

mod clip;
mod config;
mod corpus;
mod emotion;
mod error;
mod face;
mod files;
mod latent;
mod layout;
mod person;
mod random;
mod truth;
mod voice;

pub use clip::Clip;
pub use config::SynthConfig;
pub use corpus::{Corpus, Description, Mean, VERSION, render};
pub use emotion::Emotion;
pub use error::{Error, Result};
pub use face::{Light, Scene};
pub use latent::{
    BayesAccuracy, Draw, Expression, ExpressionModel, FACE_LOADING, Latent, VOICE_LOADING,
};
pub use layout::{Layout, Take};
pub use person::{Colour, FaceIdentity, Person, VoiceIdentity};
pub use voice::Recording;
