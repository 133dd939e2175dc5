//! Sound in: one channel at the rate that is asked for.

use std::io::Read as _;
use std::path::Path;

use super::limits::{Limits, check_rate};
use super::{compressed, wav};
use crate::audio::resample;
use crate::{Error, Result, files};

/// Largest sample: full scale of 32 bits in a file of floats that were never divided by it. Powers of a spectrum of larger
/// ones are beyond f32, as is what the resampler adds up.
const LOUDEST: f32 = 4_294_967_296.0;

/// One channel of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Samples, nominally within -1 to 1; at least one.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub sample_rate_hz: u32,
    /// What went not quite right: a truncated file, damaged packets, samples that are no numbers.
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
/// The first sample is of the time at which the first track of the file starts: silence stands before sound that begins after
/// the picture, and in gaps. Channels are averaged. Another rate is converted by an FFT resampler without delay: `n`
/// samples become `ceil(n * to / from)`. Wav files with integers of 8 to 32 bits or 32-bit floats
/// are read without FFmpeg; everything else needs the feature `video`. Of a truncated file there
/// is what can be decoded, and a warning.
///
/// # Errors
///
/// [`Error::Read`], [`Error::NotAFile`], [`Error::Open`], [`Error::NoSound`], [`Error::Decode`];
/// [`Error::Empty`] without a sample; [`Error::TooLarge`] and [`Error::Timeout`] beyond [`Limits`];
/// [`Error::FileRate`] and [`Error::SampleRate`] for a rate outside 1,000 to 384,000 Hz;
/// [`Error::WithoutVideo`].
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
    read_sound_within(path, sample_rate_hz, &Limits::default())
}

/// The same as [`read_sound`] with other limits.
///
/// # Errors
///
/// Those of [`read_sound`].
///
/// # Example
///
/// ```
/// use av_features::{Limits, read_sound_within};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("two_seconds.wav");
/// # let spec = hound::WavSpec {
/// #     channels: 1,
/// #     sample_rate: 16_000,
/// #     bits_per_sample: 16,
/// #     sample_format: hound::SampleFormat::Int,
/// # };
/// # let mut writer = hound::WavWriter::create(&path, spec)?;
/// # (0..32_000).try_for_each(|_| writer.write_sample(0_i16))?;
/// # writer.finalize()?;
/// let limits = Limits { sound_s: 1, ..Limits::default() };
/// let error = read_sound_within(&path, 16_000, &limits).unwrap_err();
/// assert!(error.to_string().contains("sound, in seconds, of 2, more than 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_sound_within(path: &Path, sample_rate_hz: u32, limits: &Limits) -> Result<Sound> {
    let mut sound = read(path, limits)?;
    if sound.samples.is_empty() {
        return Err(Error::Empty { path: path.to_owned(), what: "sound" });
    }
    let heard = |sample: f32| sample.abs() <= LOUDEST;
    let wrong = sound.samples.iter().filter(|sample| !heard(**sample)).count();
    if wrong > 0 {
        sound
            .warnings
            .push(format!("{wrong} samples that are not finite or beyond 2^32 became zero"));
        sound.samples.iter_mut().filter(|sample| !heard(**sample)).for_each(|sample| *sample = 0.0);
    }
    check_rate(path, sound.sample_rate_hz)?;
    if sound.sample_rate_hz != sample_rate_hz {
        sound.samples = resample(&sound.samples, sound.sample_rate_hz, sample_rate_hz)?;
        sound.sample_rate_hz = sample_rate_hz;
    }
    Ok(sound)
}

/// Reads the sound at its own rate.
fn read(path: &Path, limits: &Limits) -> Result<Sound> {
    let (mut file, _) = files::open(path, limits.bytes)?;
    let mut start = Vec::new();
    let io = |source| Error::Read { path: path.to_owned(), source };
    file.by_ref().take(12).read_to_end(&mut start).map_err(io)?;
    if start.starts_with(b"RIFF") && start.ends_with(b"WAVE") {
        // hound knows neither every coding nor headers of recordings without an end.
        match wav::read(path, limits)? {
            Some(sound) if !sound.samples.is_empty() => return Ok(sound),
            Some(empty) if cfg!(not(feature = "video")) => return Ok(empty),
            _ => {}
        }
    }
    compressed::read(path, limits)
}
