//! Who may import whom. See docs/ARCHITECTURE.md.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every edge between crates of the workspace, outside of tests.
const EDGES: [(&str, &[&str]); 8] = [
    ("hgr-corr", &[]),
    ("av-ops", &[]),
    ("av-features", &[]),
    ("av-datasets", &[]),
    ("av-encoders", &["av-ops"]),
    ("av-synth", &["av-datasets", "av-features"]),
    ("av-train", &["av-datasets", "av-encoders", "av-features", "av-ops", "hgr-corr"]),
    ("av-bench", &["av-datasets", "av-features", "av-synth", "av-train", "hgr-corr", "av-ops"]),
];

/// The features of the workspace, besides `default`. Any other needs a decision record.
const FEATURES: [(&str, &str); 5] = [
    ("av-bench", "onnx"),
    ("av-features", "onnx"),
    ("av-features", "video"),
    ("hgr-corr", "candle"),
    ("hgr-corr", "serde"),
];

/// What `cargo metadata` says, as far as it is asked for. The crate of that name would switch on features of common
/// dependencies, and with them a second build of every crate below this one.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Nothing for an ordinary one.
    kind: Option<String>,
}

fn packages() -> Vec<Package> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    serde_json::from_slice::<Metadata>(&output.stdout).unwrap().packages
}

#[test]
fn crates_import_only_what_the_architecture_allows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, edges)| (*name, edges.iter().copied().collect())).collect();
    let packages = packages();
    let members: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(members, EDGES.iter().map(|(name, _)| *name).collect());
    for Package { name, dependencies, .. } in &packages {
        for dependency in dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev")) {
            let imported = dependency.name.as_str();
            let foreign = !members.contains(imported);
            let fits = foreign || allowed[name.as_str()].contains(imported);
            assert!(fits, "{name} must not import {imported}");
        }
    }
}

#[test]
fn features_are_those_of_the_design() {
    let mut found = BTreeSet::new();
    for package in packages() {
        for feature in package.features.into_keys().filter(|feature| feature != "default") {
            found.insert((package.name.clone(), feature));
        }
    }
    let expected = FEATURES.map(|(name, feature)| (name.to_string(), feature.to_string()));
    assert_eq!(found, BTreeSet::from(expected));
}
