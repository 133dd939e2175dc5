//! Wav files without FFmpeg.

use std::io::BufReader;
use std::path::Path;

use hound::{SampleFormat, WavReader};

use super::sound::{Sound, check_length};
use crate::{Result, files};

/// Reads a wav file at its own rate; `None` for a coding that hound does not know.
pub(crate) fn read(path: &Path) -> Result<Option<Sound>> {
    let Ok(mut reader) = WavReader::new(BufReader::new(files::open(path)?)) else {
        return Ok(None);
    };
    let spec = reader.spec();
    let promised = reader.duration() as usize;
    let channels = usize::from(spec.channels.max(1));
    let mut mean = Mean { channels, filled: 0, sum: 0.0, samples: Vec::new() };
    let mut take = |sample: f32| {
        mean.push(sample);
        check_length(path, mean.samples.len(), spec.sample_rate)
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
    let mut warnings = Vec::new();
    if samples.len() < promised {
        let (actual, rate) = (samples.len(), spec.sample_rate);
        warnings.push(format!("truncated: {actual} samples instead of {promised} at {rate} Hz"));
    }
    Ok(Some(Sound { samples, sample_rate_hz: spec.sample_rate, warnings }))
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
