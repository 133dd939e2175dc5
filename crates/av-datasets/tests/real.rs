//! The real corpora, where they lie next to the workspace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Dataset, Modality, Protocol, Source, TableConfig, folds};
use std::path::Path;
use support::{corpus, real, tree};

#[test]
fn the_javanese_corpus_is_complete() {
    let Some(root) = real("javanese-av") else { return };
    let config = CorpusConfig::shipped("javanese-av").unwrap();
    let dataset = config.index(&root).unwrap();
    let summary = dataset.summary();
    assert_eq!(summary.differences(config.expected().unwrap()), []);
    assert_eq!(
        (summary.problems, summary.without[Modality::Audio], summary.without[Modality::Video]),
        (0, 0, 0)
    );
    assert!(summary.classes.iter().all(|class| (class.clips, class.subjects) == (32, 8)));
    assert!(summary.subjects.values().all(|&clips| clips == 24));
    assert_eq!(dataset.classes, ["e1", "e2", "e3", "e4", "e5", "e6"]);
    assert_eq!(dataset.clips[0].id, "01-01-01_01");
    let folds = folds(&dataset, &Protocol::LeaveOneSubjectOut { test_folds: None }, 0).unwrap();
    let names: Vec<&str> = folds.iter().map(|fold| fold.name.as_str()).collect();
    assert_eq!(names, ["01", "02", "03", "04", "06", "07", "08", "09"]);
    assert!(folds.iter().all(|fold| fold.train.clips().len() == 168));
}

#[test]
fn four_original_files_of_ravdess_are_four_clips_with_both_sides() {
    let Some(root) = real("ravdess-av-sample") else { return };
    let dataset = corpus("kind = 'ravdess'").index(&root).unwrap();
    assert_eq!(dataset.classes, ["neutral", "surprised"]);
    let emotions: Vec<_> = dataset.clips.iter().map(|clip| clip.emotion.unwrap()).collect();
    assert_eq!(emotions, [0, 0, 1, 1]);
    assert!(dataset.clips.iter().all(|clip| clip.sources[Modality::Audio].is_some()
        && clip.sources[Modality::Audio] == clip.sources[Modality::Video]));
    assert_eq!(dataset.problems, []);

    // The hash is of sizes and names, not of the place.
    let elsewhere = tree([""; 0]);
    for clip in &dataset.clips {
        let Some(Source::Media(path)) = &clip.sources[Modality::Audio] else { panic!("media") };
        std::fs::copy(path, elsewhere.path().join(path.file_name().unwrap())).unwrap();
    }
    let copy = corpus("kind = 'ravdess'").index(elsewhere.path()).unwrap();
    assert_eq!(copy.manifest_hash(), dataset.manifest_hash());
    let Some(Source::Media(path)) = &copy.clips[0].sources[Modality::Audio] else {
        panic!("media")
    };
    std::fs::remove_file(path).unwrap();
    std::fs::File::create(path).unwrap();
    assert_ne!(copy.manifest_hash(), dataset.manifest_hash());
}

/// Empty wav files for all rows of a table.
fn silent_tree(table: &Path) -> tempfile::TempDir {
    let text = std::fs::read_to_string(table).unwrap();
    let keys = text.lines().skip(1).filter_map(|line| line.split(',').next());
    let wavs = keys.map(|key| format!("Actor_{}/03{}.wav", &key[18..], &key[2..]));
    tree(wavs)
}

#[test]
fn the_openface_table_pairs_one_to_one_with_the_wavs() {
    let Some(path) = real("ravdess/video_openface_1200.csv") else { return };
    let root = silent_tree(&path);
    let mut dataset = corpus("kind = 'ravdess'").index(root.path()).unwrap();
    let mut config: TableConfig =
        toml::from_str("path = ''\nkey = 'clip'\ninclude = ['AU*']\nfold = 'fold'").unwrap();
    config.path = path;
    dataset.join(Modality::Video, root.path(), &config).unwrap();

    assert_eq!(dataset.problems, []);
    assert_eq!((dataset.clips.len(), dataset.tables[0].rows.len()), (1200, 1200));
    assert_eq!(dataset.tables[0].columns.len(), 35);
    assert!(dataset.tables[0].rows.iter().flatten().all(|value| value.is_finite()));
    assert!(
        dataset.clips.iter().all(|clip| clip.sources[Modality::Audio].is_some()
            && clip.sources[Modality::Video].is_some())
    );
    // Values of the second line of the file.
    assert_eq!(row(&dataset, "01-01-01-01-01-01")[..3], [0.0, 0.0, 0.930_510_2]);

    let folds =
        folds(&dataset, &Protocol::Column { test_folds: None, shared_subjects: false }, 0).unwrap();
    let names: Vec<&str> = folds.iter().map(|fold| fold.name.as_str()).collect();
    assert_eq!(names, ["0", "1", "2", "3", "4"]);
    assert!(
        folds.iter().all(|fold| (fold.train.clips().len(), fold.test.clips().len()) == (960, 240))
    );
    let last = &dataset.clips[folds[4].test.clips()[0]];
    assert!(["17", "18", "19", "20"].contains(&last.subject.as_str()));
}

fn row<'d>(dataset: &'d Dataset, clip: &str) -> &'d [f32] {
    let clip = dataset.clips.iter().find(|known| known.id == clip).unwrap();
    let Some(Source::Row { table, row }) = clip.sources[Modality::Video] else { panic!("no row") };
    &dataset.tables[table].rows[row]
}

#[test]
fn two_tables_and_no_media_are_a_corpus() {
    let Some(path) = real("ravdess/video_openwillis_300.csv") else { return };
    let root = path.parent().unwrap();
    let text = r#"
        kind = "rows"
        path = "video_openwillis_300.csv"
        id = "clip"
        subject = "actor"
        label = "emotion"
        fold = "fold"
    "#;
    let mut dataset = corpus(text).index(root).unwrap();
    let table = |text: &str| toml::from_str::<TableConfig>(text).unwrap();
    let facts = "exclude = ['actor', 'emotion', 'intensity']\nfold = 'fold'";
    let audio = table(&format!("path = 'audio_openwillis_300.csv'\nkey = 'clip'\n{facts}"));
    let video = table(&format!("path = 'video_openwillis_300.csv'\nkey = 'clip'\n{facts}"));
    dataset.join(Modality::Audio, root, &audio).unwrap();
    dataset.join(Modality::Video, root, &video).unwrap();
    assert_eq!(dataset.problems, []);
    let summary = dataset.summary();
    assert_eq!((summary.clips, summary.subjects.len(), dataset.classes.len()), (300, 20, 8));
    assert_eq!((summary.without[Modality::Audio], summary.without[Modality::Video]), (0, 0));
    assert_eq!((dataset.tables[0].columns.len(), dataset.tables[1].columns.len()), (69, 56));
    assert!(dataset.tables[0].rows.iter().flatten().any(|value| value.is_nan()));
    assert_eq!(
        folds(&dataset, &Protocol::Column { test_folds: None, shared_subjects: false }, 0)
            .unwrap()
            .len(),
        5
    );
}
