//! One row of each clip, where a table has a row for each frame.

use super::TableConfig;
use super::file::{Row, TableFile};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Columns of OpenFace that say which frame a row is of. A table with one of them may have several rows a clip.
const OF_FRAMES: [&str; 3] = ["frame", "timestamp", "success"];

/// Columns of OpenFace that describe a row and no face: their mean says nothing of a clip.
const BOOKKEEPING: [&str; 5] = ["frame", "face_id", "timestamp", "confidence", "success"];

/// The columns that say what a row of a table of frames is.
#[derive(Debug)]
pub(super) struct Frames {
    /// Whether rows may be frames.
    pub allowed: bool,
    success: Option<usize>,
    face: Option<usize>,
}

impl Frames {
    /// Looks at the names of the columns, apart from that of the key.
    pub fn of(columns: &[String], key: usize) -> Self {
        let find = |name: &str| {
            let found = |(index, column): &(usize, &String)| {
                *index != key && column.eq_ignore_ascii_case(name)
            };
            columns.iter().enumerate().find(found).map(|(index, _)| index)
        };
        let allowed = OF_FRAMES.iter().any(|name| find(name).is_some());
        Self { allowed, success: find("success"), face: find("face_id") }
    }

    /// Whether the face was found in a frame: always, where no column says so.
    pub fn succeeded(&self, file: &TableFile, row: &Row, path: &Path) -> bool {
        self.success.is_none_or(|column| match file.value(row, column, path) {
            Ok(success) => success > 0.0,
            Err(_) => file.text(row, column).eq_ignore_ascii_case("true"),
        })
    }

    /// Something that differs between the faces of one clip.
    pub fn face(&self, file: &TableFile, row: &Row, path: &Path) -> Option<u32> {
        file.value(row, self.face?, path).ok().map(f32::to_bits)
    }

    /// Whether a column describes rows. One that `include` names is a feature all the same.
    pub fn describes(column: &str, config: &TableConfig) -> bool {
        let named = |names: &[&str]| names.iter().any(|name| column.eq_ignore_ascii_case(name));
        named(&BOOKKEEPING) && !config.include.iter().any(|included| included == column)
    }
}

/// The rows of a table, one a clip. Where no clip has a second one, they are as the table has them.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The first row of each clip.
    pub rows: Vec<Vec<f32>>,
    means: BTreeMap<usize, Mean>,
    /// Clips whose first row is of a frame without face.
    failed: BTreeSet<usize>,
    /// All rows of frames without face, and where the first of them is.
    pub left_out: usize,
    pub first_left_out: Option<String>,
    pub total: usize,
}

impl Gathered {
    /// Takes the first row of a clip and gives its number.
    pub fn first(&mut self, values: Vec<f32>, place: &str, succeeded: bool) -> usize {
        let index = self.rows.len();
        self.rows.push(values);
        if !succeeded {
            self.failed.insert(index);
        }
        self.count(place, succeeded);
        index
    }

    /// Takes a further row of a clip.
    pub fn further(&mut self, index: usize, values: &[f32], place: &str, succeeded: bool) {
        self.count(place, succeeded);
        let mean = self.means.entry(index).or_insert_with(|| {
            let mut mean = Mean::default();
            if let Some(first) = self.rows.get(index).filter(|_| !self.failed.contains(&index)) {
                mean.add(first);
            }
            mean
        });
        if succeeded {
            mean.add(values);
        }
    }

    /// Whether rows are frames.
    pub fn of_frames(&self) -> bool {
        !self.means.is_empty()
    }

    /// Puts the mean of each clip in place of its first row, and gives the rows of clips without any face: their values are
    /// missing.
    pub fn average(&mut self) -> BTreeSet<usize> {
        let mut without = std::mem::take(&mut self.failed);
        for (index, mean) in std::mem::take(&mut self.means) {
            let Some(row) = self.rows.get_mut(index) else { continue };
            if !mean.counts.is_empty() {
                without.remove(&index);
                *row = mean.values();
            }
        }
        for &index in &without {
            if let Some(row) = self.rows.get_mut(index) {
                row.fill(f32::NAN);
            }
        }
        without
    }

    fn count(&mut self, place: &str, succeeded: bool) {
        self.total += 1;
        if !succeeded {
            self.left_out += 1;
            self.first_left_out.get_or_insert_with(|| place.into());
        }
    }
}

/// Sums of the values that are not missing; none: no row was added.
#[derive(Debug, Default)]
struct Mean {
    sums: Vec<f64>,
    counts: Vec<u32>,
}

impl Mean {
    fn add(&mut self, values: &[f32]) {
        self.sums.resize(values.len(), 0.0);
        self.counts.resize(values.len(), 0);
        for ((sum, count), value) in self.sums.iter_mut().zip(&mut self.counts).zip(values) {
            if !value.is_nan() {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
    }

    /// NaN, which is missing, where nothing was added.
    fn values(&self) -> Vec<f32> {
        let mean = |(sum, count): (&f64, &u32)| (sum / f64::from(*count)) as f32;
        self.sums.iter().zip(&self.counts).map(mean).collect()
    }
}
