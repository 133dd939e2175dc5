//! The most that a table may be, so that no file takes the memory of the machine.

use crate::{Error, Result};
use std::path::Path;

/// 6,000 columns for 10,000 clips, as text, are below this.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// One row is one clip; no corpus has more.
pub(super) const MAX_ROWS: u64 = 1_000_000;

/// The largest feature sets of the field have some 7,000 columns.
pub(super) const MAX_COLUMNS: u64 = 1 << 16;

/// A row of all those columns with 256 characters each. A quotation mark that is never closed makes one row of the rest.
pub(super) const MAX_ROW_BYTES: u64 = 1 << 24;

/// Numbers of one table: 1 GiB of memory.
pub(super) const MAX_CELLS: usize = 1 << 28;

/// Refuses what is no file, and one that is too large. Errors: as it says.
pub(super) fn check_file(path: &Path) -> Result<()> {
    let read = |source| Error::Read { path: path.into(), source };
    // A pipe or a device would be read for ever.
    let metadata = std::fs::metadata(path).map_err(read)?;
    if !metadata.is_file() {
        return Err(Error::Kind { path: path.into(), expected: "a file" });
    }
    match metadata.len() > MAX_BYTES {
        true => Err(Error::Limit { path: path.into(), what: "bytes", limit: MAX_BYTES }),
        false => Ok(()),
    }
}
