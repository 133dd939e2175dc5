//! The glottis: pulses of air with jitter and shimmer, and breath.

use std::f64::consts::PI;

use crate::person::VoiceIdentity;
use crate::random::Stream;
use crate::voice::filter::LowPass;
use crate::voice::style::Style;

/// Closing lasts this share of the opening: the pulse leans to the right, as in modal voice.
const CLOSING: f64 = 0.4;

/// Standard deviation of the amplitude from pulse to pulse.
const SHIMMER: f64 = 0.04;

/// Pulses of air, differentiated as the lips radiate them.
pub(crate) struct Glottis {
    rate_hz: f64,
    opening: f64,
    closing: f64,
    breath: f64,
    jitter: f64,
    tilt: LowPass,
    phase: f64,
    period: f64,
    amplitude: f64,
    flow: f64,
}

impl Glottis {
    pub(crate) fn new(person: &VoiceIdentity, style: &Style, rate_hz: f64) -> Self {
        let opening = style.open_quotient / (1.0 + CLOSING);
        Self {
            rate_hz,
            opening,
            closing: style.open_quotient - opening,
            breath: (person.breath * style.breath).min(0.3),
            jitter: person.jitter,
            tilt: LowPass::new(style.tilt_hz, rate_hz),
            phase: 0.0,
            period: 1.0,
            amplitude: 1.0,
            flow: 0.0,
        }
    }

    /// The next sample at this fundamental frequency.
    pub(crate) fn next(&mut self, f0_hz: f64, stream: &mut Stream) -> f64 {
        self.phase += f0_hz / (self.rate_hz * self.period);
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.period = 1.0 + self.jitter * stream.moderate();
            self.amplitude = 1.0 + SHIMMER * stream.moderate();
        }
        let flow = self.amplitude * self.pulse();
        // Scaled so that the strength of a pulse does not depend on the sampling or on the pitch.
        let pulse = (flow - self.flow) * self.rate_hz / f0_hz / 10.0;
        self.flow = flow;
        let breath = self.breath * stream.normal() * (0.3 + 0.7 * flow);
        self.tilt.pass(pulse) + breath
    }

    /// Rosenberg's trigonometric pulse: half a cosine up, a quarter of a cosine down.
    fn pulse(&self) -> f64 {
        if self.phase < self.opening {
            0.5 * (1.0 - (PI * self.phase / self.opening).cos())
        } else if self.phase < self.opening + self.closing {
            (0.5 * PI * (self.phase - self.opening) / self.closing).cos()
        } else {
            0.0
        }
    }
}
