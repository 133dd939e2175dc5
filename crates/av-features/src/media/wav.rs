//! Wav files without FFmpeg.

use std::io::{BufReader, Cursor, Read as _};
use std::path::Path;

use hound::{SampleFormat, WavReader};

use super::limits::{Clock, Limits, check_rate};
use super::sound::Sound;
use crate::{Error, Result, files};

/// Samples after which time and length are looked at.
const STRIDE: usize = 1 << 16;

/// Bytes within which the format is looked for; recorders put notes of some kilobytes before it.
const HEADER: u64 = 1 << 16;

/// The format tag of a header that counts the bits in use apart from those of the container.
const EXTENSIBLE: [u8; 2] = [0xfe, 0xff];

/// Reads a wav file at its own rate; `None` for a coding that hound does not know.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Option<Sound>> {
    let clock = Clock::start(limits);
    let (mut file, bytes) = files::open(path, limits.bytes)?;
    let mut start = Vec::new();
    let read = |source| Error::Read { path: path.to_owned(), source };
    file.by_ref().take(HEADER).read_to_end(&mut start).map_err(read)?;
    mend(&mut start);
    let Ok(mut reader) = WavReader::new(BufReader::new(Cursor::new(start).chain(file))) else {
        return Ok(None);
    };
    let spec = reader.spec();
    check_rate(path, spec.sample_rate)?;
    Limits::check(path, "a number of channels", spec.channels.into(), limits.channels)?;
    let promised = reader.duration() as usize;
    let channels = usize::from(spec.channels.max(1));
    // What is too long is refused before it is read.
    let sample_bytes = channels as u64 * u64::from(spec.bits_per_sample.div_ceil(8).max(1));
    let there = usize::try_from(bytes / sample_bytes).unwrap_or(usize::MAX);
    limits.check_sound(path, promised.min(there), spec.sample_rate, bytes)?;
    let mut mean = Mean { channels, filled: 0, sum: 0.0, samples: Vec::new() };
    let mut take = |sample: f32| {
        mean.push(sample);
        if !mean.samples.len().is_multiple_of(STRIDE) {
            return Ok(());
        }
        clock.check(path)?;
        limits.check_sound(path, mean.samples.len(), spec.sample_rate, bytes)
    };
    // An error in the middle is the end of a truncated file.
    match spec.sample_format {
        SampleFormat::Float => {
            for sample in reader.samples::<f32>().map_while(std::result::Result::ok) {
                take(sample)?;
            }
        }
        SampleFormat::Int => {
            let scale = 1.0 / (1_u64 << spec.bits_per_sample.saturating_sub(1).min(63)) as f32;
            for sample in reader.samples::<i32>().map_while(std::result::Result::ok) {
                take(sample as f32 * scale)?;
            }
        }
    }
    let samples = mean.samples;
    limits.check_sound(path, samples.len(), spec.sample_rate, bytes)?;
    let mut warnings = Vec::new();
    if samples.len() < promised {
        let (actual, rate) = (samples.len(), spec.sample_rate);
        warnings.push(format!("truncated: {actual} samples instead of {promised} at {rate} Hz"));
    }
    Ok(Some(Sound { samples, sample_rate_hz: spec.sample_rate, warnings }))
}

/// Changes in the chunks before the data what hound reads in another way than it is meant.
fn mend(start: &mut [u8]) {
    let mut at = 12;
    while let Some(head) = start.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let [a, b, c, d, length @ ..] = *head;
        let mut length = u32::from_le_bytes(length);
        match &[a, b, c, d] {
            b"data" => return,
            b"fmt " => fill_containers(&mut start[at + 8..]),
            _ => {}
        }
        // hound does not skip the byte that fills a chunk of odd length. Names have no 0: where none follows, none was written.
        if length % 2 == 1 && start.get(at + 8 + length as usize) == Some(&0) {
            length += 1;
            start[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
        }
        at += 8 + length as usize;
    }
}

/// Lets every bit of a sample's container count as in use. Samples with fewer bits lie in the upper ones, so that
/// their scale is that of the container; of 24 bits in 32, hound would take the lower ones.
///
/// Source: `wValidBitsPerSample` of WAVEFORMATEXTENSIBLE, Microsoft, "Multiple channel audio data and WAVE files".
fn fill_containers(format: &mut [u8]) {
    if format.len() >= 20 && format.starts_with(&EXTENSIBLE) {
        format.copy_within(14..16, 18);
    }
}

/// Averages interleaved channels as they come; an unfinished last sample is left out.
struct Mean {
    channels: usize,
    filled: usize,
    sum: f32,
    samples: Vec<f32>,
}

impl Mean {
    fn push(&mut self, sample: f32) {
        self.sum += sample;
        self.filled += 1;
        if self.filled == self.channels {
            self.samples.push(self.sum / self.channels as f32);
            (self.filled, self.sum) = (0, 0.0);
        }
    }
}
