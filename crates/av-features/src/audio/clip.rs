//! How extractors read the sound of a clip.

use std::path::Path;

use super::trim::Trim;
use crate::media::Sound;
use crate::{Result, read_sound, segments};

/// The sound of a clip, without silence at its ends where that is asked for.
pub(crate) struct Clip {
    pub(crate) sound: Sound,
    /// Seconds that were cut off its beginning.
    start_s: f64,
}

impl Clip {
    /// Reads, refuses what is too short, and trims.
    pub(crate) fn read(media: &Path, sample_rate_hz: u32, trim: Option<Trim>) -> Result<Self> {
        let mut sound = read_sound(media, sample_rate_hz)?;
        segments::check_duration(media, sound.duration_s())?;
        let mut start_s = 0.0;
        if let Some(trim) = trim {
            let kept = trim.range(&sound.samples, sample_rate_hz)?;
            start_s = kept.start as f64 / f64::from(sample_rate_hz);
            sound.samples.truncate(kept.end);
            sound.samples.drain(..kept.start);
        }
        Ok(Self { sound, start_s })
    }

    /// The centres of `count` segments of what is left, in seconds from the start of the file.
    pub(crate) fn centres(&self, count: usize) -> Vec<f64> {
        let centres = segments::centres(self.sound.duration_s(), count);
        centres.into_iter().map(|centre| self.start_s + centre).collect()
    }
}
