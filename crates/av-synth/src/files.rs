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

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir_all};

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_may_be_read_by_whom_any_other_new_file_may_be_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
        write(&ours, b"whole").unwrap();
        File::create(&plain).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        create_dir_all(path("folder/full")).unwrap();
        assert!(write(&path("folder"), b"whole").is_err(), "the name is that of a folder");
        assert!(write(&path("absent/file"), b"whole").is_err());
        let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["folder"]);
    }
}
