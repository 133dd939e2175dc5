//! The format of one array of NumPy.
//!
//! Source: the documentation of `numpy.lib.format`, versions 1 to 3.

use super::limits::MAX_ROWS;
use crate::{Error, Result};
use regex::Regex;
use std::io::Read;
use std::path::Path;

/// A header has some hundred bytes.
const MAX_HEADER: usize = 1 << 16;

/// Bytes of a list of texts: a million rows of 64 characters.
const MAX_TEXT: usize = 1 << 28;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// What an array holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Floating point numbers of 4 or 8 bytes.
    Float { bytes: usize },
    /// Whole numbers of 1, 2, 4 or 8 bytes.
    Integer { bytes: usize, signed: bool },
    /// Texts of so many characters, in four bytes each or in one.
    Text { characters: usize, wide: bool },
}

impl Kind {
    /// Bytes of one element; none beyond all limits.
    fn size(self) -> Option<usize> {
        match self {
            Self::Float { bytes } | Self::Integer { bytes, .. } => Some(bytes),
            Self::Text { characters, wide } => characters.checked_mul(if wide { 4 } else { 1 }),
        }
    }
}

/// An array whose header was read.
#[derive(Debug)]
pub(super) struct Array<R> {
    name: String,
    pub kind: Kind,
    pub shape: Vec<usize>,
    /// Whether columns, and not rows, lie side by side.
    by_columns: bool,
    data: R,
}

impl<R: Read> Array<R> {
    /// Reads a header. Errors: why it is none, or of an array of another type.
    pub fn open(mut data: R, name: &str) -> std::result::Result<Self, String> {
        let cut = |_| format!("`{name}` ends in its header or is damaged");
        let mut start = [0; 8];
        data.read_exact(&mut start).map_err(cut)?;
        let [magic @ .., major, _] = start;
        if magic != *b"\x93NUMPY" {
            return Err(format!("`{name}` is not an array of NumPy"));
        }
        let length = match major {
            1 => {
                let mut length = [0; 2];
                data.read_exact(&mut length).map_err(cut)?;
                usize::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                data.read_exact(&mut length).map_err(cut)?;
                u32::from_le_bytes(length) as usize
            }
            _ => return Err(format!("`{name}` is of version {major} of the format, not 1 to 3")),
        };
        if length > MAX_HEADER {
            return Err(format!("`{name}` has a header of {length} bytes"));
        }
        let mut header = vec![0; length];
        data.read_exact(&mut header).map_err(cut)?;
        let header = String::from_utf8_lossy(&header);
        let (kind, by_columns, shape) = parse(&header).map_err(|reason| {
            format!("`{name}` has the header {}, which cannot be read: {reason}", header.trim())
        })?;
        let kind = kind.map_err(|kind| {
            format!(
                "`{name}` is of type {kind}; save features as float32 or float64 and texts with dtype=str, in little \
                 endian"
            )
        })?;
        Ok(Self { name: name.into(), kind, shape, by_columns, data })
    }

    /// The numbers, row by row, of an array of checked sizes.
    pub fn numbers(self, path: &Path) -> Result<Vec<f32>> {
        let Kind::Float { bytes } = self.kind else {
            return Err(self.wrong(path, "is not of float32 or float64".into()));
        };
        let by_columns = self.by_columns;
        let (rows, width) = match *self.shape.as_slice() {
            [rows, width] => (rows, width),
            _ => return Err(self.wrong(path, "has not two axes".into())),
        };
        let mut values = vec![];
        self.elements(path, bytes, rows * width, |element| {
            values.push(match (element.first_chunk::<8>(), element.first_chunk::<4>()) {
                (Some(&eight), _) => f64::from_le_bytes(eight) as f32,
                (None, Some(&four)) => f32::from_le_bytes(four),
                (None, None) => f32::NAN,
            });
        })?;
        if !by_columns {
            return Ok(values);
        }
        let cells = (0..rows).flat_map(|row| (0..width).map(move |column| column * rows + row));
        Ok(cells.filter_map(|cell| values.get(cell).copied()).collect())
    }

    /// The texts, or the digits of whole numbers, of a list.
    pub fn texts(self, path: &Path) -> Result<Vec<String>> {
        let &[count] = self.shape.as_slice() else {
            return Err(self.wrong(path, "is not a list".into()));
        };
        let size = self.kind.size().filter(|size| size.saturating_mul(count) <= MAX_TEXT);
        let (Some(size), true) = (size, count as u64 <= MAX_ROWS) else {
            let (what, limit) = ("bytes of text", MAX_TEXT as u64);
            return Err(Error::Limit { path: path.into(), what, limit });
        };
        let (kind, name) = (self.kind, self.name.clone());
        let (mut texts, mut broken) = (vec![], false);
        self.elements(path, size, count, |element| {
            let text = text(kind, element);
            broken |= text.is_none();
            texts.push(text.unwrap_or_default());
        })?;
        if broken {
            let reason = format!("`{name}` holds what is no text");
            return Err(Error::Arrays { path: path.into(), reason });
        }
        Ok(texts)
    }

    /// Reads all elements, in pieces: what is allocated is what the file holds, not what its header says.
    fn elements(
        mut self,
        path: &Path,
        size: usize,
        count: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<()> {
        // A header may announce elements of any size where it announces none of them.
        if size == 0 || count == 0 {
            (0..count).for_each(|_| take(&[]));
            return Ok(());
        }
        let mut piece = vec![0; size * (CHUNK / size).clamp(1, count.max(1))];
        let mut left = size * count;
        while left > 0 {
            let length = left.min(piece.len());
            let Some(part) = piece.get_mut(..length) else { break };
            if let Err(error) = self.data.read_exact(part) {
                return Err(self.wrong(path, format!("is damaged: {error}")));
            }
            part.chunks_exact(size).for_each(&mut take);
            left -= length;
        }
        Ok(())
    }

    fn wrong(&self, path: &Path, reason: String) -> Error {
        Error::Arrays { path: path.into(), reason: format!("`{}` {reason}", self.name) }
    }
}

/// Type, order and sizes; an error with the name of a type that is not read.
type Header = (std::result::Result<Kind, String>, bool, Vec<usize>);

/// Reads the dictionary of a header. Errors: what is wrong with it.
fn parse(header: &str) -> std::result::Result<Header, String> {
    let value = |key: &str, pattern: &str| {
        let regex = Regex::new(&format!(r#"['"]{key}['"]\s*:\s*{pattern}"#)).ok()?;
        let groups = regex.captures(header)?;
        Some(groups.get(1).map(|group| group.as_str().to_owned()))
    };
    let order = value("fortran_order", "(True|False)").flatten();
    let order = order.ok_or("`fortran_order` is neither True nor False")?;
    let shape = value("shape", r"\(([^()]*)\)").flatten().ok_or("`shape` is no list of sizes")?;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape = sizes.map(|text| {
        // Python 2 on Windows writes whole numbers with an L.
        let digits = text.strip_suffix('L').unwrap_or(text);
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        let size = digits.parse().ok().filter(|_| whole);
        size.ok_or_else(|| format!("size `{text}` is not a whole number, or too large"))
    });
    let shape = shape.collect::<std::result::Result<Vec<usize>, _>>()?;
    let descr = value("descr", r#"(?:u?['"]([^'"]*)['"]|\[)"#).ok_or("it has no `descr`")?;
    let descr = descr.unwrap_or_else(|| "of records".into());
    Ok((kind(&descr).ok_or(descr), order == "True", shape))
}

fn kind(descr: &str) -> Option<Kind> {
    let little = descr.strip_prefix(['<', '|'])?;
    let (letter, size) = little.split_at_checked(1)?;
    let size = size.parse().ok()?;
    match (letter, size) {
        ("f", 4 | 8) => Some(Kind::Float { bytes: size }),
        ("i" | "u", 1 | 2 | 4 | 8) => Some(Kind::Integer { bytes: size, signed: letter == "i" }),
        ("U", characters) => Some(Kind::Text { characters, wide: true }),
        ("S", characters) => Some(Kind::Text { characters, wide: false }),
        _ => None,
    }
}

/// One text without the zeros that fill it; none where it is none.
fn text(kind: Kind, element: &[u8]) -> Option<String> {
    match kind {
        Kind::Text { wide: true, .. } => {
            let (characters, _) = element.as_chunks();
            let codes = characters.iter().map(|&bytes| u32::from_le_bytes(bytes));
            let codes: Option<String> = codes.map(char::from_u32).collect();
            codes.map(|text| text.trim_end_matches('\0').to_owned())
        }
        Kind::Text { wide: false, .. } => {
            let text = str::from_utf8(element).ok()?;
            Some(text.trim_end_matches('\0').to_owned())
        }
        Kind::Integer { signed, .. } => {
            let negative = signed && element.last().is_some_and(|last| *last >= 128);
            let mut bytes = [if negative { 0xFF } else { 0 }; 16];
            bytes.get_mut(..element.len())?.copy_from_slice(element);
            Some(i128::from_le_bytes(bytes).to_string())
        }
        Kind::Float { .. } => None,
    }
}
