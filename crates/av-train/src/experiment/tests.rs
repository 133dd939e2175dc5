//! Files and settings that are read, and those that are rejected.

use super::*;
use av_datasets::Modality;

const MINIMAL: &str = r#"
    name = "test"
    seeds = [1]
    dataset = { kind = "ravdess" }
    audio = { kind = "functionals" }
    video = { kind = "face-hog" }
    protocol = { kind = "leave-one-subject-out" }
"#;

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = format!("{MINIMAL}\n[training]\nepoch = 3\n");
    let message = Experiment::parse(&text, &[]).unwrap_err().to_string();
    assert!(message.contains("epoch") && message.contains("line 10"), "{message}");
}

#[test]
fn hostile_text_is_an_error_of_few_words() {
    let nested = format!("{MINIMAL}\nx = {}", "[".repeat(100_000));
    let tables = format!("{MINIMAL}\n[{}]", vec!["a"; 50_000].join("."));
    let long = format!("{MINIMAL}\n{} = 1", "x".repeat(100_000));
    for (text, words) in [
        (nested, "line 9"),
        (tables, "recursion limit"),
        (long, "line 9"),
        ("\0".repeat(1000), "line 1"),
        ("\u{feff}\u{feff}".into(), "line 1"),
    ] {
        let error = Experiment::parse(&text, &[]).unwrap_err().to_string();
        assert!(error.contains(words) && error.len() < 2000, "{words}: {error:.300}");
    }
}

#[test]
fn a_setting_of_many_parts_is_rejected_before_its_tables_are_built() {
    // The tables lay inside of each other, and dropping them took the stack.
    let setting = format!("{}=1", vec!["a"; 200_000].join("."));
    let error = Experiment::parse(MINIMAL, &[setting]).unwrap_err().to_string();
    assert!(error.ends_with("it must be a key of at most 16 parts"), "{error:.300}");
}

#[test]
fn a_file_of_another_kind_is_rejected_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.toml");
    std::fs::File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
    for path in [path.as_path(), folder.path(), Path::new("/dev/zero")] {
        let error = Experiment::read(path, &[]).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.ends_with("an ordinary file of at most 1048576 bytes"), "{error}");
    }
}

#[test]
fn the_model_of_a_face_detector_is_looked_for_beside_the_experiment() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.toml");
    for kind in ["face-crops", "face-hog", "face-motion"] {
        let text =
            MINIMAL.replace("face-hog\"", &format!("{kind}\", detector.model = \"faces.onnx\""));
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        let experiment = Experiment::read(&path, &[]).unwrap();
        let json = serde_json::to_value(&experiment.inputs[Modality::Video]).unwrap();
        let model = folder.path().join("faces.onnx");
        assert_eq!(json["detector"]["model"], model.to_str().unwrap(), "{kind}");
        assert_eq!(json["detector"]["score"], 0.6);
    }
}

#[test]
fn an_unknown_key_in_a_setting_is_an_error() {
    let error = Experiment::parse(MINIMAL, &["training.epoch=3".into()]).unwrap_err();
    assert!(error.to_string().contains("epoch"), "{error}");
}

#[test]
fn settings_reach_nested_keys_and_may_be_lists() {
    let settings = ["training.learning_rate=0.5".into(), "seeds=[4, 5]".into()];
    let experiment = Experiment::parse(MINIMAL, &settings).unwrap();
    assert_eq!(experiment.training.learning_rate, 0.5);
    assert_eq!(experiment.seeds, [4, 5]);
}

#[test]
fn masks_are_for_log_mel_and_leave_no_trace_where_there_are_none() {
    let masks = ["augmentation={ time_masks = 2, time_width = 8 }".into()];
    let error = Experiment::parse(MINIMAL, &masks).unwrap_err().to_string();
    assert!(error.contains("must be log-mel where there is an [augmentation]"), "{error}");
    let log_mel = MINIMAL.replace("functionals", "log-mel");
    let masked = Experiment::parse(&log_mel, &masks).unwrap();
    assert_eq!(masked.augmentation.map(|masks| masks.time_width), Some(8));
    let mfcc = "{ kind = \"mfcc\", mel = { convention = \"kaldi\" } }";
    let experiment = Experiment::parse(&MINIMAL.replace("{ kind = \"functionals\" }", mfcc), &[]);
    assert!(
        matches!(experiment.unwrap().inputs[Modality::Audio], Some(InputConfig::Mfcc(ref mfcc)) if mfcc.n_mfcc == 13)
    );
    let typo = ["augmentation.time_mask=2".into()];
    let error = Experiment::parse(&log_mel, &typo).unwrap_err().to_string();
    assert!(error.contains("time_mask"), "{error}");
    let plain = Experiment::parse(&log_mel, &[]).unwrap();
    let text = serde_json::to_string(&plain).unwrap();
    assert!(!text.contains("augmentation") && !text.contains("trim"), "{text}");
}

#[test]
fn sound_is_not_trimmed_beside_face_crops() {
    let text =
        MINIMAL.replace("functionals\"", "log-mel\", trim = {}").replace("face-hog", "face-crops");
    let error = Experiment::parse(&text, &[]).unwrap_err().to_string();
    assert!(error.contains("audio.trim") && error.contains("different moments"), "{error}");
    let alone = Experiment::parse(&text, &["systems=[\"audio\"]".into()]).unwrap();
    assert!(
        matches!(&alone.inputs[Modality::Audio], Some(input) if input.extractor().is_some_and(|it| it.trims()))
    );
}

#[test]
fn a_value_out_of_range_says_what_is_allowed() {
    let error = Experiment::parse(MINIMAL, &["training.validation=1.5".into()]).unwrap_err();
    assert_eq!(error.to_string(), "training.validation is 1.5: it must be in [0, 1)");
}

const LDA: &str =
    "systems=['fusion', { name = 'lda', classifier = { kind = 'lda', shrinkage = 0.5 } }]";

#[test]
fn a_system_with_another_classifier_has_no_networks() {
    let experiment = Experiment::parse(MINIMAL, &[LDA.into()]).unwrap();
    let lda = serde_json::to_value(experiment.system("lda")).unwrap();
    let expected = serde_json::json!({
        "name": "lda",
        "modalities": ["audio", "video"],
        "classifier": { "kind": "lda", "shrinkage": 0.5 },
        "objective": {},
    });
    assert_eq!(lda, expected);
    let short = ["systems=[{ name = 'a', classifier = 'lda', modalities = ['audio'] }]".into()];
    let short = Experiment::parse(MINIMAL, &short).unwrap();
    let long =
        ["systems=[{ name = 'a', classifier = { kind = 'lda' }, modalities = ['audio'] }]".into()];
    assert_eq!(short.systems, Experiment::parse(MINIMAL, &long).unwrap().systems);
    // A comparison names it as any other.
    assert_eq!((&*experiment.compare[0].a, &*experiment.compare[0].b), ("lda", "fusion"));
}

#[test]
fn what_is_written_is_read_again_as_the_same_experiment() {
    for settings in [vec![], vec!["systems=[\"audio\"]"], vec!["training.epochs=5,6"], vec![LDA]] {
        let settings: Vec<String> = settings.into_iter().map(String::from).collect();
        let experiment = Experiment::parse(MINIMAL, &settings).unwrap();
        let text = toml::to_string(&experiment).unwrap();
        let again = Experiment::parse(&text, &[]).unwrap();
        assert_eq!(toml::to_string(&again).unwrap(), text);
        assert_eq!(again.variants.len(), experiment.variants.len());
    }
}

#[test]
fn a_setting_reaches_into_systems_by_name_and_into_terms_everywhere() {
    let strong = "systems=[\"fusion\", { name = \"s\", objective.correlation = { kind = \"soft-hgr\", weight = 2.0 } }]";
    let parse = |settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(|text| text.to_string()).collect();
        Experiment::parse(MINIMAL, &settings)
    };
    let weight = |experiment: &Experiment, system: &str| {
        let term = &experiment.system(system).unwrap().objective["correlation"];
        serde_json::to_value(term).unwrap()["weight"].as_f64().unwrap()
    };
    let experiment = parse(&[strong, "systems.fusion.embedding=5"]).unwrap();
    assert_eq!(experiment.system("fusion").unwrap().model.embedding, 5);
    assert_eq!(experiment.system("s").unwrap().model.embedding, 32);
    assert_eq!(weight(&experiment, "s"), 2.0);
    // What the file says of a term is overruled wherever it says it.
    let experiment = parse(&[strong, "objective.correlation.weight=0.5"]).unwrap();
    assert_eq!(weight(&experiment, "s"), 0.5);
    let experiment = parse(&["objective.correlation.weight=0.5"]).unwrap();
    assert_eq!(weight(&experiment, "fusion_hgr"), 0.5);
    // Of the list of the paper's systems, where the file has none.
    let experiment = parse(&["systems.fusion_hgr.objective.classification=false"]).unwrap();
    assert_eq!(experiment.systems.len(), 4);
    assert_eq!(experiment.system("fusion_hgr").unwrap().objective.len(), 1);
    let mut wrong = vec![];
    for (settings, words) in [
        (&["systems.fused.embedding=5"][..], "whose step into a list is the name"),
        (&["systems=[\"fused\"]"], "unknown system `fused`"),
        (&["systems=[\"audio\", \"audio\"]"], "the name of one system"),
        (&["systems=[{ name = \"a b\" }]"], "letters, digits"),
        (&["systems=[{ name = \"x\", modalities = [\"video\", \"audio\"] }]"], "audio first"),
        (&["systems=[{ name = \"x\", fusion = { kind = \"glue\" } }]"], "unknown variant `glue`"),
        (&["systems=[{ name = \"x\", fusion = \"glue\" }]"], "unknown variant `glue`"),
        (
            &["systems=[{ name = \"x\", fusion = 3 }]"],
            "the name of a kind or a table with a `kind`",
        ),
        (&["systems=[{ name = \"x\", classifier = \"svm\" }]"], "unknown variant `svm`"),
        (
            &["systems=[{ name = \"x\", classifier = \"lda\", head = \"linear\" }]"],
            "x.head is given",
        ),
        (
            &["systems=[{ name = \"x\", classifier = \"lda\", objective.classification = true }]"],
            "x.objective is given",
        ),
        (
            &["systems=[{ name = \"x\", classifier = { kind = \"lda\", shrinkage = 0 } }]"],
            "systems.x.classifier.shrinkage is 0: it must be above 0",
        ),
        (&["systems=[{ name = \"x\", objective.more = true }]"], "a table with a `kind`"),
        (&["objective.audio_smell=1"], "unknown field `audio_smell`"),
        (&["objective.correlation.pairs.audio_smell=1"], "a pair such as audio_video"),
        (&["objective.audio_video=1", "objective.correlation.weight=1"], "given once"),
        (&["compare=[{ a = \"fusion\", b = \"nobody\" }]"], "nobody"),
        (&["inputs.audio={ kind = \"face-hog\" }"], "a kind of features of this modality"),
        (&["training.epochs="], "a TOML value, a word"),
        (&["training.epochs=[5"], "a TOML value, a word"),
        (&["seeds=[3, 3]"], "without repetition"),
        (&["training.epochs=5,0"], "sweep, training.epochs=0: training.epochs is 0"),
    ] {
        let error = parse(settings).unwrap_err().to_string();
        if !error.contains(words) {
            wrong.push(format!("{settings:?}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_combination_of_swept_values_is_a_variant() {
    let text = format!(
        "{MINIMAL}\n[sweep]\n\"training.epochs\" = [5, 6]\n\"objective.correlation.weight\" = [0.1, 1]\n"
    );
    let experiment = Experiment::parse(&text, &["seeds=[7]".into()]).unwrap();
    let names: Vec<&str> = experiment.variants.iter().map(|it| it.name.as_str()).collect();
    let weight = "objective.correlation.weight";
    assert_eq!(
        names,
        [
            format!("{weight}=0.1,training.epochs=5"),
            format!("{weight}=0.1,training.epochs=6"),
            format!("{weight}=1,training.epochs=5"),
            format!("{weight}=1,training.epochs=6"),
        ]
    );
    let epochs = experiment.variants.iter().map(|it| it.experiment.training.epochs);
    assert_eq!(epochs.collect::<Vec<_>>(), [5, 6, 5, 6]);
    assert!(experiment.variants.iter().all(|it| it.experiment.seeds == [7]));
    let same = Experiment::parse(MINIMAL, &["training.epochs=5,6".into()]).unwrap();
    assert_eq!(same.variants.len(), 2);
}
