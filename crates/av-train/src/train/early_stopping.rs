//! The learning curve so far, its best epoch, and when it is over.

use super::curve::Epoch;
use crate::Result;
use av_ops::{Parameters, Snapshot};

/// The learning curve so far and the best weights on it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub curve: Vec<Epoch>,
    /// Weights of the best epoch; none without validation, where the last epoch counts.
    pub best: Option<Snapshot>,
}

impl Progress {
    pub fn epochs(&self) -> usize {
        self.curve.len()
    }

    /// The epoch with the lowest validation loss, the first of equals; without validation the last.
    pub fn best_epoch(&self) -> usize {
        let mut best: Option<(f64, usize)> = None;
        for entry in &self.curve {
            if let Some(loss) = entry.validation_loss
                && best.is_none_or(|(lowest, _)| loss < lowest)
            {
                best = Some((loss, entry.epoch));
            }
        }
        best.map_or(self.curve.len(), |(_, epoch)| epoch)
    }

    /// Whether the last `patience` epochs brought nothing better.
    pub fn stopped(&self, patience: usize) -> bool {
        self.epochs() - self.best_epoch() >= patience
    }

    /// Appends an epoch and keeps the weights if it is the best so far.
    pub fn push(&mut self, entry: Epoch, parameters: &Parameters) -> Result<()> {
        let validated = entry.validation_loss.is_some();
        self.curve.push(entry);
        if validated && self.best_epoch() == self.epochs() {
            self.best = Some(parameters.snapshot()?);
        }
        Ok(())
    }

    /// Puts the best weights into the model and gives the learning curve.
    pub fn restore_best(self, parameters: &mut Parameters) -> Result<Vec<Epoch>> {
        if let Some(best) = &self.best {
            parameters.restore(best)?;
        }
        Ok(self.curve)
    }
}
