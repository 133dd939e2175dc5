//! A trained model in a folder, and what it says of new clips.

use crate::data::{Example, InputConfig, Loader, Normaliser, Scaling, Subset, Test, Timeline};
use crate::evaluate::predict;
use crate::experiment::{Experiment, System};
use crate::files::{read_versioned, write_atomic, write_json};
use crate::model::{DEVICE, DTYPE, Model};
use crate::observer::Observer;
use crate::train::Fitted;
use crate::{Error, Result};
use av_datasets::{Modalities, Modality, Source};
use av_features::{Cache, FaceDetector, Faces, Features, Values};
use av_ops::{Parameters, Streams};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// File of the weights inside a model folder.
const WEIGHTS: &str = "weights.safetensors";

/// File of everything else inside a model folder.
const DESCRIPTION: &str = "model.json";

/// File of a face detector of the user's own inside a model folder.
const DETECTOR: &str = "detector.onnx";

/// A trained model with all that it needs to read clips: media files, or features in memory.
///
/// # Example
///
/// ```
/// # use av_features::{ClipFormat, write_clip};
/// # use av_train::{Experiment, Observer, RunOptions, RunPaths};
/// use av_features::Cache;
/// use av_train::SavedModel;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let data = folder.path().join("data");
/// # std::fs::create_dir(&data)?;
/// # let form = ClipFormat { width: 16, height: 16, fps: 20, sample_rate_hz: 16_000 };
/// # for (name, pitch) in [("1_low", 0.04), ("1_high", 0.4), ("2_low", 0.05), ("2_high", 0.5)] {
/// #     let sound: Vec<f32> = (0..16_000).map(|i| 0.3 * (pitch * i as f32).sin()).collect();
/// #     let picture = std::iter::repeat_n(vec![90; 16 * 16 * 3], 20);
/// #     write_clip(&data.join(format!("{name}.mp4")), &form, picture, &sound)?;
/// # }
/// # let experiment = Experiment::parse(
/// #     r#"
/// #     name = "tones"
/// #     seeds = [1]
/// #     systems = ["audio"]
/// #     inputs.audio = { kind = "log-mel", segments = 3, mels = 16, frames = 16 }
/// #     protocol = { kind = "leave-one-subject-out" }
/// #     model = { embedding = 4, audio.convnet.channels = [4] }
/// #     training = { epochs = 2, validation = 0.0 }
/// #     [dataset]
/// #     kind = "pattern"
/// #     name = "tones"
/// #     pattern = '(?<subject>\d)_(?<label>low|high)\.mp4'
/// #     example = "1_low.mp4"
/// #     "#,
/// #     &[],
/// # )?;
/// # let [out, cache] = ["out", "cache"].map(|name| folder.path().join(name));
/// # let paths = RunPaths { data: data.clone(), out: out.clone(), cache: cache.clone() };
/// # av_train::run(&experiment, &paths, RunOptions::default(), Observer::SILENT)?;
/// # let clip = data.join("1_low.mp4");
/// let model = SavedModel::load(&out.join("model"))?; // the folder of a run
/// assert_eq!(model.classes(), ["high", "low"]);
///
/// let report = model.predict(&clip, &Cache::open(&cache)?)?;
/// assert_eq!(report.timeline.len(), 3);
/// assert!((report.probabilities.values().sum::<f64>() - 1.0).abs() < 1e-9);
///
/// // The same of features in memory, which anything may have made that makes them as the training did.
/// let features = model.inputs().as_ref().try_map(|_, input| {
///     let extractor = input.as_ref().and_then(|input| input.extractor());
///     extractor.map(|extractor| extractor.extract(&clip)).transpose()
/// })?;
/// let of_memory = model.classify("in memory", &features)?;
/// assert_eq!(of_memory.probabilities, report.probabilities);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SavedModel {
    model: Model,
    description: Description,
}

/// Strict: what a later version adds may change what the model says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// The version of this software that wrote it; empty before it was kept.
    #[serde(default)]
    version: String,
    experiment: Experiment,
    /// Name of the system, one of the experiment.
    system: String,
    classes: Vec<String>,
    shapes: Modalities<Vec<usize>>,
    normaliser: Normaliser,
    seed: u64,
}

/// What a model says of a clip. One JSON line of `av-bench predict`.
#[derive(Clone, Debug, Serialize)]
pub struct ClipReport {
    /// The media file.
    pub clip: String,
    /// The most probable class.
    pub emotion: String,
    /// Probability of each class; they sum to 1.
    pub probabilities: BTreeMap<String, f64>,
    /// Probabilities over the clip, in the order of time.
    pub timeline: Vec<SegmentPrediction>,
    /// Frames given to the face detector and those with a face; none for models that do not look for faces.
    pub faces: Option<Faces>,
    /// What was odd about the file.
    pub warnings: Vec<String>,
}

/// One segment of a timeline.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentPrediction {
    /// Centre of the segment, seconds from the start of the clip.
    pub time_s: f64,
    /// Probability of each class.
    pub probabilities: BTreeMap<String, f64>,
}

impl SavedModel {
    /// Puts a trained model together with what it needs to read clips.
    pub(crate) fn new(
        fitted: Fitted,
        experiment: &Experiment,
        system: &System,
        seed: u64,
        classes: &[String],
        shapes: &Modalities<Vec<usize>>,
    ) -> Self {
        let description = Description {
            version: env!("CARGO_PKG_VERSION").into(),
            experiment: experiment.clone(),
            system: system.name.clone(),
            classes: classes.to_vec(),
            shapes: shapes.clone(),
            normaliser: fitted.normaliser,
            seed,
        };
        Self { model: fitted.model, description }
    }

    /// Writes the folder: `weights.safetensors` and `model.json`, and `detector.onnx` where faces are found by a model
    /// file of the user's own.
    pub fn save(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .map_err(|source| Error::Write { path: folder.into(), source })?;
        self.model.parameters.save(&folder.join(WEIGHTS))?;
        let mut description = self.description.clone();
        for &modality in self.model.modalities() {
            if let Some(input) = &mut description.experiment.inputs[modality] {
                save_detector(input, folder)?;
            }
        }
        write_json(&folder.join(DESCRIPTION), &description)
    }

    /// Reads a folder written by [`SavedModel::save`].
    ///
    /// # Errors
    ///
    /// No model in the folder, a damaged file, one of another version of this software with settings that this one does
    /// not know, weights that do not fit the description.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(DESCRIPTION);
        let mut description: Description = read_versioned(&path)?
            .ok_or_else(|| Error::NoModel { path: folder.into(), file: DESCRIPTION })?;
        description.experiment.resolve_inputs(folder);
        let Description { experiment, system, classes, shapes, seed, .. } = &description;
        let config = experiment.system(system).ok_or_else(|| Error::Damaged {
            path,
            message: format!("its experiment has no system {system}"),
        })?;
        let parameters = Parameters::new(Streams::new(*seed), DTYPE, &DEVICE);
        let model = Model::new(system, &config.model, shapes, classes.len(), parameters)?;
        model.parameters.load(&folder.join(WEIGHTS))?;
        Ok(Self { model, description })
    }

    /// Names of the classes, in the order of the model's outputs.
    pub fn classes(&self) -> &[String] {
        &self.description.classes
    }

    /// What the features of each modality are made by; the model may not read all of them.
    pub fn inputs(&self) -> &Modalities<Option<InputConfig>> {
        &self.description.experiment.inputs
    }

    /// Extracts the features of a media file and classifies it.
    ///
    /// # Errors
    ///
    /// An unreadable file, a file without the sound or picture that the model needs, a model that
    /// was trained on a feature table.
    pub fn predict(&self, clip: &Path, cache: &Cache) -> Result<ClipReport> {
        let inputs = self.inputs();
        let loader = Loader { inputs, cache, tables: &[], observer: Observer::SILENT };
        let source = Source::Media(clip.into());
        let features = inputs.as_ref().try_map(|modality, input| {
            let used = self.model.modalities().contains(&modality);
            let Some(input) = input.as_ref().filter(|_| used) else { return Ok(None) };
            if input.table().is_some() {
                return Err(Error::TableModel { path: clip.into(), modality });
            }
            Ok(Some(loader.source(modality, input, &source)?.features))
        })?;
        self.classify(&clip.display().to_string(), &features)
    }

    /// Classifies a clip by its features, such as those of [`inputs`](Self::inputs). Those that the model does not read are
    /// not looked at.
    ///
    /// # Errors
    ///
    /// A modality that the model reads and the clip lacks, or whose segments have another shape or kind of values than those
    /// of the training.
    pub fn classify(
        &self,
        clip: &str,
        features: &Modalities<Option<Features>>,
    ) -> Result<ClipReport> {
        for &modality in self.model.modalities() {
            self.check(clip, modality, features[modality].as_ref())?;
        }
        let Description { classes, normaliser, .. } = &self.description;
        let features = features.as_ref().map(Option::as_ref);
        let example = Example { id: clip, subject: "", label: None, features };
        let subset: Subset<Test> = Subset::of(vec![example]);
        let predictions = predict(&self.model, normaliser, &subset, usize::MAX)?;
        let named = |probabilities: &[f64]| {
            classes.iter().cloned().zip(probabilities.iter().copied()).collect::<BTreeMap<_, _>>()
        };
        let prediction = &predictions[0];
        let line = Timeline::of(&features, self.model.modalities());
        let segments = prediction.timeline.iter().map(|(position, probabilities)| {
            let time_s = time_of(&features, &line, *position);
            SegmentPrediction { time_s, probabilities: named(probabilities) }
        });
        let of = || features.iter().filter_map(|(_, features)| *features);
        Ok(ClipReport {
            emotion: classes[prediction.class()].clone(),
            probabilities: named(&prediction.probabilities),
            timeline: segments.collect(),
            faces: of().find_map(|features| features.faces),
            warnings: of()
                .flat_map(|features| features.warnings.iter().cloned())
                .chain(line.warning(&features))
                .collect(),
            clip: clip.into(),
        })
    }

    /// Whether a modality of a clip is what the model was trained on.
    fn check(&self, clip: &str, modality: Modality, features: Option<&Features>) -> Result<()> {
        let unlike = |what| Error::UnlikeTraining { clip: clip.into(), modality, what };
        let Features { shape, values, .. } =
            features.ok_or_else(|| unlike("are lacking, and were not"))?;
        match (values, &self.description.normaliser[modality]) {
            (Values::F32(_), Some(Scaling::Standardise { .. }))
            | (Values::U8(_), Some(Scaling::PerImage)) => {}
            (Values::F32(_), _) => return Err(unlike("are real numbers, and were not")),
            (Values::U8(_), _) => return Err(unlike("are pixels, and were not")),
        }
        let expected = &self.description.shapes[modality];
        let count = shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length));
        let whole = count == Some(values.len()) && !values.is_empty();
        if whole && shape.get(1..) == Some(expected) {
            return Ok(());
        }
        Err(Error::Shape { clip: clip.into(), expected: expected.clone(), actual: shape.clone() })
    }
}

/// Puts a copy of the model file by which faces are found next to the weights, and names it instead.
fn save_detector(input: &mut InputConfig, folder: &Path) -> Result<()> {
    if let Some(detector) = input.detector_mut() {
        write_atomic(&folder.join(DETECTOR), detector.content()?)?;
        *detector = FaceDetector::new(DETECTOR).with_score(detector.score());
    }
    Ok(())
}

/// Time of a position in `[0, 1)`: that of the modality with more segments, the last of equals, where all begin and end
/// together.
fn time_of(features: &Modalities<Option<&Features>>, line: &Timeline, position: f64) -> f64 {
    if line.is_apart() {
        return line.time_s(position);
    }
    let times = features.iter().filter_map(|(_, features)| Some(&(*features)?.times_s));
    let Some(times) = times.max_by_key(|times| times.len()) else { return 0.0 };
    let index = (position * times.len() as f64) as usize;
    times.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use av_features::{FaceHog, FaceMotion};

    #[test]
    fn a_model_folder_holds_the_face_detector_and_may_be_moved() {
        let root = tempfile::tempdir().unwrap();
        let [given, folder, moved] =
            ["given.onnx", "model", "moved"].map(|it| root.path().join(it));
        write_atomic(&given, b"a network").unwrap();
        let detector = Some(FaceDetector::new(&given).with_score(0.7));
        let mut video = InputConfig::FaceHog(FaceHog { detector, ..FaceHog::default() });
        save_detector(&mut video, &folder).unwrap();
        let json = serde_json::to_value(&video).unwrap();
        assert_eq!(json["detector"], serde_json::json!({"model": "detector.onnx", "score": 0.7}));

        std::fs::remove_file(given).unwrap();
        std::fs::rename(folder, &moved).unwrap();
        video.resolve(&moved);
        let detector = video.detector_mut().unwrap();
        assert_eq!(detector.content().unwrap(), b"a network");
        assert_eq!(detector.model(), moved.join("detector.onnx"));
    }

    #[test]
    fn a_model_folder_without_a_face_detector_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut video = InputConfig::FaceMotion(FaceMotion::default());
        save_detector(&mut video, folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
