//! The layer of a classifier of columns: scores that are linear in all modalities, next to each other.

use super::classifier::LinearScores;
use super::{DTYPE, Outputs};
use crate::data::Batch;
use crate::{Error, Result};
use av_datasets::{Modalities, Modality};
use av_ops::{Init, Parameters, linear};
use candle_core::Tensor;

/// More columns than this are arrays, for which the covariance of all with all is no sensible model.
const MOST: usize = 4096;

/// Scores `W x + b` of the columns of all modalities.
#[derive(Debug)]
pub(super) struct Columns {
    widths: Vec<(Modality, usize)>,
    weight: Tensor,
    bias: Tensor,
}

/// Columns of each of the given modalities.
pub(crate) fn widths(
    modalities: &[Modality],
    shapes: &Modalities<Vec<usize>>,
) -> Vec<(Modality, usize)> {
    modalities.iter().map(|&it| (it, shapes[it].iter().product())).collect()
}

impl Columns {
    /// All weights 0, until [`LinearScores::put`].
    ///
    /// # Errors
    ///
    /// Inputs with more columns than such a classifier takes.
    pub fn new(
        modalities: &[Modality],
        shapes: &Modalities<Vec<usize>>,
        classes: usize,
        parameters: &mut Parameters,
    ) -> Result<Self> {
        let widths = widths(modalities, shapes);
        let all: usize = widths.iter().map(|(_, width)| width).sum();
        Error::check(
            "inputs (columns of a system whose classifier is no network)",
            all,
            all <= MOST,
            "at most 4096: take statistics (functionals, face-motion, a table), or the classifier network",
        )?;
        let mut scope = parameters.scope("columns");
        let weight = scope.weight("weight", (classes, all), Init::Constant(0.0))?;
        let bias = scope.weight("bias", classes, Init::Constant(0.0))?;
        Ok(Self { widths, weight, bias })
    }

    pub fn forward(&self, batch: &Batch) -> Result<Outputs> {
        let logits = linear(&batch.columns(&self.widths, DTYPE)?, &self.weight, Some(&self.bias))?;
        let label_table = Tensor::zeros((self.bias.dim(0)?, 0), DTYPE, self.bias.device())?;
        Ok(Outputs { embeddings: Modalities::default(), label_table, logits })
    }
}

impl LinearScores {
    /// Puts them into the parameters of a model of columns.
    pub(crate) fn put(&self, parameters: &Parameters) -> Result<()> {
        for (name, var) in parameters.trainable() {
            let values = if name.ends_with(".bias") { &self.bias } else { &self.weight };
            let values = Tensor::from_slice(values, var.shape(), var.device())?;
            var.set(&values.to_dtype(var.dtype())?)?;
        }
        Ok(())
    }
}
