//! Trees of empty files.

use av_datasets::{CorpusConfig, Dataset};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with empty files.
#[allow(dead_code)] // not every test file needs it
pub fn tree<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        add(root.path(), file.as_ref(), "");
    }
    root
}

/// Adds a file to a folder.
pub fn add(root: &Path, file: impl AsRef<Path>, text: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Parses the text of a `[dataset]` section.
#[allow(dead_code)] // not every test file needs it
pub fn corpus(text: &str) -> CorpusConfig {
    toml::from_str(text).unwrap()
}

/// `path: reason` of every problem, the path relative to `root`.
#[allow(dead_code)] // not every test file needs it
pub fn problems(dataset: &Dataset, root: &Path) -> Vec<String> {
    let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    dataset.problems.iter().map(|p| format!("{}: {}", relative(&p.path), p.reason)).collect()
}

/// A file or folder of real data; none, and a word about it, where they are not.
#[allow(dead_code)] // not every test file needs it
pub fn real(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}
