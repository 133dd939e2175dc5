//! Audio-visual emotion recognition by common information: from an experiment file to its record.
//!
//! An audio network and a visual network learn features, a fusion network combines them. The joint
//! objective is classification + HGR maximal correlation among audio, video and label; clips without
//! a label train too. This is a reconstruction from the abstract of Ma et al. 2020
//! (doi 10.3390/app10207239), which publishes no layer size.
//!
//! | to | call |
//! |---|---|
//! | read an experiment file | [`Experiment::read`] |
//! | run it: extract, train over folds, seeds and systems, judge | [`run`] |
//! | only fill the cache | [`index`], then [`extract`] |
//! | get its clips, folds and all features | [`prepare`] |
//! | train one system on some clips | [`fit`], then [`predict`] |
//! | classify media files with a finished run's model, or features in memory | [`SavedModel::load`], [`SavedModel::predict`], [`SavedModel::classify`] |
//! | read a record, compare two | [`Record::read`], [`compare_records`] |
//!
//! # Rooms, by the way of the data
//!
//! What the table above names, and what a person who runs experiments meets, stands here; the parts stand in their rooms.
//!
//! | room | what |
//! |---|---|
//! | [`experiment`] | the file: a [`System`] is a value; settings, sweeps, checks |
//! | [`data`] | features, subsets by purpose, scaling, segments, batches |
//! | [`model`] | encoders, [`fusion`](model::fusion), [`head`](model::head), label network; or a [`classifier`](model::classifier) without networks |
//! | [`objective`] | a sum of terms by name |
//! | [`train`] | from initial weights to the best ones |
//! | [`evaluate`] | predictions of clips, held-out common information |
//! | [`record`] | the format, summaries, differences, predictions |
//! | `run` | variants x folds x seeds x systems, kept and resumed |
//! | `saved_model` | a model in a folder |
//!
//! What a training step does, in the order of the calls: [`fit`] draws batches of segments,
//! [`Model::forward`] embeds and classifies them, [`joint_loss`] adds the terms, the optimiser steps.
//!
//! Leaks are prevented by types: [`fit`] sees a `Subset<Fit>`, which is made of a training view; what a system is judged by
//! is a `Subset<Test>`, made of a test view; subjects are split before anything is fitted.

pub mod data;
mod error;
pub mod evaluate;
pub mod experiment;
mod files;
pub mod model;
pub mod objective;
mod observer;
pub mod record;
mod run;
mod saved_model;
pub mod train;

pub use data::{Extraction, Shard, Subset, extract};
pub use error::{ClipProblem, Error, Result};
pub use evaluate::{Prediction, predict};
pub use experiment::{Experiment, System};
pub use files::write_atomic;
pub use model::Model;
pub use objective::joint_loss;
pub use observer::{Event, Observer};
pub use record::{Record, compare_records};
pub use run::{IfExists, Prepared, RunOptions, RunPaths, index, prepare, run};
pub use saved_model::{ClipReport, SavedModel, SegmentPrediction};
pub use train::{Fitted, Setup, fit};
