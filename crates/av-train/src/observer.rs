//! How a caller watches a long step and stops it.

use av_datasets::{Modality, Table};
use std::sync::atomic::{AtomicBool, Ordering};

/// What a long step reports to its caller.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A feature table was joined to the clips.
    Joined {
        /// What it is of the clips.
        modality: Modality,
        /// The table.
        table: &'a Table,
    },
    /// Features of `done` of `total` clips are there.
    Extracted {
        /// Clips with features.
        done: usize,
        /// All clips.
        total: usize,
        /// The clip just finished.
        clip: &'a str,
    },
    /// A damaged cache entry was found and computed again.
    Rebuilt {
        /// The media file.
        clip: &'a str,
    },
    /// An epoch of one training run is over.
    Epoch {
        /// The training run, such as `fold 2, seed 1, fusion_hgr`.
        unit: &'a str,
        /// Epochs done in it.
        done: usize,
        /// Largest number of epochs.
        total: usize,
    },
    /// One training run is over, or was taken from an earlier, interrupted call.
    Trained {
        /// Training runs done.
        done: usize,
        /// All training runs.
        total: usize,
        /// The training run just finished.
        unit: &'a str,
    },
}

/// How a caller watches a long step and stops it.
#[derive(Clone, Copy)]
pub struct Observer<'a> {
    /// Is called from several threads.
    pub event: &'a (dyn Fn(Event<'_>) + Sync),
    /// Once true, the step writes what it has and returns [`crate::Error::Interrupted`].
    pub stop: &'a AtomicBool,
}

impl Observer<'_> {
    /// Reports to nobody and never stops: for tests and short steps.
    pub const SILENT: Observer<'static> = Observer { event: &|_| (), stop: &NEVER };

    pub(crate) fn emit(&self, event: Event<'_>) {
        (self.event)(event);
    }

    pub(crate) fn check_cancelled(&self) -> crate::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(crate::Error::Interrupted);
        }
        Ok(())
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);
