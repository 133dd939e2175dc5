//! Where the texts of clips go.

use super::inputs::Input;
use crate::failure::{Failure, Result};
use crate::forms::Form;
use crate::terminal::{print, print_line};
use av_train::write_atomic;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where the texts of clips go.
#[derive(Debug)]
pub enum Destination {
    /// One after another to the terminal.
    Terminal,
    /// Each into a file of its own, by the name of the clip in its folder.
    Folder(BTreeMap<PathBuf, PathBuf>),
}

impl Destination {
    /// The terminal without a folder.
    ///
    /// # Errors
    ///
    /// Several clips for one terminal in a form that is of one clip, two clips for one file, a folder that cannot be made.
    pub fn new(folder: Option<&Path>, form: Form, clips: &[Input]) -> Result<Self> {
        let Some(folder) = folder else {
            if form.is_of_one_clip() && clips.len() > 1 {
                let count = clips.len();
                return Err(Failure::Input(format!(
                    "{count} clips are as many files of this form: give a folder for them by --out DIR"
                )));
            }
            return Ok(Self::Terminal);
        };
        let files = files(form.extension(), clips)?;
        std::fs::create_dir_all(folder).map_err(|error| Failure::write(folder, error))?;
        Ok(Self::Folder(files.into_iter().map(|(clip, file)| (clip, folder.join(file))).collect()))
    }

    /// Writes what stands before the first clip, where all of them go to one place.
    pub fn begin(&self, head: &str) -> Result<()> {
        match self {
            Self::Terminal => print(head),
            Self::Folder(_) => Ok(()),
        }
    }

    /// Writes the text of a clip, into a file after what stands at its beginning.
    pub fn put(&self, clip: &Input, head: &str, text: &str) -> Result<()> {
        let Self::Folder(files) = self else {
            return print(text);
        };
        let file = files.get(&clip.name);
        let file = file.ok_or_else(|| Failure::Internal("a clip without a file".into()))?;
        write_atomic(file, format!("{head}{text}").as_bytes()).map_err(|error| {
            if let av_train::Error::Write { path, source } = error {
                return Failure::write(&path, source); // not the words for a run, which would be resumed
            }
            error.into()
        })?;
        print_line(file.display())
    }
}

/// The file of each clip, by the name of the clip: `b.mp4` becomes `b.srt`; where there is a `b.wav` too, they become
/// `b.mp4.srt` and `b.wav.srt`. Names that differ in upper and lower case alone are the same, as some systems have it.
fn files(extension: &str, clips: &[Input]) -> Result<BTreeMap<PathBuf, PathBuf>> {
    let key = |path: &Path| path.to_string_lossy().to_lowercase();
    let stem = |clip: &Input| key(&clip.name.with_extension(""));
    let mut of_stem: BTreeMap<String, BTreeSet<&Path>> = BTreeMap::new();
    for clip in clips {
        of_stem.entry(stem(clip)).or_default().insert(&clip.path);
    }
    let mut taken: BTreeMap<String, &Path> = BTreeMap::new();
    let mut files = BTreeMap::new();
    for clip in clips {
        let file = if of_stem.get(&stem(clip)).is_some_and(|same| same.len() > 1) {
            let mut whole = clip.name.clone().into_os_string();
            whole.push(format!(".{extension}"));
            whole.into()
        } else {
            clip.name.with_extension(extension)
        };
        let other = taken.insert(key(&file), &clip.path);
        if let Some(other) = other.filter(|other| *other != clip.path) {
            let (a, b, file) = (other.display(), clip.path.display(), file.display());
            return Err(Failure::Input(format!(
                "{a} and {b} would both be written into {file}: give each --out DIR of its own"
            )));
        }
        files.insert(clip.name.clone(), file);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(path: &str, name: &str) -> Input {
        Input { path: path.into(), name: name.into() }
    }

    #[track_caller]
    fn check(clips: &[[&str; 2]], expected: &[&str]) {
        let clips: Vec<_> = clips.iter().map(|[path, name]| input(path, name)).collect();
        let found = files("srt", &clips).unwrap();
        let found: Vec<_> = clips.iter().map(|clip| found[&clip.name].to_str().unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_has_the_name_of_its_clip() {
        check(&[["x/a.mp4", "a.mp4"], ["x/b.c.wav", "b.c.wav"]], &["a.srt", "b.c.srt"]);
        check(&[["x/s/a.mp4", "s/a.mp4"], ["x/t/a.mp4", "t/a.mp4"]], &["s/a.srt", "t/a.srt"]);
        check(&[["x/a.mp4", "a.mp4"], ["x/a.mp4", "a.mp4"]], &["a.srt", "a.srt"]);
    }

    #[test]
    fn clips_that_differ_in_extension_keep_it() {
        let clips =
            [["a.mp4", "a.mp4"], ["a.wav", "a.wav"], ["A.avi", "A.avi"], ["b.wav", "b.wav"]];
        check(&clips, &["a.mp4.srt", "a.wav.srt", "A.avi.srt", "b.srt"]);
    }

    #[test]
    fn two_clips_for_one_file_are_refused_before_any_work() {
        for clips in [
            vec![input("x/a.mp4", "a.mp4"), input("y/A.mp4", "A.mp4")],
            vec![input("a.mp4", "a.mp4"), input("a.wav", "a.wav"), input("a.mp4.avi", "a.mp4.avi")],
        ] {
            let error = files("srt", &clips).unwrap_err().to_string();
            for clip in [&clips[0], &clips[clips.len() - 1]] {
                assert!(error.contains(clip.path.to_str().unwrap()), "{error}");
            }
        }
    }
}
