//! What systems put next to people's files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use support::{add, corpus, problems, tree};

/// The companions of a file of a folder, as a zip file made on a Mac and folders opened under Windows have them.
fn companions(folder: &str, file: &str) -> Vec<String> {
    let beside = [
        &format!("._{file}"),
        ".DS_Store",
        "Thumbs.db",
        "thumbs.DB",
        "desktop.ini",
        "Icon\r",
        ".Spotlight-V100/Store-V2/clip.mp4",
        ".Trashes/501/old.wav",
        "$RECYCLE.BIN/old.avi",
        "@eaDir/SYNOVIDEO_VIDEO_SCREENSHOT.mp4",
        &format!(".{file}.part.mp4"),
    ];
    let beside = beside.map(|name| format!("{folder}/{name}"));
    beside.into_iter().chain([format!("__MACOSX/{folder}/._{file}")]).collect()
}

#[test]
fn no_corpus_sees_them() {
    let pattern = r"kind = 'pattern'
        name = 'n'
        pattern = '(?<subject>p\d)/(?<label>[a-z]+)\.\w+'
        example = 'p1/joy.mp4'";
    let listing = "kind = 'listing'\ntable = 'clips.csv'\nfile = 'Clip'\nsubject = 'Person'";
    for (text, folder, file) in [
        ("kind = 'ravdess'", "Actor_01", "03-01-03-01-01-01-01.wav"),
        ("kind = 'crema-d'", "VideoFlash", "1001_DFA_ANG_XX.flv"),
        ("kind = 'enterface05'", "subject 1/anger/sentence 1", "s1_an_1.avi"),
        (pattern, "p1", "joy.mp4"),
        (listing, "films", "a.mp4"),
    ] {
        let files = companions(folder, file);
        let root = tree(files.iter().chain([&format!("{folder}/{file}")]));
        add(root.path(), "clips.csv", "Clip,Person\na,ann\n");
        let dataset = corpus(text).index(root.path()).unwrap();
        assert_eq!(problems(&dataset, root.path()), [""; 0], "{text}");
        assert_eq!(dataset.clips.len(), 1, "{text}");
    }
}

#[test]
fn a_folder_of_nothing_else_is_empty() {
    let root = tree(companions("Actor_01", "03-01-03-01-01-01-01.wav"));
    let error = corpus("kind = 'ravdess'").index(root.path()).unwrap_err().to_string();
    assert!(error.contains("no readable file is there"), "{error}");
}

#[test]
fn a_data_folder_that_is_hidden_itself_is_read() {
    let root = tree([".cache/01-01-03-01-01-01-01.mp4"]);
    let dataset = corpus("kind = 'ravdess'").index(&root.path().join(".cache")).unwrap();
    assert_eq!(dataset.clips.len(), 1);
}
