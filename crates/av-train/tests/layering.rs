//! Who may import whom. See docs/ARCHITECTURE.md.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};

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
const FEATURES: [(&str, &str); 2] = [("av-features", "video"), ("hgr-corr", "candle")];

#[test]
fn crates_import_only_what_the_architecture_allows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, edges)| (*name, edges.iter().copied().collect())).collect();
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let members: BTreeSet<String> =
        metadata.packages.iter().map(|package| package.name.to_string()).collect();
    assert_eq!(members, EDGES.iter().map(|(name, _)| name.to_string()).collect());
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            if dependency.kind != DependencyKind::Development && members.contains(&dependency.name)
            {
                let name = package.name.as_str();
                assert!(
                    allowed[name].contains(dependency.name.as_str()),
                    "{name} must not import {}",
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn features_are_those_of_the_design() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let mut found = BTreeSet::new();
    for package in &metadata.packages {
        for feature in package.features.keys().filter(|feature| *feature != "default") {
            found.insert((package.name.to_string(), feature.clone()));
        }
    }
    let expected = FEATURES.map(|(name, feature)| (name.to_string(), feature.to_string()));
    assert_eq!(found, BTreeSet::from(expected));
}
