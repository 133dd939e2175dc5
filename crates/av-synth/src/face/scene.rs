//! The nuisances of a picture: they carry no information about the label.

use std::f64::consts::TAU;

use super::light::Light;
use crate::config::SynthConfig;
use crate::person::Colour;
use crate::random::Stream;

/// How a clip is filmed, and the movements that no emotion drives.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The light.
    pub light: Light,
    /// Colour of the wall.
    pub wall: Colour,
    /// Turn of the head to the right of the picture, in radian.
    pub yaw: f64,
    /// Turn of the head down, in radian.
    pub pitch: f64,
    /// Tilt of the head towards a shoulder, in radian.
    pub roll: f64,
    /// Middle of the head, in shares of the smaller side of the picture from its middle.
    pub offset: [f64; 2],
    /// Factor on the size of the head.
    pub zoom: f64,
    /// Middle of the blink in seconds; beyond the end where there is none.
    pub blink_s: f64,
    /// Movements of the head: amplitude, in the units above, of yaw, pitch and roll.
    pub sway: [f64; 3],
    /// Phase of these movements in radian.
    pub sway_phase: f64,
    /// Frequency of these movements in hertz.
    pub sway_hz: f64,
}

/// Time a blink takes from open to closed, in seconds.
const BLINK_S: f64 = 0.09;

impl Scene {
    pub(crate) fn new(config: &SynthConfig, duration_s: f64, stream: &mut Stream) -> Self {
        let motion = config.head_motion;
        let grey = stream.uniform(0.30, 0.75);
        let mut small = |deviation: f64| motion * deviation * stream.moderate();
        Self {
            yaw: small(0.09),
            pitch: small(0.05),
            roll: small(0.035),
            offset: [small(0.015), small(0.012)],
            zoom: 1.0 + small(0.025),
            sway: [small(0.03), small(0.025), small(0.012)],
            wall: [0.03, 0.0, 0.04].map(|spread| grey + spread * stream.normal()),
            light: Light::new(stream),
            blink_s: stream.uniform(0.0, 1.6 * duration_s),
            sway_phase: stream.uniform(0.0, TAU),
            sway_hz: stream.uniform(0.4, 1.0),
        }
    }

    /// Yaw, pitch and roll at a time.
    pub(crate) fn turn(&self, time_s: f64) -> [f64; 3] {
        let swing = |shift: f64| (TAU * self.sway_hz * time_s + self.sway_phase + shift).sin();
        [
            self.yaw + self.sway[0] * swing(0.0),
            self.pitch + self.sway[1] * swing(1.0),
            self.roll + self.sway[2] * swing(2.0),
        ]
    }

    /// How far a blink has closed the eyes at a time, 0 to 1.
    pub(crate) fn blink(&self, time_s: f64) -> f64 {
        let away = (time_s - self.blink_s).abs() / BLINK_S;
        (1.0 - away * away).max(0.0)
    }
}
