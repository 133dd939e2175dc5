//! The media files of any folder.

use super::extensions::{Extension, extension};
use super::walk::Files;
use crate::{Problem, Result};
use std::path::{Path, PathBuf};

/// The media files below a folder: [`media_files`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaFiles {
    /// The files, sorted.
    pub files: Vec<PathBuf>,
    /// Files and folders that cannot be read, or have a name that is not UTF-8.
    pub problems: Vec<Problem>,
}

/// Lists the media files of a folder and of the folders in it, by their extensions, in upper or lower case: those that FFmpeg
/// reads, as `mp4`, `MTS` or `wav`.
///
/// Other files are not looked at; hidden ones, and what systems put next to people's files, are passed over:
/// `._clip.mp4`, `__MACOSX/clip.mp4`.
///
/// # Errors
///
/// A root that is not a readable folder, more than two million files.
///
/// # Example
///
/// ```
/// let folder = tempfile::tempdir()?;
/// for name in ["b.MP4", "a.wav", "._a.wav", "notes.txt"] {
///     std::fs::File::create(folder.path().join(name))?;
/// }
/// let found = av_datasets::media_files(folder.path())?;
/// assert_eq!(found.files, ["a.wav", "b.MP4"].map(|name| folder.path().join(name)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn media_files(root: &Path) -> Result<MediaFiles> {
    let Files { relative, mut problems, .. } = Files::below(root)?;
    let is_media = |path: &str| matches!(Extension::of(&extension(path)), Extension::Media(_));
    let files = relative.iter().filter(|path| is_media(path)).map(|path| root.join(path)).collect();
    // What is in a folder that cannot be read, nobody knows; a text that cannot be read is still no media.
    problems.retain(|Problem { path, .. }| path.is_dir() || is_media(&path.to_string_lossy()));
    Ok(MediaFiles { files, problems })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_a_problem_where_it_may_be_media() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("inner")).unwrap();
        std::fs::File::create(path("inner/clip.wav")).unwrap();
        for name in ["lost.mp4", "lost.txt", "._lost.mp4"] {
            std::os::unix::fs::symlink(path("nowhere"), path(name)).unwrap();
        }
        let found = media_files(folder.path()).unwrap();
        assert_eq!(found.files, [path("inner/clip.wav")]);
        let problems: Vec<_> = found.problems.iter().map(|problem| &problem.path).collect();
        assert_eq!(problems, [&path("lost.mp4")]);
    }
}
