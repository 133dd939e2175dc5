//! RAVDESS trees with every documented layout and quirk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Dataset, Modality, Source};
use support::{corpus, problems, tree};

fn index(root: &tempfile::TempDir) -> Dataset {
    corpus("kind = 'ravdess'").index(root.path()).unwrap()
}

/// The names of the complete corpus for one modality and channel.
fn complete(modality: &str, extension: &str) -> Vec<String> {
    let mut names = vec![];
    for actor in 1..=24 {
        for emotion in 1..=8 {
            for intensity in 1..=if emotion == 1 { 1 } else { 2 } {
                for (statement, repetition) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                    names.push(format!("Actor_{actor:02}/{modality}-01-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor:02}.{extension}"));
                }
            }
        }
    }
    names
}

#[test]
fn the_complete_corpus_has_the_documented_counts() {
    let mut files = complete("01", "mp4");
    files.extend(complete("02", "mp4"));
    files.extend(complete("03", "wav"));
    assert_eq!(files.len(), 3 * 1440);
    let dataset = index(&tree(&files));
    let shipped = CorpusConfig::shipped("ravdess").unwrap();
    let summary = dataset.summary();
    assert_eq!(summary.differences(shipped.expected().unwrap()), []);
    assert_eq!(
        (summary.without[Modality::Audio], summary.without[Modality::Video], summary.problems),
        (0, 0, 0)
    );
    assert_eq!(dataset.classes[0], "neutral");
    assert!(summary.subjects.values().all(|&clips| clips == 60));
}

#[test]
fn a_part_of_the_corpus_differs_from_the_documented_counts_and_says_where() {
    let mut files = complete("03", "wav");
    files.retain(|file| !file.starts_with("Actor_24") && !file.contains("/03-01-08"));
    let shipped = CorpusConfig::shipped("ravdess").unwrap();
    let differences = index(&tree(&files)).summary().differences(shipped.expected().unwrap());
    let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(told[0], "1440 clips are expected, 1196 were found: 244 are lacking");
    assert_eq!(told[1], "24 subjects are expected, 23 were found: 1 are lacking");
    let surprised = "192 clips of class `surprised` are expected, 0 were found: 192 are lacking";
    assert_eq!(told.last().map(String::as_str), Some(surprised));
    assert_eq!(differences.len(), 2 + 8);
}

#[test]
fn the_manifest_hash_depends_on_the_size_of_a_file_and_not_on_its_place() {
    let hash = |file: &str, content: &str| {
        let root = tree([""; 0]);
        support::add(root.path(), file, content);
        index(&root).manifest_hash()
    };
    let first = hash("01-01-03-01-01-01-01.mp4", "four");
    assert_eq!(hash("Actor_01/01-01-03-01-01-01-01.mp4", "five"), first);
    assert_ne!(hash("01-01-03-01-01-01-01.mp4", "three"), first);
}

#[test]
fn the_shipped_description_is_what_the_kind_alone_means() {
    let CorpusConfig::Ravdess(mut shipped) = CorpusConfig::shipped("ravdess").unwrap() else {
        panic!("another kind");
    };
    shipped.expected = None;
    assert_eq!(CorpusConfig::Ravdess(shipped), corpus("kind = 'ravdess'"));
}

#[test]
fn files_of_one_performance_are_one_clip_and_a_file_of_one_side_alone_is_preferred() {
    let root = tree([
        "video/Actor_07/01-01-03-02-01-02-07.mp4",
        "sound/03-01-03-02-01-02-07.wav",
        "01-01-04-01-01-01-07.mp4",
        "02-01-05-01-01-01-08.MP4",
        "deep/er/03-01-06-01-01-01-08.WAV",
    ]);
    let dataset = index(&root);
    let ids: Vec<&str> = dataset.clips.iter().map(|clip| clip.id.as_str()).collect();
    let expected =
        ["01-03-02-01-02-07", "01-04-01-01-01-07", "01-05-01-01-01-08", "01-06-01-01-01-08"];
    assert_eq!(ids, expected);
    let media = |file: &str| Some(Source::Media(root.path().join(file)));
    let [joined, both, silent, blind] = dataset.clips.as_slice() else { panic!("four clips") };
    assert_eq!(joined.sources[Modality::Audio], media("sound/03-01-03-02-01-02-07.wav"));
    assert_eq!(joined.sources[Modality::Video], media("video/Actor_07/01-01-03-02-01-02-07.mp4"));
    assert_eq!(
        (&both.sources[Modality::Audio], &both.sources[Modality::Video]),
        (&both.sources[Modality::Video], &media("01-01-04-01-01-01-07.mp4"))
    );
    assert_eq!(
        (&silent.sources[Modality::Audio], &silent.sources[Modality::Video]),
        (&None, &media("02-01-05-01-01-01-08.MP4"))
    );
    assert_eq!(
        (&blind.sources[Modality::Audio], &blind.sources[Modality::Video]),
        (&media("deep/er/03-01-06-01-01-01-08.WAV"), &None)
    );
    assert_eq!(silent.subject, "08");
    assert_eq!(dataset.classes, ["happy", "sad", "angry", "fearful"]);
    assert_eq!(silent.emotion, Some(2));
}

#[test]
fn song_is_left_out_unless_asked_for() {
    let root = tree(["01-01-03-01-01-01-01.mp4", "01-02-04-01-01-01-01.mp4"]);
    let ids = |text| {
        let dataset = corpus(text).index(root.path()).unwrap();
        assert_eq!(dataset.problems, []);
        dataset.clips.into_iter().map(|clip| clip.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("kind = 'ravdess'"), ["01-03-01-01-01-01"]);
    assert_eq!(ids("kind = 'ravdess'\nchannel = 'song'"), ["02-04-01-01-01-01"]);
    assert_eq!(ids("kind = 'ravdess'\nchannel = 'both'").len(), 2);
}

#[test]
fn what_does_not_belong_is_listed_with_its_reason_and_tables_and_notes_are_not_looked_at() {
    let root = tree([
        "01-01-03-01-01-01-01.mp4",
        "again/01-01-03-01-01-01-01.mp4",
        "01-01-09-01-01-01-01.mp4",
        "holiday.mp4",
        "03-01-03-01-01-01-01.mp4",
        "01-01-03-01-01-01-01.wav",
        "features.csv",
        "README",
    ]);
    let dataset = index(&root);
    assert_eq!(dataset.clips.len(), 1);
    let found = problems(&dataset, root.path());
    let expected = [
        ("01-01-03-01-01-01-01.wav: ", "the extension does not go with"),
        ("01-01-09-01-01-01-01.mp4: ", "emotion `09`"),
        ("03-01-03-01-01-01-01.mp4: ", "the extension does not go with"),
        ("again/01-01-03-01-01-01-01.mp4: ", "duplicate"),
        ("holiday.mp4: ", "not seven numbers"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (path, reason)) in found.iter().zip(expected) {
        assert!(found.starts_with(path) && found.contains(reason), "{found}");
    }
}

#[test]
fn classes_can_be_merged_left_out_and_unlabelled() {
    let root = tree([
        "01-01-01-01-01-01-01.mp4",
        "01-01-02-01-01-01-01.mp4",
        "01-01-03-01-01-01-01.mp4",
        "01-01-04-01-01-01-01.mp4",
        "01-01-05-01-01-01-01.mp4",
    ]);
    let text = "kind = 'ravdess'\nunlabelled = ['03']\nexcluded = ['04']\nlabels = { 01 = 'calm', 02 = 'calm' }";
    let dataset = corpus(text).index(root.path()).unwrap();
    assert_eq!(dataset.classes, ["calm"]);
    let emotions: Vec<_> = dataset.clips.iter().map(|clip| clip.emotion).collect();
    assert_eq!(emotions, [Some(0), Some(0), None]);
    let found = problems(&dataset, root.path());
    assert!(found.len() == 1 && found[0].contains("label code `05`"), "{found:?}");
}

#[test]
fn a_folder_without_any_clip_is_an_error_that_shows_a_name() {
    let error = |files: &[&str]| {
        let error = corpus("kind = 'ravdess'").index(tree(files).path()).unwrap_err();
        error.to_string()
    };
    let empty = error(&[]);
    assert!(empty.contains("no readable file"), "{empty}");
    assert!(empty.contains("01-01-06-01-02-01-12.mp4"), "{empty}");
    let packed = error(&["Actor_01.zip", "Actor_02.zip"]);
    assert!(packed.contains("2 `.zip`"), "{packed}");
    let wrong = error(&["a.mp4"]);
    assert!(wrong.contains("not seven numbers"), "{wrong}");
    let absent = corpus("kind = 'ravdess'").index("/no/such/folder".as_ref()).unwrap_err();
    assert!(absent.to_string().contains("/no/such/folder"), "{absent}");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_a_problem_and_no_panic() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tree(["01-01-03-01-01-01-01.mp4"]);
    let name = std::ffi::OsStr::from_bytes(b"01-01-03-01-01-01-\xff.mp4");
    support::add(root.path(), name, "");
    let dataset = index(&root);
    assert_eq!(dataset.clips.len(), 1);
    let found = problems(&dataset, root.path());
    assert!(
        found.len() == 1 && found[0].contains("\u{fffd}.mp4: its name is not valid UTF-8"),
        "{found:?}"
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_a_circle_of_links_ends() {
    use std::os::unix::fs::symlink;
    let elsewhere = tree(["01-01-03-01-01-01-01.mp4"]);
    let root = tree(["Actor_02/01-01-03-01-01-01-02.mp4"]);
    symlink(elsewhere.path(), root.path().join("Actor_01")).unwrap();
    symlink(root.path(), root.path().join("Actor_02/circle")).unwrap();
    symlink("/no/such/file.mp4", root.path().join("broken.mp4")).unwrap();
    let dataset = index(&root);
    assert_eq!(dataset.clips.len(), 2);
    let found = problems(&dataset, root.path());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("Actor_02/circle: links to a folder"), "{found:?}");
    assert!(found[1].starts_with("broken.mp4: cannot be read"), "{found:?}");
}
