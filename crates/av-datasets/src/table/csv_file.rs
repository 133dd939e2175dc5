//! CSV files with limits.

use crate::error::listed;
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Take};
use std::path::{Path, PathBuf};

/// 6,000 columns for 10,000 clips, as text, are below this.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// One row is one clip; no corpus has more.
pub(super) const MAX_ROWS: u64 = 1_000_000;

/// The largest feature sets of the field have some 7,000 columns.
pub(super) const MAX_COLUMNS: u64 = 1 << 16;

/// A row of all those columns with 256 characters each. A quotation mark that is never closed makes one row of the rest.
const MAX_ROW_BYTES: u64 = 1 << 24;

/// A CSV file that is read row by row.
#[derive(Debug)]
pub(crate) struct CsvFile {
    path: PathBuf,
    columns: Vec<String>,
    reader: csv::Reader<RowByRow>,
    rows: u64,
}

/// A file of which only so many bytes are read for a row.
#[derive(Debug)]
struct RowByRow {
    file: Take<File>,
    left: u64,
}

impl Read for RowByRow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("a row is too long"));
        }
        let count = self.file.read(buffer)?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// A row and the line of the file it begins on.
#[derive(Debug)]
pub(crate) struct Row {
    pub line: u64,
    cells: csv::StringRecord,
}

impl Row {
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default()
    }
}

impl CsvFile {
    /// Opens a file and reads the names of its columns. White space around names and cells is dropped.
    ///
    /// Errors: an unreadable file, too many bytes or columns, two columns of one name, another separator than commas.
    pub fn open(path: &Path) -> Result<Self> {
        let read = |source| Error::Read { path: path.into(), source };
        let limit = |what, limit| Error::Limit { path: path.into(), what, limit };
        // A pipe or a device would be read for ever.
        let metadata = std::fs::metadata(path).map_err(read)?;
        if !metadata.is_file() {
            return Err(Error::Kind { path: path.into(), expected: "a file" });
        }
        if metadata.len() > MAX_BYTES {
            return Err(limit("bytes", MAX_BYTES));
        }
        // The file may grow while it is read.
        let file = File::open(path).map_err(read)?.take(MAX_BYTES);
        let file = RowByRow { file, left: MAX_ROW_BYTES };
        let mut reader = csv::ReaderBuilder::new()
            // Lines end with \n, and the \r of Windows is trimmed: only so are lines counted right.
            .terminator(csv::Terminator::Any(b'\n'))
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(file);
        let headers =
            reader.headers().cloned().map_err(|source| failure(path, &reader, 1, source))?;
        let columns: Vec<String> = headers.iter().map(String::from).collect();
        if let [column] = columns.as_slice()
            && let Some(separator) = SEPARATORS.into_iter().find(|&other| column.contains(other))
        {
            return Err(Error::Separator { path: path.into(), separator });
        }
        if !u64::try_from(columns.len()).is_ok_and(|count| count <= MAX_COLUMNS) {
            return Err(limit("columns", MAX_COLUMNS));
        }
        let mut sorted: Vec<&String> = columns.iter().collect();
        sorted.sort();
        if let Some([column, _]) = sorted.array_windows().find(|[a, b]| a == b) {
            return Err(Error::RepeatedColumn { path: path.into(), column: column.to_string() });
        }
        Ok(Self { path: path.into(), columns, reader, rows: 0 })
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Index of a column.
    pub fn column(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| Error::Column {
            path: self.path.clone(),
            column: name.into(),
            available: listed(&self.columns),
        })
    }

    /// Index of a column, if one is asked for.
    pub fn optional_column(&self, name: Option<&str>) -> Result<Option<usize>> {
        name.map(|name| self.column(name)).transpose()
    }

    /// The next row; none at the end. Empty lines are passed over.
    ///
    /// Errors: a row with too few or too many cells or too many bytes, text that is not UTF-8, too many rows.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        let mut cells = csv::StringRecord::new();
        let expected = self.columns.len();
        loop {
            let line = self.reader.position().line();
            self.reader.get_mut().left = MAX_ROW_BYTES;
            let more = self
                .reader
                .read_record(&mut cells)
                .map_err(|source| failure(&self.path, &self.reader, line, source))?;
            if !more {
                return Ok(None);
            }
            if cells.len() == expected || cells.iter().any(|cell| !cell.is_empty()) {
                break;
            }
        }
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(Error::Limit { path: self.path.clone(), what: "rows", limit: MAX_ROWS });
        }
        let line = cells.position().map_or(0, csv::Position::line);
        let actual = cells.len();
        if actual != expected {
            return Err(Error::Cells { path: self.path.clone(), line, expected, actual });
        }
        Ok(Some(Row { line, cells }))
    }
}

/// What programs write between cells where the comma is the decimal sign, and what some call CSV.
const SEPARATORS: [char; 2] = [';', '\t'];

/// Why a row that begins on a line could not be read.
fn failure(path: &Path, reader: &csv::Reader<RowByRow>, line: u64, source: csv::Error) -> Error {
    if reader.get_ref().left == 0 {
        return Error::LongRow { path: path.into(), line, limit: MAX_ROW_BYTES };
    }
    Error::Csv { path: path.into(), source: Box::new(source) }
}
