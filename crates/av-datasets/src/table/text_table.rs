//! Tables as text, row by row.

use super::cell;
use super::encoding::{Bytes, Text};
use super::limits::{MAX_COLUMNS, MAX_ROW_BYTES, MAX_ROWS};
use crate::error::listed;
use crate::{Error, Result};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A table as text whose first line names the columns: CSV as spreadsheets, R and pandas write it.
///
/// Commas, semicolons, tabs or bars stand between cells, as the first line shows or a line `sep=;` before it says. The text is
/// UTF-8, or UTF-16 with a mark; lines end as on any system. White space around names and cells is dropped. Numbers have
/// a decimal point.
///
/// An empty cell, `NA`, `N/A`, `#N/A`, `<NA>`, `NaN`, `-nan`, `null` and what Windows prints for what is not a number (`-1.#IND`)
/// are missing values, in upper or lower case. A row without any text is no row; it is counted.
///
/// ```
/// use av_datasets::TextTable;
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("ages.csv");
/// # std::fs::write(&path, "person;age\nann;31\nbob;n/a\n;\n")?;
/// let mut table = TextTable::open(&path)?; // person;age  ann;31  bob;n/a  ;
/// let age = table.column("age")?;
/// let mut ages = vec![];
/// while let Some(row) = table.next_row()? {
///     ages.push(row.value(age).map(str::to_owned));
/// }
/// assert_eq!(ages, [Some("31".to_owned()), None]);
/// assert_eq!(table.empty_rows(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TextTable {
    path: PathBuf,
    columns: Vec<String>,
    reader: csv::Reader<RowByRow>,
    /// Lines before that of the names.
    skipped: u64,
    rows: u64,
    most_rows: u64,
    empty_rows: u64,
}

/// Text of which only so many bytes are read for a row.
#[derive(Debug)]
struct RowByRow {
    bytes: Bytes,
    left: u64,
    last: u8,
    ended: bool,
}

impl Read for RowByRow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("a row is too long"));
        }
        let count = self.bytes.read(buffer)?;
        self.left = self.left.saturating_sub(count as u64);
        self.last = buffer[..count].last().copied().unwrap_or(self.last);
        self.ended |= count == 0;
        Ok(count)
    }
}

/// A row of a [`TextTable`].
#[derive(Debug)]
pub struct TextRow {
    line: u64,
    cells: csv::StringRecord,
}

impl TextRow {
    /// The line of the file that it begins on, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// A cell.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default().trim()
    }

    /// A cell; none where its value is missing.
    pub fn value(&self, column: usize) -> Option<&str> {
        cell::value(self.cell(column))
    }
}

impl TextTable {
    /// Opens a file and reads the names of its columns.
    ///
    /// Errors: an unreadable file, no text, too many bytes or columns, two columns of one name. A column without a name may be
    /// repeated.
    pub fn open(path: &Path) -> Result<Self> {
        let Text { bytes, separator, lines } = Text::open(path)?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            // Lines end with \n, and the \r of Windows is trimmed from cells: only so are lines counted right.
            .terminator(csv::Terminator::Any(b'\n'))
            .flexible(true)
            .from_reader(RowByRow { bytes, left: MAX_ROW_BYTES, last: b'\n', ended: false });
        let headers = reader
            .headers()
            .cloned()
            .map_err(|source| failure(path, &reader, 1 + lines, source))?;
        let columns: Vec<String> = headers.iter().map(|name| name.trim().into()).collect();
        if !u64::try_from(columns.len()).is_ok_and(|count| count <= MAX_COLUMNS) {
            return Err(Error::Limit { path: path.into(), what: "columns", limit: MAX_COLUMNS });
        }
        let mut sorted: Vec<&String> = columns.iter().filter(|name| !name.is_empty()).collect();
        sorted.sort();
        if let Some([column, _]) = sorted.array_windows().find(|[a, b]| a == b) {
            return Err(Error::RepeatedColumn { path: path.into(), column: column.to_string() });
        }
        Ok(Self {
            path: path.into(),
            columns,
            reader,
            skipped: lines,
            rows: 0,
            most_rows: u64::MAX,
            empty_rows: 0,
        })
    }

    /// Opens a table whose rows are clips: more than a million are an error where they are read.
    pub(crate) fn of_clips(path: &Path) -> Result<Self> {
        Ok(Self { most_rows: MAX_ROWS, ..Self::open(path)? })
    }

    /// The names of the columns; empty where one has none.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Index of a column. Errors: there is none of that name.
    pub fn column(&self, name: &str) -> Result<usize> {
        let found = self.columns.iter().position(|column| column == name && !name.is_empty());
        found.ok_or_else(|| Error::Column {
            path: self.path.clone(),
            column: name.into(),
            available: listed(&self.columns),
        })
    }

    /// Index of a column, if one is asked for.
    pub(crate) fn optional_column(&self, name: Option<&str>) -> Result<Option<usize>> {
        name.map(|name| self.column(name)).transpose()
    }

    /// Rows without any text that were passed over so far.
    pub fn empty_rows(&self) -> u64 {
        self.empty_rows
    }

    /// The next row; none at the end. Empty lines and rows of empty cells are passed over.
    ///
    /// Errors: a row with too few or too many cells or too many bytes, text that is not UTF-8.
    pub fn next_row(&mut self) -> Result<Option<TextRow>> {
        let mut cells = csv::StringRecord::new();
        loop {
            let line = self.skipped + self.reader.position().line();
            self.reader.get_mut().left = MAX_ROW_BYTES;
            let more = self
                .reader
                .read_record(&mut cells)
                .map_err(|source| failure(&self.path, &self.reader, line, source))?;
            if !more {
                return Ok(None);
            }
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                break;
            }
            self.empty_rows += 1;
        }
        let line = self.first_line(&cells);
        self.rows += 1;
        let limit = self.most_rows;
        if self.rows > limit {
            return Err(Error::Limit { path: self.path.clone(), what: "rows", limit });
        }
        let (expected, actual) = (self.columns.len(), cells.len());
        if actual != expected {
            return Err(Error::Cells { path: self.path.clone(), line, expected, actual });
        }
        Ok(Some(TextRow { line, cells }))
    }
}

impl TextTable {
    /// The line that the row just read begins on: its position is that of the empty lines before it.
    fn first_line(&self, cells: &csv::StringRecord) -> u64 {
        let bytes = self.reader.get_ref();
        // The last line may lack its end, or have it within quotation marks that are not closed.
        let open = bytes.last != b'\n'
            || cells.iter().next_back().is_some_and(|cell| cell.ends_with('\n'));
        let ends = u64::from(!(bytes.ended && open));
        let inside = cells.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count();
        let after = self.skipped + self.reader.position().line();
        after.saturating_sub(ends + inside as u64)
    }
}

/// Why a row that begins on a line could not be read.
fn failure(path: &Path, reader: &csv::Reader<RowByRow>, line: u64, source: csv::Error) -> Error {
    if reader.get_ref().left == 0 {
        return Error::LongRow { path: path.into(), line, limit: MAX_ROW_BYTES };
    }
    Error::Csv { path: path.into(), line, source: Box::new(source) }
}
