//! What a task is, and the list of all.

use super::fixtures::Fixtures;
use super::tasks::{correlation, operators, picture, prediction, sound, training};

/// Result of a step of a task: whatever error its crate has.
pub type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// The work of a task, ready to be called again and again on the same data.
pub type Work = Box<dyn FnMut() -> Answer<()>>;

/// A piece of fixed work.
pub struct Task {
    /// Name in files and tables.
    pub name: &'static str,
    /// Calls that are counted: so many that they are a good part of a second's work under a counter of instructions.
    pub calls: usize,
    /// What it needs besides its own numbers.
    pub needs: Needs,
    /// Makes the data, which does not count, and the closure, which does.
    pub make: fn(&Fixtures) -> Answer<Work>,
}

/// What a task rests on that is not in this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Most of the work is done by FFmpeg, whose versions differ in speed.
    Ffmpeg,
    /// A trained model.
    Model,
}

/// All tasks, in the order of the tables.
pub const TASKS: [Task; 10] = [
    Task { name: "soft_hgr", calls: 20, needs: Needs::Nothing, make: correlation::soft_hgr },
    Task { name: "hgr", calls: 1, needs: Needs::Nothing, make: correlation::hgr },
    Task { name: "log_mel", calls: 4, needs: Needs::Nothing, make: sound::log_mel },
    Task { name: "resample", calls: 10, needs: Needs::Nothing, make: sound::resample },
    Task { name: "decode", calls: 2, needs: Needs::Ffmpeg, make: picture::decode },
    Task { name: "face_search", calls: 1, needs: Needs::Nothing, make: picture::face_search },
    Task { name: "convolution", calls: 2, needs: Needs::Nothing, make: operators::convolution },
    Task { name: "lstm", calls: 2, needs: Needs::Nothing, make: operators::lstm_step },
    Task { name: "training_step", calls: 1, needs: Needs::Nothing, make: training::step },
    Task { name: "prediction", calls: 1, needs: Needs::Model, make: prediction::clip },
];
