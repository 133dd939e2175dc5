//! Trees of MELD with every documented quirk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Modality, Protocol, Turn, folds};
use std::fmt::Write as _;
use std::path::Path;
use support::{add, corpus, problems, tree};
use tempfile::TempDir;

const HEADER: &str = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime";

/// Split, its folder, its dialogues, its rows of anger, disgust, fear, joy, sadness, surprise and neutral.
const SPLITS: [(&str, &str, usize, [usize; 7]); 3] = [
    ("train", "train/train_splits", 1038, [1109, 271, 268, 1743, 683, 1205, 4710]),
    ("dev", "dev/dev_splits_complete", 114, [153, 22, 40, 163, 111, 150, 470]),
    ("test", "test/output_repeated_splits_test", 280, [345, 68, 50, 402, 208, 281, 1256]),
];

const EMOTIONS: [&str; 7] = ["anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral"];

fn add_table(root: &Path, name: &str, rows: &str) {
    add(root, name, &format!("{HEADER}\r\n{rows}"));
}

/// One row: `utterance` is quoted, as those with commas and line breaks are.
fn row(speaker: &str, emotion: &str, sentiment: &str, dialogue: usize, utterance: usize) -> String {
    format!(
        "1,\"Oh, my\nGod.\",{speaker},{emotion},{sentiment},{dialogue},{utterance},8,21,\"00:16:16,059\",\"00:16:21,731\"\r\n"
    )
}

/// Videos without a row.
const UNNAMED: [(&str, usize, usize); 5] =
    [("dev", 49, 4), ("dev", 49, 5), ("dev", 66, 9), ("dev", 66, 10), ("test", 108, 2)];

/// The release: counts, dialogues and quirks are its own, the words and who speaks are not.
fn complete() -> TempDir {
    let root = tree([
        "test/output_repeated_splits_test/final_videos_testdia0_utt0.mp4",
        "test/output_repeated_splits_test/._dia0_utt0.mp4",
        "README.txt",
    ]);
    for (split, folder, dialogues, counts) in SPLITS {
        let mut emotions: Vec<&str> =
            EMOTIONS.iter().zip(counts).flat_map(|(&name, count)| vec![name; count]).collect();
        let last = emotions.len() - 1;
        match split {
            "train" => emotions.swap(3 * dialogues + 125, last),
            "dev" => emotions.swap(7 * dialogues + 110, last),
            _ => {}
        }
        let mut rows = String::new();
        std::fs::create_dir_all(root.path().join(folder)).unwrap();
        for (index, emotion) in emotions.into_iter().enumerate() {
            let (dialogue, utterance) = (index % dialogues, index / dialogues);
            let unnamed = UNNAMED.contains(&(split, dialogue, utterance));
            let utterance = if unnamed { utterance + 100 } else { utterance };
            let speaker = format!("Speaker {} ", index % 304);
            let _ = write!(rows, "{}", row(&speaker, emotion, "neutral", dialogue, utterance));
            if (split, dialogue, utterance) != ("dev", 110, 7) {
                let name = format!("{folder}/dia{dialogue}_utt{utterance}.mp4");
                std::fs::File::create(root.path().join(name)).unwrap();
            }
        }
        for (_, dialogue, utterance) in UNNAMED.iter().filter(|unnamed| unnamed.0 == split) {
            add(root.path(), format!("{folder}/dia{dialogue}_utt{utterance}.mp4"), "");
        }
        add_table(root.path(), &format!("{split}_sent_emo.csv"), &rows);
    }
    root
}

#[test]
fn the_release_has_the_documented_counts() {
    let root = complete();
    let shipped = CorpusConfig::shipped("meld").unwrap();
    let dataset = shipped.index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    let summary = dataset.summary();
    assert_eq!(summary.differences(shipped.expected().unwrap()), []);
    assert_eq!(
        (summary.without[Modality::Audio], summary.without[Modality::Video], summary.unlabelled),
        (0, 0, 0)
    );
    assert!(summary.subjects.contains_key("Speaker 303"), "trimmed");
    let clip = |id: &str| dataset.clips.iter().find(|clip| clip.id == id);
    for lacking in ["train/dia125_utt3", "dev/dia110_utt7"] {
        assert!(clip(lacking).is_none(), "{lacking}");
    }
    let last = clip("test/dia7_utt9").unwrap();
    assert_eq!(last.fold.as_deref(), Some("test"));
    assert_eq!(last.turn, Some(Turn { dialogue: "test/dia7".into(), number: 9 }));

    let protocol = |text: &str| toml::from_str::<Protocol>(text).unwrap();
    let error = folds(&dataset, &protocol("kind = 'column'"), 0).unwrap_err().to_string();
    assert!(error.contains("subject `Speaker ") && error.contains("shared_subjects"), "{error}");
    let shared = protocol("kind = 'column'\nshared_subjects = true\ntest_folds = ['test']");
    let folds = folds(&dataset, &shared, 0).unwrap();
    let [fold] = folds.as_slice() else { panic!("one fold") };
    assert_eq!((fold.train.clips().len(), fold.test.clips().len()), (9988 + 1108, 2610));
}

/// Three tables of one row each and their videos.
fn small() -> TempDir {
    let root = tree(["train/dia0_utt0.mp4", "dev/dia0_utt0.mp4", "test/dia0_utt0.mp4"]);
    for split in ["train", "dev", "test"] {
        let text = row("Chandler", "joy", "positive", 0, 0);
        add_table(root.path(), &format!("tables/{split}_sent_emo.csv"), &text);
    }
    root
}

#[test]
fn a_damaged_copy_is_told_file_by_file_and_row_by_row() {
    let root = small();
    let rows = [
        row("Chandler", "joy", "positive", 0, 0),
        row("Chandler", "joyful", "positive", 0, 1),
        row("Ross", "fear", "negative", 0, 2),
        row("Ross", "fear", "negative", 0, 0),
        "1,x,Ross,fear,negative,zero,1,1,1,,\r\n".into(),
    ];
    add_table(root.path(), "tables/train_sent_emo.csv", &rows.concat());
    for file in [
        "train/dia0_utt1.mp4",
        "train/dia0_utt9.mp4",
        "train/copy/dia0_utt0.mp4",
        "train/clip.mp4",
        "train/dia0_utt+0.mp4",
        "dia0_utt0.mp4",
        "dev/dia49_utt4.mp4",
        "test/._dia0_utt0.mp4",
        "test/final_videos_testdia0_utt0.mp4",
        "dev/train_splits_wav/dia0_utt0.wav",
    ] {
        add(root.path(), file, "");
    }
    add_table(root.path(), "tables/old/dev_sent_emo.csv", "");
    add_table(root.path(), "tables/emorynlp_dev_final.csv", "");
    let dataset = corpus("kind = 'meld'").index(root.path()).unwrap();
    let ids: Vec<&str> = dataset.clips.iter().map(|clip| clip.id.as_str()).collect();
    assert_eq!(ids, ["dev/dia0_utt0", "test/dia0_utt0", "train/dia0_utt0"]);
    assert_ne!(
        dataset.clips[2].sources[Modality::Audio],
        dataset.clips[2].sources[Modality::Video],
        "the innermost folder says the split, and a wav gives the sound"
    );
    let table = "tables/train_sent_emo.csv";
    let found = problems(&dataset, root.path());
    let expected = [
        "dia0_utt0.mp4: no folder above it says whether it is of train, dev or test".into(),
        "train/clip.mp4: the name is not such as dia0_utt0.mp4".into(),
        "train/dia0_utt+0.mp4: the name is not such as dia0_utt0.mp4".into(),
        "train/dia0_utt0.mp4: duplicate: clip `train/dia0_utt0` has `train/copy/dia0_utt0.mp4` already".into(),
        "train/dia0_utt1.mp4: label code `joyful` is not in `labels`; add it there, or to `unlabelled` or \
         `excluded`".into(),
        "train/dia0_utt9.mp4: no row of the table names it".into(),
        format!("{table}: line 8: names `train/dia0_utt0`, as line 2 does"),
        format!("{table}: line 10: `zero` and `1` are not two numbers"),
        "tables/old/dev_sent_emo.csv: is not read: tables/dev_sent_emo.csv has the same name; remove one".into(),
        format!("{table}: line 6: no media file is named `train/dia0_utt2`"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn sentiments_and_the_broken_clips_can_be_taken() {
    let root = small();
    add_table(
        root.path(),
        "tables/train_sent_emo.csv",
        &[row("Ross", "neutral", "neutral", 125, 3), row("Joey", "fear", "negative", 0, 0)]
            .concat(),
    );
    add(root.path(), "train/dia125_utt3.mp4", "");
    let classes = |text: &str| {
        let dataset = corpus(&format!("kind = 'meld'\n{text}")).index(root.path()).unwrap();
        assert_eq!(dataset.problems, []);
        (dataset.clips.len(), dataset.classes)
    };
    assert_eq!(classes(""), (3, vec!["fear".into(), "joy".into()]));
    // A mended copy may have a row for one of the videos that have none in the release.
    let rows = [row("Ross", "joy", "positive", 0, 0), row("Ross", "joy", "positive", 49, 4)];
    add_table(root.path(), "tables/dev_sent_emo.csv", &rows.concat());
    add(root.path(), "dev/dia49_utt4.mp4", "");
    assert_eq!(classes("").0, 4);
    add_table(root.path(), "tables/dev_sent_emo.csv", &rows[0]);
    let (clips, sentiments) = classes("label = 'sentiment'\nbroken = true");
    assert_eq!(
        (clips, sentiments),
        (4, ["negative", "neutral", "positive"].map(String::from).to_vec())
    );
    let merged = "labels = { joy = 'joy' }\nexcluded = ['fear']";
    assert_eq!(classes(merged), (2, vec!["joy".into()]));
}

#[test]
fn each_split_needs_its_table_and_the_table_its_columns() {
    let root = small();
    let index = || corpus("kind = 'meld'").index(root.path()).unwrap_err().to_string();
    add(root.path(), "tables/dev_sent_emo.csv", "Speaker,Emotion,Dialogue_ID\n");
    let error = index();
    assert!(error.contains("no column `Utterance_ID`; it has: Speaker, Emotion"), "{error}");
    std::fs::remove_file(root.path().join("tables/dev_sent_emo.csv")).unwrap();
    let error = index();
    assert!(error.contains("has no file dev_sent_emo.csv in any folder"), "{error}");
}

#[test]
fn the_shipped_description_is_what_the_kind_alone_means() {
    let root = small();
    let shipped = CorpusConfig::shipped("meld").unwrap().index(root.path()).unwrap();
    let plain = corpus("kind = 'meld'").index(root.path()).unwrap();
    assert_eq!((shipped.clips, shipped.classes), (plain.clips, plain.classes));
}
