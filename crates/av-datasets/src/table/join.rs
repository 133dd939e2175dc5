//! Gives every clip its row.

use super::columns::{Columns, Feature};
use super::file::{Row, TableFile};
use super::frames::{Frames, Gathered};
use super::limits::MAX_CELLS;
use super::{Rewrite, Table, TableConfig, leak};
use crate::corpus::performance;
use crate::dataset::MetadataColumn;
use crate::name::{composed, folded};
use crate::{Clip, Dataset, Error, Modality, Problem, Result, Source};
use regex::Regex;
use std::borrow::Cow;
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
    /// A clip without a row lacks the modality then. Clips without a row and rows without a clip are listed in
    /// `problems`, and so are rows of frames without a face, as one. Of several rows of a clip the mean is taken, where
    /// the table is one of frames: [`TableConfig`] says the rule. A fold or subject column fills what is not known of
    /// the clips; where it contradicts what is known, that is an error.
    ///
    /// Errors: an unreadable or malformed table, a missing column, a cell that is not a number (file, line
    /// and column are named), two rows of a clip in a table that is not one of frames, or frames with two faces, a table
    /// of which no row belongs to a clip, a column that gives the label away.
    pub fn join(&mut self, modality: Modality, root: &Path, config: &TableConfig) -> Result<()> {
        let path = root.join(&config.path);
        self.note_metadata(config);
        let Joined { table, facts, problems } = Reading::new(self, &path, config)?.finish()?;
        let index = self.tables.len();
        for (clip, facts) in self.clips.iter_mut().zip(facts) {
            let row = facts.as_ref().and_then(|facts| facts.row);
            clip.sources[modality] = row.map(|row| Source::Row { table: index, row });
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
    /// None where no frame has a face.
    row: Option<usize>,
    /// Where its first row is.
    place: String,
    face: Option<u32>,
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
    config: &'a TableConfig,
    file: TableFile,
    columns: Columns,
    frames: Frames,
    rewrite: Option<(Regex, &'a str)>,
    clips: &'a [Clip],
    by_id: BTreeMap<Cow<'a, str>, usize>,
    /// The same by what names that differ in case have in common.
    by_case: BTreeMap<String, usize>,
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
        let numbered = clips.iter().enumerate();
        let columns = Columns::choose(config, &dataset.metadata, &file, path)?;
        Ok(Self {
            frames: Frames::of(file.columns(), columns.key),
            columns,
            path,
            config,
            file,
            rewrite,
            clips,
            by_id: numbered.clone().map(|(index, clip)| (composed(&clip.id), index)).collect(),
            by_case: numbered.map(|(index, clip)| (folded(&clip.id), index)).collect(),
            facts: vec![None; clips.len()],
            problems: vec![],
        })
    }

    fn finish(mut self) -> Result<Joined> {
        let mut gathered = Gathered::default();
        let mut first_key = None;
        while let Some(row) = self.file.next_row()? {
            let key = self.key(&row);
            if let Some(clip) = self.clip(&key, &row) {
                self.take(clip, &row, &mut gathered)?;
            }
            first_key.get_or_insert(key);
        }
        if gathered.rows.is_empty() {
            let key = first_key.unwrap_or_default();
            let (clip, remedy) = match self.alike(&key) {
                Some(clip) => (Some(clip), "they differ in case; write both alike"),
                None => {
                    (self.clips.first(), "check `key`, or turn keys into clip names with `rewrite`")
                }
            };
            let clip = clip.map(|clip| clip.id.clone()).unwrap_or_default();
            return Err(Error::NoRows { path: self.path.into(), key, clip, remedy });
        }
        if gathered.of_frames() {
            self.average(&mut gathered)?;
        }
        let of = |feature: &Feature| self.file.columns().get(feature.column).cloned();
        let columns: Vec<String> = self.columns.features.iter().filter_map(of).collect();
        let unused = std::mem::take(&mut self.columns.unused);
        let table = Table { path: self.path.into(), columns, rows: gathered.rows, unused };
        self.problems.extend(leak::find(&table, &self.columns.features, &self.targets(&table))?);
        Ok(Joined { table, facts: self.facts, problems: self.problems })
    }

    /// Class and subject of each row.
    fn targets(&self, table: &Table) -> Vec<[Option<usize>; 2]> {
        let mut subjects = BTreeMap::new();
        let mut targets = vec![[None, None]; table.rows.len()];
        for (clip, facts) in self.clips.iter().zip(&self.facts) {
            let Some((facts, row)) = facts.as_ref().and_then(|it| Some((it, it.row?))) else {
                continue;
            };
            let subject = facts.subject.as_ref().unwrap_or(&clip.subject);
            let count = subjects.len();
            let subject = (!subject.is_empty()).then(|| *subjects.entry(subject).or_insert(count));
            if let Some(target) = targets.get_mut(row) {
                *target = [clip.emotion, subject];
            }
        }
        targets
    }

    /// Makes one row a clip of those of its frames.
    fn average(&mut self, gathered: &mut Gathered) -> Result<()> {
        let names = self.file.columns();
        let kept = |feature: &Feature| !Frames::describes(&names[feature.column], self.config);
        let kept: Vec<bool> = self.columns.features.iter().map(kept).collect();
        if !kept.contains(&true) {
            return Err(Error::NoColumns { path: self.path.into() });
        }
        let without = gathered.average();
        keep(&mut self.columns.features, &kept);
        gathered.rows.iter_mut().for_each(|row| keep(row, &kept));
        if let Some(first) = &gathered.first_left_out {
            let Gathered { left_out, total, .. } = *gathered;
            let reason = format!(
                "{left_out} of {total} rows are of frames without success and are left out, the first is {first}"
            );
            self.problems.push(Problem::new(self.path, reason));
        }
        for (facts, clip) in self.facts.iter_mut().zip(self.clips) {
            let Some(facts) = facts else { continue };
            if facts.row.is_some_and(|row| without.contains(&row)) {
                facts.row = None;
                let reason = format!("has no row with success for clip `{}`", clip.id);
                self.problems.push(Problem::new(self.path, reason));
            }
        }
        Ok(())
    }

    fn key(&self, row: &Row) -> String {
        let key = composed(self.file.text(row, self.columns.key));
        match &self.rewrite {
            Some((pattern, replacement)) => pattern.replace(&key, *replacement).into_owned(),
            None => key.into_owned(),
        }
    }

    /// The clip that a row belongs to. None, and a problem, for a row that belongs to none.
    fn clip(&mut self, key: &str, row: &Row) -> Option<usize> {
        let find = |id: &str| self.by_id.get(id).copied();
        let clip = find(key).or_else(|| performance(key).and_then(find));
        if clip.is_none() {
            let alike = self.alike(key).map(|clip| &clip.id);
            let alike = alike.map(|id| format!("; there is `{id}`, which differs in case"));
            self.report(row, format!("no clip is named `{key}`{}", alike.unwrap_or_default()));
        }
        clip
    }

    /// The clip whose name differs from a key in case alone.
    fn alike(&self, key: &str) -> Option<&'a Clip> {
        self.by_case.get(&folded(key)).and_then(|&clip| self.clips.get(clip))
    }

    /// Adds a row of a clip to what the table says of it.
    fn take(&mut self, clip: usize, row: &Row, gathered: &mut Gathered) -> Result<()> {
        let facts = self.read(row);
        let (known, place) = (&self.clips[clip], row.place());
        self.compare(known, "subject", Some(&known.subject), facts.subject.as_ref())?;
        self.compare(known, "fold", known.fold.as_ref(), facts.fold.as_ref())?;
        let succeeded = self.frames.succeeded(&self.file, row, self.path);
        let values = self.values(row)?;
        if let Some(first) = &self.facts[clip] {
            self.check_second(known, first, &facts)?;
            if let Some(index) = first.row {
                gathered.further(index, &values, &place, succeeded);
            }
            return Ok(());
        }
        if (gathered.rows.len() + 1).saturating_mul(self.columns.features.len()) > MAX_CELLS {
            let limit = MAX_CELLS as u64;
            return Err(Error::Limit { path: self.path.into(), what: "numbers", limit });
        }
        let row = Some(gathered.first(values, &place, succeeded));
        self.facts[clip] = Some(Facts { row, ..facts });
        Ok(())
    }

    /// What a row says of its clip.
    fn read(&self, row: &Row) -> Facts {
        let cell = |column: Option<usize>| {
            column
                .map(|column| composed(self.file.text(row, column)).into_owned())
                .filter(|text| !text.is_empty())
        };
        Facts {
            row: None,
            place: row.place(),
            face: self.frames.face(&self.file, row, self.path),
            fold: cell(self.columns.fold),
            subject: cell(self.columns.subject),
        }
    }

    /// Errors: a second row of a clip that is not a further frame of the first.
    fn check_second(&self, clip: &Clip, first: &Facts, second: &Facts) -> Result<()> {
        self.compare(clip, "subject", first.subject.as_ref(), second.subject.as_ref())?;
        self.compare(clip, "fold", first.fold.as_ref(), second.fold.as_ref())?;
        let reason = if !self.frames.allowed {
            "leave one row a clip; or, where a row is a frame, add a column `frame`, and the mean is taken"
        } else if first.face != second.face {
            "they are of two faces (`face_id`); leave the rows of one face"
        } else {
            return Ok(());
        };
        Err(Error::RepeatedRow {
            path: self.path.into(),
            clip: clip.id.clone(),
            first: first.place.clone(),
            second: second.place.clone(),
            reason,
        })
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

/// Keeps the elements whose place is marked.
fn keep<T>(elements: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    elements.retain(|_| kept.next().is_some_and(|&kept| kept));
}
