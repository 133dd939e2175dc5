//! A small corpus of tables whose common information is known.
#![allow(dead_code)] // each test takes what it needs

use av_train::{Experiment, IfExists, Observer, Record, Result, RunOptions, RunPaths, run};
use std::fmt::Write;

pub const OVERWRITE: RunOptions = RunOptions { if_exists: IfExists::Overwrite, embeddings: false };

/// One row of each table.
#[derive(Clone)]
pub struct Clip {
    pub fold: usize,
    pub label: usize,
    pub unlabelled: bool,
    pub audio: Vec<f64>,
    pub video: Vec<f64>,
}

/// Four classes of two bits: the sound tells the first bit, the picture the second, and both share a
/// latent.
pub struct Corpus {
    folder: tempfile::TempDir,
    pub clips: Vec<Clip>,
}

impl Corpus {
    pub const CLASSES: usize = 4;

    /// Of an experiment, what does not depend on inputs and systems.
    pub const HEAD: &str = r#"
    name = "tables"
    seeds = [1, 2]
    protocol = { kind = "column" }

    [dataset]
    kind = "rows"
    path = "rows.csv"
    id = "id"
    subject = "subject"
    label = "label"
    fold = "fold"
    unlabelled = ["?"]
    "#;

    const SUBJECTS: usize = 9;
    const PER_SUBJECT: usize = 12;

    pub fn new() -> Self {
        let mut rng = av_ops::Streams::new(5).rng("corpus");
        let clips = (0..Self::SUBJECTS * Self::PER_SUBJECT).map(|index| {
            let label = index % Self::CLASSES;
            let common = rng.normal();
            let mut side = |bit: usize| {
                let own = [bit as f64 * 3.0, common, 0.0];
                own.map(|centre| centre + 0.4 * rng.normal()).to_vec()
            };
            let (audio, video) = (side(label / 2), side(label % 2));
            let fold = index / Self::PER_SUBJECT % 3;
            Clip { fold, label, unlabelled: false, audio, video }
        });
        Self { folder: tempfile::tempdir().unwrap(), clips: clips.collect() }
    }

    pub fn experiment(&self, settings: &[&str]) -> Experiment {
        self.write();
        let settings: Vec<String> = settings.iter().map(|text| text.to_string()).collect();
        Experiment::parse(&format!("{}{EXPERIMENT}", Self::HEAD), &settings).unwrap()
    }

    pub fn paths(&self) -> RunPaths {
        let folder = self.folder.path();
        RunPaths { data: folder.into(), out: folder.join("out"), cache: folder.join("cache") }
    }

    pub fn try_run(&self, settings: &[&str]) -> Result<Record> {
        run(&self.experiment(settings), &self.paths(), OVERWRITE, Observer::SILENT)
    }

    pub fn run(&self, settings: &[&str]) -> Record {
        self.try_run(settings).unwrap()
    }

    /// The bytes of the model that a run has kept.
    pub fn model(&self) -> Vec<u8> {
        let mut files: Vec<_> = std::fs::read_dir(self.paths().out.join("model"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect()
    }

    pub fn write(&self) {
        let mut rows = String::from("id,subject,label,fold\n");
        let mut tables = [String::from("id,a,b,c\n"), String::from("id,d,e,f\n")];
        for (index, clip) in self.clips.iter().enumerate() {
            let label = if clip.unlabelled { "?".into() } else { format!("class{}", clip.label) };
            let subject = index / Self::PER_SUBJECT;
            writeln!(rows, "clip{index:03},s{subject},{label},{}", clip.fold).unwrap();
            for (table, values) in tables.iter_mut().zip([&clip.audio, &clip.video]) {
                if let [a, b, c] = values[..] {
                    writeln!(table, "clip{index:03},{a},{b},{c}").unwrap();
                }
            }
        }
        let [audio, video] = tables;
        for (name, text) in [("rows.csv", rows), ("audio.csv", audio), ("video.csv", video)] {
            av_train::write_atomic(&self.folder.path().join(name), text.as_bytes()).unwrap();
        }
    }
}

/// Fails at the first line in which two records differ, times apart.
#[track_caller]
pub fn assert_same(a: &Record, b: &Record) {
    let [a, b] = [a, b].map(|record| {
        let mut record = record.clone();
        record.times.clear();
        let mut text = serde_json::to_string_pretty(&record).unwrap();
        // What is kept in files next to it.
        for run in &record.runs {
            text.push_str(&format!("\n{:?}", run.curve));
        }
        text.push_str(&format!("\n{:#?}", record.predictions));
        text
    });
    for (line, (a, b)) in a.lines().zip(b.lines()).enumerate() {
        assert_eq!(a, b, "line {line} of the record");
    }
    assert_eq!(a.len(), b.len());
}

const EXPERIMENT: &str = r#"
    [audio]
    kind = "table"
    path = "audio.csv"
    key = "id"

    [video]
    kind = "table"
    path = "video.csv"
    key = "id"

    [model]
    embedding = 6
    fusion_hidden = 16
    fusion_dropout = 0.2
    audio.mlp = { hidden = 16, input_dropout = 0.0, dropout = 0.2 }
    video.mlp = { hidden = 16, input_dropout = 0.0, dropout = 0.2 }

    [training]
    epochs = 8
    batch = 24
    learning_rate = 0.01
"#;
