//! `embeddings.npz`: what the encoders make of every test clip.

use super::{EMBEDDINGS, RunRecord};
use crate::{Error, Result};
use av_datasets::{Modalities, Modality};
use candle_core::{Device, Tensor};
use std::path::Path;

/// Embeddings of one clip.
pub(crate) type ClipEmbeddings = Modalities<Option<Vec<f64>>>;

/// Writes one array `(clips, K)` per training run and modality, named `system/variant/fold/seed/modality` (without the variant
/// where nothing was swept). Its rows are those of the run in `predictions.csv`; a clip that lacks the modality is NaN. Gives
/// the hash of the file.
pub(crate) fn write(folder: &Path, runs: &[(&RunRecord, &[ClipEmbeddings])]) -> Result<String> {
    let mut arrays = vec![];
    for (run, clips) in runs {
        for modality in Modality::ALL {
            let widths = clips.iter().filter_map(|clip| clip[modality].as_ref().map(Vec::len));
            let Some(width) = widths.max() else { continue };
            let missing = vec![f64::NAN; width];
            let rows = clips.iter().flat_map(|clip| clip[modality].as_ref().unwrap_or(&missing));
            let rows: Vec<f64> = rows.copied().collect();
            let variant = run.variant.iter().map(|variant| format!("{variant}/"));
            let name = format!(
                "{}/{}{}/{}/{modality}",
                run.system,
                variant.collect::<String>(),
                run.fold,
                run.seed
            );
            arrays.push((name, Tensor::from_vec(rows, (clips.len(), width), &Device::Cpu)?));
        }
    }
    let path = folder.join(EMBEDDINGS);
    let scratch = tempfile::tempdir_in(folder)
        .map_err(|source| Error::Write { path: path.clone(), source })?;
    let file = scratch.path().join(EMBEDDINGS);
    Tensor::write_npz(&arrays, &file)?;
    let bytes = std::fs::read(&file).map_err(|source| Error::Read { path: file, source })?;
    crate::files::write_atomic(&path, &bytes)?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}
