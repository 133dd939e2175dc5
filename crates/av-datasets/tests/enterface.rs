//! Trees of eNTERFACE'05 with every documented quirk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Modality};
use support::{corpus, problems, tree};

const EMOTIONS: [&str; 6] = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"];

/// The names of the release in circulation.
fn complete() -> Vec<String> {
    let mut files = vec![];
    for subject in (1..=44).filter(|subject| *subject != 12) {
        for emotion in EMOTIONS {
            let (folder, code) = (format!("subject {subject}/{emotion}"), &emotion[..2]);
            if subject == 6 {
                files.push(format!("{folder}/s6_{code}.avi"));
                continue;
            }
            for sentence in 1..=5 {
                let name = match (subject, code, sentence) {
                    (23, "ha", 1..=3) => continue,
                    (3, "an" | "di" | "fe", _) | (3, "ha", 1) => format!("s_3_{code}_{sentence}"),
                    (16, "su", 3) => "s16_su_3avi".into(),
                    (11, ..) => format!("s12_{code}_{sentence}"),
                    _ => format!("s{subject}_{code}_{sentence}"),
                };
                files.push(format!("{folder}/sentence {sentence}/{name}.avi"));
            }
        }
    }
    files
}

#[test]
fn the_release_in_circulation_has_the_documented_counts() {
    let files = complete();
    assert_eq!(files.len(), 1263);
    assert_eq!(files.iter().filter(|file| file.contains("/s_3_")).count(), 16);
    let shipped = CorpusConfig::shipped("enterface05").unwrap();
    let root = tree(files.iter().map(|file| format!("enterface database/{file}")));
    let dataset = shipped.index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    let summary = dataset.summary();
    assert_eq!(summary.differences(shipped.expected().unwrap()), []);
    assert_eq!((summary.without[Modality::Audio], summary.without[Modality::Video]), (0, 0));
    assert!(!summary.subjects.contains_key("06") && !summary.subjects.contains_key("12"));
    assert_eq!((summary.subjects["11"], summary.subjects["23"]), (30, 27));
    assert_eq!(dataset.classes, EMOTIONS);
    let ids: Vec<&str> = dataset.clips.iter().map(|clip| clip.id.as_str()).collect();
    for id in ["s03_an_1", "s11_su_5", "s16_su_3", "s44_sa_2"] {
        assert!(ids.contains(&id), "{id}");
    }
}

#[test]
fn a_damaged_copy_is_told_file_by_file() {
    let root = tree([
        "subject 1/anger/sentence 1/s1_an_1.avi",
        "subject 1/anger/sentence 2/s1_an_3.avi",
        "subject 1/disgust/sentence 1/s1_an_1.avi",
        "subject 1/anger/sentence 1/copy/s1_an_1.avi",
        "subject 2/anger/sentence 1/s2_an_1.avi",
        "subject-2/anger/sentence-1/s2_an_1.avi",
        "subject 6/fear/s6_fe.avi",
        "subject 6/joy/s6_jo.avi",
        "subject 2/anger/sentence 1/Thumbs.db",
    ]);
    let dataset = corpus("kind = 'enterface05'").index(root.path()).unwrap();
    let ids: Vec<&str> = dataset.clips.iter().map(|clip| clip.id.as_str()).collect();
    assert_eq!(ids, ["s01_an_1", "s02_an_1"]);
    let found = problems(&dataset, root.path());
    let expected = [
        ("subject 1/anger/sentence 1/copy/s1_an_1.avi: ", "folder `anger` is not `subject 1`"),
        ("subject 1/anger/sentence 2/s1_an_3.avi: ", "says otherwise than its folders"),
        ("subject 1/disgust/sentence 1/s1_an_1.avi: ", "says otherwise than its folders"),
        ("subject 6/joy/s6_jo.avi: ", "is not in folders subject N/EMOTION/sentence K"),
        ("subject-2/anger/sentence-1/s2_an_1.avi: ", "duplicate: clip `s02_an_1`"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (path, reason)) in found.iter().zip(expected) {
        assert!(found.starts_with(path) && found.contains(reason), "{found}");
    }
}

#[test]
fn the_shipped_description_is_what_the_kind_alone_means() {
    let CorpusConfig::Enterface(mut shipped) = CorpusConfig::shipped("enterface05").unwrap() else {
        panic!("another kind");
    };
    shipped.expected = None;
    assert_eq!(CorpusConfig::Enterface(shipped), corpus("kind = 'enterface05'"));
}
