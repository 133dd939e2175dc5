//! Trees of CREMA-D with every documented quirk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Modality, Source};
use support::{add, corpus, problems, tree};

const ID: &str = "1001_DFA_ANG_XX";

#[test]
fn files_of_one_name_are_one_clip_and_broken_ones_and_copies_are_left_out() {
    let root = tree([
        "VideoFlash/1001_DFA_ANG_XX.flv",
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioMP3/1001_DFA_ANG_XX.mp3",
        "VideoFlash/1002_IEO_HAP_LO.flv",
        "AudioWAV/1091_ITH_SAD_X.wav",
        "VideoFlash/1076_MTI_NEU_XX.flv",
        "AudioWAV/1076_MTI_SAD_XX.wav",
        "VideoFlash/1064_TIE_SAD_XX.flv",
        "VideoFlash/1064_IEO_DIS_MD.flv",
        "SentenceFilenames.csv",
    ]);
    let dataset = corpus("kind = 'crema-d'").index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    let [first, second, third] = dataset.clips.as_slice() else { panic!("three clips") };
    let media = |file: &str| Some(Source::Media(root.path().join(file)));
    assert_eq!(first.sources[Modality::Audio], media("AudioWAV/1001_DFA_ANG_XX.wav"));
    assert_eq!(first.sources[Modality::Video], media("VideoFlash/1001_DFA_ANG_XX.flv"));
    assert_eq!(
        (&second.sources[Modality::Audio], second.subject.as_str()),
        (&second.sources[Modality::Video], "1002")
    );
    assert_eq!((third.id.as_str(), &third.sources[Modality::Video]), ("1091_ITH_SAD_X", &None));
    assert_eq!(dataset.classes, ["anger", "happiness", "sadness"]);
    let all = corpus("kind = 'crema-d'\nbroken = true").index(root.path()).unwrap();
    assert_eq!(all.clips.len(), 7);
}

#[test]
fn the_crowd_may_see_it_otherwise_than_the_actor_meant_it() {
    let files = ["1001_IEO_NEU_XX", "1002_IEO_FEA_LO", "1003_IEO_SAD_HI", "1004_IEO_SAD_HI"];
    let root = tree(files.map(|id| format!("AudioWAV/{id}.wav")));
    let table = "\"\",\"FileName\",\"VoiceVote\",\"VoiceLevel\",\"FaceVote\",\"MultiModalVote\"\n\
                 1,1001_IEO_NEU_XX,A,50,N,N\n2,1002_IEO_FEA_LO,F,45,D:F,S\n3,1003_IEO_SAD_HI,S,60,S,H\n";
    add(root.path(), "processedResults/summaryTable.csv", table);
    let classes = |label: &str| {
        let text = format!("kind = 'crema-d'\nlabel = '{label}'");
        let dataset = corpus(&text).index(root.path()).unwrap();
        let name = |class: usize| dataset.classes[class].clone();
        let classes = dataset.clips.iter().map(|clip| clip.emotion.map(name).unwrap_or_default());
        (classes.collect::<Vec<String>>(), problems(&dataset, root.path()))
    };
    assert_eq!(classes("intended").0, ["neutral", "fear", "sadness", "sadness"]);
    let (voice, problems) = classes("voice");
    assert_eq!(voice, ["anger", "fear", "sadness"]);
    let reason = "AudioWAV/1004_IEO_SAD_HI.wav: the table of votes has no row for it";
    assert_eq!(problems, [reason]);
    // As many votes for two emotions: used without a label.
    assert_eq!(classes("face").0, ["neutral", "", "sadness"]);
    assert_eq!(classes("both").0, ["neutral", "sadness", "happiness"]);
}

#[test]
fn the_crowds_labels_need_their_table() {
    let root = tree([format!("{ID}.wav")]);
    let index = |text: &str| {
        let text = format!("kind = 'crema-d'\nlabel = 'voice'\n{text}");
        corpus(&text).index(root.path()).unwrap_err().to_string()
    };
    assert!(index("").contains("processedResults/summaryTable.csv"));
    add(root.path(), "votes.csv", "FileName,FaceVote\n");
    let error = index("votes = 'votes.csv'");
    assert!(error.contains("no column `VoiceVote`; it has: FileName, FaceVote"), "{error}");
}

#[test]
fn names_that_are_not_of_the_corpus_are_told() {
    let root = tree([
        format!("{ID}.wav"),
        "1092_DFA_ANG_XX.wav".into(),
        "1001_ABC_ANG_XX.wav".into(),
        "1001_DFA_JOY_XX.wav".into(),
        "1001_DFA_ANG_MAX.wav".into(),
        "holiday.flv".into(),
    ]);
    let dataset = corpus("kind = 'crema-d'").index(root.path()).unwrap();
    assert_eq!(dataset.clips.len(), 1);
    let found = problems(&dataset, root.path());
    let expected = [
        "1001_ABC_ANG_XX.wav: sentence `ABC` is none of DFA",
        "1001_DFA_ANG_MAX.wav: level `MAX` is none of LO",
        "1001_DFA_JOY_XX.wav: emotion `JOY` is none of ANG",
        "1092_DFA_ANG_XX.wav: actor `1092`",
        "holiday.flv: the name is not four parts",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn the_shipped_description_is_what_the_kind_alone_means() {
    let CorpusConfig::CremaD(mut shipped) = CorpusConfig::shipped("crema-d").unwrap() else {
        panic!("another kind");
    };
    let expected = shipped.expected.take().unwrap();
    assert_eq!(CorpusConfig::CremaD(shipped), corpus("kind = 'crema-d'"));
    assert_eq!(expected.classes.values().sum::<usize>(), expected.clips);
}
