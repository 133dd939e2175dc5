//! Which files are taken for media.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{Modality, Source};
use support::{add, corpus, problems, tree};

const LAB: &str = r"
kind = 'pattern'
name = 'lab'
pattern = '(?<id>(?<subject>p\d\d)_(?<label>[a-z]+)_\d)\.\w+'
example = 'p00_joy_1.mp4'
";

#[test]
fn every_container_of_phones_cameras_and_recorders_is_read() {
    let films = [
        "mp4", "MOV", "m4v", "3gp", "3G2", "MTS", "m2ts", "ts", "mkv", "webm", "wmv", "asf", "avi",
        "flv", "mpg", "mpeg", "VOB", "dv", "mxf", "ogv",
    ];
    let sounds = [
        "wav", "WAV", "w64", "opus", "aac", "aif", "aiff", "AIFC", "ogg", "oga", "flac", "m4a",
        "mp3", "mp2", "wma", "amr", "au", "ac3", "caf", "mka", "weba",
    ];
    for (extensions, film) in [(&films[..], true), (&sounds[..], false)] {
        let name = |(i, extension)| format!("p{i:02}_joy_1.{extension}");
        let root = tree(extensions.iter().enumerate().map(name));
        let dataset = corpus(LAB).index(root.path()).unwrap();
        assert_eq!(problems(&dataset, root.path()), [""; 0]);
        assert_eq!(dataset.clips.len(), extensions.len());
        for clip in &dataset.clips {
            assert!(matches!(clip.sources[Modality::Audio], Some(Source::Media(_))));
            assert_eq!(clip.sources[Modality::Video].is_some(), film, "{}", clip.id);
        }
    }
}

#[test]
fn a_clip_of_unknown_extension_is_a_problem_and_notes_are_none() {
    let root = tree([
        "p00_joy_1.mp4",
        "p01_joy_1.xyz",
        "p02_joy_1.braw",
        "p00_joy_1.txt",
        "p00_joy_1.TextGrid",
        "p00_joy_1.png",
        "holiday.xyz",
        "holiday.m4v",
    ]);
    let dataset = corpus(LAB).index(root.path()).unwrap();
    assert_eq!(dataset.clips.len(), 1);
    let unknown = "its name is that of a clip, but its extension is not known";
    let expected = [
        ("holiday.m4v: ", "the path does not match the pattern"),
        ("p01_joy_1.xyz: ", unknown),
        ("p02_joy_1.braw: ", unknown),
    ];
    let found = problems(&dataset, root.path());
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (path, reason)) in found.iter().zip(expected) {
        assert!(found.starts_with(path) && found.contains(reason), "{found}");
    }
}

#[test]
fn the_name_counts_even_where_the_pattern_or_the_corpus_asks_for_an_extension() {
    let wav = "kind = 'pattern'\nname = 'n'\npattern = '(?<id>.*)\\.wav'\nexample = 'a.wav'";
    let listing = "kind = 'listing'\ntable = 'clips.csv'\nfile = 'Clip'";
    for (text, good, unknown) in [
        (wav, "a.wav", "b.raw"),
        (listing, "a.mp4", "b.r3d"),
        ("kind = 'ravdess'", "01-01-03-01-01-01-01.mp4", "03-01-04-01-01-01-01.pcm"),
        ("kind = 'crema-d'", "1001_DFA_ANG_XX.flv", "1001_DFA_SAD_XX.insv"),
    ] {
        let root = tree([good, unknown, "elsewhere.xyz"]);
        add(root.path(), "clips.csv", "Clip\na\nb\n");
        let dataset = corpus(text).index(root.path()).unwrap();
        let found = problems(&dataset, root.path());
        assert!(found.len() == (if text == wav { 2 } else { 1 }), "{text}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{unknown}: its name is that of a clip")),
            "{found:?}"
        );
    }
}
