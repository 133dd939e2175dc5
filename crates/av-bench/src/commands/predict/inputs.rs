//! The files that a command is to work on, where folders and patterns may be given for them.

use av_datasets::media_files;
use glob::MatchOptions;
use std::path::{Path, PathBuf};

/// A file to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The file.
    pub path: PathBuf,
    /// What it is called where the results of all files lie: its path in the folder that was given, or its name.
    pub name: PathBuf,
}

/// What [`Inputs::of`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The files, in the order in which they were given; those of a folder or pattern are sorted.
    pub clips: Vec<Input>,
    /// Folders and patterns without a file, and what cannot be read.
    pub problems: Vec<String>,
}

/// As shells expand them: `*` leaves hidden files out.
const AS_SHELLS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

impl Inputs {
    /// Expands folders into their media files, and patterns into the files and folders that they match. A path that is
    /// there is no pattern, whatever its letters.
    pub fn of(given: &[PathBuf]) -> Self {
        let mut inputs = Self::default();
        for path in given {
            let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
            match pattern {
                Some(pattern) if !path.exists() => inputs.add_matches(pattern),
                _ => inputs.add(path),
            }
        }
        inputs
    }

    fn add(&mut self, path: &Path) {
        if !path.is_dir() {
            let name = path.file_name().unwrap_or(path.as_os_str()).into();
            return self.clips.push(Input { path: path.into(), name });
        }
        match media_files(path) {
            Ok(found) if found.files.is_empty() && found.problems.is_empty() => {
                self.problems.push(format!("{} holds no media file", path.display()));
            }
            Ok(found) => {
                self.clips.extend(found.files.into_iter().map(|file| Input {
                    name: file.strip_prefix(path).unwrap_or(&file).into(),
                    path: file,
                }));
                self.problems.extend(found.problems.iter().map(ToString::to_string));
            }
            Err(error) => self.problems.push(error.to_string()),
        }
    }

    fn add_matches(&mut self, pattern: &str) {
        let paths = match glob::glob_with(pattern, AS_SHELLS) {
            Ok(paths) => paths,
            Err(error) => {
                return self
                    .problems
                    .push(format!("{pattern} is neither a file nor a pattern: {error}"));
            }
        };
        let mut any = false;
        for path in paths {
            any = true;
            match path {
                Ok(path) => self.add(&path),
                Err(error) => self.problems.push(error.to_string()),
            }
        }
        if !any {
            self.problems.push(format!("{pattern}: there is no such file, and none matches it"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files below a folder, and what is found of the given paths in it.
    #[track_caller]
    fn check(given: &[&str], files: &[&str], problems: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b/2.mp4", "b/10.wav", "b/c/d.MKV", "b/notes.txt", "b/._2.mp4", "b/.DS_Store"]
        {
            create(&path(name));
        }
        for name in ["b/__MACOSX/2.mp4", "a.mp4", "c[1].mp4", "texts/a.txt"] {
            create(&path(name));
        }
        let found = Inputs::of(&given.iter().map(|name| path(name)).collect::<Vec<_>>());
        let paths: Vec<_> = found.clips.iter().map(|clip| clip.path.clone()).collect();
        assert_eq!(paths, files.iter().map(|name| path(name)).collect::<Vec<_>>());
        assert_eq!(found.problems.len(), problems.len(), "{:?}", found.problems);
        for (found, expected) in found.problems.iter().zip(problems) {
            assert!(found.contains(expected), "{found}");
        }
    }

    fn create(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap();
    }

    #[test]
    fn a_folder_stands_for_its_media_files() {
        check(&["b"], &["b/10.wav", "b/2.mp4", "b/c/d.MKV"], &[]);
        check(&["b/c", "a.mp4"], &["b/c/d.MKV", "a.mp4"], &[]);
    }

    #[test]
    fn a_file_of_a_folder_is_called_by_its_path_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x/y.wav");
        create(&path);
        let name = |given: &Path| Inputs::of(&[given.into()]).clips.remove(0).name;
        assert_eq!(name(folder.path()), Path::new("x/y.wav"));
        assert_eq!(name(&path), Path::new("y.wav"));
    }

    #[test]
    fn a_pattern_stands_for_what_it_matches() {
        check(&["*.mp4"], &["a.mp4", "c[1].mp4"], &[]);
        check(&["b/*.mp4"], &["b/2.mp4"], &[]);
        check(&["**/*.MKV"], &["b/c/d.MKV"], &[]);
        check(&["?"], &["b/10.wav", "b/2.mp4", "b/c/d.MKV"], &[]);
    }

    #[test]
    fn a_file_is_taken_by_its_name() {
        check(&["c[1].mp4"], &["c[1].mp4"], &[]);
        check(&["b/notes.txt", "absent.mp4"], &["b/notes.txt", "absent.mp4"], &[]);
    }

    #[test]
    fn nothing_is_dropped_without_a_word() {
        check(&["texts"], &[], &["texts holds no media file"]);
        check(&["x*.mp4", "a.mp4"], &["a.mp4"], &["none matches"]);
        check(&["a[.mp4"], &[], &["neither a file nor a pattern"]);
    }
}
