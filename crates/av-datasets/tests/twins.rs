//! One recording in two folders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use support::{add, corpus, problems, tree};

const PATTERN: &str =
    "kind = 'pattern'\nname = 'n'\npattern = '.*\\.(mp4|MP4|wav)'\nexample = 'a.mp4'";

#[test]
fn a_clip_that_lies_flat_and_in_a_folder_is_told_with_both_files() {
    let root = tree(["empty.mp4", "also-empty.mp4"]);
    let long = |middle: &str| format!("{}{middle}{}", "s".repeat(100_000), "e".repeat(100_000));
    for (file, text) in [
        ("a.mp4", long("x")),
        ("b.mp4", long("y")),
        ("one/a.mp4", long("x")),
        ("two/A.MP4", long("x")),
        ("three/a.mp4", long("z")),
        // Of another name: silence may be alike.
        ("e.mp4", long("x")),
        ("c.mp4", "x".to_owned() + &long("")),
        // Sound and picture of one clip may be alike.
        ("d.mp4", "d".into()),
        ("d.wav", "d".into()),
    ] {
        add(root.path(), file, &text);
    }
    let dataset = corpus(PATTERN).index(root.path()).unwrap();
    assert_eq!(dataset.clips.len(), 10, "clips that are told are there");
    let first = root.path().join("a.mp4");
    let expected = [("one/a.mp4", "one/a"), ("two/A.MP4", "two/A")].map(|(file, id)| {
        let same = format!("has the same bytes as `{}`", first.display());
        format!("{file}: {same}: clips `{id}` and `a` are one recording; remove one")
    });
    assert_eq!(problems(&dataset, root.path()), expected);
}

#[test]
fn labels_without_an_entry_and_second_files_of_a_clip_name_what_to_mend() {
    let root = tree(["p1_joy.mp4", "deep/p1_joy.mp4", "p2_rage.mp4", "p3_Joy.mp4"]);
    let text = "kind = 'pattern'\nname = 'n'\nexample = 'p1_joy.mp4'\nlabels = { joy = 'happy' }\n\
                pattern = '(.*/)?(?<id>(?<subject>p\\d)_(?<label>\\w+))\\.mp4'";
    let dataset = corpus(text).index(root.path()).unwrap();
    assert_eq!(dataset.clips.len(), 1);
    let unknown = |code| {
        format!(
            "label code `{code}` is not in `labels`; add it there, or to `unlabelled` or `excluded`"
        )
    };
    let expected = [
        "p1_joy.mp4: duplicate: clip `p1_joy` has `deep/p1_joy.mp4` already".to_owned(),
        format!("p2_rage.mp4: {}", unknown("rage")),
        format!("p3_Joy.mp4: {}", unknown("Joy")),
    ];
    assert_eq!(problems(&dataset, root.path()), expected);
}
