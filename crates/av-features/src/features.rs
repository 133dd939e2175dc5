//! What comes out of a clip, and the trait of everything that takes it out.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Result;

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
/// The fields of an implementor are its configuration, and the same configuration, version and
/// file give the same features. A change of what comes out is a change of [`VERSION`](Self::VERSION).
pub trait Extractor: Serialize {
    /// One word, such as `"log-mel"`.
    const NAME: &'static str;
    /// Version of what comes out.
    const VERSION: u32;

    /// Extracts the features of a media file.
    fn extract(&self, media: &Path) -> Result<Features>;

    /// Name, version and configuration as a text: equal texts mean equal features. Of a file that the configuration names
    /// it holds a hash of the content.
    fn fingerprint(&self) -> String {
        fingerprint(self)
    }
}

/// Name, version and configuration.
pub(crate) fn fingerprint<E: Extractor + ?Sized>(extractor: &E) -> String {
    // A struct of numbers and words always has a JSON form.
    let config = serde_json::to_string(extractor).unwrap_or_else(|error| error.to_string());
    format!("{}/{} {config}", E::NAME, E::VERSION)
}
