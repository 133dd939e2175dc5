//! A face detector by a model file of the user's own, as it stands in a configuration.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::detect::Detector;
#[cfg(feature = "onnx")]
use super::yunet::{Network, Yunet};
use crate::features::{self, Extractor};
use crate::{Error, Result};

/// Largest model file in bytes: far above every network that finds faces.
const MAX_BYTES: u64 = 64 << 20;

/// Version of what becomes of a model's outputs; a part of fingerprints.
const VERSION: u32 = 1;

/// A face detector by an ONNX file of the user's own, in place of the one that is built in. It looks at whole frames, and
/// finds landmarks, by which [`FaceCrops::align`](crate::FaceCrops::align) turns faces upright.
///
/// # Definition
///
/// The file holds a network of the YuNet family, as OpenCV Zoo publishes one. Its input is a picture; its outputs are
/// laid out in cells of `s` = 8, 16 and 32 pixels, rows first. Of the cell in column `c` and row `r`
///
/// - the score is `sqrt(cls obj)`, both limited to 0 to 1,
/// - the middle of the box is at `((c + bbox0) s, (r + bbox1) s)`, its sides are `(exp(bbox2) s, exp(bbox3) s)`,
/// - landmark `n` is at `((c + kps[2n]) s, (r + kps[2n+1]) s)`: the subject's right eye, left eye, nose, right and left
///   corner of the mouth.
///
/// Boxes whose score is at least that of the configuration count, the best first; one that overlaps a better one by more
/// than 0.3 (intersection over union) does not. The square of a face has the middle of its box and its longer side.
///
/// A frame is scaled with a filter that does not alias, so that it just fits into the input, and lies there in the upper
/// left corner; the rest is 0.
///
/// # Shapes
///
/// One input `(1, 3, H, W)` of 32-bit floats: blue, green, red of 0 to 255. H and W are multiples of 32 up to 2048, and 640
/// where the file leaves them open. Outputs by name, of `n = H W / s^2` cells: `cls_8`, `cls_16`, `cls_32` and `obj_*`
/// `(1, n, 1)`, `bbox_*` `(1, n, 4)`, `kps_*` `(1, n, 10)`.
///
/// # Errors
///
/// Of what looks for faces with it: [`Error::Detector`] for a file that is none of the above, or cannot be run;
/// [`Error::WithoutOnnx`] in a build without the feature `onnx`.
///
/// The file is read once, at its first use; clones share what was read. Fingerprints of extractors hold a hash of its
/// content, not its name.
///
/// # Source
///
/// W. Wu, H. Peng and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023.
///
/// # Example
///
/// ```
/// use av_features::{Extractor, FaceCrops, FaceDetector};
///
/// let detector = FaceDetector::new("yunet.onnx").with_score(0.7);
/// let crops = FaceCrops { detector: Some(detector), align: true, ..FaceCrops::default() };
/// // As a configuration file has it.
/// let config = r#"{"align":true,"detector":{"model":"yunet.onnx","score":0.7}}"#;
/// assert_eq!(crops, serde_json::from_str(config)?);
/// // There is no such file beside this example.
/// let error = crops.extract("clip.mp4".as_ref()).unwrap_err().to_string();
/// assert!(error.starts_with("yunet.onnx"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceDetector {
    model: PathBuf,
    #[serde(default = "least_score")]
    score: f64,
    #[serde(skip)]
    loaded: Arc<Loaded>,
}

/// What was read, or why it cannot be: a file that changes meanwhile is still one detector.
#[derive(Default)]
struct Loaded {
    file: OnceLock<std::result::Result<Content, String>>,
    #[cfg(feature = "onnx")]
    network: OnceLock<std::result::Result<Arc<Network>, String>>,
}

struct Content {
    bytes: Vec<u8>,
    hash: blake3::Hash,
}

/// Least score of a face where the configuration has none.
fn least_score() -> f64 {
    0.6
}

impl FaceDetector {
    /// The detector of a model file, with a least score of 0.6. Nothing is read yet.
    pub fn new(model: impl Into<PathBuf>) -> Self {
        Self { model: model.into(), score: least_score(), loaded: Arc::default() }
    }

    /// The same with another least score of a face, within 0 to 1.
    pub fn with_score(self, score: f64) -> Self {
        Self { score, ..self }
    }

    /// The same with a model file that is given relative to `folder`.
    pub fn within(self, folder: &Path) -> Self {
        Self::new(folder.join(&self.model)).with_score(self.score)
    }

    /// The model file.
    pub fn model(&self) -> &Path {
        &self.model
    }

    /// The least score of a face.
    pub fn score(&self) -> f64 {
        self.score
    }

    /// The content of the model file, which is that of its first use.
    ///
    /// # Errors
    ///
    /// [`Error::Detector`] for a file that cannot be read, or is too large for a detector.
    pub fn content(&self) -> Result<&[u8]> {
        self.read().map(|content| content.bytes.as_slice()).map_err(|it| self.unusable(it))
    }

    /// What stands for it in a fingerprint. A file that cannot be read now will not be read later either, and has no
    /// features.
    pub(super) fn fingerprint(&self) -> String {
        let hash = self.read().map(|content| content.hash.to_hex().to_string());
        format!("yunet/{VERSION} {} {}", self.score, hash.unwrap_or("unreadable".into()))
    }

    /// A detector for a clip.
    #[cfg(feature = "onnx")]
    pub(super) fn open(&self) -> Result<Box<dyn Detector>> {
        let fail = |reason: &str| self.unusable(reason);
        if !(0.0..=1.0).contains(&self.score) {
            return Err(fail("its score must be within 0 to 1"));
        }
        let bytes = self.content()?;
        let load = || Network::load(bytes).map(Arc::new);
        let network = self.loaded.network.get_or_init(load).as_ref().map_err(|it| fail(it))?;
        Ok(Box::new(Yunet::new(network.clone(), self.clone())))
    }

    /// A detector for a clip; this build has none.
    #[cfg(not(feature = "onnx"))]
    pub(super) fn open(&self) -> Result<Box<dyn Detector>> {
        Err(Error::WithoutOnnx { path: self.model.clone() })
    }

    /// The error of a model that cannot be used.
    pub(super) fn unusable(&self, reason: &str) -> Error {
        Error::Detector { path: self.model.clone(), reason: reason.into() }
    }

    fn read(&self) -> std::result::Result<&Content, &str> {
        self.loaded.file.get_or_init(|| read(&self.model)).as_ref().map_err(String::as_str)
    }
}

/// The fingerprint of an extractor: of `built_in`, which is the same without a detector, and of what the file of a
/// detector holds.
pub(super) fn fingerprint(built_in: &dyn Extractor, detector: Option<&FaceDetector>) -> String {
    let text = features::fingerprint(built_in);
    match detector {
        Some(detector) => format!("{text} detector {}", detector.fingerprint()),
        None => text,
    }
}

/// A file of a size that a model may have; a pipe would be waited for without end.
fn read(path: &Path) -> std::result::Result<Content, String> {
    let fail = |error: std::io::Error| format!("{error}; does it exist, and may it be read?");
    let metadata = path.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err("it is not a regular file".into());
    }
    if metadata.len() > MAX_BYTES {
        let size = metadata.len();
        return Err(format!("it has {size} bytes, and detectors have at most {MAX_BYTES}"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(fail)?;
    Ok(Content { hash: blake3::hash(&bytes), bytes })
}

impl PartialEq for FaceDetector {
    fn eq(&self, other: &Self) -> bool {
        (&self.model, self.score) == (&other.model, other.score)
    }
}

impl fmt::Debug for FaceDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("FaceDetector");
        text.field("model", &self.model).field("score", &self.score).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FaceCrops, FaceHog, FaceMotion};

    fn write(path: &Path, bytes: &[u8]) {
        use std::io::Write as _;
        std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
    }

    #[test]
    fn fingerprints_hold_the_content_of_the_model_and_not_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["one", "two", "three"].map(|name| folder.path().join(name));
        for (path, bytes) in names.iter().zip([b"first", b"other", b"first"]) {
            write(path, bytes);
        }
        let of = |path: &Path, score| {
            let detector = Some(FaceDetector::new(path).with_score(score));
            let crops = FaceCrops { detector: detector.clone(), ..FaceCrops::default() };
            let hog = FaceHog { detector: detector.clone(), ..FaceHog::default() };
            let motion = FaceMotion { detector, ..FaceMotion::default() };
            [crops.fingerprint(), hog.fingerprint(), motion.fingerprint()]
        };
        let [one, two, three] = names.each_ref().map(|path| of(path, 0.6));
        assert_eq!(one, three);
        for (text, (other, stricter)) in one.iter().zip(two.iter().zip(&of(&names[0], 0.7))) {
            assert!(text != other && text != stricter && other != stricter, "{text}");
            assert!(!text.contains("one"), "{text}");
        }
        let hash = blake3::hash(b"first").to_hex();
        let built_in = FaceHog::default().fingerprint();
        assert_eq!(one[1], format!("{built_in} detector yunet/1 0.6 {hash}"));
    }

    #[test]
    fn a_file_is_read_once_and_one_that_could_not_be_read_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let detector = FaceDetector::new(&path);
        assert!(detector.fingerprint().ends_with("unreadable"));
        assert!(matches!(detector.content(), Err(Error::Detector { .. })));
        write(&path, b"first");
        assert!(detector.clone().with_score(0.9).fingerprint().ends_with("unreadable"));
        let later = FaceDetector::new(&path);
        let before = later.fingerprint();
        write(&path, b"other");
        assert_eq!(later.fingerprint(), before);
        assert_eq!(later.content().unwrap(), b"first");
        assert_ne!(FaceDetector::new(&path).fingerprint(), before);
    }

    #[test]
    fn what_is_no_file_of_a_models_size_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        std::fs::File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap(); // a hole
        let reason = |path: &Path| read(path).err().unwrap();
        assert_eq!(reason(&path), "it has 67108865 bytes, and detectors have at most 67108864");
        assert_eq!(reason(folder.path()), "it is not a regular file");
        assert!(reason(&folder.path().join("absent")).ends_with("may it be read?"));
    }

    #[test]
    #[cfg(not(feature = "onnx"))]
    fn without_the_feature_the_error_names_it() {
        let error = FaceDetector::new("yunet.onnx").open().err().unwrap().to_string();
        assert!(error.contains("yunet.onnx") && error.contains("feature `onnx`"), "{error}");
    }

    #[test]
    fn a_configuration_has_a_path_a_score_and_nothing_else() {
        let detector: FaceDetector = serde_json::from_str(r#"{"model":"a.onnx"}"#).unwrap();
        assert_eq!(detector, FaceDetector::new("a.onnx").with_score(0.6));
        assert_ne!(detector, FaceDetector::new("b.onnx"));
        let text = serde_json::to_string(&detector.within(Path::new("models"))).unwrap();
        assert_eq!(text, r#"{"model":"models/a.onnx","score":0.6}"#);
        let unknown = r#"{"model":"a.onnx","least":0.6}"#;
        assert!(serde_json::from_str::<FaceDetector>(unknown).is_err());
    }
}
