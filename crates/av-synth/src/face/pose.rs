//! What a face does in one frame.

use crate::latent::{Expression, soften};
use crate::person::FaceIdentity;

/// The state of the moving parts of a face. Lengths are in halves of the height of the head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pose {
    /// Rise of the brows; negative when lowered.
    pub(crate) brow_raise: f64,
    /// Drop of the inner ends of the brows; negative when they rise above the outer ends.
    pub(crate) brow_frown: f64,
    /// Factor on the opening of the eyes at rest.
    pub(crate) eye_open: f64,
    /// How far a blink has closed the eyes, 0 to 1.
    pub(crate) blink: f64,
    /// Height of the corners of the mouth above its middle; negative when they hang.
    pub(crate) corners: f64,
    /// Factor on the width of the mouth.
    pub(crate) mouth_width: f64,
    /// Distance of the lips.
    pub(crate) mouth_open: f64,
    /// Turn of the head to the right of the picture, in radian.
    pub(crate) yaw: f64,
    /// Turn of the head down, in radian.
    pub(crate) pitch: f64,
}

impl Pose {
    /// The pose of a face with this expression, shown with `strength` 0 to 1, while the mouth is
    /// opened by speech, 0 to 1.
    pub(crate) fn new(
        person: &FaceIdentity,
        expression: &Expression,
        strength: f64,
        opening: f64,
    ) -> Self {
        let [brows, eyes, mouth] = expression.map(|value| strength * soften(value));
        Self {
            brow_raise: 0.058 * brows,
            brow_frown: -0.050 * brows - 0.015 * mouth.min(0.0).abs(),
            eye_open: (0.40 * eyes).exp(),
            blink: 0.0,
            corners: person.mouth_corners + 0.064 * mouth,
            mouth_width: (1.0 + 0.08 * mouth) * (1.0 - 0.10 * opening),
            mouth_open: 0.17 * opening,
            yaw: 0.0,
            pitch: 0.0,
        }
    }

    /// Where a point on the front of the head appears when the head is turned.
    pub(crate) fn project(&self, [x, y]: [f64; 2], width: f64) -> [f64; 2] {
        let depth = 0.75 * (1.0 - (x / width).powi(2) - y * y).max(0.0).sqrt();
        [
            x * self.yaw.cos() + depth * self.yaw.sin(),
            y * self.pitch.cos() + depth * self.pitch.sin(),
        ]
    }
}
