//! From clips to batches: what is extracted, who may see it, how it is scaled, cut into segments and gathered.

mod batch;
mod extract;
mod features;
mod input;
mod loader;
mod normaliser;
mod segment;
mod shard;
mod subset;
mod timeline;

pub use batch::{Batch, BatchRows};
pub use extract::{Extraction, Fault, extract};
pub use features::FeatureSet;
pub use input::InputConfig;
pub(crate) use loader::Loader;
pub use normaliser::{Normaliser, Scaling, fit_normaliser};
pub(crate) use segment::{Sampling, Segment, epoch_batches, even_segments};
pub use shard::Shard;
pub use subset::{Example, Fit, Subset, Test, Validation};
pub(crate) use timeline::Timeline;
