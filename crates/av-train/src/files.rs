//! Files that are whole or not there.

use crate::{Error, Result};
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::Path;

/// Writes a file under a temporary name in the same folder, syncs it and renames it, so that it is never
/// found half written.
///
/// Errors: [`Error::Write`] with the path.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // The permissions of an ordinary new file, not those of a secret.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| Error::Write { path: path.into(), source })
}

/// Reads a JSON file that an unfinished run keeps; none if it is not there.
pub(crate) fn read_state<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    let damaged = |error: serde_json::Error| Error::DamagedState {
        path: path.into(),
        message: error.to_string(),
    };
    serde_json::from_str(&text).map(Some).map_err(damaged)
}

/// Reads a JSON file that may have been written by another version of this crate, whose version is its `version`; none if
/// it is not there.
///
/// # Errors
///
/// [`Error::OtherVersion`] where it is whole and not of this version.
pub(crate) fn read_versioned<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        // A file that was cut or overwritten is no JSON.
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else {
            return Error::Damaged { path: path.into(), message: error.to_string() };
        };
        let wrote = value.get("version").and_then(|version| version.as_str());
        Error::OtherVersion {
            path: path.into(),
            wrote: wrote.map(String::from),
            message: error.to_string(),
        }
    })
}

fn read_text(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path: path.into(), source }),
    }
}

/// A value as one line of JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Json { message: error.to_string() })
}

/// Writes a value as JSON with one field per line and a newline at the end.
pub(crate) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Json { message: error.to_string() })?;
    text.push('\n');
    write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_given_its_name_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        let error = write_atomic(&taken, b"whole").unwrap_err();
        assert!(matches!(error, Error::Write { .. }), "{error}");
        let left: Vec<_> = folder.path().read_dir().unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(left, [taken]);
    }
}
