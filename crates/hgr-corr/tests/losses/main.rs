//! What networks are trained with: losses against golden files, central differences and each other.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

mod cca;
mod h_scores;
mod pair;
mod penalty;
mod stream;
#[path = "../support/mod.rs"]
mod support;
mod tensors;
mod views;
