//! The joint objective: a sum of terms by name.
//!
//! A further kind of term is a file with a config that is a `Term`, and a variant of [`TermConfig`].

mod cross_entropy;
mod soft_hgr;
mod views;

pub use cross_entropy::CrossEntropyConfig;
pub use soft_hgr::SoftHgrConfig;
pub(crate) use views::is_pair;

use crate::data::Batch;
use crate::model::Outputs;
use crate::{Error, Result};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The terms of a system's objective, by name: `objective` of a system.
pub type ObjectiveConfig = BTreeMap<String, TermConfig>;

/// Which term, with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TermConfig {
    /// Classification.
    CrossEntropy(CrossEntropyConfig),
    /// HGR correlation among the modalities and the label.
    SoftHgr(SoftHgrConfig),
}

impl TermConfig {
    /// The one place that knows every kind.
    fn term(&self) -> &dyn Term {
        match self {
            Self::CrossEntropy(config) => config,
            Self::SoftHgr(config) => config,
        }
    }

    /// Whether clips without a label have a part in it.
    pub(crate) fn uses_unlabelled(&self) -> bool {
        self.term().uses_unlabelled()
    }

    /// Looks at the settings; `key` is where they stand.
    pub(crate) fn check(&self, key: &str) -> Result<()> {
        self.term().check(key)
    }
}

/// A term of the objective.
trait Term {
    /// The value of a batch, with gradient; none where the batch has nothing to say about it.
    fn value(&self, outputs: &Outputs, batch: &Batch) -> Result<Option<TermValue>>;

    /// Whether rows without a label have a part in it.
    fn uses_unlabelled(&self) -> bool;

    /// Looks at the settings; `key` is where they stand.
    fn check(&self, key: &str) -> Result<()>;
}

/// What a term says of a batch.
struct TermValue {
    /// Scalar with gradient, weighted: what is added to the objective.
    loss: Tensor,
    /// Its parts before weighting, by name, for logs. The part without a name is the whole term.
    parts: Vec<(String, f64)>,
}

/// The value to be minimised and its terms.
#[derive(Clone, Debug)]
pub struct JointLoss {
    /// Scalar with gradient.
    pub total: Tensor,
    /// The terms as numbers, for logs.
    pub terms: Terms,
}

/// Values of the terms before weighting, by name: `classification`, `correlation.audio_video`. A term of which a batch said
/// nothing is left out.
pub type Terms = BTreeMap<String, f64>;

/// The joint objective of a batch: the sum of its terms.
///
/// # Errors
///
/// [`Error::NonFinite`] names the term.
pub fn joint_loss(outputs: &Outputs, batch: &Batch, config: &ObjectiveConfig) -> Result<JointLoss> {
    let mut terms = Terms::new();
    let mut total: Option<Tensor> = None;
    for (name, term) in config {
        let Some(TermValue { loss, parts }) = term.term().value(outputs, batch)? else { continue };
        for (part, value) in parts {
            let name = if part.is_empty() { name.clone() } else { format!("{name}.{part}") };
            if !value.is_finite() {
                return Err(Error::NonFinite { term: name, value });
            }
            terms.insert(name, value);
        }
        total = Some(match total {
            Some(sum) => (sum + loss)?,
            None => loss,
        });
    }
    let total = match total {
        Some(total) => total,
        None => (outputs.logits.sum_all()? * 0.0)?,
    };
    Ok(JointLoss { total, terms })
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(tensor.to_dtype(candle_core::DType::F64)?.to_scalar()?)
}

/// Whether it can be a weight.
fn check_weight(key: &str, weight: f64) -> Result<()> {
    Error::check(key, weight, weight.is_finite() && weight >= 0.0, "a number of at least 0")
}
