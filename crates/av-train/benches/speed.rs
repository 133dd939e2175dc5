//! An epoch of training and the prediction of clips, for reading: `cargo bench -p av-train --bench speed`.
//!
//! Whether a change made one slower is the question of `scripts/gate-speed`; what PyTorch takes for the same step, of
//! docs/results/train-step.md.
#![allow(clippy::unwrap_used)] // A benchmark has no one to report an error to.
#![allow(missing_docs)] // `criterion_group` writes a function without documentation.

use av_datasets::{Modalities, Modality};
use av_features::{Features, Values};
use av_ops::Streams;
use av_train::data::{Example, Fit};
use av_train::model::{ModelConfig, classifier::ClassifierConfig};
use av_train::objective::{ObjectiveConfig, TermConfig};
use av_train::train::TrainingConfig;
use av_train::{Fitted, Observer, Setup, Subset, fit, predict};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Labelled clips of a fold of a small corpus.
const CLIPS: usize = 192;

const CLASSES: usize = 6;

/// Shapes of a clip's features: a row of statistics, and four segments of log-mel patches and face crops.
const INPUTS: [(&str, [&[usize]; 2]); 2] =
    [("columns", [&[1, 100], &[1, 56]]), ("patches", [&[4, 3, 40, 64], &[4, 3, 48, 48]])];

/// Clips of noise with labels.
struct Clips {
    features: Vec<Modalities<Features>>,
    shapes: Modalities<Vec<usize>>,
}

impl Clips {
    fn new(shapes: [&[usize]; 2]) -> Self {
        let mut draws = Streams::new(1).rng("clips");
        let of = |it: Modality| if it == Modality::Audio { shapes[0] } else { shapes[1] };
        let clip = |_| {
            Modalities::from_fn(|it| {
                let count = of(it).iter().product();
                let values = std::iter::repeat_with(|| draws.normal() as f32).take(count);
                Features {
                    shape: of(it).to_vec(),
                    values: Values::F32(values.collect()),
                    times_s: vec![],
                    names: vec![],
                    faces: None,
                    warnings: vec![],
                }
            })
        };
        let features = (0..CLIPS).map(clip).collect();
        Self { features, shapes: Modalities::from_fn(|it| of(it)[1..].to_vec()) }
    }

    fn subset(&self) -> Subset<'_, Fit> {
        let examples = self.features.iter().enumerate().map(|(index, features)| Example {
            id: "clip",
            subject: "somebody",
            label: Some(index % CLASSES),
            features: features.as_ref().map(Some),
        });
        Subset::of(examples.collect())
    }

    /// One epoch of networks; a classifier without networks whole.
    fn fit(&self, classifier: ClassifierConfig) -> Fitted {
        let setup = Setup {
            system: "fusion_hgr",
            model: &ModelConfig { classifier, ..ModelConfig::default() },
            objective: &ObjectiveConfig::from([
                ("classification".into(), TermConfig::CrossEntropy(Default::default())),
                ("correlation".into(), TermConfig::SoftHgr(Default::default())),
            ]),
            training: &TrainingConfig { epochs: 1, ..TrainingConfig::default() },
            masks: None,
            seed: 1,
            classes: CLASSES,
            shapes: &self.shapes,
            name: "bench",
        };
        fit(setup, &self.subset(), None, None, Observer::SILENT).unwrap()
    }
}

fn training(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fit");
    group.sample_size(10);
    group.throughput(Throughput::Elements(CLIPS as u64));
    for (name, shapes) in INPUTS {
        let clips = Clips::new(shapes);
        group.bench_function(BenchmarkId::new("epoch", name), |bencher| {
            bencher.iter(|| black_box(clips.fit(ClassifierConfig::Network)));
        });
    }
    let (name, shapes) = INPUTS[0];
    let clips = Clips::new(shapes);
    group.bench_function(BenchmarkId::new("lda", name), |bencher| {
        bencher.iter(|| black_box(clips.fit(ClassifierConfig::Lda(Default::default()))));
    });
    group.finish();
}

fn prediction(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("predict");
    group.throughput(Throughput::Elements(CLIPS as u64));
    for (name, shapes) in INPUTS {
        let clips = Clips::new(shapes);
        let Fitted { model, normaliser, .. } = clips.fit(ClassifierConfig::Network);
        let subset = clips.subset();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| black_box(predict(&model, &normaliser, &subset, 4).unwrap()));
        });
    }
    group.finish();
}

criterion_group!(benches, training, prediction);
criterion_main!(benches);
