//! Sound in: one channel at the rate that is asked for.

use std::io::Read as _;
use std::path::Path;

use super::{compressed, wav};
use crate::audio::resample;
use crate::{Error, Result, files};

/// Longest sound in seconds: an utterance lasts seconds, a session may last an hour.
pub(crate) const MAX_SOUND_S: u64 = 3600;

/// Lowest and highest sample rate in Hz that is read or made.
pub(crate) const RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// One channel of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Samples, nominally within -1 to 1; at least one.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub sample_rate_hz: u32,
    /// What went not quite right: a truncated file, damaged packets, samples that are not numbers.
    pub warnings: Vec<String>,
}

impl Sound {
    /// Duration in seconds.
    pub fn duration_s(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }
}

/// Reads the sound of a media file as one channel at `sample_rate_hz`.
///
/// Channels are averaged. Another rate is converted by an FFT resampler without delay: `n`
/// samples become `ceil(n * to / from)`. Wav files with integers of 8 to 32 bits or 32-bit floats
/// are read without FFmpeg; everything else needs the feature `video`. Of a truncated file there
/// is what can be decoded, and a warning.
///
/// # Errors
///
/// [`Error::Read`], [`Error::NotAFile`], [`Error::Open`], [`Error::NoSound`], [`Error::Decode`];
/// [`Error::Empty`] without a sample; [`Error::TooLarge`] beyond an hour; [`Error::SampleRate`]
/// for a rate outside 1,000 to 384,000 Hz; [`Error::WithoutVideo`].
///
/// # Example
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("tone.wav");
/// let spec = hound::WavSpec {
///     channels: 2,
///     sample_rate: 48_000,
///     bits_per_sample: 16,
///     sample_format: hound::SampleFormat::Int,
/// };
/// let mut writer = hound::WavWriter::create(&path, spec)?;
/// for _ in 0..48_000 {
///     writer.write_sample(16_384_i16)?;
///     writer.write_sample(0_i16)?;
/// }
/// writer.finalize()?;
///
/// let sound = av_features::read_sound(&path, 16_000)?;
/// assert_eq!(sound.samples.len(), 16_000);
/// assert!((sound.samples[8_000] - 0.25).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_sound(path: &Path, sample_rate_hz: u32) -> Result<Sound> {
    let mut sound = read(path)?;
    if sound.samples.is_empty() {
        return Err(Error::Empty { path: path.to_owned(), what: "sound" });
    }
    let wrong = sound.samples.iter().filter(|sample| !sample.is_finite()).count();
    if wrong > 0 {
        sound.warnings.push(format!("{wrong} samples that are not finite numbers became zero"));
        sound.samples.iter_mut().filter(|sample| !sample.is_finite()).for_each(|s| *s = 0.0);
    }
    sound.samples = resample(sound.samples, sound.sample_rate_hz, sample_rate_hz)?;
    sound.sample_rate_hz = sample_rate_hz;
    Ok(sound)
}

/// Reads the sound at its own rate.
fn read(path: &Path) -> Result<Sound> {
    let mut file = files::open(path)?;
    let mut start = Vec::new();
    let io = |source| Error::Read { path: path.to_owned(), source };
    file.by_ref().take(12).read_to_end(&mut start).map_err(io)?;
    if start.starts_with(b"RIFF") && start.ends_with(b"WAVE") {
        // hound knows neither every coding nor headers of recordings without an end.
        match wav::read(path)? {
            Some(sound) if !sound.samples.is_empty() => return Ok(sound),
            Some(empty) if cfg!(not(feature = "video")) => return Ok(empty),
            _ => {}
        }
    }
    compressed::read(path)
}

/// Refuses more than [`MAX_SOUND_S`] of sound.
pub(crate) fn check_length(path: &Path, samples: usize, sample_rate_hz: u32) -> Result<()> {
    let actual = samples as u64 / u64::from(sample_rate_hz.max(1));
    if actual > MAX_SOUND_S {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            what: "sound, in seconds,",
            actual,
            limit: MAX_SOUND_S,
        });
    }
    Ok(())
}
