//! The joint objective against the sums it is defined by.
#![allow(clippy::unwrap_used)] // a test says what it expects by panicking

use av_datasets::{Modalities, Modality};
use av_train::{
    data::{Batch, BatchRows},
    joint_loss,
    model::Outputs,
    objective::{CrossEntropyConfig, ObjectiveConfig, SoftHgrConfig, TermConfig},
};
use candle_core::{Device, Tensor, Var};

const ROWS: usize = 7;
const WIDTH: usize = 3;
const CLASSES: usize = 3;
const LABELS: [Option<usize>; ROWS] = [Some(0), Some(2), None, Some(1), Some(0), None, Some(2)];
/// Rows with sound and rows with a picture.
const SOUND: [bool; ROWS] = [true, true, true, false, true, true, true];
const PICTURE: [bool; ROWS] = [true, true, true, true, true, false, true];

/// Classification alone.
fn plain() -> ObjectiveConfig {
    let term = TermConfig::CrossEntropy(CrossEntropyConfig::default());
    ObjectiveConfig::from([("classification".into(), term)])
}

/// Classification and correlation.
fn config() -> ObjectiveConfig {
    let pairs = [("audio_label".into(), 0.2), ("video_label".into(), 1.3)].into();
    let mut config = plain();
    let term = TermConfig::SoftHgr(SoftHgrConfig { weight: 0.7, pairs });
    config.insert("correlation".into(), term);
    config
}

fn numbers(name: &str, columns: usize) -> Var {
    let mut rng = av_ops::Streams::new(4).rng(name);
    let values: Vec<f64> = (0..ROWS * columns).map(|_| rng.normal()).collect();
    Var::from_tensor(&Tensor::from_vec(values, (ROWS, columns), &Device::Cpu).unwrap()).unwrap()
}

/// One row per class: h is a table.
fn table() -> Var {
    let classes = numbers("h", WIDTH).narrow(0, 0, CLASSES).unwrap();
    Var::from_tensor(&classes.contiguous().unwrap()).unwrap()
}

/// The rows of the table that belong to the rows of the batch.
fn labelled_rows(table: &Var) -> Var {
    let rows = LABELS.map(|label| label.unwrap_or(0) as u32);
    let rows = Tensor::new(&rows, &Device::Cpu).unwrap();
    Var::from_tensor(&table.index_select(&rows, 0).unwrap()).unwrap()
}

fn batch() -> Batch {
    let rows = |present: [bool; ROWS]| {
        let features = Tensor::zeros(1, candle_core::DType::F64, &Device::Cpu).unwrap();
        Some(BatchRows { features, present: present.to_vec() })
    };
    Batch {
        inputs: Modalities::of([(Modality::Audio, rows(SOUND)), (Modality::Video, rows(PICTURE))]),
        labels: LABELS.to_vec(),
    }
}

struct Leaves {
    f: Var,
    g: Var,
    h: Var,
    logits: Var,
}

impl Leaves {
    fn new() -> Self {
        let logits = numbers("logits", WIDTH);
        Self { f: numbers("f", WIDTH), g: numbers("g", WIDTH), h: table(), logits }
    }

    fn outputs(&self) -> Outputs {
        Outputs {
            embeddings: Modalities::of([
                (Modality::Audio, Some(self.f.as_tensor().clone())),
                (Modality::Video, Some(self.g.as_tensor().clone())),
            ]),
            label_table: self.h.as_tensor().clone(),
            logits: self.logits.as_tensor().clone(),
        }
    }

    fn loss(&self, config: &ObjectiveConfig) -> f64 {
        let loss = joint_loss(&self.outputs(), &batch(), config).unwrap();
        loss.total.to_scalar::<f64>().unwrap()
    }
}

/// `S = cross - tr(Sf Sg) / 2` over the given rows, by loops.
fn score(f: &Var, g: &Var, keep: impl Fn(usize) -> bool) -> f64 {
    let rows: Vec<usize> = (0..ROWS).filter(|&row| keep(row)).collect();
    let n = rows.len() as f64;
    let centre = |x: &Var| {
        let x = x.to_vec2::<f64>().unwrap();
        let mean = |c: usize| rows.iter().map(|&row| x[row][c]).sum::<f64>() / n;
        let means: Vec<f64> = (0..WIDTH).map(mean).collect();
        rows.iter()
            .map(|&row| (0..WIDTH).map(|c| x[row][c] - means[c]).collect())
            .collect::<Vec<Vec<f64>>>()
    };
    let (f, g) = (centre(f), centre(g));
    let moment = |x: &[Vec<f64>], a: usize, b: usize| {
        x.iter().map(|row| row[a] * row[b]).sum::<f64>() / (n - 1.0)
    };
    let mut value = 0.0;
    for a in 0..WIDTH {
        value += f.iter().zip(&g).map(|(f, g)| f[a] * g[a]).sum::<f64>() / (n - 1.0);
        for b in 0..WIDTH {
            value -= 0.5 * moment(&f, a, b) * moment(&g, a, b);
        }
    }
    value
}

#[test]
fn terms_are_those_of_the_rows_that_have_both_parts() {
    let leaves = Leaves::new();
    let (Leaves { f, g, .. }, h) = (&leaves, &labelled_rows(&leaves.h));
    let loss = joint_loss(&leaves.outputs(), &batch(), &config()).unwrap();
    let expected = [
        score(f, g, |row| SOUND[row] && PICTURE[row]),
        score(f, h, |row| SOUND[row] && LABELS[row].is_some()),
        score(g, h, |row| PICTURE[row] && LABELS[row].is_some()),
    ];
    let terms = loss.terms;
    let names = ["audio_video", "audio_label", "video_label"];
    for (name, expected) in names.iter().zip(expected) {
        let actual = terms[&format!("correlation.{name}")];
        assert!((actual - expected).abs() < 1e-12, "{name}: {actual} {expected}");
    }
    let total = terms["classification"] - 0.7 * expected[0] - 0.2 * expected[1] - 1.3 * expected[2];
    assert!((loss.total.to_scalar::<f64>().unwrap() - total).abs() < 1e-12);
}

#[test]
fn its_gradient_is_that_of_central_differences() {
    let leaves = Leaves::new();
    let loss = joint_loss(&leaves.outputs(), &batch(), &config()).unwrap();
    let gradients = loss.total.backward().unwrap();
    for leaf in [&leaves.f, &leaves.g, &leaves.h, &leaves.logits] {
        let gradient = gradients.get(leaf).unwrap().flatten_all().unwrap();
        let gradient: Vec<f64> = gradient.to_vec1().unwrap();
        let values = leaf.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for (index, gradient) in gradient.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = values.clone();
                moved[index] += step;
                let moved = Tensor::from_vec(moved, leaf.dims(), &Device::Cpu).unwrap();
                leaf.set(&moved).unwrap();
                leaves.loss(&config())
            };
            let difference: f64 = (at(1e-5) - at(-1e-5)) / 2e-5;
            at(0.0);
            assert!((difference - gradient).abs() < 1e-8, "{index}: {difference} {gradient}");
        }
    }
}

#[test]
fn the_twin_without_correlation_has_the_classification_term_alone() {
    let leaves = Leaves::new();
    let loss = joint_loss(&leaves.outputs(), &batch(), &plain()).unwrap();
    assert_eq!(loss.total.to_scalar::<f64>().unwrap(), loss.terms["classification"]);
    assert_eq!(loss.terms.len(), 1);
    assert!(leaves.loss(&config()) != leaves.loss(&plain()));
}

#[test]
fn a_value_that_is_not_a_number_is_named() {
    let leaves = Leaves::new();
    let broken = Tensor::full(f64::NAN, (ROWS, WIDTH), &Device::Cpu).unwrap();
    leaves.g.set(&broken).unwrap();
    let error = joint_loss(&leaves.outputs(), &batch(), &config()).unwrap_err();
    assert!(error.to_string().contains("audio_video"), "{error}");
}

#[test]
fn a_batch_without_labels_trains_on_the_audio_video_term() {
    let leaves = Leaves::new();
    let batch = Batch { labels: vec![None; ROWS], ..batch() };
    let loss = joint_loss(&leaves.outputs(), &batch, &config()).unwrap();
    let expected = -0.7 * score(&leaves.f, &leaves.g, |row| SOUND[row] && PICTURE[row]);
    assert!((loss.total.to_scalar::<f64>().unwrap() - expected).abs() < 1e-12);
}

#[test]
fn a_batch_without_sound_keeps_the_pair_of_picture_and_label() {
    let leaves = Leaves::new();
    let (mut outputs, mut batch) = (leaves.outputs(), batch());
    outputs.embeddings[Modality::Audio] = None;
    batch.inputs[Modality::Audio] = None;
    let loss = joint_loss(&outputs, &batch, &config()).unwrap();
    let h = labelled_rows(&leaves.h);
    let expected = score(&leaves.g, &h, |row| PICTURE[row] && LABELS[row].is_some());
    assert_eq!(
        loss.terms.keys().collect::<Vec<_>>(),
        ["classification", "correlation.video_label"]
    );
    assert!((loss.terms["correlation.video_label"] - expected).abs() < 1e-12);
}

#[test]
fn a_pair_of_one_row_has_no_term() {
    let leaves = Leaves::new();
    let mut batch = batch();
    for rows in [Modality::Audio, Modality::Video] {
        batch.inputs[rows].as_mut().unwrap().present = (0..ROWS).map(|row| row == 0).collect();
    }
    let loss = joint_loss(&leaves.outputs(), &batch, &config()).unwrap();
    assert_eq!(loss.terms.keys().collect::<Vec<_>>(), ["classification"]);
}

#[test]
fn classification_is_smoothed_as_it_is_told() {
    let leaves = Leaves::new();
    let at = |smoothing| {
        let term = CrossEntropyConfig { smoothing, ..Default::default() };
        let config = [("classification".into(), TermConfig::CrossEntropy(term))].into();
        leaves.loss(&config)
    };
    // The mean over the labelled rows of -log p of the label, and of the mean of -log p over the classes.
    let rows = leaves.logits.to_vec2::<f64>().unwrap();
    let log = |row: &[f64]| row.iter().map(|x| x.exp()).sum::<f64>().ln();
    let labelled: Vec<(&Vec<f64>, usize)> =
        rows.iter().zip(LABELS).filter_map(|(row, label)| Some((row, label?))).collect();
    let mean = |f: &dyn Fn(&[f64], usize) -> f64| {
        labelled.iter().map(|(row, label)| f(row, *label)).sum::<f64>() / labelled.len() as f64
    };
    let hard = mean(&|row, label| log(row) - row[label]);
    let even = mean(&|row, _| log(row) - row.iter().sum::<f64>() / WIDTH as f64);
    assert!((at(0.0) - hard).abs() < 1e-12);
    assert!((at(0.3) - (0.7 * hard + 0.3 * even)).abs() < 1e-12);
}
