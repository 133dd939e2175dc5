//! Trees of SAVEE.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Modality};
use support::{problems, tree};

/// Names of the complete corpus; sound and picture.
fn complete(name: impl Fn(&str, &str, u8) -> [String; 2]) -> Vec<String> {
    let mut files = vec![];
    for speaker in ["DC", "JE", "JK", "KL"] {
        for (code, sentences) in
            [("a", 15), ("d", 15), ("f", 15), ("h", 15), ("n", 30), ("sa", 15), ("su", 15)]
        {
            files.extend((1..=sentences).flat_map(|sentence| name(speaker, code, sentence)));
        }
    }
    files
}

#[test]
fn both_layouts_have_the_documented_counts() {
    let shipped = CorpusConfig::shipped("savee").unwrap();
    let nested = complete(|speaker, code, sentence| {
        let name = format!("{speaker}/{code}{sentence:02}");
        [format!("AudioData/{name}.wav"), format!("AudioVisualClip/{name}.avi")]
    });
    let flat = complete(|speaker, code, sentence| {
        let name = format!("ALL/{speaker}_{code}{sentence:02}");
        [format!("{name}.wav"), format!("{name}.avi")]
    });
    for files in [nested, flat] {
        let dataset = shipped.index(tree(&files).path()).unwrap();
        let summary = dataset.summary();
        assert_eq!(summary.differences(shipped.expected().unwrap()), []);
        assert_eq!(
            (summary.problems, summary.without[Modality::Audio], summary.without[Modality::Video]),
            (0, 0, 0)
        );
        assert!(
            dataset
                .clips
                .iter()
                .all(|clip| clip.sources[Modality::Audio] != clip.sources[Modality::Video])
        );
    }
}

#[test]
fn a_speaker_or_an_emotion_that_is_not_there_is_told() {
    let root = tree(["DC/a01.wav", "XX/a01.wav", "DC/x01.wav", "DC/a1.wav", "Info.txt"]);
    let dataset = CorpusConfig::shipped("savee").unwrap().index(root.path()).unwrap();
    assert_eq!(dataset.clips.len(), 1);
    let found = problems(&dataset, root.path());
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|problem| problem.contains("does not match the pattern")));
}
