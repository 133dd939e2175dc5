//! Rendered corpora: their names, tables and bytes, and what a second run does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use av_datasets::CorpusConfig;
use av_synth::{Corpus, Emotion, Error, SynthConfig, render};

/// Two persons, two emotions, one clip of each.
fn small() -> SynthConfig {
    SynthConfig {
        emotions: vec![Emotion::Happy, Emotion::Sad],
        subjects: 2,
        clips: 1,
        width: 66,
        height: 70,
        ..SynthConfig::default()
    }
}

/// The hash of every file below a folder by its relative path.
fn hashes(folder: &Path) -> BTreeMap<String, blake3::Hash> {
    let mut hashes = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            hashes.insert(name, blake3::hash(&std::fs::read(path).unwrap()));
        }
    }
    hashes
}

fn rendered(config: &SynthConfig, threads: usize) -> BTreeMap<String, blake3::Hash> {
    let folder = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| render(config, folder.path(), |_, _| ())).unwrap();
    hashes(folder.path())
}

#[test]
fn the_bytes_depend_neither_on_threads_nor_on_the_size_of_the_corpus() {
    let small_corpus = rendered(&small(), 1);
    assert_eq!(small_corpus, rendered(&small(), 2));
    let emotions = vec![Emotion::Fearful, Emotion::Sad, Emotion::Happy];
    let large_corpus = rendered(&SynthConfig { emotions, subjects: 3, clips: 2, ..small() }, 2);
    let clips = small_corpus.iter().filter(|(name, _)| name.ends_with(".mp4"));
    assert!(clips.clone().all(|(name, hash)| large_corpus[name] == *hash));
    assert_eq!(clips.count(), 4);
    let other_seed = rendered(&SynthConfig { seed: 2, ..small() }, 2);
    let name = "Actor_01/01-01-03-01-01-01-01.mp4";
    assert_ne!(other_seed[name], small_corpus[name]);
}

#[test]
fn the_names_are_those_of_ravdess_and_match_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = render(&small(), folder.path(), |_, _| ()).unwrap();
    let ravdess: CorpusConfig = serde_json::from_str(r#"{ "kind": "ravdess" }"#).unwrap();
    let dataset = ravdess.index(folder.path()).unwrap();
    assert!(dataset.problems.is_empty(), "{:?}", dataset.problems);
    assert_eq!(dataset.classes, ["happy", "sad"]);
    assert_eq!(dataset.clips.len(), 4);

    let mut table = csv::Reader::from_path(folder.path().join("truth.csv")).unwrap();
    let rows: Vec<BTreeMap<String, String>> = table.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    for ((row, clip), indexed) in rows.iter().zip(&corpus.clips).zip(&dataset.clips) {
        assert!(folder.path().join(&row["path"]).is_file());
        assert_eq!(row["clip"], clip.id);
        assert!(clip.id.ends_with(&indexed.id), "{} {}", clip.id, indexed.id);
        assert_eq!(row["emotion"], dataset.classes[indexed.emotion.unwrap()]);
        assert_eq!(row["subject"].parse::<u8>().ok(), indexed.subject.parse().ok());
        assert_eq!(row["z1"].parse(), Ok(clip.draw.latent[0]));
        assert_eq!(row["face_mouth"].parse(), Ok(clip.draw.face[2]));
        assert_eq!(row["duration_s"].parse(), Ok(clip.duration_s));
    }
}

#[test]
fn a_complete_corpus_is_left_as_it_is_and_a_partial_one_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    let calls = Mutex::new(vec![]);
    let corpus =
        render(&small(), folder.path(), |d, t| calls.lock().unwrap().push((d, t))).unwrap();
    let mut calls = calls.into_inner().unwrap();
    calls.sort_unstable();
    assert_eq!(calls, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let complete = hashes(folder.path());
    let first = folder.path().join(&corpus.clips[0].path);
    let written = std::fs::metadata(&first).unwrap().modified().unwrap();
    assert_eq!(render(&small(), folder.path(), |_, _| ()).unwrap(), corpus);
    assert_eq!(std::fs::metadata(&first).unwrap().modified().unwrap(), written);

    // As a killed run leaves it: one clip, no table, and the description under its partial name.
    std::fs::remove_file(folder.path().join(&corpus.clips[3].path)).unwrap();
    std::fs::remove_file(folder.path().join("truth.csv")).unwrap();
    let [done, partial] =
        ["corpus.json", "corpus.json.partial"].map(|name| folder.path().join(name));
    std::fs::rename(done, partial).unwrap();
    render(&small(), folder.path(), |_, _| ()).unwrap();
    assert_eq!(hashes(folder.path()), complete);
    assert_eq!(std::fs::metadata(&first).unwrap().modified().unwrap(), written);
}

#[test]
fn a_folder_with_anything_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let stranger = folder.path().join("holiday.mp4");
    std::fs::File::create(&stranger).unwrap();
    match render(&small(), folder.path(), |_, _| ()) {
        Err(Error::Occupied { path, entry }) => {
            assert_eq!((path.as_path(), entry.as_str()), (folder.path(), "holiday.mp4"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(hashes(folder.path()).len(), 1);

    std::fs::remove_file(stranger).unwrap();
    render(&small(), folder.path(), |_, _| ()).unwrap();
    let before = hashes(folder.path());
    let other = render(&SynthConfig { clips: 2, ..small() }, folder.path(), |_, _| ());
    assert!(matches!(other, Err(Error::OtherCorpus { path }) if path.ends_with("corpus.json")));
    assert_eq!(hashes(folder.path()), before);
}

#[test]
fn the_description_holds_what_is_needed_to_draw_again() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = render(&small(), folder.path(), |_, _| ()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("corpus.json")).unwrap();
    let description: serde_json::Value = serde_json::from_str(&text).unwrap();
    let config: SynthConfig = serde_json::from_value(description["config"].clone()).unwrap();
    assert_eq!(Corpus::new(&config).unwrap(), corpus);
    let bayes = corpus.description.bayes_accuracy;
    assert_eq!(description["bayes_accuracy"]["both"].as_f64(), Some(bayes.both));
    assert!(bayes.both >= bayes.audio && bayes.both >= bayes.video, "{bayes:?}");
}

#[test]
fn every_clip_is_drawn_anew_and_a_person_stays_the_same() {
    let corpus = Corpus::new(&SynthConfig::default()).unwrap();
    let distinct = |value: fn(&av_synth::Clip) -> f64| {
        corpus.clips.iter().map(|clip| value(clip).to_bits()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(distinct(|clip| clip.draw.latent[0]), 192);
    assert_eq!(distinct(|clip| clip.draw.face[2]), 192);
    assert_eq!(distinct(|clip| clip.recording.loudness_db), 192);
    assert_eq!(distinct(|clip| clip.scene.light.direction), 192);
    assert_eq!(distinct(|clip| clip.person.voice.f0_hz), 8);
    assert_eq!(distinct(|clip| clip.person.face.width), 8);
    for pair in corpus.clips.windows(2) {
        let [first, second] = pair else { unreachable!() };
        assert!(first.id < second.id);
        assert_eq!(first.take.subject == second.take.subject, first.person == second.person);
    }
}

#[test]
fn a_wrong_configuration_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = render(&SynthConfig { width: 65, ..small() }, folder.path(), |_, _| ());
    assert!(matches!(wrong, Err(Error::Config { key: "width", .. })));
    assert!(hashes(folder.path()).is_empty());
}
