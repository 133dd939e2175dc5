//! Trees of IEMOCAP with every documented quirk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Modality, Protocol, Turn, folds};
use std::fs::File;
use support::{add, corpus, problems, tree};
use tempfile::TempDir;

/// Turns of each emotion.
const TURNS: [(&str, usize); 11] = [
    ("ang", 1103),
    ("dis", 2),
    ("exc", 1041),
    ("fea", 40),
    ("fru", 1849),
    ("hap", 595),
    ("neu", 1708),
    ("oth", 3),
    ("sad", 1084),
    ("sur", 107),
    ("xxx", 2507),
];

/// Dialogues of each session.
const DIALOGUES: [usize; 5] = [28, 30, 32, 30, 31];

const HEADER: &str = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n";

/// The turns of the release; which one is of which dialogue is not its own.
fn complete() -> TempDir {
    let root = tree([
        "Session1/dialog/avi/DivX/Ses01F_impro00.avi",
        "Session1/dialog/wav/Ses01F_impro00.wav",
        "Session1/dialog/EmoEvaluation/Categorical/Ses01F_impro00_e1_cat.txt",
        "Session1/sentences/wav/Ses01F_impro00/._Ses01F_impro00_F000.wav",
    ]);
    add(root.path(), "Session1/dialog/EmoEvaluation/._Ses01F_impro00.txt", "[\u{1}");
    let dialogues: Vec<String> = (0..5)
        .flat_map(|session| (0..DIALOGUES[session]).map(move |dialogue| (session + 1, dialogue)))
        .map(|(session, dialogue)| format!("Ses{session:02}F_impro{dialogue:02}"))
        .collect();
    let mut texts = vec![HEADER.to_owned(); dialogues.len()];
    let emotions = TURNS.iter().flat_map(|&(code, count)| vec![code; count]);
    for (index, emotion) in emotions.enumerate() {
        let (dialogue, turn) = (index % dialogues.len(), index / dialogues.len());
        let name = format!("{}_{}{turn:03}", dialogues[dialogue], ["F", "M"][turn % 2]);
        texts[dialogue] += &format!(
            "[{turn}.2500 - {turn}.7500]\t{name}\t{emotion}\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\n\n"
        );
        let folder = root.path().join(format!(
            "Session{}/sentences/wav/{}",
            &name[4..5],
            dialogues[dialogue]
        ));
        std::fs::create_dir_all(&folder).unwrap();
        File::create(folder.join(format!("{name}.wav"))).unwrap();
    }
    for (dialogue, text) in dialogues.iter().zip(texts) {
        let session = &dialogue[4..5];
        add(root.path(), format!("Session{session}/dialog/EmoEvaluation/{dialogue}.txt"), &text);
    }
    root
}

#[test]
fn four_and_six_classes_have_the_documented_counts() {
    let root = complete();
    for name in ["iemocap-4", "iemocap-6"] {
        let shipped = CorpusConfig::shipped(name).unwrap();
        let dataset = shipped.index(root.path()).unwrap();
        assert_eq!(dataset.problems, []);
        let summary = dataset.summary();
        assert_eq!(summary.differences(shipped.expected().unwrap()), []);
        assert_eq!((summary.without[Modality::Audio], summary.unlabelled), (0, 0));
        assert_eq!(summary.without[Modality::Video], summary.clips);
        assert!(summary.subjects.contains_key("Ses05_M"));
    }
    let dataset = corpus("kind = 'iemocap'").index(root.path()).unwrap();
    assert_eq!((dataset.clips.len(), dataset.classes.len()), (7529, 9));
    let all = "kind = 'iemocap'\nexcluded = []\nunlabelled = ['oth', 'xxx']";
    let all = corpus(all).index(root.path()).unwrap();
    assert_eq!((all.clips.len(), all.summary().unlabelled), (10_039, 2510));
    let protocol: Protocol = toml::from_str("kind = 'column'\ntest_folds = [5]").unwrap();
    let folds = folds(&dataset, &protocol, 0).unwrap();
    let test = folds[0].test.clips().iter().map(|&clip| &dataset.clips[clip].subject);
    assert!(test.clone().all(|subject| subject.starts_with("Ses05_")) && test.count() > 1400);
}

#[test]
fn turns_are_numbered_by_time_and_damage_is_told() {
    let lines = "[9.5 - 10.0]\tSes03M_script01_1a_F000\tneu\t[2, 2, 2]\n\
                 [10.5 - 11.0]\tSes03M_script01_1a_M001\txxx\t[2, 2, 2]\r\n\
                 [2.0 - 3.0]\tSes03M_script01_1a_M000\tang\t[2, 2, 2]\n\
                 [11.5 - 12.0]\tSes03M_script01_1a_F001\tjoy\t[2, 2, 2]\n\
                 [12.5 - 13.0]\tSes03M_script01_1a_F002\tsad\t[2, 2, 2]\n\
                 [12.5 - 13.0]\tSes03M_script01_1a_F002\tsad\t[2, 2, 2]\n\
                 [inf - 13.0]\tSes03M_script01_1a_F003\tsad\t[2, 2, 2]\n\
                 [1.0 - 13.0]\tSes03M_script02_1a_F003\tsad\t[2, 2, 2]\n\
                 [1.0 - 13.0]\tSes03M_script01_1a_X003\tsad\t[2, 2, 2]\n\
                 [1.0 - 13.0] Ses03M_script01_1a_F003 sad\n";
    let wav = |turn: &str| format!("sentences/wav/x/Ses03M_script01_1a_{turn}.wav");
    let root = tree(["F000", "M000", "F001", "F009"].map(wav));
    let file = "Session3/dialog/EmoEvaluation/Ses03M_script01_1a.txt";
    add(root.path(), file, &format!("{HEADER}{lines}"));
    add(
        root.path(),
        "Session3/dialog/EmoEvaluation/Ses09F_impro01.txt",
        "[1 - 2]\tSes09F_impro01_F000\tneu\n",
    );
    let dataset = corpus("kind = 'iemocap'").index(root.path()).unwrap();
    let [second, first] = dataset.clips.as_slice() else { panic!("two clips") };
    assert_eq!(
        (second.id.as_str(), second.subject.as_str()),
        ("Ses03M_script01_1a_F000", "Ses03_F")
    );
    let turn = |number| Some(Turn { dialogue: "Ses03M_script01_1a".into(), number });
    assert_eq!((&first.turn, &second.turn), (&turn(0), &turn(1)));
    assert_eq!(first.fold.as_deref(), Some("3"));
    let expected = [
        format!(
            "{}: label code `joy` is not in `labels`; add it there, or to `unlabelled` or `excluded`",
            wav("F001")
        ),
        format!("{}: no row of the table names it", wav("F009")),
        format!("{file}: line 9: `[inf - 13.0]` is not `[start - end]` in seconds"),
        format!(
            "{file}: line 10: turn `Ses03M_script02_1a_F003` is not such as Ses03M_script01_1a_F000"
        ),
        format!(
            "{file}: line 11: turn `Ses03M_script01_1a_X003` is not such as Ses03M_script01_1a_F000"
        ),
        format!("{file}: line 12: is not `[start - end]`, turn and emotion with tabs between them"),
        format!("{file}: line 8: names `Ses03M_script01_1a_F002`, as line 7 does"),
        "Session3/dialog/EmoEvaluation/Ses09F_impro01.txt: line 1: the name of the file does not begin with Ses01 to \
         Ses05"
            .into(),
        format!("{file}: line 7: no media file is named `Ses03M_script01_1a_F002`"),
    ];
    assert_eq!(problems(&dataset, root.path()), expected);
}

#[test]
fn a_folder_without_turns_says_what_was_expected() {
    let root = tree(["Ses01F_impro01_F000.wav"]);
    let error = corpus("kind = 'iemocap'").index(root.path()).unwrap_err().to_string();
    assert!(error.contains("wav files of the turns of Session1/dialog/EmoEvaluation"), "{error}");
}
