//! Operators on sequences: values against slow loops that follow the definitions, and errors.
#![allow(clippy::unwrap_used)] // A test says what it expects by panicking.

mod attention;
mod embedding;
mod recurrent;
#[path = "../support/mod.rs"]
mod support;

fn message<T>(result: av_ops::Result<T>) -> String {
    result.err().unwrap().to_string()
}
