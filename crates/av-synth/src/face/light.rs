//! Light on a head.

use crate::random::Stream;

/// The light of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Light {
    /// Where it comes from: 0 = straight ahead, positive = the right of the picture; radian.
    pub direction: f64,
    /// Share of the light that has a direction.
    pub contrast: f64,
    /// Factor on the brightness of the whole picture.
    pub exposure: f64,
}

impl Light {
    pub(crate) fn new(stream: &mut Stream) -> Self {
        Self {
            direction: 0.45 * stream.moderate(),
            contrast: stream.uniform(0.25, 0.5),
            exposure: (0.10 * stream.moderate()).exp(),
        }
    }

    /// Brightness of a surface that looks along `normal`, not necessarily of length 1: x to the
    /// right, y down, z to the camera.
    pub(crate) fn on(&self, [x, y, z]: [f64; 3]) -> f64 {
        // The light stands above the camera: up is negative y.
        let towards = [0.8 * self.direction.sin(), -0.45, 0.8 * self.direction.cos()];
        let dot = x * towards[0] + y * towards[1] + z * towards[2];
        let length = (x * x + y * y + z * z).sqrt().max(f64::MIN_POSITIVE);
        let lit = (dot / length / 0.9).max(0.0);
        self.exposure * (1.0 - self.contrast + 1.25 * self.contrast * lit)
    }
}
