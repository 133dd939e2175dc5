use serde::{Deserialize, Serialize};

/// One value for each of the two modalities.
///
/// ```
/// use av_train::AudioVisual;
/// let lengths = AudioVisual { audio: "sound", video: "frames" }.map(str::len);
/// assert_eq!(lengths, AudioVisual { audio: 5, video: 6 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioVisual<T> {
    /// What belongs to the sound.
    pub audio: T,
    /// What belongs to the picture.
    pub video: T,
}

impl<T> AudioVisual<T> {
    /// Applies `f` to both.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> AudioVisual<U> {
        AudioVisual { audio: f(self.audio), video: f(self.video) }
    }

    /// Applies `f` to both and stops at the first error.
    pub fn try_map<U, E>(self, mut f: impl FnMut(T) -> Result<U, E>) -> Result<AudioVisual<U>, E> {
        Ok(AudioVisual { audio: f(self.audio)?, video: f(self.video)? })
    }

    /// Pairs the values of two.
    pub fn zip<U>(self, other: AudioVisual<U>) -> AudioVisual<(T, U)> {
        AudioVisual { audio: (self.audio, other.audio), video: (self.video, other.video) }
    }

    /// References to both.
    pub fn as_ref(&self) -> AudioVisual<&T> {
        AudioVisual { audio: &self.audio, video: &self.video }
    }

    /// Both as a list, audio first: for code that treats them alike.
    pub fn into_array(self) -> [T; 2] {
        [self.audio, self.video]
    }
}
