//! The experiment file: what is trained on what, and how it is judged.

mod sides;
mod system;
mod training;

pub use sides::{AudioInput, VideoInput};
pub use system::System;
pub use training::{ModelConfig, ObjectiveConfig, TrainingConfig};

use crate::{Error, Result};
use av_datasets::{CorpusConfig, Protocol};
use av_features::LogMel;
use av_features::augment::SpecAugment;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// An experiment file larger than this is something else.
const MAX_BYTES: u64 = 1 << 20;

/// Tables inside of tables that a setting may reach; an experiment has four.
const MAX_DEPTH: usize = 16;

/// An experiment, as read from a TOML file. Unknown keys are errors.
///
/// ```
/// let experiment = av_train::Experiment::parse(
///     r#"
///     name = "ravdess"
///     seeds = [1, 2, 3]
///     dataset = { kind = "ravdess" }
///     audio = { kind = "log-mel" }
///     video = { kind = "face-crops", size = 48 }
///     protocol = { kind = "subject-folds", k = 4 }
///     "#,
///     &["training.epochs=5".into()],
/// )?;
/// assert_eq!(experiment.training.epochs, 5);
/// # Ok::<(), av_train::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Name of the experiment and of its folder under `runs/`.
    pub name: String,
    /// One training run per fold, system and seed.
    pub seeds: Vec<u64>,
    /// The systems to train; all four by default.
    #[serde(default = "System::all")]
    pub systems: Vec<System>,
    /// The corpus.
    pub dataset: CorpusConfig,
    /// Features of the sound.
    pub audio: AudioInput,
    /// Features of the picture.
    pub video: VideoInput,
    /// How subjects are split into training and test.
    pub protocol: Protocol,
    /// Layer sizes.
    #[serde(default)]
    pub model: ModelConfig,
    /// Weights of the loss terms.
    #[serde(default)]
    pub objective: ObjectiveConfig,
    /// The optimiser and its schedule.
    #[serde(default)]
    pub training: TrainingConfig,
    /// Masks over the log-mel patches of training segments, other ones each time; by default none. Segments
    /// by which a clip is decided, in validation and in the test, are never masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<SpecAugment>,
    /// Largest share of clips with a problem (unreadable, without sound or picture, with a name that is
    /// not UTF-8) that is still accepted. Such clips are listed in the record. Default 0: the first one
    /// stops the run.
    #[serde(default)]
    pub bad_clips: f64,
}

impl Experiment {
    /// Reads an experiment file and applies `key=value` settings. Files that it names are looked for from its folder.
    ///
    /// Errors: an unreadable file, an unknown or missing key, a value out of range; each names the
    /// file, and the line where there is one.
    pub fn read(path: &Path, settings: &[String]) -> Result<Self> {
        let read = |source| Error::Read { path: path.into(), source };
        let metadata = std::fs::metadata(path).map_err(read)?;
        // A pipe would be waited for without end.
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Err(Error::NoExperiment { path: path.into(), limit: MAX_BYTES });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let mut experiment =
            Self::parse(&text, settings).map_err(|error| error.in_experiment(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        experiment.dataset = experiment.dataset.resolve(folder)?;
        experiment.video.resolve(folder);
        Ok(experiment)
    }

    /// Parses the text of an experiment file and applies `key=value` settings, where the key is a
    /// dotted path (`protocol.test_folds=["4"]`) and the value is TOML, or else a string.
    pub fn parse(text: &str, settings: &[String]) -> Result<Self> {
        let experiment: Self = if settings.is_empty() {
            // Parsed from the text itself, so that an error names the line.
            toml::from_str(text).map_err(Error::experiment)?
        } else {
            let mut table: toml::Table = toml::from_str(text).map_err(Error::experiment)?;
            for setting in settings {
                apply(&mut table, setting)?;
            }
            table.try_into().map_err(Error::experiment)?
        };
        experiment.check()?;
        Ok(experiment)
    }

    fn check(&self) -> Result<()> {
        let training = &self.training;
        let positive = [
            ("model.embedding", self.model.embedding),
            ("model.fusion_hidden", self.model.fusion_hidden),
            ("training.epochs", training.epochs),
            ("training.batch", training.batch),
            ("training.segments", training.segments),
            ("training.decision_segments", training.decision_segments),
            ("training.patience", training.patience),
            ("seeds (number of)", self.seeds.len()),
            ("systems (number of)", self.systems.len()),
        ];
        for (key, value) in positive {
            check(key, value as f64, value > 0, "at least 1")?;
        }
        let shares = [
            ("objective.label_smoothing", self.objective.label_smoothing),
            ("training.warmup", training.warmup),
            ("training.validation", training.validation),
            ("model.fusion_dropout", self.model.fusion_dropout),
            ("bad_clips", self.bad_clips),
        ];
        for (key, value) in shares {
            check(key, value, (0.0..1.0).contains(&value), "in [0, 1)")?;
        }
        let labelled = training.labelled;
        check("training.labelled", labelled, labelled > 0.0 && labelled <= 1.0, "in (0, 1]")?;
        let weights = [
            ("objective.audio_video", self.objective.audio_video),
            ("objective.audio_label", self.objective.audio_label),
            ("objective.video_label", self.objective.video_label),
            ("training.weight_decay", training.weight_decay),
        ];
        for (key, value) in weights {
            check(key, value, value.is_finite() && value >= 0.0, "a number of at least 0")?;
        }
        for (key, value) in [
            ("training.learning_rate", training.learning_rate),
            ("training.clip_norm", training.clip_norm),
        ] {
            check(key, value, value.is_finite() && value > 0.0, "a number above 0")?;
        }
        let moments = matches!(self.audio, AudioInput::LogMel(LogMel { trim: Some(_), .. }))
            && matches!(self.video, VideoInput::FaceCrops(_));
        if moments && self.systems.iter().any(|system| system.hears() && system.sees()) {
            return Err(Error::Setting {
                key: "audio.trim".into(),
                actual: "given".into(),
                expected: "left out beside face crops: sound and picture of a segment would be of different moments",
            });
        }
        if self.augmentation.is_some() && !matches!(self.audio, AudioInput::LogMel(_)) {
            return Err(Error::Setting {
                key: "audio.kind".into(),
                actual: "without patches to mask".into(),
                expected: "log-mel where there is an [augmentation]",
            });
        }
        Ok(())
    }
}

fn check(key: &str, value: f64, holds: bool, expected: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting { key: key.into(), actual: value.to_string(), expected })
}

/// Sets one dotted key.
fn apply(table: &mut toml::Table, setting: &str) -> Result<()> {
    let malformed =
        |expected| Error::Setting { key: setting.into(), actual: setting.into(), expected };
    let (key, value) = setting.split_once('=').ok_or_else(|| malformed("key=value"))?;
    let value = match toml::from_str::<toml::Table>(&format!("value = {value}")) {
        Ok(mut parsed) => parsed.remove("value").ok_or_else(|| malformed("key=value"))?,
        Err(_) => toml::Value::String(value.into()),
    };
    let mut path: Vec<&str> = key.trim().split('.').collect();
    if path.len() > MAX_DEPTH {
        return Err(malformed("a key of at most 16 parts"));
    }
    let last = path.pop().filter(|name| !name.is_empty()).ok_or_else(|| malformed("key=value"))?;
    let mut table = table;
    for name in path {
        table = table
            .entry(name)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(|| malformed("a key inside a table of the experiment file"))?;
    }
    table.insert(last.into(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_setting_of_many_parts_is_refused_before_its_tables_are_built() {
        // The tables lay inside of each other, and dropping them took the stack.
        let setting = format!("{}=1", vec!["a"; 200_000].join("."));
        let error = Experiment::parse(MINIMAL, &[setting]).unwrap_err().to_string();
        assert!(error.ends_with("it must be a key of at most 16 parts"), "{error:.300}");
    }

    #[test]
    fn what_is_no_experiment_file_is_refused_with_its_name() {
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
            let text = MINIMAL
                .replace("face-hog\"", &format!("{kind}\", detector.model = \"faces.onnx\""));
            std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            let experiment = Experiment::read(&path, &[]).unwrap();
            let json = serde_json::to_value(&experiment.video).unwrap();
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
        let experiment =
            Experiment::parse(&MINIMAL.replace("{ kind = \"functionals\" }", mfcc), &[]);
        assert!(matches!(experiment.unwrap().audio, AudioInput::Mfcc(mfcc) if mfcc.n_mfcc == 13));
        let typo = ["augmentation.time_mask=2".into()];
        let error = Experiment::parse(&log_mel, &typo).unwrap_err().to_string();
        assert!(error.contains("time_mask"), "{error}");
        let plain = Experiment::parse(&log_mel, &[]).unwrap();
        let text = serde_json::to_string(&plain).unwrap();
        assert!(!text.contains("augmentation") && !text.contains("trim"), "{text}");
    }

    #[test]
    fn sound_is_not_trimmed_beside_face_crops() {
        let text = MINIMAL
            .replace("functionals\"", "log-mel\", trim = {}")
            .replace("face-hog", "face-crops");
        let error = Experiment::parse(&text, &[]).unwrap_err().to_string();
        assert!(error.contains("audio.trim") && error.contains("different moments"), "{error}");
        let alone = Experiment::parse(&text, &["systems=[\"audio\"]".into()]).unwrap();
        assert!(matches!(alone.audio, AudioInput::LogMel(LogMel { trim: Some(_), .. })));
    }

    #[test]
    fn a_value_out_of_range_says_what_is_allowed() {
        let error = Experiment::parse(MINIMAL, &["training.validation=1.5".into()]).unwrap_err();
        assert_eq!(error.to_string(), "training.validation is 1.5: it must be in [0, 1)");
    }
}
