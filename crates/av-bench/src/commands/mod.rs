//! One file a command, or a pair of close ones.

mod bench;
mod compare;
mod datasets;
mod demo;
mod extract;
mod hgr;
mod predict;
mod report;
mod run;
mod synth;

pub use bench::bench;
pub use compare::compare;
pub use datasets::datasets;
pub use demo::demo;
pub use extract::extract;
pub use hgr::hgr;
pub use predict::predict;
pub use report::report;
pub use run::run;
pub use synth::synth;
