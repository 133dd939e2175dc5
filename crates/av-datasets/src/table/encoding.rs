//! The bytes of a text table as programs of all systems write them, made UTF-8 whose lines end in `\n`.

use super::limits::{MAX_BYTES, check_file};
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, Chain, Cursor, Read, Take};
use std::path::Path;

/// Bytes by which a file is judged: more than the longest line of names.
const START: u64 = 1 << 20;

/// What stands between cells, in the order in which it is looked for.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How spreadsheets begin a file to name what stands between its cells.
const NAMED: &[u8] = b"sep=";

/// The text of a file, what stands between its cells, and how many lines come before the names of the columns.
#[derive(Debug)]
pub(super) struct Text {
    pub bytes: Bytes,
    pub separator: u8,
    pub lines: u64,
}

/// UTF-8 whose lines end in `\n`.
#[derive(Debug)]
pub(super) struct Bytes {
    bytes: Chain<Cursor<Vec<u8>>, Take<File>>,
    /// Whether lines end in `\r` alone, as old programs of the Macintosh end them.
    returns: bool,
}

impl Text {
    /// Opens a file.
    ///
    /// Errors: an unreadable file, what is no ordinary file, too many bytes, no text.
    pub fn open(path: &Path) -> Result<Self> {
        check_file(path)?;
        let read = |source| Error::Read { path: path.into(), source };
        // The file may grow while it is read.
        let mut file = File::open(path).map_err(read)?.take(MAX_BYTES);
        let mut start = vec![];
        file.by_ref().take(START).read_to_end(&mut start).map_err(read)?;
        let no_text = |found: &str| Error::NoText { path: path.into(), found: found.into() };
        if let Some(wide) = Wide::of(&start) {
            file.read_to_end(&mut start).map_err(read)?;
            start = wide.utf8(&start).ok_or_else(|| no_text("damaged UTF-16"))?;
        }
        if start.starts_with(b"PK\x03\x04") {
            return Err(no_text("a zip archive, as a spreadsheet is"));
        }
        if start.starts_with(b"\xD0\xCF\x11\xE0") {
            return Err(no_text("an old spreadsheet or document"));
        }
        let end = |bytes: &[u8]| bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let mut begin = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&start);
        if begin.iter().take(end(begin).unwrap_or(begin.len())).any(|byte| *byte == 0) {
            return Err(no_text("bytes that are no text"));
        }
        let returns = begin.contains(&b'\r') && !begin.contains(&b'\n');
        let (mut separator, mut lines) = (None, 0);
        if let Some(named) = begin.strip_prefix(NAMED)
            && let Some(at) = end(named).filter(|at| (1..=2).contains(at))
        {
            separator = named.first().copied();
            let rest = named.get(at..).unwrap_or_default();
            let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..)).unwrap_or_default();
            (begin, lines) = (rest, 1);
        }
        let separator = separator.unwrap_or_else(|| guess(begin));
        let bytes = Cursor::new(begin.to_vec()).chain(file);
        Ok(Self { bytes: Bytes { bytes, returns }, separator, lines })
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if self.returns {
            let read = buffer.iter_mut().take(count);
            read.filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        Ok(count)
    }
}

/// The first separator that the first line has outside of quotation marks: names may hold the others.
fn guess(text: &[u8]) -> u8 {
    let mut quoted = false;
    let mut found = [false; SEPARATORS.len()];
    for byte in text {
        quoted ^= *byte == b'"';
        if !quoted && matches!(byte, b'\n' | b'\r') {
            break;
        }
        let seen = SEPARATORS.iter().zip(&mut found).filter(|(known, _)| !quoted && *known == byte);
        seen.for_each(|(_, found)| *found = true);
    }
    let first = SEPARATORS.into_iter().zip(found).find(|(_, found)| *found);
    first.map_or(b',', |(separator, _)| separator)
}

/// Text of two bytes a character, as spreadsheets save "Unicode text".
#[derive(Clone, Copy)]
enum Wide {
    LittleEndian,
    BigEndian,
}

impl Wide {
    /// By the mark at the beginning, or by the zero next to a first character of ASCII.
    fn of(start: &[u8]) -> Option<Self> {
        match *start.first_chunk()? {
            [0xFF, 0xFE] => Some(Self::LittleEndian),
            [0xFE, 0xFF] => Some(Self::BigEndian),
            [first, 0] if first != 0 => Some(Self::LittleEndian),
            [0, second] if second != 0 => Some(Self::BigEndian),
            _ => None,
        }
    }

    /// None where it is damaged.
    fn utf8(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (pairs, rest) = bytes.as_chunks();
        let units = pairs.iter().map(|&pair| match self {
            Self::LittleEndian => u16::from_le_bytes(pair),
            Self::BigEndian => u16::from_be_bytes(pair),
        });
        let text: std::result::Result<String, _> = char::decode_utf16(units).collect();
        let text = text.ok().filter(|_| rest.is_empty())?;
        Some(text.strip_prefix('\u{FEFF}').unwrap_or(&text).as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn the_first_line_says_what_stands_between_cells() {
        for (text, expected) in [
            ("a,b;c", b','),
            ("a;b\n1,5;2", b';'),
            ("a\tb", b'\t'),
            ("a|b\r1|2", b'|'),
            ("\"height, cm\";weight\n", b';'),
            ("\"two\nlines, one\"\tb\n", b'\t'),
            ("alone\n1;2", b','),
            ("", b','),
        ] {
            assert_eq!(guess(text.as_bytes()), expected, "{text}");
        }
    }
}
