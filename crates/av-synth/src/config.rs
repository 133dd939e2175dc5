//! What to render.

use serde::{Deserialize, Serialize};

use crate::emotion::Emotion;
use crate::layout::Layout;
use crate::{Error, Result};

/// The sample rates that AAC knows, from those that hold a voice to those that hold everything.
const SAMPLE_RATES_HZ: [u32; 9] =
    [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// The description of a corpus. The same description gives the same bytes.
///
/// Changing the number of subjects, emotions or clips leaves the clips that stay as they are.
///
/// ```
/// use av_synth::SynthConfig;
///
/// let config = SynthConfig { subjects: 3, ..SynthConfig::default() };
/// assert!(config.check().is_ok());
/// let unknown = serde_json::from_str::<SynthConfig>(r#"{ "subject": 3 }"#);
/// assert!(unknown.is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SynthConfig {
    /// Everything random is decided by this number.
    pub seed: u64,
    /// Names and folders of the clips.
    pub layout: Layout,
    /// The classes; two at least, each once.
    pub emotions: Vec<Emotion>,
    /// Persons, 1 to 24. Odd numbers have low voices and short hair, even ones the reverse.
    pub subjects: usize,
    /// Clips of each person and emotion, 1 to 4: the statements and repetitions of normal
    /// intensity that a RAVDESS name can tell apart.
    pub clips: usize,
    /// Width of the picture in pixels; even, 64 to 1024.
    pub width: u32,
    /// Height of the picture in pixels; even, 64 to 1024.
    pub height: u32,
    /// Frames per second, 5 to 60.
    pub fps: u32,
    /// Samples of sound per second: 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100 or 48000.
    pub sample_rate_hz: u32,
    /// Shortest and longest duration of a clip in seconds, within 0.5 to 10; uniform between.
    pub duration_s: [f64; 2],
    /// Standard deviation of what the common latent adds to both expressions, in units of
    /// expression (the classes lie 0.5 to 4 apart), 0 to 2.
    pub common_scale: f64,
    /// Standard deviation of what is the voice's own in its expression, in the same units, above 0
    /// and up to 2.
    pub voice_noise: f64,
    /// Standard deviation of what is the face's own in its expression, in the same units, above 0
    /// and up to 2.
    pub face_noise: f64,
    /// Standard deviation of the loudness from clip to clip in decibel, 0 to 12.
    pub loudness_db: f64,
    /// Mean level of the room noise below the voice in decibel, 0 to 80.
    pub room_noise_db: f64,
    /// Size of head turns and movements, 1 = natural, 0 = a fixed frontal head, up to 2.
    pub head_motion: f64,
    /// Standard deviation of the noise of the camera in grey levels of 255, 0 to 20.
    pub camera_noise: f64,
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            layout: Layout::Ravdess,
            emotions: vec![
                Emotion::Neutral,
                Emotion::Happy,
                Emotion::Sad,
                Emotion::Angry,
                Emotion::Fearful,
                Emotion::Surprised,
            ],
            subjects: 8,
            clips: 4,
            width: 128,
            height: 128,
            fps: 20,
            sample_rate_hz: 16_000,
            duration_s: [1.2, 1.6],
            common_scale: 0.6,
            voice_noise: 0.35,
            face_noise: 0.25,
            loudness_db: 3.0,
            room_noise_db: 36.0,
            head_motion: 1.0,
            camera_noise: 2.5,
        }
    }
}

impl SynthConfig {
    /// Checks every key against its range.
    ///
    /// Errors: [`Error::Config`] with the first key that is outside.
    pub fn check(&self) -> Result<()> {
        self.check_classes()?;
        within("subjects", self.subjects, 1..=24, "between 1 and 24")?;
        within("clips", self.clips, 1..=4, "between 1 and 4")?;
        for (key, size) in [("width", self.width), ("height", self.height)] {
            within(key, size, 64..=1024, "between 64 and 1024")?;
            ensure(key, size % 2 == 0, "even, as video codecs ask for", size)?;
        }
        within("fps", self.fps, 5..=60, "between 5 and 60")?;
        let rate = self.sample_rate_hz;
        ensure(
            "sample_rate_hz",
            SAMPLE_RATES_HZ.contains(&rate),
            "a rate of AAC from 8000 to 48000",
            rate,
        )?;
        let [shortest, longest] = self.duration_s;
        let ordered = 0.5 <= shortest && shortest <= longest && longest <= 10.0;
        let actual = format!("{:?}", self.duration_s);
        ensure("duration_s", ordered, "two ascending numbers within 0.5 to 10", actual)?;
        within("common_scale", self.common_scale, 0.0..=2.0, "between 0 and 2")?;
        for (key, noise) in [("voice_noise", self.voice_noise), ("face_noise", self.face_noise)] {
            ensure(key, 0.0 < noise && noise <= 2.0, "above 0 and up to 2", noise)?;
        }
        within("loudness_db", self.loudness_db, 0.0..=12.0, "between 0 and 12")?;
        within("room_noise_db", self.room_noise_db, 0.0..=80.0, "between 0 and 80")?;
        within("head_motion", self.head_motion, 0.0..=2.0, "between 0 and 2")?;
        within("camera_noise", self.camera_noise, 0.0..=20.0, "between 0 and 20")
    }

    fn check_classes(&self) -> Result<()> {
        let mut distinct = self.emotions.clone();
        distinct.sort();
        distinct.dedup();
        let valid = distinct.len() == self.emotions.len() && distinct.len() >= 2;
        let actual = format!("{:?}", self.emotions);
        ensure("emotions", valid, "two emotions or more, each once", actual)
    }
}

fn within<T: PartialOrd + ToString>(
    key: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
    expected: &'static str,
) -> Result<()> {
    ensure(key, range.contains(&value), expected, value)
}

fn ensure(
    key: &'static str,
    holds: bool,
    expected: &'static str,
    actual: impl ToString,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Config { key, expected, actual: actual.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_key(change: impl Fn(&mut SynthConfig)) -> &'static str {
        let mut config = SynthConfig::default();
        change(&mut config);
        match config.check() {
            Err(Error::Config { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_outside_of_its_range_is_named() {
        assert_eq!(wrong_key(|c| c.subjects = 0), "subjects");
        assert_eq!(wrong_key(|c| c.clips = 5), "clips");
        assert_eq!(wrong_key(|c| c.width = 127), "width");
        assert_eq!(wrong_key(|c| c.height = 62), "height");
        assert_eq!(wrong_key(|c| c.fps = 0), "fps");
        assert_eq!(wrong_key(|c| c.sample_rate_hz = 16_001), "sample_rate_hz");
        assert_eq!(wrong_key(|c| c.duration_s = [1.5, 1.0]), "duration_s");
        assert_eq!(wrong_key(|c| c.duration_s = [f64::NAN, 1.0]), "duration_s");
        assert_eq!(wrong_key(|c| c.voice_noise = 0.0), "voice_noise");
        assert_eq!(wrong_key(|c| c.common_scale = f64::NAN), "common_scale");
        assert_eq!(wrong_key(|c| c.emotions = vec![Emotion::Sad]), "emotions");
        assert_eq!(wrong_key(|c| c.emotions = vec![Emotion::Sad; 2]), "emotions");
    }

    #[test]
    fn an_unknown_emotion_is_named() {
        let parsed = serde_json::from_str::<SynthConfig>(r#"{ "emotions": ["sad", "bored"] }"#);
        assert!(parsed.unwrap_err().to_string().contains("bored"));
    }

    #[test]
    fn the_default_survives_json() {
        let text = serde_json::to_string(&SynthConfig::default()).unwrap();
        assert_eq!(serde_json::from_str::<SynthConfig>(&text).unwrap(), SynthConfig::default());
    }
}
