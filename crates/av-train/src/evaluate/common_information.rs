//! Common information of two modalities, measured on clips that were not trained on.

use super::predict::Prediction;
use crate::Result;
use av_datasets::Modality;
use av_eval::mean;
use hgr_corr::{Matrix, held_out_spectrum, shuffled_spectrum};
use serde::{Deserialize, Serialize};

/// The held-out HGR spectrum of audio and video embeddings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommonInformation {
    /// Correlation of each pair of modes on the test clips; the modes were fitted on the training clips.
    pub sigma: Vec<f64>,
    /// The same with the test clips of one modality shuffled: what independent modalities would show.
    pub shuffled: Vec<f64>,
    /// Test clips it was measured on.
    pub clips: usize,
}

/// Modes of two modalities are fitted on `fit` and measured on `test`; clips that lack one of them are left out. None where
/// either subset has too few clips for a spectrum.
pub(crate) fn common_information(
    fit: &[Prediction],
    test: &[Prediction],
    modalities: [Modality; 2],
    seed: u64,
) -> Result<Option<CommonInformation>> {
    let (fit, test) = (Pairs::new(fit, modalities), Pairs::new(test, modalities));
    // A spectrum needs more clips than dimensions to be fitted, and two clips to be measured.
    if fit.rows() <= fit.columns || test.rows() < 2 || fit.columns == 0 {
        return Ok(None);
    }
    let clips = test.rows();
    let (fit, test) = (fit.matrices()?, test.matrices()?);
    Ok(Some(CommonInformation {
        sigma: held_out_spectrum(fit, test)?,
        shuffled: shuffled_spectrum(fit, test, seed)?,
        clips,
    }))
}

/// The mean of several spectra, over the shortest length.
pub(crate) fn mean_spectrum(spectra: &[&CommonInformation]) -> Option<CommonInformation> {
    let length = spectra.iter().map(|spectrum| spectrum.sigma.len()).min()?;
    let average = |pick: fn(&CommonInformation) -> &Vec<f64>| {
        (0..length)
            .map(|k| mean(&spectra.iter().map(|spectrum| pick(spectrum)[k]).collect::<Vec<_>>()))
            .collect()
    };
    Some(CommonInformation {
        sigma: average(|spectrum| &spectrum.sigma),
        shuffled: average(|spectrum| &spectrum.shuffled),
        clips: spectra.iter().map(|spectrum| spectrum.clips).sum(),
    })
}

/// Embeddings of clips that have both modalities, row by row.
#[derive(Default)]
struct Pairs {
    f: Vec<f64>,
    g: Vec<f64>,
    columns: usize,
}

impl Pairs {
    fn new(predictions: &[Prediction], [first, second]: [Modality; 2]) -> Self {
        let mut pairs = Self::default();
        for Prediction { embeddings, .. } in predictions {
            if let (Some(f), Some(g)) = (&embeddings[first], &embeddings[second]) {
                pairs.columns = f.len();
                pairs.f.extend_from_slice(f);
                pairs.g.extend_from_slice(g);
            }
        }
        pairs
    }

    fn rows(&self) -> usize {
        self.f.len() / self.columns.max(1)
    }

    fn matrices(&self) -> Result<(Matrix<'_>, Matrix<'_>)> {
        let (rows, columns) = (self.rows(), self.columns);
        Ok((Matrix::new(&self.f, rows, columns)?, Matrix::new(&self.g, rows, columns)?))
    }
}
