//! Annotation files that are read whole.

use std::path::Path;

/// Annotations of a clip or a dialogue are some kilobytes, with landmarks of every frame a few megabytes.
const MAX_BYTES: u64 = 64 << 20;

/// Longer than any video with a target a frame: nine hours at 30 frames a second.
pub(super) const MAX_FRAMES: usize = 1_000_000;

/// Reads a file as text in UTF-8; a byte order mark is dropped. Errors: why it cannot be read, for a problem.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    // A pipe or a device would be read for ever.
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(format!("is not a file of at most {MAX_BYTES} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.into()),
        None => Ok(text),
    }
}

/// A number of digits alone: a sign or a space would give one thing two names.
pub(super) fn number(digits: &str) -> Option<usize> {
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    if all { digits.parse().ok() } else { None }
}

/// The first of several complaints about one file, and how many more there are.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    first: Option<String>,
    more: usize,
}

impl Complaints {
    pub fn add(&mut self, complaint: String) {
        match self.first {
            Some(_) => self.more += 1,
            None => self.first = Some(complaint),
        }
    }

    /// One sentence for all of them; none where there is none.
    pub fn summary(self) -> Option<String> {
        let first = self.first?;
        Some(match self.more {
            0 => first,
            more => format!("{first}, and {more} more like it"),
        })
    }
}
