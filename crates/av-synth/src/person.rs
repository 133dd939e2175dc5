//! Identity: what is the same in all clips of a person, and differs from person to person.

use crate::random::Stream;

/// A colour; red, green and blue between 0 and 1.
pub type Colour = [f64; 3];

/// What a person sounds and looks like at rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The voice at rest.
    pub voice: VoiceIdentity,
    /// The face at rest.
    pub face: FaceIdentity,
}

/// A voice at rest.
#[derive(Debug, Clone, PartialEq)]
pub struct VoiceIdentity {
    /// Level of the fundamental frequency in hertz.
    pub f0_hz: f64,
    /// Factor on the formant frequencies of a man of average height.
    pub formant_scale: f64,
    /// Factor on the rate of speech.
    pub rate: f64,
    /// Level above the average person in decibel.
    pub loudness_db: f64,
    /// Noise in the voice, as a share of the amplitude of its pulses.
    pub breath: f64,
    /// Standard deviation of the period from one pulse to the next, as a share of the period.
    pub jitter: f64,
}

/// A face at rest. Lengths are in halves of the height of the head.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceIdentity {
    /// Colour of the skin in full light.
    pub skin: Colour,
    /// Colour of the hair and the brows.
    pub hair: Colour,
    /// Colour of the iris.
    pub iris: Colour,
    /// Colour of the clothes.
    pub shirt: Colour,
    /// Half the width of the head.
    pub width: f64,
    /// Narrowing towards the chin.
    pub taper: f64,
    /// Distance of the eyes from the middle.
    pub eye_distance: f64,
    /// Half the width of an eye.
    pub eye_width: f64,
    /// Half the opening of an eye.
    pub eye_height: f64,
    /// Height of the brows above the eyes.
    pub brow_height: f64,
    /// Thickness of the brows.
    pub brow_thickness: f64,
    /// Half the width of the nose.
    pub nose_width: f64,
    /// Half the width of the mouth.
    pub mouth_width: f64,
    /// Thickness of the lips.
    pub lips: f64,
    /// Height of the corners of the mouth above its middle.
    pub mouth_corners: f64,
    /// Whether the hair reaches the shoulders.
    pub long_hair: bool,
    /// Height of the hairline above the middle of the head.
    pub hairline: f64,
}

const SKINS: [Colour; 6] = [
    [0.94, 0.78, 0.69],
    [0.90, 0.72, 0.60],
    [0.84, 0.65, 0.51],
    [0.76, 0.57, 0.43],
    [0.66, 0.47, 0.35],
    [0.55, 0.39, 0.29],
];
const HAIRS: [Colour; 5] = [
    [0.10, 0.08, 0.07],
    [0.18, 0.12, 0.08],
    [0.28, 0.18, 0.10],
    [0.42, 0.28, 0.14],
    [0.34, 0.14, 0.07],
];
const IRISES: [Colour; 4] =
    [[0.25, 0.14, 0.07], [0.32, 0.20, 0.10], [0.27, 0.37, 0.46], [0.28, 0.36, 0.24]];
const SHIRTS: [Colour; 6] = [
    [0.20, 0.25, 0.38],
    [0.36, 0.18, 0.18],
    [0.22, 0.32, 0.25],
    [0.30, 0.30, 0.32],
    [0.48, 0.44, 0.38],
    [0.14, 0.14, 0.17],
];

impl Person {
    /// The person with this number, from 1, in the corpus of this seed.
    pub(crate) fn new(seed: u64, number: u8) -> Self {
        let low_voice = number % 2 == 1;
        Self {
            voice: VoiceIdentity::new(
                low_voice,
                &mut Stream::new(seed, &format!("voice/{number}")),
            ),
            face: FaceIdentity::new(!low_voice, &mut Stream::new(seed, &format!("face/{number}"))),
        }
    }
}

impl VoiceIdentity {
    fn new(low: bool, stream: &mut Stream) -> Self {
        let (f0_hz, formant_scale) = if low { (112.0, 1.0) } else { (198.0, 1.15) };
        Self {
            f0_hz: f0_hz * (0.10 * stream.moderate()).exp(),
            formant_scale: formant_scale * (0.035 * stream.moderate()).exp(),
            rate: (0.05 * stream.moderate()).exp(),
            loudness_db: 2.0 * stream.moderate(),
            breath: 0.006 * (0.4 * stream.moderate()).exp(),
            jitter: 0.006 * (0.4 * stream.moderate()).exp(),
        }
    }
}

impl FaceIdentity {
    fn new(long_hair: bool, stream: &mut Stream) -> Self {
        let tint = 1.0 + 0.03 * stream.moderate();
        let mut around = |mean: f64, deviation: f64| mean + deviation * stream.moderate();
        Self {
            width: around(if long_hair { 0.735 } else { 0.765 }, 0.02),
            taper: around(if long_hair { 0.17 } else { 0.12 }, 0.025),
            eye_distance: around(0.305, 0.010),
            eye_width: around(0.150, 0.006),
            eye_height: around(0.062, 0.004),
            brow_height: around(0.20, 0.010),
            brow_thickness: around(if long_hair { 0.034 } else { 0.046 }, 0.004),
            nose_width: around(if long_hair { 0.115 } else { 0.13 }, 0.008),
            mouth_width: around(0.245, 0.012),
            lips: around(if long_hair { 0.062 } else { 0.050 }, 0.006),
            mouth_corners: around(0.0, 0.010),
            hairline: around(0.64, 0.025),
            skin: stream.choose(&SKINS).map(|part| (part * tint).min(1.0)),
            hair: stream.choose(&HAIRS),
            iris: stream.choose(&IRISES),
            shirt: stream.choose(&SHIRTS),
            long_hair,
        }
    }
}
