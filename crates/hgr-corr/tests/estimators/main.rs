//! What data say: estimators against golden files, laws whose answer is known, and each other.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

mod ace;
mod classic;
mod contest;
mod estimates;
mod exact;
mod hgr;
mod labels;
mod laws;
mod power;
mod regression;
mod state;
#[path = "../support/mod.rs"]
mod support;
mod truth;
