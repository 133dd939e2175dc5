//! Who may import whom. See docs/ARCHITECTURE.md.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

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

/// The table of docs/ARCHITECTURE.md: each crate with what it imports.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("| crate | imports |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let imports = cells[2].split(", ").filter(|name| !name.is_empty());
        (cells[1].to_string(), imports.map(String::from).collect())
    })
    .collect()
}

#[test]
fn crates_import_exactly_what_the_architecture_says() {
    let packages = packages();
    let members: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let ordinary = |package: &Package| {
        let dependencies = package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev"));
        let names = dependencies.map(|dependency| dependency.name.as_str());
        names.filter(|name| members.contains(name)).map(String::from).collect()
    };
    let found: BTreeMap<String, BTreeSet<String>> =
        packages.iter().map(|package| (package.name.clone(), ordinary(package))).collect();
    assert_eq!(found, documented());
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
