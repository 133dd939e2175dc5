//! Files that appear under their name only when they are complete.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{Error, Limits, Result};

/// A temporary file beside `path`, with the permissions of an ordinary new file.
///
/// It is removed when dropped; [`finish`] gives it its name.
pub(crate) fn begin(path: &Path) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Syncs the file and renames it to `path`.
pub(crate) fn finish(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Writes `bytes` to `path`, complete or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = begin(path)?;
    file.write_all(bytes)?;
    finish(file, path)
}

/// Opens a regular file of at most `limit` bytes and returns it with its size; a pipe is refused before
/// it is opened, which would wait for ever.
pub(crate) fn open(path: &Path, limit: u64) -> Result<(File, u64)> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(read)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    Limits::check(path, "a size, in bytes,", metadata.len(), limit)?;
    Ok((File::open(path).map_err(read)?, metadata.len()))
}
