//! A corpus whose file names a regular expression describes.

use super::files::{self, Layout, Recognised, Recording};
use super::labels::{Label, Labels};
use super::media::media;
use crate::{Dataset, Error, Expected, Result, Tracks};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Names that groups of a pattern may have.
const GROUPS: [&str; 5] = ["id", "subject", "label", "fold", "modality"];

/// A corpus of media files whose paths say what they are.
///
/// `pattern` is a regular expression that must match the whole path of a file relative to the data folder,
/// with `/` between its parts. Its named groups are
///
/// | group | holds | without it |
/// |---|---|---|
/// | `id` | the clip's name: files with the same name are one clip | the path without extension |
/// | `subject` | the subject | a table has to name the subjects |
/// | `label` | the code to look up in `labels` | all clips are unlabelled |
/// | `fold` | the fold in which the clip is tested | no folds are given |
/// | `modality` | the code to look up in `modalities` | the extension says what a file holds |
///
/// Groups may contain each other. In TOML, write the pattern in 'single quotes'.
///
/// ```
/// use av_datasets::CorpusConfig;
/// let config: CorpusConfig = toml::from_str(
///     r#"
///     kind = "pattern"
///     name = "our-lab"
///     pattern = '(sound|video)/(?<id>(?<subject>p\d{2})_(?<label>[a-z]+)_take\d)\.\w+'
///     example = "video/p07_rage_take2.avi"
///     labels = { joy = "happiness", rage = "anger", calm = "neutral" }
///     "#,
/// )?;
/// let root = tempfile::tempdir()?;
/// for file in ["sound/p07_rage_take2.wav", "video/p07_rage_take2.avi"] {
///     std::fs::create_dir_all(root.path().join(file).parent().ok_or("no folder")?)?;
///     std::fs::File::create(root.path().join(file))?;
/// }
/// let dataset = config.index(root.path())?;
/// assert_eq!(dataset.clips.len(), 1);
/// assert_eq!(dataset.clips[0].subject, "p07");
/// assert_eq!(dataset.classes, ["anger"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Name of the corpus.
    pub name: String,
    /// The regular expression.
    pub pattern: String,
    /// A path that the pattern matches: shown to who gave the wrong folder.
    pub example: String,
    /// Class of each label code. Default: every code is the name of its class.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Codes of clips that are used without a label. Default: none.
    #[serde(default)]
    pub unlabelled: Vec<String>,
    /// Codes of clips that are left out. Default: none.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// All classes in the order that confusion matrices should have. Default: the order of the codes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// What files with an extension (lower case, no dot) hold: `audio`, `video` or `both`. Default: the
    /// usual extensions; containers such as `mp4` hold both.
    #[serde(default = "media")]
    pub extensions: BTreeMap<String, Tracks>,
    /// What files with a code in the group `modality` hold: `audio`, `video` or `both`.
    #[serde(default)]
    pub modalities: BTreeMap<String, Tracks>,
    /// Counts of the complete corpus, for `verify`.
    #[serde(default)]
    pub expected: Option<Expected>,
}

impl Pattern {
    /// Lists the clips below a folder.
    ///
    /// Errors: an unreadable folder, a folder without any file that matches, a pattern that does not
    /// compile, has an unknown group or does not match `example`, codes with two meanings.
    pub fn index(&self, root: &Path) -> Result<Dataset> {
        let regex = self.compile()?;
        let labels = Labels {
            classes: &self.labels,
            unlabelled: &self.unlabelled,
            excluded: &self.excluded,
            order: &self.classes,
        }
        .check()?;
        let layout = Layout {
            corpus: &self.name,
            expected: format!("paths that match {}", self.pattern),
            example: &self.example,
            extensions: &self.extensions,
            labels,
        };
        files::index(root, &layout, |path, holds| self.recognise(&regex, path, holds, labels))
    }

    fn compile(&self) -> Result<Regex> {
        let regex = Regex::new(&format!("^(?:{})$", self.pattern))
            .map_err(|source| Error::Regex { key: "pattern", source: Box::new(source) })?;
        if let Some(name) = regex.capture_names().flatten().find(|name| !GROUPS.contains(name)) {
            return Err(Error::Setting {
                key: "pattern",
                expected: format!("a group; groups are named {}", GROUPS.join(", ")),
                actual: format!("`{name}`"),
            });
        }
        if !regex.is_match(&self.example) {
            return Err(Error::Setting {
                key: "example",
                expected: format!("a path that the pattern matches as a whole: {}", self.pattern),
                actual: format!("`{}`", self.example),
            });
        }
        let coded = regex.capture_names().flatten().any(|name| name == "modality");
        if coded == self.modalities.is_empty() {
            return Err(Error::Setting {
                key: "modalities",
                expected: "given if and only if the pattern has a group `modality`".into(),
                actual: format!("a table of {} codes", self.modalities.len()),
            });
        }
        Ok(regex)
    }

    fn recognise(&self, regex: &Regex, path: &str, holds: Tracks, labels: Labels) -> Recognised {
        let groups = regex.captures(path).ok_or("the path does not match the pattern")?;
        let group = |name| groups.name(name).map(|group| group.as_str());
        let label = group("label").unwrap_or_default();
        // What is left out may have any modality.
        if labels.read(label)? == Label::Excluded {
            return Ok(None);
        }
        let tracks = match group("modality") {
            Some(code) => *self
                .modalities
                .get(code)
                .ok_or_else(|| format!("modality code `{code}` is not in `modalities`"))?,
            None => holds,
        };
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        Ok(Some(Recording {
            id: group("id").unwrap_or(stem).into(),
            subject: group("subject").unwrap_or_default().into(),
            label: label.into(),
            fold: group("fold").map(String::from),
            turn: None,
            tracks,
        }))
    }
}
