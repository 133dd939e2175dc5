//! From the expression of a voice to how it speaks.

use crate::latent::{Expression, soften};

/// How a voice speaks. All values are relative to the person at rest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Style {
    /// Level of the fundamental frequency in semitones.
    pub(crate) pitch: f64,
    /// Rise of the fundamental frequency on a stressed syllable in semitones.
    pub(crate) accent: f64,
    /// Slope of the fundamental frequency in semitones per second.
    pub(crate) slope: f64,
    /// Level in decibel.
    pub(crate) level_db: f64,
    /// Corner of the spectral tilt of the source in hertz.
    pub(crate) tilt_hz: f64,
    /// Share of the period in which the glottis is open.
    pub(crate) open_quotient: f64,
    /// Factor on the noise in the voice.
    pub(crate) breath: f64,
    /// Factor on the formant frequencies.
    pub(crate) formants: f64,
    /// Factor on the rate of speech.
    pub(crate) rate: f64,
    /// Silence between two syllables in seconds.
    pub(crate) pause_s: f64,
}

impl Style {
    /// Arousal moves pitch, accents and level; brightness moves tilt, glottis, breath and formants;
    /// tempo moves the rate, the pauses and the slope.
    pub(crate) fn new(expression: &Expression) -> Self {
        let [arousal, brightness, tempo] = expression.map(soften);
        Self {
            pitch: 2.0 * arousal,
            accent: 2.0 * (0.5 * arousal).exp(),
            slope: -3.0 + 2.0 * tempo,
            level_db: 2.5 * arousal,
            tilt_hz: 2600.0 * (0.8 * brightness).exp(),
            open_quotient: (0.60 - 0.10 * brightness).clamp(0.35, 0.85),
            breath: (-0.5 * brightness).exp(),
            formants: 1.0 + 0.015 * brightness,
            rate: (0.30 * tempo).exp(),
            pause_s: 0.03 * (-0.9 * tempo).exp().min(5.0),
        }
    }
}
