//! Names that look alike.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{Dataset, Modality, Source, TableConfig};
use support::{add, corpus, problems, tree};

const PATTERN: &str = r"
kind = 'pattern'
name = 'n'
pattern = '(?<subject>[^/]+)/(?<id>[^/]+)-(?<label>[^/]+)\.mp4'
example = 'p/x-y.mp4'
";

/// Joins a table with a column `who` to clips of a folder.
fn join(root: &tempfile::TempDir, text: &str, table: &str) -> Result<Dataset, String> {
    let mut dataset = corpus(text).index(root.path()).unwrap();
    add(root.path(), "t.csv", table);
    let config: TableConfig =
        toml::from_str("path = 't.csv'\nkey = 'clip'\nsubject = 'who'").unwrap();
    let joined = dataset.join(Modality::Video, root.path(), &config);
    joined.map(|()| dataset).map_err(|error| error.to_string())
}

#[test]
fn the_decomposed_names_of_a_mac_are_those_of_tables() {
    // The file and its folder as a Mac writes them, the table as a spreadsheet does; and the other way round.
    let (apart, whole) =
        (["Zoe\u{308}", "fu\u{308}r", "tru\u{308}b"], ["Zo\u{eb}", "f\u{fc}r", "tr\u{fc}b"]);
    for ([subject, id, label], [who, clip, _]) in [(apart, whole), (whole, apart)] {
        let file = format!("{subject}/{id}-{label}.mp4");
        let root = tree([&file]);
        let dataset = join(&root, PATTERN, &format!("clip,who,x\n{clip},{who},1\n")).unwrap();
        assert_eq!(dataset.problems, []);
        assert_eq!(dataset.classes, ["tr\u{fc}b"]);
        assert_eq!((&*dataset.clips[0].id, &*dataset.clips[0].subject), ("f\u{fc}r", "Zo\u{eb}"));
        // The file itself is called as the folder has it.
        assert_eq!(
            dataset.clips[0].sources[Modality::Audio],
            Some(Source::Media(root.path().join(file)))
        );
    }
}

#[test]
fn a_listing_and_rows_name_decomposed_clips_too() {
    let root = tree(["Zoe\u{308}_1.mp4"]);
    add(root.path(), "clips.csv", "Clip,Person\nZo\u{eb}_1,Zoe\u{308}\n");
    let listing = "kind = 'listing'\ntable = 'clips.csv'\nfile = 'Clip'\nsubject = 'Person'";
    let rows = "kind = 'rows'\npath = 'clips.csv'\nid = 'Clip'\nsubject = 'Person'";
    for text in [listing, rows] {
        let dataset = join(&root, text, "clip,who,x\nZoe\u{308}_1,Zo\u{eb},1\n").unwrap();
        assert_eq!(dataset.problems, [], "{text}");
        assert_eq!(dataset.clips.len(), 1);
    }
}

#[test]
fn names_that_differ_in_case_are_not_the_same_and_the_message_says_so() {
    let root = tree(["p/a_1-joy.mp4", "p/b_1-joy.mp4"]);
    let dataset = join(&root, PATTERN, "clip,who,x\na_1,p,1\nB_1,p,1\nC_1,p,1\n").unwrap();
    let expected = [
        "t.csv: has no row for clip `b_1`",
        "t.csv: line 3: no clip is named `B_1`; there is `b_1`, which differs in case",
        "t.csv: line 4: no clip is named `C_1`",
    ];
    assert_eq!(problems(&dataset, root.path()), expected);
    let error = join(&root, PATTERN, "clip,who,x\nB_1,p,1\n").unwrap_err();
    assert!(error.contains("key is `B_1`, a clip is `b_1`; they differ in case"), "{error}");

    let root = tree(["films/a_1.MP4", "b.mp4"]);
    add(root.path(), "clips.csv", "Clip\nfilms/A_1\nb\n");
    let dataset = corpus("kind = 'listing'\ntable = 'clips.csv'\nfile = 'Clip'").index(root.path());
    let expected = [
        "films/a_1.MP4: no row of the table names it",
        "clips.csv: line 2: no media file is named `films/A_1`; there is `a_1.MP4`, which differs in case",
    ];
    assert_eq!(problems(&dataset.unwrap(), root.path()), expected);
}
