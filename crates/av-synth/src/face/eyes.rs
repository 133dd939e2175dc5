//! Eyes with lids, iris and lashes, and the brows above them.

use super::canvas::{Bounds, Canvas, DARK, Point, cover, mix, tint};
use super::light::Light;
use super::pose::Pose;
use crate::person::{Colour, FaceIdentity};

const SCLERA: Colour = [0.90, 0.88, 0.86];
const PUPIL: Colour = [0.03, 0.03, 0.03];
const GLINT: Colour = [0.97, 0.97, 0.97];

/// Height of the middle of the eyes above the middle of the head.
const EYE_LINE: f64 = 0.08;

/// Both eyes.
pub(crate) fn eyes(canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose, light: &Light) {
    for side in [-1.0, 1.0] {
        let eye = Eye::new(person, pose, side);
        eye.ball(canvas, person, pose, light.on([0.4 * side, 0.0, 1.0]));
        eye.lids(canvas);
    }
}

/// An eye: where it is, and how far its lids are from the line between its corners.
struct Eye {
    centre: Point,
    width: f64,
    upper: f64,
    lower: f64,
    /// -1 for the eye on the left of the picture.
    side: f64,
}

impl Eye {
    fn new(person: &FaceIdentity, pose: &Pose, side: f64) -> Self {
        let centre = pose.project([side * person.eye_distance, -EYE_LINE], person.width);
        let open = pose.eye_open * (1.0 - pose.blink);
        Self {
            centre,
            width: person.eye_width,
            // In a blink the upper lid comes down past the line between the corners.
            upper: 1.15 * person.eye_height * open - 0.018 * pose.blink,
            // The lower lid hardly moves, but gives way when the eye is almost closed.
            lower: person.eye_height * (0.55 + 0.15 * open) * (0.35 + 0.65 * open.min(1.0)),
            side,
        }
    }

    fn bounds(&self) -> Bounds {
        let ([x, y], reach) = (self.centre, 1.3 * self.width);
        [x - reach, y - 0.3, x + reach, y + 0.25]
    }

    /// From head coordinates to u, -1 at one corner and 1 at the other, and the heights below the
    /// upper and above the lower lid. The outer corner lies a little higher.
    fn local(&self, [x, y]: Point) -> [f64; 3] {
        let u = (x - self.centre[0]) / self.width;
        let v = y - self.centre[1] + 0.012 * u * self.side;
        let arch = (1.0 - u * u).max(0.0);
        [u, v + self.upper * arch.powf(0.8), self.lower * arch - v]
    }

    /// White, iris and pupil, as far as the lids leave them free.
    fn ball(&self, canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose, bright: f64) {
        let pixel = canvas.pixel();
        let [cx, cy] = self.centre;
        let iris = 0.52 * self.width;
        let share = |point| {
            let [u, below, above] = self.local(point);
            cover((-below).max(-above).max((u.abs() - 1.0) * self.width), pixel)
        };
        canvas.fill(self.bounds(), share, |[x, y]| {
            let [_, below, _] = self.local([x, y]);
            // The eyes turn with the head; the upper lid throws a shadow.
            let radius = (x - cx - 0.1 * pose.yaw).hypot(y - cy + 0.006);
            let shadow = 0.35 * (1.0 - (below / 0.05).clamp(0.0, 1.0));
            let ring = 0.75 + 0.5 * (radius / iris) - 0.6 * (radius / iris).powi(6);
            let glint = (x - cx - 0.025).hypot(y - cy + 0.03);
            let mut colour = tint(SCLERA, 1.0 - shadow);
            colour = mix(colour, tint(person.iris, ring), cover(radius - iris, pixel));
            colour = mix(colour, PUPIL, cover(radius - 0.45 * iris, pixel));
            colour = mix(colour, GLINT, 0.9 * cover(glint - 0.016, pixel));
            tint(colour, bright)
        });
    }

    /// Lashes, the rim of the lower lid and the crease above the upper one.
    fn lids(&self, canvas: &mut Canvas) {
        let pixel = canvas.pixel();
        canvas.paint(self.bounds(), |point| {
            let [u, below, above] = self.local(point);
            let within = cover((u.abs() - 1.06) * self.width, pixel);
            let lash = 0.95 * line(below, 0.012 + 0.006 * u * self.side, pixel);
            let rim = 0.35 * line(above, 0.006, pixel);
            let crease = 0.45 * line(below + 0.055 - 0.02 * u * u, 0.007, 2.0 * pixel);
            (DARK, within * lash.max(rim).max(crease))
        });
    }
}

/// A line of this half thickness at this distance, with soft edges.
fn line(distance: f64, half: f64, pixel: f64) -> f64 {
    cover(distance.abs() - half.max(0.2 * pixel), 1.5 * pixel)
}

/// Both brows, and the wrinkles they draw.
pub(crate) fn brows(canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose, light: &Light) {
    wrinkles(canvas, person, pose);
    let pixel = canvas.pixel();
    let colour = tint(mix(person.hair, person.skin, 0.12), light.on([0.0, 0.0, 1.0]));
    let height = -EYE_LINE - person.brow_height - pose.brow_raise;
    // Frowning also pulls the inner ends together.
    let inner = 0.125 - 0.5 * pose.brow_frown.clamp(0.0, 0.08);
    let outer = person.eye_distance + 0.185;
    let half = 0.5 * (outer - inner);
    for side in [-1.0, 1.0] {
        let [cx, cy] = pose.project([side * 0.5 * (inner + outer), height], person.width);
        canvas.paint([cx - half - 0.08, cy - 0.2, cx + half + 0.08, cy + 0.2], |[x, y]| {
            // u is -1 at the inner and 1 at the outer end.
            let u = side * (x - cx) / half;
            let arch = -0.030 * (1.0 - (u - 0.25).powi(2)) + 0.012 * u;
            let slope = pose.brow_frown * 0.5 * (1.0 - u);
            let taper = (1.0 - u.abs().powi(5)).max(0.0).sqrt();
            let thick = 0.5 * person.brow_thickness * (1.0 - 0.35 * u) * taper;
            let distance = (y - cy - arch - slope).abs() - thick;
            (colour, 0.92 * cover(distance.max((u.abs() - 1.0) * half), 1.8 * pixel))
        });
    }
}

/// Upright furrows between drawn brows, level ones above raised brows.
fn wrinkles(canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose) {
    let pixel = canvas.pixel();
    let furrow = (pose.brow_frown / 0.06).clamp(0.0, 1.0);
    let raised = (pose.brow_raise / 0.08).clamp(0.0, 1.0);
    let [cx, cy] = pose.project([0.0, -0.25], person.width);
    canvas.paint([cx - 0.45, cy - 0.35, cx + 0.45, cy + 0.15], |[x, y]| {
        let upright = cover(((x - cx).abs() - 0.045).abs() - 0.008, 2.0 * pixel)
            * cover((y - cy - 0.02).abs() - 0.07, 2.0 * pixel);
        let across = [0.15, 0.23].map(|height| {
            let wave = y - cy + height - 0.05 * (x - cx).powi(2);
            cover(wave.abs() - 0.008, 2.0 * pixel) * cover((x - cx).abs() - 0.27, 0.2)
        });
        (DARK, (0.45 * furrow * upright).max(0.28 * raised * across[0].max(across[1])))
    });
}
