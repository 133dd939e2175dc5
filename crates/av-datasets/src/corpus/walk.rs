//! All files below a folder, in an order that does not depend on the file system.

use crate::{Error, Problem, Result};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// More files than any corpus has; a wrong root (`/`) ends here and not in an hour.
const MAX_FILES: u64 = 2_000_000;

/// Deeper than any corpus is nested.
const MAX_DEPTH: usize = 32;

/// What systems put next to people's files, in lower case: folders of zip files made on a Mac, previews and settings of
/// folders under Windows, its trash, and indices of network storage.
const COMPANIONS: [&str; 9] = [
    "__macosx",
    "icon\r",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    "@eadir",
    "lost+found",
];

/// Whether a system, and no person, made a file or folder of this name. Hidden ones count: `._clip.mp4`, `.DS_Store`,
/// `.Spotlight-V100`.
fn companion(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    name.starts_with('.') || COMPANIONS.contains(&name.as_str())
}

/// The files below a folder.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Paths relative to the folder with `/` between the parts, sorted.
    pub relative: Vec<String>,
    /// What could not be followed.
    pub problems: Vec<Problem>,
    /// Folders that were entered, links resolved.
    entered: BTreeSet<PathBuf>,
}

impl Files {
    /// Walks a folder. Links are followed, and no folder is entered twice. Hidden files, and what systems put next to
    /// people's files, are passed over.
    ///
    /// Errors: a root that is not a readable folder, more than two million files.
    pub fn below(root: &Path) -> Result<Self> {
        let read = |source| Error::Read { path: root.into(), source };
        if !std::fs::metadata(root).map_err(read)?.is_dir() {
            return Err(Error::Kind { path: root.into(), expected: "a folder" });
        }
        std::fs::read_dir(root).map_err(read)?;
        let mut files = Self::default();
        files.enter(root, root, 0)?;
        files.relative.sort();
        files.problems.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn enter(&mut self, root: &Path, folder: &Path, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            self.report(folder, format!("nested more than {MAX_DEPTH} folders deep"));
            return Ok(());
        }
        let paths = match self.list(folder) {
            Ok(Some(paths)) => paths,
            Ok(None) => {
                self.report(folder, "links to a folder that is read under another name".into());
                return Ok(());
            }
            Err(error) => {
                self.report(folder, format!("cannot be read: {error}"));
                return Ok(());
            }
        };
        for path in paths.into_iter().filter(|path| !path.file_name().is_some_and(companion)) {
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.enter(root, &path, depth + 1)?,
                Ok(metadata) if metadata.is_file() => self.add(root, &path)?,
                Ok(_) => self.report(&path, "is not an ordinary file".into()),
                Err(error) => self.report(&path, format!("cannot be read: {error}")),
            }
        }
        Ok(())
    }

    /// What is in a folder, sorted; none where it was entered before.
    fn list(&mut self, folder: &Path) -> std::io::Result<Option<Vec<PathBuf>>> {
        if !self.entered.insert(std::fs::canonicalize(folder)?) {
            return Ok(None);
        }
        let mut paths = vec![];
        for entry in std::fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
        paths.sort();
        Ok(Some(paths))
    }

    fn add(&mut self, root: &Path, path: &Path) -> Result<()> {
        let parts: Option<Vec<&str>> = path
            .strip_prefix(root)
            .unwrap_or(path)
            .components()
            .map(|part| part.as_os_str().to_str())
            .collect();
        match parts {
            Some(parts) => self.relative.push(parts.join("/")),
            None => self.report(path, "its name is not valid UTF-8; rename it".into()),
        }
        let found = self.relative.len() + self.problems.len();
        if u64::try_from(found).is_ok_and(|found| found <= MAX_FILES) {
            return Ok(());
        }
        Err(Error::Limit { path: root.into(), what: "files", limit: MAX_FILES })
    }

    fn report(&mut self, path: &Path, reason: String) {
        self.problems.push(Problem { unreadable: true, ..Problem::new(path, reason) });
    }
}
