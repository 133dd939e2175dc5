//! What comes out of a clip, and the trait of everything that takes it out.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{FaceDetector, FaceTracking, Result};

/// The features of one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Lengths of the axes of [`values`](Self::values); the first axis counts the segments.
    pub shape: Vec<usize>,
    /// The numbers, the last axis running fastest.
    pub values: Values,
    /// Centre of each segment in seconds from the start of the clip.
    pub times_s: Vec<f64>,
    /// Names of the columns of the last axis, where it has named columns; else empty.
    pub names: Vec<String>,
    /// How often a face was found, for features of the face.
    pub faces: Option<Faces>,
    /// What went not quite right with the media file.
    pub warnings: Vec<String>,
}

/// The numbers of [`Features`].
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Real numbers.
    F32(Vec<f32>),
    /// Pixels.
    U8(Vec<u8>),
}

impl Values {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::U8(values) => values.len(),
        }
    }

    /// Whether there are no numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// In how many frames a face was looked for and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faces {
    /// Frames that were looked at; blank ones, as of a fade, are not counted.
    pub frames: usize,
    /// Frames with a detected face among them.
    pub found: usize,
}

/// Something that turns a media file into [`Features`].
///
/// The fields of an implementor are its settings, and the same settings, version and file give the same features. A change
/// of what comes out is a change of [`version`](Self::version).
///
/// `dyn Extractor` is a type, so that a program holds any extractor without knowing which: all that differs from one to the
/// other is asked here.
///
/// # Example
///
/// ```
/// use av_features::{Extractor, FaceHog, LogMel};
///
/// let extractors: [&dyn Extractor; 2] = [&LogMel::default(), &FaceHog::default()];
/// let described = extractors.map(|extractor| extractor.describe());
/// assert_eq!(described, ["log-mel patches", "histograms of oriented gradients of the face"]);
/// assert_eq!(extractors.map(|extractor| extractor.tracker().is_some()), [false, true]);
/// ```
///
/// An extractor of one's own needs three methods:
///
/// ```
/// use std::path::Path;
///
/// use av_features::{Extractor, Features, Result, Values, read_sound, segments};
///
/// /// The mean square of the sound over the clip.
/// #[derive(serde::Serialize)]
/// struct Power {
///     sample_rate_hz: u32,
/// }
///
/// impl Extractor for Power {
///     fn name(&self) -> &'static str {
///         "power"
///     }
///
///     fn version(&self) -> u32 {
///         1
///     }
///
///     fn extract(&self, media: &Path) -> Result<Features> {
///         let sound = read_sound(media, self.sample_rate_hz)?;
///         let sum: f32 = sound.samples.iter().map(|sample| sample * sample).sum();
///         Ok(Features {
///             shape: vec![1, 1],
///             values: Values::F32(vec![sum / sound.samples.len() as f32]),
///             times_s: segments::centres(sound.duration_s(), 1),
///             names: vec!["power".into()],
///             faces: None,
///             warnings: sound.warnings,
///         })
///     }
/// }
///
/// assert_eq!(Power { sample_rate_hz: 8000 }.fingerprint(), r#"power/1 {"sample_rate_hz":8000}"#);
/// ```
pub trait Extractor: Settings + Send + Sync {
    /// One word, such as `"log-mel"`.
    fn name(&self) -> &'static str;

    /// Version of what comes out.
    fn version(&self) -> u32;

    /// What comes out in words for a report, such as `"log-mel patches"`; by default the name.
    fn describe(&self) -> &str {
        self.name()
    }

    /// Extracts the features of a media file.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, or with the settings: [`Error`](crate::Error).
    fn extract(&self, media: &Path) -> Result<Features>;

    /// Name, version and settings as a text: equal texts mean equal features. Of a file that the settings name it holds a
    /// hash of the content.
    fn fingerprint(&self) -> String {
        fingerprint(self)
    }

    /// How the face is tracked, for extractors that look at the face.
    fn tracker(&self) -> Option<FaceTracking> {
        None
    }

    /// The face detector by a model file, for a program that moves the file or finds it in another folder; nothing where
    /// the built-in detector is used, or none.
    fn detector_mut(&mut self) -> Option<&mut FaceDetector> {
        None
    }

    /// Whether there are features for each segment of the clip, with its time; else there is one vector per clip.
    fn per_segment(&self) -> bool {
        false
    }

    /// Whether silence is cut off both ends of the clip: times are then those of the sound that is left, and segments are not
    /// those of the picture.
    fn trims(&self) -> bool {
        false
    }

    /// Whether the features are spectrograms `(segments, channels, bands, frames)` of real numbers, in which bands and frames
    /// may be masked: [`SpecAugment`](crate::augment::SpecAugment).
    fn is_spectrogram(&self) -> bool {
        false
    }
}

/// Name, version and all settings.
pub(crate) fn fingerprint<E: Extractor + ?Sized>(extractor: &E) -> String {
    format!("{}/{} {}", extractor.name(), extractor.version(), extractor.json())
}

/// The settings of an [`Extractor`] as a text. Everything that is [`Serialize`] has it.
pub trait Settings {
    /// The settings as JSON, in the order of the fields.
    fn json(&self) -> String;
}

impl<T: Serialize + ?Sized> Settings for T {
    fn json(&self) -> String {
        // A struct of numbers and words always has a JSON form.
        serde_json::to_string(self).unwrap_or_else(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{
        Convention, Error, FaceCrops, FaceHog, FaceMotion, Follow, Functionals, LogMel, Mfcc, Trim,
    };

    /// Every extractor, held by a pointer that does not say which.
    fn all() -> Vec<Box<dyn Extractor>> {
        vec![
            Box::new(LogMel::default()),
            Box::new(Mfcc::new(Convention::Librosa, 16_000)),
            Box::new(Functionals::default()),
            Box::new(FaceCrops::default()),
            Box::new(FaceHog::default()),
            Box::new(FaceMotion::default()),
        ]
    }

    /// Answers of every extractor, as one line.
    fn line(answer: impl Fn(&dyn Extractor) -> String) -> String {
        all().iter().map(|extractor| answer(&**extractor)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn an_extractor_of_any_kind_says_what_it_is() {
        assert_eq!(
            line(|it| format!("{}/{}", it.name(), it.version())),
            "log-mel/4, mfcc/5, functionals/4, face-crops/3, face-hog/3, face-motion/3"
        );
        assert_eq!(
            line(|it| it.describe().into()),
            "log-mel patches, MFCC patches, functionals, face crops, \
             histograms of oriented gradients of the face, movements of the face"
        );
        let flags = |it: &dyn Extractor| {
            let letters = [(it.per_segment(), 's'), (it.is_spectrogram(), 'm'), (it.trims(), 't')];
            letters.map(|(holds, letter)| if holds { letter } else { '-' }).iter().collect()
        };
        assert_eq!(line(flags), "sm-, s--, ---, s--, ---, ---");
    }

    #[test]
    fn what_cuts_silence_says_so() {
        let trim = Some(Trim::default());
        assert!(LogMel { trim, ..LogMel::default() }.trims());
        assert!(Functionals { trim, ..Functionals::default() }.trims());
    }

    #[test]
    fn the_tracker_has_the_settings_of_the_extractor() {
        let detector = Some(FaceDetector::new("a.onnx").with_score(0.7));
        let (every, margin, follow) = (3, 1.25, Follow::Same);
        let mut extractors: [Box<dyn Extractor>; 3] = [
            Box::new(FaceCrops {
                every,
                margin,
                follow,
                detector: detector.clone(),
                ..FaceCrops::default()
            }),
            Box::new(FaceHog { every, margin, follow, detector: detector.clone() }),
            Box::new(FaceMotion {
                every,
                margin,
                follow,
                detector: detector.clone(),
                ..FaceMotion::default()
            }),
        ];
        let expected = FaceTracking { every, margin, follow, detector };
        for extractor in &mut extractors {
            assert_eq!(extractor.tracker().as_ref(), Some(&expected), "{}", extractor.name());
            let detector = extractor.detector_mut().unwrap();
            *detector = detector.clone().within(Path::new("models"));
            let moved = extractor.tracker().and_then(|tracker| tracker.detector).unwrap();
            assert_eq!(moved.model(), PathBuf::from("models/a.onnx"), "{}", extractor.name());
        }
        assert_eq!(
            line(|it| it.tracker().map_or("-".into(), |tracker| tracker.every.to_string())),
            "-, -, -, 5, 5, 5"
        );
        assert!(all().iter_mut().all(|extractor| extractor.detector_mut().is_none()));
    }

    #[test]
    fn impossible_settings_of_the_tracker_are_rejected_by_every_extractor_of_the_face() {
        let error = |extractor: &dyn Extractor| match extractor.extract(Path::new("absent.mp4")) {
            Err(error @ Error::Config { .. }) => error.to_string(),
            other => format!("{other:?}"),
        };
        let never = "every must be at least 1";
        assert_eq!(
            error(&FaceCrops { every: 0, ..FaceCrops::default() }),
            format!("face-crops: {never}")
        );
        assert_eq!(
            error(&FaceHog { every: 0, ..FaceHog::default() }),
            format!("face-hog: {never}")
        );
        let margin = f64::NAN;
        assert_eq!(
            error(&FaceMotion { margin, ..FaceMotion::default() }),
            "face-motion: margin must be within 0.5 to 4"
        );
    }
}
