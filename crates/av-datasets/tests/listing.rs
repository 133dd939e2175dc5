//! Media files that a table lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Modality, Source};
use support::{add, corpus, problems, tree};

const LISTING: &str = "kind = 'listing'\ntable = 'clips.csv'\nfile = 'Clip'\nsubject = 'Person'\n\
                       label = 'State'\nfold = 'Set'\nexcluded = ['bored']\nunlabelled = ['unsure']";

#[test]
fn a_row_names_its_file_by_any_end_of_its_path() {
    let root = tree([
        "faces/S01/a.mp4",
        "sound/S01/a.wav",
        "S02/a.mp4",
        "a.mp4",
        "b.v2.AVI",
        "deep/er/c.mp4",
        "bored.mp4",
        "notes.txt",
    ]);
    // The longest end counts: the row `a` names the file of the data folder alone.
    let table = "Clip,Person,State,Set\na,dan,sad,2\nS01/a,ann,happy,1\nS02\\a.mp4,bob,sad,2\nb.v2,bob,unsure,\n\
                 deep/er/c.mp4,cy,happy,1\nbored,cy,bored,2\n";
    add(root.path(), "clips.csv", table);
    let dataset = corpus(LISTING).index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    assert_eq!(
        (dataset.name.as_str(), &dataset.classes[..]),
        ("clips", &["happy".into(), "sad".into()][..])
    );
    let [first, second, short, third, fourth] = dataset.clips.as_slice() else {
        panic!("five clips")
    };
    let media = |file: &str| Some(Source::Media(root.path().join(file)));
    assert_eq!(
        (first.id.as_str(), &first.sources[Modality::Audio]),
        ("S01/a", &media("sound/S01/a.wav"))
    );
    assert_eq!(first.sources[Modality::Video], media("faces/S01/a.mp4"));
    assert_eq!((second.subject.as_str(), second.fold.as_deref()), ("bob", Some("2")));
    assert_eq!((short.subject.as_str(), &short.sources[Modality::Video]), ("dan", &media("a.mp4")));
    assert_eq!((third.id.as_str(), third.emotion, &third.fold), ("b.v2", None, &None));
    assert_eq!((fourth.id.as_str(), fourth.emotion), ("deep/er/c", Some(0)));
}

#[test]
fn files_without_rows_and_rows_without_files_are_told() {
    let root = tree(["a.mp4", "b.mp4", "x/b.mp4", "c.mp4"]);
    let table = "Clip,Person,State,Set\na,ann,happy,\nb,bob,sad,\ngone,bob,sad,\nlost,cy,bored,\n,cy,sad,\na.mp4,ann,sad,\n";
    add(root.path(), "clips.csv", table);
    let dataset = corpus(LISTING).index(root.path()).unwrap();
    assert_eq!(dataset.clips.len(), 2);
    let found = problems(&dataset, root.path());
    let expected = [
        "c.mp4: no row of the table names it",
        "x/b.mp4: duplicate: clip `b` has `b.mp4` already",
        "clips.csv: line 6: column `Clip` is empty",
        "clips.csv: line 7: names `a`, as line 2 does",
        "clips.csv: line 4: no media file is named `gone`",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_table_that_names_other_files_or_has_other_columns_is_an_error() {
    let root = tree(["a.mp4"]);
    let error = |table: &str| {
        add(root.path(), "clips.csv", table);
        corpus(LISTING).index(root.path()).unwrap_err().to_string()
    };
    let other = error("Clip,Person,State,Set\nz,ann,happy,\n");
    assert!(other.contains("media files that `clips.csv` names, for example z"), "{other}");
    let columns = error("Video,Person,State,Set\n");
    assert!(columns.contains("no column `Clip`; it has: Video, Person, State, Set"), "{columns}");
}

#[test]
fn baum1s_keeps_the_six_basic_emotions() {
    let root = tree(["s001/S001_001.mp4", "s001/S001_002.mp4", "s002/S002_001.mp4"]);
    let table =
        "Clip Name,Subject,Emotion\nS001_001,1,anger\nS001_002,1,thinking\nS002_001,2,fear\n";
    add(root.path(), "annotations.csv", table);
    let dataset = CorpusConfig::shipped("baum1s").unwrap().index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    assert_eq!((dataset.clips.len(), dataset.name.as_str()), (2, "baum1s"));
    assert_eq!(dataset.classes, ["anger", "fear"]);
}
