//! A corpus: its clips, its description and its files.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use av_features::{ClipFormat, write_clip};
use rayon::prelude::*;
use serde::Serialize;

use crate::clip::Clip;
use crate::config::SynthConfig;
use crate::latent::{BayesAccuracy, ExpressionModel};
use crate::layout::Take;
use crate::{Error, Result, files, truth};

/// Version of the renderers. It changes whenever the same configuration gives other clips.
pub const VERSION: u32 = 1;

/// The description of a complete corpus; written last.
const COMPLETE: &str = "corpus.json";

/// The same description while clips are still missing.
const PARTIAL: &str = "corpus.json.partial";

/// What `corpus.json` says about the model in words.
const MODEL: &str = "Given the label, voice = mean_voice[label] + common_scale * A z + voice_noise * n_a and \
    face = mean_face[label] + common_scale * V z + face_noise * n_v, with z standard normal in two dimensions, n_a \
    and n_v standard normal in three, all independent, and A and V with orthonormal columns. voice is arousal, \
    brightness and tempo, face is brows, eyes and mouth. Everything else in a clip is independent of label and z, \
    except that the mouth moves with the syllables. bayes_accuracy is what the best decision from these numbers \
    themselves reaches, labels equally likely; a recogniser sees media, of a person it has not met, and stays below. \
    canonical_correlation holds given the label, for both pairs of common directions; information_nat is the mutual \
    information of voice and face given the label. truth.csv has one row a clip.";

/// A rendered corpus.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Corpus {
    /// The ground truth of the clips, sorted by name.
    pub clips: Vec<Clip>,
    /// What the file `corpus.json` says.
    pub description: Description,
}

/// The content of `corpus.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// [`VERSION`] of the renderers.
    pub version: u32,
    /// What was rendered.
    pub config: SynthConfig,
    /// The generative model in words.
    pub model: String,
    /// Accuracies of the best possible decisions from the expressions.
    pub bayes_accuracy: BayesAccuracy,
    /// See [`ExpressionModel::correlation`].
    pub canonical_correlation: f64,
    /// See [`ExpressionModel::information`].
    pub information_nat: f64,
    /// The means of voice and face of each emotion.
    pub means: Vec<Mean>,
    /// A: three rows of two numbers.
    pub voice_loading: [[f64; 2]; 3],
    /// V: three rows of two numbers.
    pub face_loading: [[f64; 2]; 3],
}

/// Where an emotion lies in the two expression spaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mean {
    /// The emotion.
    pub emotion: crate::Emotion,
    /// Arousal, brightness, tempo.
    pub voice: [f64; 3],
    /// Brows, eyes, mouth.
    pub face: [f64; 3],
}

impl Corpus {
    /// Draws the ground truth of a corpus without rendering it.
    ///
    /// Errors: a key of the configuration outside of its range.
    ///
    /// ```
    /// use av_synth::{Corpus, SynthConfig};
    ///
    /// let corpus = Corpus::new(&SynthConfig::default())?;
    /// assert_eq!(corpus.clips.len(), 8 * 6 * 4);
    /// assert_eq!(corpus.clips[0].id, "01-01-01-01-01-01-01");
    /// let bayes = corpus.description.bayes_accuracy;
    /// assert!(bayes.audio < 0.93 && bayes.video < 0.93 && bayes.both > 0.98);
    /// # Ok::<(), av_synth::Error>(())
    /// ```
    pub fn new(config: &SynthConfig) -> Result<Self> {
        config.check()?;
        let model = ExpressionModel::new(config);
        let takes = takes(config);
        let mut clips: Vec<Clip> =
            takes.into_par_iter().map(|take| Clip::new(config, &model, take)).collect();
        clips.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { clips, description: Description::new(config, &model) })
    }
}

fn takes(config: &SynthConfig) -> Vec<Take> {
    let mut takes = vec![];
    for subject in (1_u8..).take(config.subjects) {
        for &emotion in &config.emotions {
            for (statement, repetition) in
                [(1, 1), (1, 2), (2, 1), (2, 2)].into_iter().take(config.clips)
            {
                takes.push(Take { subject, emotion, statement, repetition });
            }
        }
    }
    takes
}

impl Description {
    fn new(config: &SynthConfig, model: &ExpressionModel) -> Self {
        let mean = |&emotion: &crate::Emotion| Mean {
            emotion,
            voice: emotion.voice(),
            face: emotion.face(),
        };
        Self {
            version: VERSION,
            config: config.clone(),
            model: MODEL.to_owned(),
            bayes_accuracy: model.bayes_accuracy(config.seed),
            canonical_correlation: model.correlation(),
            information_nat: model.information(),
            means: config.emotions.iter().map(mean).collect(),
            voice_loading: crate::VOICE_LOADING,
            face_loading: crate::FACE_LOADING,
        }
    }
}

/// Renders a corpus into a folder: the clips, `truth.csv` and, last, `corpus.json`.
///
/// `progress` is told the number of clips that are done and the number of all, from any thread.
/// A folder that already holds the complete corpus is left as it is; one that holds a part of it
/// is completed.
///
/// Errors: a key of the configuration outside of its range; a folder that holds anything else,
/// such as a corpus of another configuration; a file that cannot be read, written or encoded.
///
/// ```
/// use av_synth::{SynthConfig, render};
///
/// let folder = tempfile::tempdir()?;
/// let config = SynthConfig { subjects: 1, clips: 1, width: 64, height: 64, ..SynthConfig::default() };
/// let corpus = render(&config, folder.path(), |_done, _total| ())?;
/// assert_eq!(corpus.clips.len(), 6);
/// assert!(folder.path().join(&corpus.clips[0].path).is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn render(
    config: &SynthConfig,
    folder: &Path,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Corpus> {
    let corpus = Corpus::new(config)?;
    claim(folder, &corpus.description)?;
    let (done, total) = (AtomicUsize::new(0), corpus.clips.len());
    corpus.clips.par_iter().try_for_each(|clip| {
        let path = folder.join(&clip.path);
        if !path.is_file() {
            render_clip(clip, config, &path)?;
        }
        progress(1 + done.fetch_add(1, Ordering::Relaxed), total);
        Ok(())
    })?;
    finish(folder, &corpus)?;
    Ok(corpus)
}

fn render_clip(clip: &Clip, config: &SynthConfig, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    let SynthConfig { width, height, fps, sample_rate_hz, .. } = *config;
    let format = ClipFormat { width, height, fps, sample_rate_hz };
    write_clip(path, &format, clip.frames(config), &clip.samples(config))
        .map_err(|source| Error::Encode { path: path.to_owned(), source })
}

/// Makes sure that the folder is empty or holds this corpus, and marks it.
fn claim(folder: &Path, description: &Description) -> Result<()> {
    files::create_folder(folder)?;
    let partial = folder.join(PARTIAL);
    let text = json(description, &partial)?;
    for path in [folder.join(COMPLETE), partial.clone()] {
        return match std::fs::read(&path) {
            Ok(found) if found == text => Ok(()),
            Ok(_) => Err(Error::OtherCorpus { path }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => Err(Error::Read { path, source }),
        };
    }
    if let Some(entry) = first_entry(folder)? {
        return Err(Error::Occupied { path: folder.to_owned(), entry });
    }
    files::write(&partial, &text)
}

fn first_entry(folder: &Path) -> Result<Option<String>> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let mut names = vec![];
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    Ok(names.into_iter().min())
}

/// Writes the table, then turns the mark of a partial corpus into that of a complete one.
fn finish(folder: &Path, corpus: &Corpus) -> Result<()> {
    let partial = folder.join(PARTIAL);
    if !partial.is_file() {
        return Ok(());
    }
    truth::write(&folder.join("truth.csv"), &corpus.clips)?;
    let complete = folder.join(COMPLETE);
    std::fs::rename(&partial, &complete).map_err(|source| Error::Write { path: complete, source })
}

fn json(description: &Description, path: &Path) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(description)
        .map_err(|error| Error::Write { path: path.to_owned(), source: error.into() })?;
    text.push(b'\n');
    Ok(text)
}
