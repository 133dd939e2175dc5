//! Gives every clip its row.

use super::columns::{Columns, Feature};
use super::file::{Row, TableFile};
use super::leak::{counts_rows, determines};
use super::limits::MAX_CELLS;
use super::{Rewrite, Table, TableConfig};
use crate::corpus::performance;
use crate::dataset::MetadataColumn;
use crate::{Clip, Dataset, Error, Modality, Problem, Result, Source};
use regex::Regex;
use std::collections::BTreeMap;
use std::path::Path;

impl Dataset {
    /// Notes the columns that a table says what the clips are by: no features in tables that are joined from now on.
    pub fn note_metadata(&mut self, config: &TableConfig) {
        let TableConfig { key, subject, fold, .. } = config;
        for column in MetadataColumn::all([Some(key), subject.as_ref(), None, fold.as_ref()]) {
            if !self.metadata.contains(&column) {
                self.metadata.push(column);
            }
        }
    }

    /// Takes a feature table as one modality of the clips, instead of what they had.
    ///
    /// A clip without a row lacks the modality then. Clips without a row, rows without a clip and second rows of
    /// a clip are listed in `problems`. A fold or subject column fills what is not known of the clips; where
    /// it contradicts what is known, that is an error.
    ///
    /// Errors: an unreadable or malformed table, a missing column, a cell that is not a number (file, line
    /// and column are named), a table of which no row belongs to a clip, a column that gives the label away.
    pub fn join(&mut self, modality: Modality, root: &Path, config: &TableConfig) -> Result<()> {
        let path = root.join(&config.path);
        self.note_metadata(config);
        let Joined { table, facts, problems } = Reading::new(self, &path, config)?.finish()?;
        let index = self.tables.len();
        for (clip, facts) in self.clips.iter_mut().zip(facts) {
            clip.sources[modality] =
                facts.as_ref().map(|facts| Source::Row { table: index, row: facts.row });
            let Some(Facts { fold, subject, .. }) = facts else {
                let reason = format!("has no row for clip `{}`", clip.id);
                self.problems.push(Problem::new(&path, reason));
                continue;
            };
            clip.fold = fold.or(clip.fold.take());
            clip.subject = subject.unwrap_or_else(|| std::mem::take(&mut clip.subject));
        }
        self.problems.extend(problems);
        self.tables.push(table);
        Ok(())
    }
}

/// What a table says of one clip.
#[derive(Clone)]
struct Facts {
    row: usize,
    fold: Option<String>,
    subject: Option<String>,
}

/// A table that was read, with the facts of each clip of the data set.
struct Joined {
    table: Table,
    facts: Vec<Option<Facts>>,
    problems: Vec<Problem>,
}

/// A table while it is being read.
struct Reading<'a> {
    path: &'a Path,
    file: TableFile,
    columns: Columns,
    rewrite: Option<(Regex, &'a str)>,
    clips: &'a [Clip],
    by_id: BTreeMap<&'a str, usize>,
    facts: Vec<Option<Facts>>,
    problems: Vec<Problem>,
}

impl<'a> Reading<'a> {
    fn new(dataset: &'a Dataset, path: &'a Path, config: &'a TableConfig) -> Result<Self> {
        let file = TableFile::open(path, config)?;
        let rewrite = match &config.rewrite {
            None => None,
            Some(Rewrite { pattern, replacement }) => {
                let regex = Regex::new(pattern).map_err(|source| Error::Regex {
                    key: "rewrite.pattern",
                    source: Box::new(source),
                })?;
                Some((regex, replacement.as_str()))
            }
        };
        let clips = dataset.clips.as_slice();
        Ok(Self {
            columns: Columns::choose(config, &dataset.metadata, &file, path)?,
            path,
            file,
            rewrite,
            clips,
            by_id: clips
                .iter()
                .enumerate()
                .map(|(index, clip)| (clip.id.as_str(), index))
                .collect(),
            facts: vec![None; clips.len()],
            problems: vec![],
        })
    }

    fn finish(mut self) -> Result<Joined> {
        let mut rows = vec![];
        let mut first_key = None;
        while let Some(row) = self.file.next_row()? {
            let key = self.key(&row);
            if let Some(facts) = self.claim(&key, &row, rows.len())? {
                if (rows.len() + 1).saturating_mul(self.columns.features.len()) > MAX_CELLS {
                    let limit = MAX_CELLS as u64;
                    return Err(Error::Limit { path: self.path.into(), what: "numbers", limit });
                }
                rows.push(self.values(&row)?);
                let (clip, facts) = facts;
                self.facts[clip] = Some(facts);
            }
            first_key.get_or_insert(key);
        }
        if rows.is_empty() {
            return Err(Error::NoRows {
                path: self.path.into(),
                key: first_key.unwrap_or_default(),
                clip: self.clips.first().map(|clip| clip.id.clone()).unwrap_or_default(),
            });
        }
        let of = |feature: &Feature| self.file.columns().get(feature.column).cloned();
        let columns: Vec<String> = self.columns.features.iter().filter_map(of).collect();
        let unused = std::mem::take(&mut self.columns.unused);
        let table = Table { path: self.path.into(), columns, rows, unused };
        self.find_leaks(&table)?;
        Ok(Joined { table, facts: self.facts, problems: self.problems })
    }

    /// Errors: a feature that gives the label away. One that gives the subject away is a problem.
    fn find_leaks(&mut self, table: &Table) -> Result<()> {
        let mut subjects = BTreeMap::new();
        let mut targets = vec![(None, None); table.rows.len()];
        for (clip, facts) in self.clips.iter().zip(&self.facts) {
            let Some(facts) = facts else { continue };
            let subject = facts.subject.as_ref().unwrap_or(&clip.subject);
            let count = subjects.len();
            let subject = (!subject.is_empty()).then(|| *subjects.entry(subject).or_insert(count));
            if let Some(target) = targets.get_mut(facts.row) {
                *target = (clip.emotion, subject);
            }
        }
        let mut problems = vec![];
        for (place, feature) in self.columns.features.iter().enumerate() {
            if feature.named {
                continue;
            }
            let column = &table.columns[place];
            let values = table.rows.iter().map(|row| row[place]);
            let leak = |what| Error::Leak { path: self.path.into(), column: column.clone(), what };
            let pairs = || values.clone().zip(&targets);
            // First, as a subject may have one class.
            if let Some(count) = determines(pairs().map(|(value, target)| (value, target.1))) {
                let reason = format!(
                    "column `{column}` has {count} values, each of one subject alone; is it a feature?"
                );
                problems.push(Problem::new(self.path, reason));
            } else if let Some(count) = determines(pairs().map(|(value, target)| (value, target.0)))
            {
                return Err(leak(format!("has {count} values, each of one class alone")));
            } else if counts_rows(values) {
                return Err(leak("numbers the rows".into()));
            }
        }
        self.problems.extend(problems);
        Ok(())
    }

    fn key(&self, row: &Row) -> String {
        let key = self.file.text(row, self.columns.key);
        match &self.rewrite {
            Some((pattern, replacement)) => pattern.replace(key, *replacement).into_owned(),
            None => key.into(),
        }
    }

    /// The clip that a row belongs to, and what the row says of it. None, and a problem, for a row that
    /// belongs to none.
    fn claim(&mut self, key: &str, row: &Row, index: usize) -> Result<Option<(usize, Facts)>> {
        let find = |id: &str| self.by_id.get(id).copied();
        let Some(clip) = find(key).or_else(|| performance(key).and_then(find)) else {
            self.report(row, format!("no clip is named `{key}`"));
            return Ok(None);
        };
        if self.facts[clip].is_some() {
            self.report(row, format!("clip `{}` has a row already", self.clips[clip].id));
            return Ok(None);
        }
        let cell = |column: Option<usize>| {
            column
                .map(|column| self.file.text(row, column).to_owned())
                .filter(|text| !text.is_empty())
        };
        let facts = Facts {
            row: index,
            fold: cell(self.columns.fold),
            subject: cell(self.columns.subject),
        };
        let known = &self.clips[clip];
        self.compare(known, "subject", Some(&known.subject), facts.subject.as_ref())?;
        self.compare(known, "fold", known.fold.as_ref(), facts.fold.as_ref())?;
        Ok(Some((clip, facts)))
    }

    fn compare(
        &self,
        clip: &Clip,
        what: &'static str,
        known: Option<&String>,
        actual: Option<&String>,
    ) -> Result<()> {
        match (known.filter(|known| !known.is_empty()), actual) {
            (Some(known), Some(actual)) if known != actual => Err(Error::Disagreement {
                clip: clip.id.clone(),
                what,
                known: known.clone(),
                path: self.path.into(),
                actual: actual.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn values(&self, row: &Row) -> Result<Vec<f32>> {
        let value = |feature: &Feature| self.file.value(row, feature.column, self.path);
        self.columns.features.iter().map(value).collect()
    }

    fn report(&mut self, row: &Row, reason: String) {
        self.problems.push(Problem::new(self.path, format!("{}: {reason}", row.place())));
    }
}
