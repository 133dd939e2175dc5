//! What is printed. `println!` panics where a reader has gone; here that is a reason to stop like others.

use crate::failure::{Failure, Result};
use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

/// Prints a text.
///
/// # Errors
///
/// [`Failure::Unread`], or an output that cannot be written, such as a file on a full disk.
pub fn print(text: impl Display) -> Result<()> {
    let mut out = stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| {
        if error.kind() == ErrorKind::BrokenPipe {
            return Failure::Unread;
        }
        Failure::Input(format!("cannot write the output: {error}"))
    })
}

/// Prints a text and a line end. Errors: those of [`print()`].
pub fn print_line(text: impl Display) -> Result<()> {
    print(format_args!("{text}\n"))
}

/// Says something to people next to the output. Whether they listen changes nothing.
pub fn warn(text: impl Display) {
    let _ = writeln!(stderr().lock(), "{text}");
}
