//! Sound of every other kind, through FFmpeg.

use std::path::Path;

use video_rs::ffmpeg::{format::Sample, frame, media};

use super::limits::{Limits, check_rate};
use super::silence::Silence;
use super::sound::Sound;
use super::stream::Stream;
use crate::Result;

/// Padding at the end of the last frame of a codec is shorter than this many samples.
const LONGEST_FRAME: usize = 4096;

/// Reads the sound of a media file at its own rate, from the time on at which the first of its streams starts.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Sound> {
    let mut stream = Stream::open(path, media::Type::Audio, limits)?;
    let mut frame = frame::Audio::empty();
    let mut samples = Vec::new();
    let mut sample_rate_hz = 0;
    let mut other = 0_usize;
    let mut silence = Silence::default();
    while stream.next(&mut frame)? {
        if sample_rate_hz == 0 {
            sample_rate_hz = frame.rate();
            check_rate(path, sample_rate_hz)?;
        }
        let channels = u64::from(frame.channels());
        Limits::check(path, "a number of channels", channels, limits.channels)?;
        if frame.rate() != sample_rate_hz {
            other += 1;
            continue;
        }
        if let Some(time_s) = stream.time_s(&frame) {
            silence.append(&stream, time_s, sample_rate_hz, &mut samples)?;
        }
        if !append_mean(&frame, &mut samples) {
            other += 1;
        }
        limits.check_sound(path, samples.len(), sample_rate_hz, stream.bytes)?;
    }
    if stream.header_is_exact
        && let Some(header_s) = stream.header_s
    {
        let promised = silence.lead + (header_s * f64::from(sample_rate_hz)).round() as usize;
        if (1..LONGEST_FRAME).contains(&samples.len().saturating_sub(promised)) {
            samples.truncate(promised);
        }
    }
    let decoded_s = (samples.len() - silence.lead) as f64 / f64::from(sample_rate_hz.max(1));
    let mut warnings = stream.warnings(decoded_s);
    warnings.extend(silence.warnings(sample_rate_hz));
    if other > 0 {
        warnings.push(format!("{other} frames of another sample rate or coding were left out"));
    }
    Ok(Sound { samples, sample_rate_hz, warnings })
}

/// Appends the mean of the channels of a frame; `false` for a sample format that is not known.
fn append_mean(frame: &frame::Audio, samples: &mut Vec<f32>) -> bool {
    // Factors that bring full scale to 1; unsigned bytes have their zero at 128.
    const BYTE: f32 = 1.0 / 128.0;
    const SHORT: f32 = 1.0 / 32_768.0;
    const LONG: f64 = 1.0 / 2_147_483_648.0;
    match frame.format() {
        Sample::U8(_) => mean(frame, samples, |v: u8| (f32::from(v) - 128.0) * BYTE),
        Sample::I16(_) => mean(frame, samples, |v: i16| f32::from(v) * SHORT),
        Sample::I32(_) => mean(frame, samples, |v: i32| (f64::from(v) * LONG) as f32),
        Sample::F32(_) => mean(frame, samples, |v: f32| v),
        Sample::F64(_) => mean(frame, samples, |v: f64| v as f32),
        Sample::None | Sample::I64(_) => return false,
    }
    true
}

fn mean<T: frame::audio::Sample + Copy>(
    frame: &frame::Audio,
    samples: &mut Vec<f32>,
    value: impl Fn(T) -> f32,
) {
    let channels = usize::from(frame.channels());
    if channels == 0 || frame.planes() == 0 {
        return;
    }
    let share = 1.0 / channels as f32;
    if frame.is_planar() {
        let start = samples.len();
        samples.resize(start + frame.samples(), 0.0);
        for channel in 0..channels {
            for (sum, &v) in samples[start..].iter_mut().zip(frame.plane::<T>(channel)) {
                *sum += value(v) * share;
            }
        }
    } else {
        let interleaved = frame.plane::<T>(0).chunks_exact(channels);
        samples.extend(interleaved.map(|all| all.iter().map(|&v| value(v)).sum::<f32>() * share));
    }
}
