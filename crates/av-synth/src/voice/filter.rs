//! Recursive filters of second and first order whose settings may change while they run.

use std::f64::consts::TAU;

/// A resonance with gain 1 at frequency 0: one formant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resonator {
    input: f64,
    feedback: [f64; 2],
    past: [f64; 2],
}

impl Resonator {
    /// Moves the resonance; centre and bandwidth are in hertz. A centre that the sampling cannot
    /// hold makes the filter pass everything.
    pub(crate) fn tune(&mut self, centre_hz: f64, bandwidth_hz: f64, rate_hz: f64) {
        if centre_hz > 0.47 * rate_hz {
            (self.input, self.feedback) = (1.0, [0.0, 0.0]);
            return;
        }
        let radius = (-0.5 * TAU * bandwidth_hz / rate_hz).exp();
        self.feedback = [2.0 * radius * (TAU * centre_hz / rate_hz).cos(), -radius * radius];
        self.input = 1.0 - self.feedback[0] - self.feedback[1];
    }

    /// The same resonance with gain 1 at its centre: a band of noise.
    pub(crate) fn tune_band(&mut self, centre_hz: f64, bandwidth_hz: f64, rate_hz: f64) {
        self.tune(centre_hz.min(0.45 * rate_hz), bandwidth_hz, rate_hz);
        let radius = (-0.5 * TAU * bandwidth_hz / rate_hz).exp();
        let angle = TAU * centre_hz.min(0.45 * rate_hz) / rate_hz;
        let mirror = (1.0 + radius * radius - 2.0 * radius * (2.0 * angle).cos()).sqrt();
        self.input = (1.0 - radius) * mirror;
    }

    pub(crate) fn pass(&mut self, sample: f64) -> f64 {
        let [first, second] = self.past;
        let output = self.input * sample + self.feedback[0] * first + self.feedback[1] * second;
        self.past = [output, first];
        output
    }
}

/// A low-pass filter of first order with gain 1 at frequency 0.
#[derive(Debug, Clone, Default)]
pub(crate) struct LowPass {
    keep: f64,
    past: f64,
}

impl LowPass {
    pub(crate) fn new(corner_hz: f64, rate_hz: f64) -> Self {
        Self { keep: (-TAU * corner_hz / rate_hz).exp(), past: 0.0 }
    }

    pub(crate) fn pass(&mut self, sample: f64) -> f64 {
        self.past += (1.0 - self.keep) * (sample - self.past);
        self.past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amplitude of the answer to a sine, after it has settled.
    fn gain(filter: &mut dyn FnMut(f64) -> f64, hz: f64) -> f64 {
        let sine = |n: u32| (TAU * hz * f64::from(n) / 16_000.0).sin();
        let outputs = (0..16_000).map(|n| filter(sine(n)));
        outputs.skip(8000).fold(0.0, |peak: f64, y| peak.max(y.abs()))
    }

    #[test]
    fn a_formant_is_loudest_at_its_centre_and_falls_by_3_db_at_its_band_edges() {
        let mut formant = Resonator::default();
        formant.tune_band(1500.0, 100.0, 16_000.0);
        let measure = |hz| {
            let mut filter = formant.clone();
            gain(&mut |x| filter.pass(x), hz)
        };
        assert!((measure(1500.0) - 1.0).abs() < 0.01);
        // The half-power points of a narrow resonance lie half a bandwidth from its centre.
        assert!((measure(1550.0) - 0.5_f64.sqrt()).abs() < 0.03);
        assert!((measure(1450.0) - 0.5_f64.sqrt()).abs() < 0.03);
    }

    #[test]
    fn a_low_pass_halves_the_power_at_its_corner() {
        let mut filter = LowPass::new(400.0, 16_000.0);
        let measured = gain(&mut |x| filter.pass(x), 400.0);
        assert!((measured - 0.5_f64.sqrt()).abs() < 0.02, "{measured}");
    }
}
