//! A model in a folder says of clips what the trained model in memory says.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

use av_datasets::{Fold, Modalities, Modality};
use av_features::{Cache, ClipFormat, Features, Values, write_clip};
use av_train::{
    Error, Experiment, Observer, Prepared, Record, RunOptions, RunPaths, SavedModel, Setup, Subset,
    data::Fit, fit, predict, prepare, run,
};
use std::path::{Path, PathBuf};

const FORM: ClipFormat = ClipFormat { width: 64, height: 64, fps: 20, sample_rate_hz: 16_000 };

const EXPERIMENT: &str = r#"
    name = "saved"
    seeds = [7, 8]
    dataset = { kind = "ravdess" }
    inputs.audio = { kind = "log-mel", segments = 3, mels = 16, frames = 16 }
    inputs.video = { kind = "face-crops", segments = 4, size = 8 }
    protocol = { kind = "leave-one-subject-out", test_folds = ["01"] }
    model = { embedding = 4, audio.convnet.channels = [4], video.convnet.channels = [4] }
    training = { epochs = 3, batch = 8, validation = 0.0 }
"#;

/// Clips of four subjects and two classes that differ in pitch and stripes.
struct Corpus(tempfile::TempDir);

impl Corpus {
    fn new() -> Self {
        let corpus = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(corpus.paths().data).unwrap();
        for actor in 1..=4 {
            for emotion in [3, 4] {
                let pitch = 0.02 * f64::from(emotion) + 0.003 * f64::from(actor);
                corpus.write(&corpus.clip(emotion, actor), pitch, 20 * actor);
            }
        }
        corpus
    }

    fn paths(&self) -> RunPaths {
        let folder = |name: &str| self.0.path().join(name);
        RunPaths { data: folder("data"), out: folder("out"), cache: folder("cache") }
    }

    fn clip(&self, emotion: u8, actor: u8) -> PathBuf {
        self.paths().data.join(format!("01-01-{emotion:02}-01-01-01-{actor:02}.mp4"))
    }

    fn write(&self, path: &Path, pitch: f64, shade: u8) {
        let frames = 20 + usize::from(shade) / 20;
        let picture = |frame: usize| {
            // Stripes, as each picture is scaled by itself.
            let stripes = 2 + usize::from(shade) / 10;
            let level = |i: usize| shade + ((frame * 5 + i % 64 * stripes) % 100) as u8;
            (0..64 * 64).flat_map(|i| [level(i); 3]).collect()
        };
        let sound = |i: usize| (0.3 * (pitch * i as f64 * (1.0 + i as f64 * 1e-5)).sin()) as f32;
        let samples: Vec<f32> = (0..frames * 800).map(sound).collect();
        write_clip(path, &FORM, (0..frames).map(picture), &samples).unwrap();
    }

    fn run(&self, settings: &[&str]) -> SavedModel {
        let experiment = experiment(settings);
        run(&experiment, &self.paths(), RunOptions::default(), Observer::SILENT).unwrap();
        SavedModel::load(&self.paths().out.join("model")).unwrap()
    }
}

fn experiment(settings: &[&str]) -> Experiment {
    let settings: Vec<String> = settings.iter().map(|text| text.to_string()).collect();
    Experiment::parse(EXPERIMENT, &settings).unwrap()
}

/// Equal up to the order in which f32 products are summed: one clip is another batch than all of them.
#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near && found.len() == expected.len(), "{found:?} {expected:?}");
}

/// Picture for a second, sound for two.
#[test]
fn where_a_clip_has_no_picture_it_is_judged_by_its_sound_and_says_so() {
    let corpus = Corpus::new();
    let fusion = corpus.run(&["systems=['fusion']"]);
    let clip = corpus.0.path().join("long.mp4");
    let picture = (0..20).map(|_| (0..64 * 64).flat_map(|i| [(i % 7 * 30) as u8; 3]).collect());
    let sound: Vec<f32> = (0..32_000).map(|i| 0.3 * (0.1 * i as f32).sin()).collect();
    write_clip(&clip, &FORM, picture, &sound).unwrap();
    let cache = Cache::open(&corpus.paths().cache).unwrap();
    let report = fusion.predict(&clip, &cache).unwrap();
    let [warning] =
        report.warnings.iter().filter(|it| it.contains("alone")).collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", report.warnings)
    };
    assert!(
        warning.contains("sound from 0.00 to 2.00 s, picture from 0.00 to 1.00 s"),
        "{warning}"
    );
    let times: Vec<f64> = report.timeline.iter().map(|segment| segment.time_s).collect();
    close(&times, &[0.25, 0.75, 1.25, 1.75]);

    // Without a picture, the second half is the same: only there. A model that took the halves for wholes would differ there.
    let other = corpus.0.path().join("other.mp4");
    let picture =
        (0..20).map(|_| (0..64 * 64).flat_map(|i| [(i / 64 % 5 * 40) as u8; 3]).collect());
    write_clip(&other, &FORM, picture, &sound).unwrap();
    let other = fusion.predict(&other, &cache).unwrap();
    for (index, (a, b)) in report.timeline.iter().zip(&other.timeline).enumerate() {
        assert_eq!(a.probabilities == b.probabilities, index >= 2, "segment {index}");
    }
}

#[test]
fn it_says_of_each_clip_what_the_model_in_memory_says() {
    let lda = "{ name = \"lda\", classifier = \"lda\" }";
    for (system, entry) in
        [("audio", "'audio'"), ("video", "'video'"), ("fusion_hgr", "'fusion_hgr'"), ("lda", lda)]
    {
        let corpus = Corpus::new();
        let choice = format!("systems=[{entry}]");
        let saved = corpus.run(&[&choice]);
        assert_eq!(saved.classes(), ["happy", "sad"]);

        // The same training by hand: the last system, the first seed, all clips.
        let experiment = experiment(&[&choice]);
        let prepared = prepare(&experiment, &corpus.paths(), Observer::SILENT).unwrap();
        let Prepared { dataset, features, .. } = &prepared;
        let all: Subset<Fit> = Subset::fit(dataset, features, &Fold::whole(dataset).train);
        let value = experiment.system(system).unwrap();
        let setup = Setup {
            system,
            model: &value.model,
            objective: &value.objective,
            training: &experiment.training,
            masks: None,
            seed: 7,
            classes: 2,
            shapes: &features.shapes,
            name: "by hand",
        };
        let fitted = fit(setup, &all, None, None, Observer::SILENT).unwrap();
        let known = predict(&fitted.model, &fitted.normaliser, &all, usize::MAX).unwrap();

        let cache = Cache::open(&corpus.paths().cache).unwrap();
        let mut decisions = std::collections::BTreeSet::new();
        for (clip, known) in dataset.clips.iter().zip(&known) {
            let path = corpus.paths().data.join(format!("01-{}.mp4", clip.id));
            let report = saved.predict(&path, &cache).unwrap();
            let probabilities: Vec<f64> = report.probabilities.values().copied().collect();
            close(&probabilities, &known.probabilities);
            assert_eq!(report.emotion, saved.classes()[known.class()]);
            // Sound has three segments, pictures four; the one with more gives the times.
            let segments = if system == "audio" { 3 } else { 4 };
            assert_eq!(report.timeline.len(), segments);
            assert_eq!(report.faces.is_some(), system != "audio");
            let times: Vec<f64> = report.timeline.iter().map(|segment| segment.time_s).collect();
            assert!(times.is_sorted_by(|a, b| a < b) && times[0] > 0.0, "{times:?}");
            for (segment, (_, known)) in report.timeline.iter().zip(&known.timeline) {
                let probabilities: Vec<f64> = segment.probabilities.values().copied().collect();
                close(&probabilities, known);
            }
            decisions.insert(format!("{probabilities:?}"));
        }
        assert!(decisions.len() >= 4, "the clips of four people are distinguished");
    }
}

#[test]
fn a_folder_without_a_model_or_with_a_damaged_one_is_rejected_with_its_name() {
    let corpus = Corpus::new();
    corpus.run(&["systems=[\"audio\"]"]);
    let folder = corpus.paths().out.join("model");
    let error = SavedModel::load(&corpus.paths().out).unwrap_err();
    assert!(matches!(error, Error::NoModel { .. }));
    assert!(error.to_string().ends_with("give the folder `model` of a finished run"), "{error}");
    // Weights of another network.
    let text = std::fs::read_to_string(folder.join("model.json")).unwrap();
    let other = text.replace("\"embedding\": 4", "\"embedding\": 5");
    assert_ne!(text, other);
    av_train::write_atomic(&folder.join("model.json"), other.as_bytes()).unwrap();
    let error = SavedModel::load(&folder).unwrap_err().to_string();
    assert!(error.contains("weights.safetensors"), "{error}");
    av_train::write_atomic(&folder.join("model.json"), &text.as_bytes()[..100]).unwrap();
    let error = SavedModel::load(&folder).unwrap_err().to_string();
    assert!(error.contains("model.json"), "{error}");
}

#[test]
fn a_model_or_record_of_another_version_is_told_from_a_damaged_one() {
    let corpus = Corpus::new();
    corpus.run(&["systems=[\"audio\"]"]);
    let this = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let out = corpus.paths().out;
    let refusal = |name: &str, changes: &[[&str; 2]]| {
        let path = out.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = changes.iter().fold(text.clone(), |text, [from, to]| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        av_train::write_atomic(&path, changed.as_bytes()).unwrap();
        let error = match name {
            "record.json" => Record::read(&path).unwrap_err(),
            _ => SavedModel::load(&out.join("model")).unwrap_err(),
        };
        av_train::write_atomic(&path, text.as_bytes()).unwrap();
        assert!(matches!(error, Error::OtherVersion { .. }), "{error}");
        assert!(!error.to_string().contains("delete"), "{error}");
        error.to_string()
    };
    let later = [this.as_str(), "\"version\": \"9.8.7\""];
    let setting = ["\"epochs\":", "\"warmth\": 3, \"epochs\":"];
    let both = format!("(9.8.7; this is {})", env!("CARGO_PKG_VERSION"));
    for name in ["model/model.json", "record.json"] {
        let error = refusal(name, &[later, setting]);
        for part in [name, "written by another version", &both, "`warmth`"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(refusal(name, &[setting]).contains("of the same number"));
    }
    // A field of the model itself may change what it says; a record may have more fields.
    let temperature = ["\"system\":", "\"temperature\": 2.0, \"system\":"];
    let unknown = [&*format!("{this},"), ""];
    let error = refusal("model/model.json", &[unknown, temperature]);
    assert!(error.contains("`temperature`") && error.contains("does not say which"), "{error}");
    let error = refusal("record.json", &[later, ["\"format\": 2", "\"format\": 3"]]);
    assert!(error.contains(&both) && error.contains("format 3"), "{error}");
    let path = out.join("model/model.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    // A trained model is nothing to delete because a copy of it was cut off.
    av_train::write_atomic(&path, &whole.as_bytes()[..whole.len() / 2]).unwrap();
    let error = SavedModel::load(&out.join("model")).unwrap_err().to_string();
    assert!(error.contains("copy it once more") && !error.contains("delete"), "{error}");
    // As before versions were kept.
    let text = whole.replacen(unknown[0], "", 1);
    av_train::write_atomic(&path, text.as_bytes()).unwrap();
    SavedModel::load(&out.join("model")).unwrap();
}

#[test]
fn features_in_memory_must_be_those_of_the_training() {
    let corpus = Corpus::new();
    let saved = corpus.run(&["systems=[\"fusion\"]"]);
    let clip = corpus.clip(3, 1);
    let features = saved
        .inputs()
        .as_ref()
        .map(|input| Some(input.as_ref()?.extractor()?.extract(&clip).unwrap()));
    let report = saved.predict(&clip, &Cache::open(&corpus.paths().cache).unwrap()).unwrap();
    assert_eq!(saved.classify("a", &features).unwrap().probabilities, report.probabilities);

    let refuse = |change: &dyn Fn(&mut Modalities<Option<Features>>)| {
        let mut changed = features.clone();
        change(&mut changed);
        saved.classify("a", &changed).unwrap_err()
    };
    let error = refuse(&|it| it[Modality::Video] = None);
    assert!(error.to_string().contains("video features") && error.to_string().contains("lacking"));
    let error = refuse(&|it| {
        let video = it[Modality::Video].as_mut().unwrap();
        video.values = Values::F32(vec![0.0; video.values.len()]);
    });
    assert!(matches!(error, Error::UnlikeTraining { modality: Modality::Video, .. }), "{error}");
    for shape in [
        vec![],
        vec![4],
        vec![4, 3, 8],
        vec![0, 3, 8, 8],
        vec![3, 3, 8, 8],
        vec![4, 3, 8, 9],
        vec![usize::MAX, 3, 8, 8],
    ] {
        let error = refuse(&|it| it[Modality::Video].as_mut().unwrap().shape = shape.clone());
        assert!(matches!(error, Error::Shape { .. }), "{shape:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn what_a_run_writes_may_be_read_by_whom_any_other_new_file_may_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let corpus = Corpus::new();
    corpus.run(&["systems=[\"audio\"]"]);
    let out = corpus.paths().out;
    std::fs::File::create(out.join("plain")).unwrap();
    let mode = |name: &str| out.join(name).metadata().unwrap().permissions().mode();
    for name in [
        "record.json",
        "predictions.csv",
        "curves.csv",
        "experiment.json",
        "model/model.json",
        "model/weights.safetensors",
    ] {
        assert_eq!(mode(name), mode("plain"), "{name}");
    }
}
