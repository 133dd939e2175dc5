//! Training with masks over log-mel patches.
#![allow(clippy::unwrap_used, clippy::panic)] // a test says what it expects by panicking

use av_datasets::{Modalities, Modality};
use av_features::{Features, Values};
use av_train::{
    Error, Event, Experiment, Fitted, Observer, Setup, Subset,
    data::{Example, Fit},
    fit, predict,
};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const SHAPE: [usize; 4] = [3, 3, 16, 16];
const CLASSES: usize = 2;

fn experiment(settings: &[&str]) -> Experiment {
    let settings: Vec<String> = settings.iter().map(|text| text.to_string()).collect();
    Experiment::parse(EXPERIMENT, &settings).unwrap()
}

const MASKS: &str =
    "augmentation={ time_masks = 2, time_width = 8, frequency_masks = 1, frequency_width = 4 }";

/// Patches whose lower or upper half is louder.
fn clips() -> Vec<Features> {
    let mut rng = av_ops::Streams::new(2).rng("clips");
    let clip = |clip: usize| {
        let value = |i: usize| {
            let upper = i / SHAPE[3] % SHAPE[2] >= SHAPE[2] / 2;
            f32::from(u8::from(upper == clip.is_multiple_of(CLASSES)))
        };
        let count = SHAPE.iter().product::<usize>();
        Features {
            shape: SHAPE.to_vec(),
            values: Values::F32((0..count).map(|i| value(i) + rng.normal() as f32).collect()),
            times_s: vec![],
            names: vec![],
            faces: None,
            warnings: vec![],
        }
    };
    (0..24).map(clip).collect()
}

fn examples(clips: &[Features]) -> Vec<Example<'_>> {
    let example = |(index, features)| Example {
        id: "clip",
        subject: "somebody",
        label: Some(index % CLASSES),
        features: Modalities::from_fn(|it| (it == Modality::Audio).then_some(features)),
    };
    clips.iter().enumerate().map(example).collect()
}

fn train(
    experiment: &Experiment,
    clips: &[Features],
    checkpoint: Option<&Path>,
    observer: Observer,
) -> Result<Fitted, Error> {
    let shapes = Modalities::of([(Modality::Audio, SHAPE[1..].to_vec())]);
    let system = experiment.system("audio").unwrap();
    let setup = Setup {
        system: &system.name,
        model: &system.model,
        objective: &system.objective,
        training: &experiment.training,
        masks: experiment.augmentation,
        seed: 1,
        classes: CLASSES,
        shapes: &shapes,
        name: "masks",
    };
    let examples = examples(clips);
    let train = Subset::of(examples[..16].to_vec());
    let validation = Subset::of(examples[16..].to_vec());
    fit(setup, &train, Some(&validation), checkpoint, observer)
}

/// Probabilities of all clips to the last bit.
fn decisions(fitted: &Fitted, clips: &[Features]) -> Vec<Vec<f64>> {
    let all: Subset<Fit> = Subset::of(examples(clips));
    let predictions = predict(&fitted.model, &fitted.normaliser, &all, 3).unwrap();
    predictions.into_iter().map(|prediction| prediction.probabilities).collect()
}

#[test]
fn masks_change_training_and_repeat_to_the_bit() {
    let clips = clips();
    let run =
        |settings: &[&str]| train(&experiment(settings), &clips, None, Observer::SILENT).unwrap();
    let (plain, first, second) = (run(&[]), run(&[MASKS]), run(&[MASKS]));
    assert_ne!(plain.curve, first.curve);
    assert_eq!(first.curve, second.curve);
    assert_eq!(decisions(&first, &clips), decisions(&second, &clips));
    // Decisions are not masked: the same model says the same twice.
    assert_eq!(decisions(&first, &clips), decisions(&first, &clips));
}

#[test]
fn masks_without_width_train_as_none() {
    let clips = clips();
    let run =
        |settings: &[&str]| train(&experiment(settings), &clips, None, Observer::SILENT).unwrap();
    let empty = run(&["augmentation={ time_masks = 3, frequency_masks = 3 }"]);
    assert_eq!(empty.curve, run(&[]).curve);
}

#[test]
fn a_stopped_run_with_masks_goes_on_to_the_same_bits() {
    let clips = clips();
    let experiment = experiment(&[MASKS]);
    let whole = train(&experiment, &clips, None, Observer::SILENT).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("masks");
    let stop = AtomicBool::new(false);
    let event = |event: Event<'_>| {
        if matches!(event, Event::Epoch { done: 2, .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let stopped = train(&experiment, &clips, Some(&path), Observer { event: &event, stop: &stop });
    assert!(matches!(stopped, Err(Error::Interrupted)));
    let resumed = train(&experiment, &clips, Some(&path), Observer::SILENT).unwrap();
    assert_eq!(resumed.curve, whole.curve);
    assert_eq!(decisions(&resumed, &clips), decisions(&whole, &clips));
}

const EXPERIMENT: &str = r#"
    name = "masks"
    seeds = [1]
    dataset = { kind = "ravdess" }
    audio = { kind = "log-mel" }
    video = { kind = "face-hog" }
    protocol = { kind = "leave-one-subject-out" }

    [model]
    embedding = 4
    audio.convnet = { channels = [4, 8], dropout = 0.1 }

    [training]
    epochs = 4
    batch = 8
    learning_rate = 0.01
"#;
