//! Files that appear under their name only when they are complete.

use std::io::Write as _;
use std::path::Path;

use crate::{Error, Result};

/// Writes a file: under a temporary name in the same folder first, then synced and renamed.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    attempt(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn attempt(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
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
    file.persist(path)?;
    Ok(())
}

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|source| Error::Write { path: path.to_owned(), source })
}
