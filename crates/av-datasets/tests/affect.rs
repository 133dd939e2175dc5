//! Trees of AFEW-VA and Aff-Wild2: valence and arousal of each frame.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{Affect, CorpusConfig, Modality, Source, TableConfig};
use support::{add, corpus, problems, tree};

fn target(valence: f32, arousal: f32) -> Option<Affect> {
    Some(Affect { valence, arousal })
}

/// An annotation of AFEW-VA with frames of valence and arousal.
fn annotation(id: &str, actor: &str, frames: &[(&str, &str, &str)]) -> String {
    let frame = |(name, valence, arousal): &(&str, &str, &str)| {
        format!(
            "\"{name}\": {{\"landmarks\": [[1.5, 2.5], [3, 4]], \"actor\": \"{actor}\", \"valence\": {valence}, \
             \"arousal\": {arousal}}}"
        )
    };
    let frames: Vec<String> = frames.iter().map(frame).collect();
    format!("{{\"video_id\": \"{id}\", \"frames\": {{{}}}}}", frames.join(", "))
}

#[test]
fn the_six_hundred_clips_of_afew_va_have_targets_and_no_media() {
    let root = tree([""; 0]);
    for clip in 1..=600 {
        let id = format!("{clip:03}");
        let actor = format!("Actor {}", clip % 240);
        let frames = [("00000", "10", "-10"), ("00010", "-3", "0.0")];
        add(root.path(), format!("{id}/{id}.json"), &annotation(&id, &actor, &frames));
        add(root.path(), format!("{id}/00000.png"), "");
        add(root.path(), format!("{id}/00010.png"), "");
    }
    add(root.path(), "__MACOSX/001/._001.json", "\u{1}");
    let shipped = CorpusConfig::shipped("afew-va").unwrap();
    let mut dataset = shipped.index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    let summary = dataset.summary();
    assert_eq!(summary.differences(shipped.expected().unwrap()), []);
    assert_eq!((summary.without[Modality::Audio], summary.without[Modality::Video]), (600, 600));
    assert_eq!((summary.subjects.len(), summary.unlabelled), (240, 600));
    let last = &dataset.clips[599].affect;
    assert_eq!((last.len(), last[0], last[10]), (11, target(1.0, -1.0), target(-0.3, 0.0)));
    assert!(last[1..10].iter().all(Option::is_none));
    let affect = summary.affect.as_ref().unwrap();
    assert_eq!((affect.frames, affect.missing), (6600, 5400));
    assert_eq!((affect.valence, affect.arousal), ((-0.3, 1.0), (-1.0, 0.0)));
    let told = "6600 frames with valence -0.300 to 1.000 and arousal -1.000 to 0.000; 5400 of them (81.8 %) without";
    assert!(summary.to_string().contains(told), "{summary}");

    // Features of the pictures can be joined all the same.
    add(root.path(), "faces.csv", "clip,AU01\n600,0.5\n");
    let table: TableConfig = toml::from_str("path = 'faces.csv'\nkey = 'clip'").unwrap();
    dataset.join(Modality::Video, root.path(), &table).unwrap();
    assert_eq!(dataset.clips[599].sources[Modality::Video], Some(Source::Row { table: 0, row: 0 }));
}

#[test]
fn a_damaged_copy_of_afew_va_is_told_clip_by_clip() {
    let root = tree(["001/00000.png", "001/00002.png", "003/00000.png", "004/00000.jpg"]);
    let frames = [
        ("00000", "5", "5"),
        ("00001", "11", "0"),
        ("00003", "0", "-10.5"),
        ("0x", "0", "0"),
        ("99999999", "0", "0"),
    ];
    add(root.path(), "001/001.json", &annotation("001", "Ann", &frames));
    add(root.path(), "copy/001/001.json", &annotation("001", "Ann", &frames));
    add(root.path(), "002/002.json", &annotation("012", "Ann", &[]));
    add(root.path(), "004/004.json", "{\"frames\": {\"00000\": {\"valence\": 1}}}");
    add(root.path(), "005/005.json", &"[".repeat(100_000));
    add(root.path(), "006/007.json", "{}");
    add(root.path(), "601/601.json", "{}");
    let two =
        annotation("008", "Ann", &[("0", "1", "1"), ("1", "1", "1")]).replacen("Ann", "Bob", 1);
    add(root.path(), "008/008.json", &two);
    add(root.path(), "009/009.json", "{\"frames\": {}}");
    // Of an annotation of any size nothing is read: a hole, which takes no space.
    add(root.path(), "010/010.json", "");
    let large = std::fs::File::options().write(true).open(root.path().join("010/010.json"));
    large.unwrap().set_len((64 << 20) + 1).unwrap();
    let dataset = corpus("kind = 'afew-va'").index(root.path()).unwrap();
    let clips: Vec<_> =
        dataset.clips.iter().map(|clip| (clip.id.as_str(), clip.subject.as_str())).collect();
    assert_eq!(clips, [("001", "Ann"), ("008", "Ann"), ("009", "")]);
    assert_eq!(dataset.clips[0].affect, [target(0.5, 0.5), None, None, None]);
    let name = "is not such as 001/001.json, with one number from 001 to 600";
    let expected = [
        "001/001.json: frame 00001: valence 11 is not in -10 to 10, and 3 more like it".into(),
        "001/001.json: 3 frames without image, the first is 00001".into(),
        "001/001.json: 1 images without frame, the first is 00002".into(),
        "002/002.json: is the annotation of clip `012`".into(),
        "004/004.json: is not an annotation: missing field `arousal`".into(),
        "005/005.json: is not an annotation: ".into(),
        format!("006/007.json: {name}"),
        "008/008.json: names more than one actor: `Ann`, `Bob`".into(),
        "008/008.json: 2 frames without image, the first is 00000".into(),
        "009/009.json: names no actor".into(),
        "010/010.json: is not a file of at most 67108864 bytes".into(),
        format!("601/601.json: {name}"),
        "copy/001/001.json: clip `001` has a file already".into(),
        "003: images without a .json file next to them".into(),
    ];
    let found = problems(&dataset, root.path());
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(&expected), "{found} instead of {expected}");
    }
}

#[test]
fn an_annotation_of_aff_wild2_is_a_clip_with_a_target_a_frame() {
    let root = tree(["batch1/1-30-1280x720.mp4", "batch2/video59.avi", "batch2/video7_left.mp4"]);
    let va = "VA_Estimation_Challenge";
    let text = "valence,arousal\r\n0.25,-1\r\n-5,0.5\r\n0.5,-5\r\n1.0,0.125\r\n\r\n";
    add(root.path(), format!("{va}/Train_Set/1-30-1280x720.txt"), text);
    for place in ["left", "right"] {
        let path = format!("{va}/Validation_Set/video59_{place}.txt");
        // With a byte order mark, as some editors write it.
        add(root.path(), path, "\u{feff}valence,arousal\n0.5,0.5\n");
    }
    let other = "EXPR_Classification_Challenge/Train_Set/video59.txt";
    add(root.path(), other, "Neutral,Anger,Disgust\n0\n");
    add(root.path(), format!("{va}/Train_Set/._video59.txt"), "\u{1}");
    let dataset = CorpusConfig::shipped("aff-wild2").unwrap().index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    let [first, left, right, bare] = dataset.clips.as_slice() else { panic!("four clips") };
    assert_eq!(first.affect, [target(0.25, -1.0), None, None, target(1.0, 0.125)]);
    assert_eq!((first.fold.as_deref(), first.subject.as_str()), (Some("train"), "1-30-1280x720"));
    assert_eq!((left.id.as_str(), left.fold.as_deref()), ("video59_left", Some("validation")));
    assert_eq!(
        (left.subject.as_str(), &left.sources[Modality::Video]),
        (right.subject.as_str(), &right.sources[Modality::Video])
    );
    assert_eq!((bare.id.as_str(), &bare.affect[..], &bare.fold), ("video7_left", &[][..], &None));
    let summary = dataset.summary();
    assert_eq!(
        (summary.without[Modality::Video], summary.unlabelled, summary.subjects.len()),
        (0, 4, 3)
    );
    let affect = summary.affect.unwrap();
    assert_eq!((affect.frames, affect.missing, affect.valence), (6, 2, (0.25, 1.0)));
}

#[test]
fn a_damaged_copy_of_aff_wild2_is_told_line_by_line() {
    let root = tree(["a.mp4", "old/a.mp4", "b.mp4"]);
    let text = "valence,arousal\n0,0\n1.5,0\n0,-1.01\n0\n0,high\nNaN,0\n0,0,0\n\n0,0\n";
    add(root.path(), "VA_Set/Train_Set/a.txt", text);
    add(root.path(), "VA_Set/Validation_Set/a.txt", "valence,arousal\n");
    add(root.path(), "VA_Set/Train_Set/b.txt", "valence;arousal\n0;0\n");
    add(root.path(), "VA_Set/Train_Set/c.txt", "valence,arousal\n0,0\n");
    add(root.path(), "notes.txt", "to do\n");
    let dataset = corpus("kind = 'aff-wild2'").index(root.path()).unwrap();
    let [a, b] = dataset.clips.as_slice() else { panic!("two clips") };
    assert_eq!((a.affect.len(), a.affect.iter().flatten().count()), (9, 2));
    assert_eq!((a.affect[8], b.affect.len()), (target(0.0, 0.0), 0));
    let expected = [
        "old/a.mp4: has the name of `a.mp4`",
        "VA_Set/Train_Set/a.txt: line 3: valence 1.5 is not in -1 to 1, and 6 more like it",
        "VA_Set/Train_Set/b.txt: line 1: is not `valence,arousal`",
        "VA_Set/Train_Set/c.txt: there is no video of its name",
        "VA_Set/Validation_Set/a.txt: clip `a` has an annotation already",
    ];
    assert_eq!(problems(&dataset, root.path()), expected);
}

#[test]
fn folders_without_annotations_say_what_was_expected() {
    let root = tree(["a.mp4", "b.txt"]);
    for (kind, expected) in
        [("afew-va", "folders 001 to 600"), ("aff-wild2", "begin with `valence,arousal`")]
    {
        let error = corpus(&format!("kind = '{kind}'")).index(root.path()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("1 `.mp4`, 1 `.txt`"), "{error}");
    }
}
