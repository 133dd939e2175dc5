//! Loudness, microphone and room: what lies between a voice and its recording.

use crate::config::SynthConfig;
use crate::random::Stream;
use crate::voice::filter::LowPass;

/// Level of an average voice, root mean square over the clip, relative to full scale.
const LEVEL: f64 = 0.045;

/// The nuisances of a sound: they carry no information about the label.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Level above the person's usual level in decibel.
    pub loudness_db: f64,
    /// Level of the room noise below the average voice in decibel.
    pub room_noise_db: f64,
    /// Gain of the microphone above 2 kHz relative to below, in decibel.
    pub microphone_db: f64,
}

impl Recording {
    pub(crate) fn new(config: &SynthConfig, stream: &mut Stream) -> Self {
        Self {
            loudness_db: config.loudness_db * stream.moderate(),
            room_noise_db: config.room_noise_db + 3.0 * stream.moderate(),
            microphone_db: 1.5 * stream.moderate(),
        }
    }

    /// Turns a voice with root mean square 1 at rest into a recording within -1 to 1.
    pub(crate) fn record(
        &self,
        voice: &[f64],
        level_db: f64,
        rate_hz: f64,
        stream: &mut Stream,
    ) -> Vec<f32> {
        let gain = LEVEL * decibel(level_db + self.loudness_db);
        let noise_gain = LEVEL * decibel(-self.room_noise_db);
        let treble = decibel(self.microphone_db);
        let mut rumble = LowPass::new(300.0, rate_hz);
        // Brings the low-passed part of white noise back to about the power of the white part.
        let rumble_gain = (rate_hz / 2000.0).sqrt();
        let mut split = LowPass::new(2000.0, rate_hz);
        let record = |sample: &f64| {
            let white = stream.normal();
            let noise = 0.7 * (white + rumble_gain * rumble.pass(white));
            let sound = gain * sample + noise_gain * noise;
            let low = split.pass(sound);
            // The hyperbolic tangent limits loud peaks as a preamplifier does.
            (low + treble * (sound - low)).tanh() as f32
        };
        voice.iter().map(record).collect()
    }
}

fn decibel(value: f64) -> f64 {
    10.0_f64.powf(value / 20.0)
}
