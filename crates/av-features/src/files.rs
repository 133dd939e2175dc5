//! Files that appear under their name only when they are complete.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{Error, Limits, Result};

/// A temporary file beside `path`, with the permissions of an ordinary new file.
///
/// It is removed when dropped; [`finish`] gives it its name.
#[cfg(feature = "video")]
pub(crate) fn begin(path: &Path) -> io::Result<NamedTempFile> {
    begin_as(path, ".tmp")
}

fn begin_as(path: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
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

/// First letters of the temporary names that [`write`] takes and [`clean`] removes.
const PREFIX: &str = ".features-";

/// Writes `bytes` to `path`, complete or not at all.
///
/// The temporary file is locked until it has its name, which tells [`clean`] that its writer lives.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = begin_locked(path)?;
    file.write_all(bytes)?;
    finish(file, path)
}

fn begin_locked(path: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = begin_as(path, PREFIX)?;
        match file.as_file().try_lock() {
            // Between its making and its lock somebody may have taken the file for a leftover.
            Ok(()) if !file.path().try_exists()? => {}
            Err(TryLockError::WouldBlock) => {}
            // A file system without locks keeps leftovers, and loses nothing else.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// Removes the temporary files of writers that were killed: those of [`write`] that nobody holds locked.
///
/// Other programs may write into the same folder meanwhile. What cannot be removed stays and harms nothing.
pub(crate) fn clean(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // Opened for writing, as some file systems want it for a lock. The lock is held until the file is gone.
        let Ok(file) = File::options().write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn leftovers_of_killed_writers_are_removed_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [".features-dead", ".other", "entry.features"] {
            File::create(path(name)).unwrap();
        }
        std::fs::create_dir(path(".features-folder")).unwrap();
        let living = begin_locked(&path("living")).unwrap();
        clean(folder.path()).unwrap();
        let temporary = living.path().file_name().unwrap().to_str().unwrap();
        let mut expected = [".features-folder", ".other", "entry.features", temporary];
        expected.sort();
        assert_eq!(names(folder.path()), expected);
        finish(living, &path("living")).unwrap();
        clean(folder.path()).unwrap();
        assert!(path("living").exists());
    }

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
        std::fs::create_dir_all(path("folder/full")).unwrap();
        File::create(path("plain")).unwrap();
        assert!(write(&path("folder"), b"whole").is_err(), "the name is that of a folder");
        assert!(write(&path("plain/entry"), b"whole").is_err(), "a file is no folder");
        assert!(write(&path("absent/entry"), b"whole").is_err());
        assert_eq!(names(folder.path()), ["folder", "plain"]);
        assert_eq!(names(&path("folder")), ["full"]);
    }

    #[test]
    fn a_name_without_a_folder_lies_in_the_folder_of_the_program() {
        let file = begin_as(Path::new("bare"), PREFIX).unwrap();
        let folder = file.path().parent().unwrap().canonicalize().unwrap();
        assert_eq!(folder, std::env::current_dir().unwrap().canonicalize().unwrap());
    }

    #[test]
    fn writers_and_cleaners_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = folder.path().join(writer.to_string());
                scope.spawn(move || (0..100).for_each(|_| write(&path, b"whole").unwrap()));
            }
            scope.spawn(|| (0..400).for_each(|_| clean(folder.path()).unwrap()));
        });
        assert_eq!(names(folder.path()), ["0", "1", "2", "3"]);
    }
}
