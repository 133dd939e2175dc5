//! Descriptions of corpora: any text is a description of some data set or an error with words.
#![no_main]

use std::fs::{self, File};
use std::path::Path;
use std::sync::LazyLock;

use av_datasets::{CorpusConfig, Dataset};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// A data folder with the names of several corpora and two tables.
static ROOT: LazyLock<TempDir> = LazyLock::new(|| {
    let root = tempfile::tempdir().expect("a temporary folder");
    for name in [
        "Actor_01/03-01-03-01-01-01-01.wav",
        "Actor_02/01-01-04-01-01-01-02.mp4",
        "DC_a01.wav",
        "subject 1/anger/sentence 1/s1_an_1.avi",
        "1001_DFA_ANG_XX.wav",
        "a/b/c.mp4",
        "holiday.mp4",
    ] {
        add(root.path(), name, "");
    }
    add(
        root.path(),
        "clips.csv",
        "Clip,Person,Emotion,Fold\nc.mp4,ann,happy,1\nholiday,bob,sad,2\n",
    );
    add(root.path(), "odd.csv", "a;b\n\"c,d\n");
    root
});

fn add(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::io::Write::write_all(&mut File::create(path).expect("a file"), text.as_bytes())
        .expect("a written file");
}

fuzz_target!(|text: &str| {
    let path = ROOT.path().join("description.toml");
    add(ROOT.path(), "description.toml", text);
    let config = match CorpusConfig::read(&path) {
        Ok(config) => config,
        Err(error) => {
            return assert!(
                error.to_string().contains("description.toml")
                    || error.to_string().contains("kind")
            );
        }
    };
    let written = toml::to_string(&config).expect("a configuration can be written");
    assert_eq!(
        toml::from_str::<CorpusConfig>(&written).expect("what was written can be read"),
        config
    );
    match config.index(ROOT.path()) {
        Ok(dataset) => check(&dataset),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// What the rest of the program relies on.
fn check(dataset: &Dataset) {
    assert!(dataset.clips.is_sorted_by(|a, b| a.id < b.id), "names are sorted and occur once");
    assert!(
        dataset
            .clips
            .iter()
            .all(|clip| clip.emotion.is_none_or(|class| class < dataset.classes.len()))
    );
}
