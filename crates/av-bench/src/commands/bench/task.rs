//! What a task is, and the list of all.

use super::fixtures::Fixtures;
use super::tasks::{Answer, Work, correlation, operators, picture, prediction, sound, training};

/// A piece of fixed work.
pub struct Task {
    /// Name in files and tables.
    pub name: &'static str,
    /// Calls that are counted: so many that they are a good part of a second's work under a counter of instructions.
    pub calls: usize,
    /// Calls before them, which do not count: 1 where the first one makes tables that stay, or fills memory that is used again.
    pub warm_up: usize,
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
    // name, calls, calls before them
    task("soft_hgr", 20, 1, Needs::Nothing, correlation::soft_hgr),
    task("hgr", 1, 0, Needs::Nothing, correlation::hgr),
    task("log_mel", 4, 1, Needs::Nothing, sound::log_mel),
    task("resample", 10, 1, Needs::Nothing, sound::resample),
    task("decode", 2, 1, Needs::Ffmpeg, picture::decode),
    task("face_search", 1, 1, Needs::Nothing, picture::face_search),
    task("convolution", 2, 1, Needs::Nothing, operators::convolution),
    task("lstm", 2, 1, Needs::Nothing, operators::lstm_step),
    task("training_step", 1, 1, Needs::Nothing, training::step),
    task("prediction", 1, 1, Needs::Model, prediction::clip),
];

const fn task(
    name: &'static str,
    calls: usize,
    warm_up: usize,
    needs: Needs,
    make: fn(&Fixtures) -> Answer<Work>,
) -> Task {
    Task { name, calls, warm_up, needs, make }
}
