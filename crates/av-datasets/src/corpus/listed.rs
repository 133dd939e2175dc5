//! Media files whose clips annotation files list, one row a clip.

use super::files::{self, Layout, Recording};
use super::labels::Label;
use crate::name::folded;
use crate::{Dataset, Problem, Result, Tracks, Turn};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What is wrong with a media file that no row names.
pub(super) const NO_ROW: &str = "no row of the table names it";

/// What a row of an annotation file says about a clip.
#[derive(Debug)]
pub(super) struct Row {
    /// The file and the line in it.
    pub path: PathBuf,
    pub line: u64,
    pub subject: String,
    /// The label code.
    pub label: String,
    pub fold: Option<String>,
    pub turn: Option<Turn>,
}

/// The rows by the names of their clips, and what is wrong with others.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub by_id: BTreeMap<String, Row>,
    problems: Vec<Problem>,
}

/// The name of the clip that a file belongs to, left out on purpose (none), or a problem (why).
pub(super) type Named = std::result::Result<Option<String>, String>;

impl Rows {
    /// Adds a row; a second one of its clip is a problem.
    pub fn add(&mut self, id: String, row: Row) {
        let Some(first) = self.by_id.get(&id) else {
            self.by_id.insert(id, row);
            return;
        };
        let file = match first.path == row.path {
            true => String::new(),
            false => format!("{}, ", first.path.display()),
        };
        let reason = format!("names `{id}`, as {file}line {} does", first.line);
        self.report(&row.path, row.line, reason);
    }

    /// Reports a line that is no usable row.
    pub fn report(&mut self, path: &Path, line: u64, reason: String) {
        self.problem(path, format!("line {line}: {reason}"));
    }

    /// Reports a file.
    pub fn problem(&mut self, path: &Path, reason: String) {
        self.problems.push(Problem::new(path, reason));
    }

    /// Indexes all files below `root`, each as the clip that `name` gives for its relative path. A file without a row is a
    /// problem, and so is a row without a file.
    pub fn index(
        self,
        root: &Path,
        layout: &Layout,
        name: impl Fn(&BTreeMap<String, Row>, &str) -> Named,
    ) -> Result<Dataset> {
        let Self { by_id: rows, problems } = self;
        let claimed = RefCell::new(BTreeSet::new());
        let mut dataset = files::index(root, layout, |path, tracks| {
            let Some(id) = name(&rows, path)? else { return Ok(None) };
            let row = rows.get(&id).ok_or(NO_ROW)?;
            claimed.borrow_mut().insert(id.clone());
            Ok(Some(row.recording(id, tracks)))
        })?;
        dataset.problems.extend(problems);
        let claimed = claimed.into_inner();
        let lost = rows.iter().filter(|(id, _)| !claimed.contains(*id));
        // What is left out may lack its file.
        let lost = lost.filter(|(_, row)| layout.labels.read(&row.label) != Ok(Label::Excluded));
        let strays = strays(&dataset.problems);
        let problems = lost.map(|(id, row)| {
            let mut reason = format!("line {}: no media file is named `{id}`", row.line);
            let name = id.rsplit('/').next().unwrap_or(id);
            if let Some(file) = strays.get(&folded(name)) {
                reason.push_str(&format!("; there is `{file}`, which differs in case"));
            }
            Problem::new(&row.path, reason)
        });
        dataset.problems.extend(problems.collect::<Vec<_>>());
        Ok(dataset)
    }
}

/// The names of files without a row, by what they have in common with names that differ in case.
fn strays(problems: &[Problem]) -> BTreeMap<String, String> {
    let files = problems.iter().filter(|problem| problem.reason == NO_ROW);
    let names = files.filter_map(|problem| {
        let name = |part: Option<&OsStr>| Some(part?.to_str()?.to_owned());
        Some((folded(&name(problem.path.file_stem())?), name(problem.path.file_name())?))
    });
    names.collect()
}

impl Row {
    fn recording(&self, id: String, tracks: Tracks) -> Recording {
        let Self { subject, label, fold, turn, .. } = self;
        Recording {
            id,
            subject: subject.clone(),
            label: label.clone(),
            fold: fold.clone(),
            turn: turn.clone(),
            tracks,
        }
    }
}
