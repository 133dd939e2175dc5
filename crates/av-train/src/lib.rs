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
//! | train one system on one part | [`fit`], then [`decide`] |
//! | classify media files with a finished run's model | [`Bundle::load`], [`Bundle::predict`] |
//! | compare records | [`compare_records`] |
//!
//! What a training step does, in the order of the calls: [`fit`] draws batches of segments,
//! [`Model::forward`] embeds and classifies them, [`joint_loss`] adds the terms, the optimiser steps.
//!
//! Leaks are prevented by types: [`fit`] sees a [`Part`] of training clips and no other; subjects are
//! split before anything is fitted.

mod audio_visual;
mod batch;
mod bundle;
mod checkpoint;
mod common;
mod control;
mod decision;
mod error;
mod experiment;
mod extract;
mod files;
mod inputs;
mod metrics;
mod model;
mod normaliser;
mod objective;
mod paired;
mod part;
mod record;
mod run;
mod shard;
mod trainer;
mod workers;

pub use audio_visual::AudioVisual;
pub use batch::{Batch, Rows};
pub use bundle::{Bundle, Moment, Prediction};
pub use common::CommonInformation;
pub use control::{Control, Event};
pub use decision::{Decision, confusion, decide, log_loss};
pub use error::{Error, Result};
pub use experiment::{
    AudioInput, Experiment, ModelConfig, ObjectiveConfig, System, TrainingConfig, VideoInput,
};
pub use extract::{Extraction, Fault, extract};
pub use files::write_atomic;
pub use inputs::{ClipProblem, Inputs};
pub use metrics::Confusion;
pub use model::{Model, Outputs};
pub use normaliser::{Normaliser, Scale, fit_normaliser};
pub use objective::{JointLoss, Terms, joint_loss};
pub use paired::{Paired, interval};
pub use part::{Item, Part};
pub use record::{DataSummary, FORMAT, Record, RunRecord, Summary, compare_records};
pub use run::{Existing, Places, Prepared, index, prepare, run};
pub use shard::Shard;
pub use trainer::{Epoch, Fitted, Setup, fit};
