//! Faces are found by a network of an ONNX file, and files that hold none are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking
#![cfg(feature = "onnx")]

#[cfg(feature = "video")]
mod faces;
mod network;
mod refused;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use av_features::FaceDetector;
use network::Network;

/// A detector whose file is in `folder`.
fn detector(folder: &Path, network: &Network) -> FaceDetector {
    let path = folder.join("blue.onnx");
    support::write(&path, &network.file());
    FaceDetector::new(path)
}
