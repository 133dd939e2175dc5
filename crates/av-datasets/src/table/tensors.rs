//! Feature tables as safetensors.

use super::limits::check_file;
use super::matrix::{self, COLUMNS, FEATURES, Matrix};
use crate::{Error, Result};
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// Reads the tensor `features` and the lists of texts in the metadata, each as a JSON list.
///
/// Errors: an unreadable or malformed file, one without them or beyond the limits.
pub(super) fn read(path: &Path, texts: &[&str]) -> Result<Matrix> {
    check_file(path)?;
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
    let bad = |reason: String| Error::Arrays { path: path.into(), reason };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| bad(error.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| bad(error.to_string()))?;
    let list = |name: &str| -> Result<Option<Vec<String>>> {
        let Some(text) = header.metadata().as_ref().and_then(|metadata| metadata.get(name)) else {
            return Ok(None);
        };
        let wrong = |error| bad(format!("metadata `{name}` is not a JSON list of texts: {error}"));
        serde_json::from_str(text).map_err(wrong).map(Some)
    };
    let texts = texts.iter().map(|&name| {
        let lacks = || bad(format!("has no metadata `{name}`, a JSON list of texts"));
        Ok((name.to_owned(), list(name)?.ok_or_else(lacks)?))
    });
    let texts = texts.collect::<Result<Vec<_>>>()?;
    let features = tensors
        .tensor(FEATURES)
        .map_err(|_| bad(format!("has no tensor `{FEATURES}`, rows by columns")))?;
    let sizes = matrix::sizes(path, features.shape())?;
    let data = features.data();
    let dtype = features.dtype();
    let values = if dtype == Dtype::F32 {
        data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    } else if dtype == Dtype::F64 {
        data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect()
    } else {
        return Err(bad(format!("`{FEATURES}` is of {dtype:?}; save it as F32 or F64")));
    };
    Matrix::new(path, texts, list(COLUMNS)?, sizes, values)
}
