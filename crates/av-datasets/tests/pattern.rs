//! Corpora that a TOML description or a table lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{CorpusConfig, Modality, Source};
use support::{add, corpus, problems, tree};

const SPLIT: &str = r#"
kind = "pattern"
name = "split"
pattern = '(?<modality>A|V)/(?<subject>\w+)/(?<fold>\d)?_?(?<id>\w+?)(-(?<label>\w+))?\.\w+'
example = "A/ann/0_x-happy.wav"
extensions = { wav = "audio", avi = "both" }
modalities = { A = "audio", V = "video" }
classes = ["sad", "happy"]
"#;

#[test]
fn groups_say_what_a_file_is() {
    let root =
        tree(["A/ann/0_x-happy.wav", "V/ann/0_x-happy.avi", "V/bob/1_y-sad.avi", "V/bob/1_z.avi"]);
    let dataset = corpus(SPLIT).index(root.path()).unwrap();
    assert_eq!(dataset.problems, []);
    assert_eq!(dataset.name, "split");
    assert_eq!(dataset.classes, ["sad", "happy"]);
    let [x, y, z] = dataset.clips.as_slice() else { panic!("three clips") };
    assert_eq!((x.id.as_str(), x.subject.as_str(), x.fold.as_deref()), ("x", "ann", Some("0")));
    assert_eq!(
        x.sources[Modality::Audio],
        Some(Source::Media(root.path().join("A/ann/0_x-happy.wav")))
    );
    assert_eq!(
        x.sources[Modality::Video],
        Some(Source::Media(root.path().join("V/ann/0_x-happy.avi")))
    );
    assert_eq!((x.emotion, y.emotion, z.emotion), (Some(1), Some(0), None));
    assert_eq!((&y.sources[Modality::Audio], y.sources[Modality::Video].is_some()), (&None, true));
}

#[test]
fn a_file_that_contradicts_its_clip_or_the_description_is_a_problem() {
    let root = tree([
        "A/ann/0_x-happy.wav",
        "V/bob/0_x-happy.avi",
        "V/bob/1_y-angry.avi",
        "V/bob/1_y-sad.mp4",
    ]);
    let dataset = corpus(SPLIT).index(root.path()).unwrap();
    assert_eq!(dataset.clips.len(), 1);
    let found = problems(&dataset, root.path());
    let expected = [
        "V/bob/0_x-happy.avi: names clip `x` with another subject, label or fold than `A/ann/0_x-happy.wav`",
        "V/bob/1_y-angry.avi: class `angry` is not in `classes`",
        "V/bob/1_y-sad.mp4: extension `mp4` is not one of the corpus",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn a_pattern_is_of_whole_paths_and_what_is_left_out_may_have_any_modality() {
    let text = r#"
        kind = "pattern"
        name = "whole"
        pattern = '(?<modality>\w)/(?<id>\w+)-(?<label>\w+)\.wav'
        example = "A/x-happy.wav"
        modalities = { A = "audio" }
        excluded = ["bored"]
    "#;
    let files = ["A/x-happy.wav", "B/x-happy.wav", "B/y-bored.wav", "old/A/z-sad.wav"];
    let root = tree(files.into_iter().chain(["A/z-sad.wav.wav"]));
    let dataset = corpus(text).index(root.path()).unwrap();
    assert_eq!((dataset.clips.len(), dataset.clips[0].id.as_str()), (1, "x"));
    let expected = [
        "A/z-sad.wav.wav: the path does not match the pattern",
        "B/x-happy.wav: modality code `B` is not in `modalities`",
        "old/A/z-sad.wav: the path does not match the pattern",
    ];
    assert_eq!(problems(&dataset, root.path()), expected);
}

#[test]
fn without_an_id_the_path_is_the_name() {
    let root = tree(["s1/happy/1.avi", "s2/happy/1.avi"]);
    let text = "kind = 'pattern'\nname = 'n'\npattern = '(?<subject>[^/]+)/(?<label>[^/]+)/.*'\nexample = 's1/happy/1.avi'";
    let dataset = corpus(text).index(root.path()).unwrap();
    assert_eq!(dataset.clips[1].id, "s2/happy/1");
    assert_eq!(dataset.classes, ["happy"]);
}

#[test]
fn a_description_that_cannot_work_is_refused_with_its_key() {
    let root = tree(["a.mp4"]);
    for (pattern, more, message) in [
        ("(", "", "pattern is not a regular expression"),
        (r"(?<actor>a)\.mp4", "", "`actor` is not a group"),
        (r"(?<subject>b)\.mp4", "", "example: `a.mp4` is not a path"),
        (r"(?<modality>a)\.mp4", "", "modalities: "),
        (r"(?<subject>a)\.mp4", "modalities = { a = 'audio' }", "modalities: "),
        (r"(?<subject>a)\.mp4", "classes = ['x', 'x']", "classes: `x`"),
        (
            r"(?<subject>b|a)\.avi|a\.mp4",
            "extensions = { avi = 'both' }",
            "holds no clip of n: its files are 1 `.mp4`",
        ),
    ] {
        let text = format!(
            "kind = 'pattern'\nname = 'n'\npattern = '{pattern}'\nexample = 'a.mp4'\n{more}"
        );
        let error = corpus(&text).index(root.path()).unwrap_err().to_string();
        assert!(error.contains(message), "{pattern}: {error}");
    }
}

#[test]
fn a_description_file_is_found_from_the_file_that_names_it() {
    let root = tree(["data/A/ann/0_x-happy.wav"]);
    add(root.path(), "experiments/split.toml", SPLIT);
    let named = corpus("kind = 'corpus'\ndescription = 'split.toml'");
    let resolved = named.resolve(&root.path().join("experiments")).unwrap();
    assert_eq!(resolved, corpus(SPLIT));
    assert_eq!(resolved.index(&root.path().join("data")).unwrap().clips.len(), 1);

    add(root.path(), "circle.toml", "kind = 'corpus'\ndescription = 'circle.toml'");
    let circle = CorpusConfig::read(&root.path().join("circle.toml")).unwrap_err();
    assert!(circle.to_string().contains("must not name a further file"), "{circle}");
    add(root.path(), "typo.toml", "kind = 'ravdess'\nlables = {}");
    let typo = CorpusConfig::read(&root.path().join("typo.toml")).unwrap_err().to_string();
    assert!(typo.contains("typo.toml") && typo.contains("`lables`"), "{typo}");
    let unknown = CorpusConfig::shipped("ravdes").unwrap_err().to_string();
    assert!(unknown.contains("iemocap-6, javanese-av, meld, ravdess"), "{unknown}");
}

#[test]
fn configurations_come_back_from_json_as_they_went() {
    for config in [
        CorpusConfig::shipped("ravdess").unwrap(),
        CorpusConfig::shipped("javanese-av").unwrap(),
        corpus(SPLIT),
        corpus("kind = 'rows'\npath = 'a.csv'\nid = 'clip'\nsubject = 'actor'"),
        corpus("kind = 'corpus'\ndescription = 'a.toml'"),
    ] {
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<CorpusConfig>(&json).unwrap(), config);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<CorpusConfig>(&text).unwrap(), config);
    }
}

#[test]
fn the_rows_of_a_table_are_clips() {
    let root = tree([""; 0]);
    add(
        root.path(),
        "clips.csv",
        "clip,who,what,part\nb,1,sad,0\na,2,happy,1\nb,1,sad,0\n,1,sad,0\nc,1,,\nd,1,bored,0\ne,2,angry,1\n",
    );
    let text = r#"
        kind = "rows"
        path = "clips.csv"
        id = "clip"
        subject = "who"
        label = "what"
        fold = "part"
        labels = { sad = "negative", happy = "positive" }
        excluded = ["bored"]
    "#;
    let dataset = corpus(text).index(root.path()).unwrap();
    assert_eq!(dataset.name, "clips");
    assert_eq!(dataset.classes, ["positive", "negative"]);
    let clips: Vec<_> = dataset
        .clips
        .iter()
        .map(|c| (c.id.as_str(), c.subject.as_str(), c.emotion, c.fold.as_deref()))
        .collect();
    let expected =
        [("a", "2", Some(0), Some("1")), ("b", "1", Some(1), Some("0")), ("c", "1", None, None)];
    assert_eq!(clips, expected);
    let found = problems(&dataset, root.path());
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("clips.csv: line 4: clip `b` has a row already"), "{found:?}");
    assert!(found[1].starts_with("clips.csv: line 5: column `clip` is empty"), "{found:?}");
    assert!(found[2].starts_with("clips.csv: line 8: label code `angry`"), "{found:?}");
}

#[test]
fn hostile_descriptions_are_refused_with_their_file_and_in_few_words() {
    let root = tree(["a.mp4"]);
    let path = root.path().join("corpus.toml");
    let nested = format!("kind = {}", "[".repeat(100_000));
    let tables = format!("[{}]", vec!["a"; 50_000].join("."));
    let long = format!("kind = 'ravdess'\nunknown_{} = 1", "x".repeat(100_000));
    let repeated = "kind = 'rows'\nkind = 'rows'\n".to_string();
    let bomb = "kind = 'pattern'\nname = 'n'\npattern = '((a{1000}){1000}){1000}'\nexample = 'a'";
    for (text, words) in [
        (nested, "corpus.toml"),
        (tables, "corpus.toml"),
        (long, "corpus.toml"),
        (repeated, "line 2"),
        ("kind = 'rows".into(), "line 1"),
        ("\0".repeat(1000), "corpus.toml"),
        ("kind = 7".into(), "corpus.toml"),
        (String::new(), "missing field `kind`"),
    ] {
        add(root.path(), "corpus.toml", &text);
        let error = CorpusConfig::read(&path).unwrap_err().to_string();
        assert!(error.contains("corpus.toml") && error.contains(words), "{words}: {error:.300}");
        assert!(error.len() < 2000, "{} bytes: {error:.300}", error.len());
    }
    add(root.path(), "corpus.toml", bomb);
    let error = CorpusConfig::read(&path).unwrap().index(root.path()).unwrap_err().to_string();
    assert!(error.contains("pattern is not a regular expression"), "{error:.300}");
    std::fs::File::create(&path).unwrap().set_len((1 << 20) + 1).unwrap();
    let error = CorpusConfig::read(&path).unwrap_err().to_string();
    assert!(error.contains("corpus.toml has more than 1048576 bytes"), "{error}");
}
