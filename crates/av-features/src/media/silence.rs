//! Silence where a file has no sound, so that samples lie at the times of the file.

use super::stream::Stream;
use crate::Result;

/// Time by which sound may be late without a gap: containers round, and count in the frames of a codec.
const ROUNDING_S: f64 = 0.04;

/// Time from which on it is worth a word that sound begins after the file.
const LATE_S: f64 = 0.2;

/// The silence that was put in.
#[derive(Default)]
pub(super) struct Silence {
    /// Samples before the first frame.
    pub lead: usize,
    /// Gaps between frames, and their samples.
    gaps: usize,
    filled: usize,
}

impl Silence {
    /// Appends what is missing before a frame that begins at a time of the file.
    ///
    /// Errors: more sound than the limits allow.
    pub fn append(
        &mut self,
        stream: &Stream,
        time_s: f64,
        rate_hz: u32,
        samples: &mut Vec<f32>,
    ) -> Result<()> {
        let late_s = time_s - samples.len() as f64 / f64::from(rate_hz);
        if late_s < ROUNDING_S {
            return Ok(());
        }
        let count = (late_s * f64::from(rate_hz)).round() as usize;
        let length = samples.len().saturating_add(count);
        stream.limits.check_sound(&stream.path, length, rate_hz, stream.bytes)?;
        if samples.is_empty() {
            self.lead = count;
        } else {
            self.gaps += 1;
            self.filled += count;
        }
        samples.resize(length, 0.0);
        Ok(())
    }

    /// What is to be said about it.
    pub fn warnings(&self, rate_hz: u32) -> Vec<String> {
        let seconds = |samples: usize| samples as f64 / f64::from(rate_hz.max(1));
        let mut warnings = vec![];
        let lead_s = seconds(self.lead);
        if lead_s > LATE_S {
            warnings.push(format!("sound begins at {lead_s:.2} s; silence stands before it"));
        }
        if self.gaps > 0 {
            let (gaps, filled_s) = (self.gaps, seconds(self.filled));
            warnings.push(format!(
                "gaps in the sound: {gaps}, of {filled_s:.2} s together; they became silence"
            ));
        }
        warnings
    }
}
