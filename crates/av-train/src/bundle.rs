//! A trained model in a folder, and what it says of new clips.

use crate::decision::decide;
use crate::experiment::{AudioInput, Experiment, System, VideoInput};
use crate::files::{read_json, write_atomic, write_json};
use crate::inputs::Loader;
use crate::model::{DEVICE, DTYPE, Model};
use crate::normaliser::Normaliser;
use crate::part::{Item, Part};
use crate::trainer::Fitted;
use crate::{AudioVisual, Control, Error, Result};
use av_datasets::Source;
use av_features::{Cache, FaceDetector, Faces, Features};
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

/// A model that reads media files.
#[derive(Debug)]
pub struct Bundle {
    model: Model,
    description: Description,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Description {
    experiment: Experiment,
    system: System,
    classes: Vec<String>,
    shapes: AudioVisual<Vec<usize>>,
    normaliser: Normaliser,
    seed: u64,
}

/// What a model says of a clip. One JSON line of `av-bench predict`.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// The media file.
    pub clip: String,
    /// The most probable class.
    pub emotion: String,
    /// Probability of each class; they sum to 1.
    pub probabilities: BTreeMap<String, f64>,
    /// Probabilities over the clip, in the order of time.
    pub timeline: Vec<Moment>,
    /// Frames given to the face detector and those with a face; none for models that do not see.
    pub faces: Option<Faces>,
    /// What was odd about the file.
    pub warnings: Vec<String>,
}

/// One segment of a timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// Centre of the segment, seconds from the start of the clip.
    pub time_s: f64,
    /// Probability of each class, in the order of `classes` of the model.
    pub probabilities: BTreeMap<String, f64>,
}

impl Bundle {
    /// Puts a trained model together with what it needs to read clips.
    pub(crate) fn new(
        fitted: Fitted,
        experiment: &Experiment,
        system: System,
        seed: u64,
        classes: &[String],
        shapes: &AudioVisual<Vec<usize>>,
    ) -> Self {
        let description = Description {
            experiment: experiment.clone(),
            system,
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
        if description.system.sees() {
            save_detector(&mut description.experiment.video, folder)?;
        }
        write_json(&folder.join(DESCRIPTION), &description)
    }

    /// Reads a folder written by [`Bundle::save`].
    ///
    /// Errors: no model in the folder, a damaged file, weights that do not fit the description.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut description: Description = read_json(&folder.join(DESCRIPTION))?.ok_or_else(|| {
            Error::Output {
                path: folder.into(),
                message: format!("holds no model ({DESCRIPTION} is missing): give the folder `model` of a finished run"),
            }
        })?;
        description.experiment.video.resolve(folder);
        let Description { experiment, system, classes, shapes, seed, .. } = &description;
        let parameters = Parameters::new(Streams::new(*seed), DTYPE, &DEVICE);
        let model = Model::new(&experiment.model, *system, shapes, classes.len(), parameters)?;
        model.parameters.load(&folder.join(WEIGHTS))?;
        Ok(Self { model, description })
    }

    /// Extracts the features of a media file and classifies it.
    ///
    /// Errors: an unreadable file, a file without the sound or picture that the model needs, a model that
    /// was trained on a feature table.
    pub fn predict(&self, clip: &Path, cache: &Cache) -> Result<Prediction> {
        let Description { experiment, system, classes, normaliser, .. } = &self.description;
        let table = (system.hears() && matches!(experiment.audio, AudioInput::Table(_)))
            || (system.sees() && matches!(experiment.video, VideoInput::Table(_)));
        if table {
            return Err(Error::Output {
                path: clip.into(),
                message: "the model reads a feature table, not media files".into(),
            });
        }
        let loader = Loader { experiment, cache, tables: &[], control: Control::SILENT };
        let source = Source::Media(clip.into());
        let audio =
            system.hears().then(|| loader.audio(&source)).transpose()?.map(|it| it.features);
        let video = system.sees().then(|| loader.video(&source)).transpose()?.map(|it| it.features);
        let both = AudioVisual { audio: audio.as_ref(), video: video.as_ref() };
        let id = clip.display().to_string();
        let part = Part { items: vec![Item { id: &id, label: None, features: both }] };
        let decisions = decide(&self.model, normaliser, *system, &part, usize::MAX)?;
        let named = |probabilities: &[f64]| {
            classes.iter().cloned().zip(probabilities.iter().copied()).collect::<BTreeMap<_, _>>()
        };
        let decision = &decisions[0];
        Ok(Prediction {
            clip: id.clone(),
            emotion: classes[decision.class()].clone(),
            probabilities: named(&decision.probabilities),
            timeline: decision
                .timeline
                .iter()
                .map(|(position, probabilities)| Moment {
                    time_s: time_of(&both, *position),
                    probabilities: named(probabilities),
                })
                .collect(),
            faces: video.as_ref().and_then(|video| video.faces),
            warnings: both
                .into_array()
                .into_iter()
                .flatten()
                .flat_map(|features| features.warnings.iter().cloned())
                .collect(),
        })
    }
}

/// Puts a copy of the model file by which faces are found beside the weights, and names it instead.
fn save_detector(video: &mut VideoInput, folder: &Path) -> Result<()> {
    if let Some(detector) = video.detector_mut() {
        write_atomic(&folder.join(DETECTOR), detector.content()?)?;
        *detector = FaceDetector::new(DETECTOR).with_score(detector.score());
    }
    Ok(())
}

/// Time of a position in `[0, 1)` of the side with more segments.
fn time_of(both: &AudioVisual<Option<&Features>>, position: f64) -> f64 {
    let times = both.into_array().into_iter().flatten().map(|features| &features.times_s);
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
        let mut video = VideoInput::FaceHog(FaceHog { detector, ..FaceHog::default() });
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
        let mut video = VideoInput::FaceMotion(FaceMotion::default());
        save_detector(&mut video, folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
