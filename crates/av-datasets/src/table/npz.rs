//! Feature tables as arrays of NumPy in one file: `np.savez` and `np.savez_compressed`.

use super::limits::check_file;
use super::matrix::{self, COLUMNS, FEATURES, Matrix};
use super::npy::{Array, Kind};
use crate::error::listed;
use crate::{Error, Result};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;

/// Reads the array `features` and lists of texts. No more is unpacked than a header announces, and that is limited.
///
/// Errors: an unreadable or malformed file, one without them or beyond the limits.
pub(super) fn read(path: &Path, texts: &[&str]) -> Result<Matrix> {
    check_file(path)?;
    let file = File::open(path).map_err(|source| Error::Read { path: path.into(), source })?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|error| Error::Arrays { path: path.into(), reason: error.to_string() })?;
    let texts = texts.iter().map(|&name| {
        let list = list(path, &mut archive, name)?;
        Ok((name.to_owned(), list.ok_or_else(|| lacks(path, &archive, name))?))
    });
    let texts = texts.collect::<Result<Vec<_>>>()?;
    let names = list(path, &mut archive, COLUMNS)?;
    let (sizes, values) = with(path, &mut archive, FEATURES, |array| {
        let sizes = matrix::sizes(path, &array.shape)?;
        Ok((sizes, array.numbers(path)?))
    })?
    .ok_or_else(|| lacks(path, &archive, FEATURES))?;
    Matrix::new(path, texts, names, sizes, values)
}

type Archive = ZipArchive<BufReader<File>>;

/// What `read` makes of an array; none where there is no such array.
fn with<T>(
    path: &Path,
    archive: &mut Archive,
    name: &str,
    read: impl FnOnce(Array<&mut dyn std::io::Read>) -> Result<T>,
) -> Result<Option<T>> {
    let bad = |reason: String| Error::Arrays { path: path.into(), reason };
    let file = format!("{name}.npy");
    let Some(index) = archive.index_for_name(&file) else { return Ok(None) };
    let mut file = archive.by_index(index).map_err(|error| bad(format!("`{name}`: {error}")))?;
    let array = Array::open(&mut file as &mut dyn std::io::Read, name).map_err(bad)?;
    read(array).map(Some)
}

fn list(path: &Path, archive: &mut Archive, name: &str) -> Result<Option<Vec<String>>> {
    with(path, archive, name, |array| match array.kind {
        Kind::Text { .. } | Kind::Integer { .. } => array.texts(path),
        Kind::Float { .. } => Err(Error::Arrays {
            path: path.into(),
            reason: format!("`{name}` holds fractions; save it as texts"),
        }),
    })
}

fn lacks(path: &Path, archive: &Archive, name: &str) -> Error {
    let names: Vec<_> = archive.file_names().flatten().collect();
    let reason = format!("has no array `{name}`; its files are: {}", listed(&names));
    Error::Arrays { path: path.into(), reason }
}
