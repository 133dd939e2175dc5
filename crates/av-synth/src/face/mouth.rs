//! Mouth and nose.

use super::canvas::{Canvas, DARK, cover, mix, spot, tint};
use super::light::Light;
use super::pose::Pose;
use crate::person::{Colour, FaceIdentity};

const TEETH: Colour = [0.90, 0.88, 0.82];
const THROAT: Colour = [0.16, 0.04, 0.04];
const TONGUE: Colour = [0.62, 0.26, 0.26];

/// Height of the mouth below the middle of the head.
const MOUTH_LINE: f64 = 0.53;

/// The four curves of a mouth over u, -1 at one corner and 1 at the other.
struct Lips {
    corners: f64,
    open: f64,
    upper: f64,
    lower: f64,
}

/// Heights of the curves at one u, from the top of the upper to the bottom of the lower lip.
struct Section {
    top: f64,
    upper: f64,
    lower: f64,
    bottom: f64,
}

impl Lips {
    fn section(&self, u: f64) -> Section {
        let arch = (1.0 - u * u).max(0.0);
        let line = -self.corners * (u * u - 0.4) + 0.008 * (1.0 - (u / 0.25).powi(2)).max(0.0);
        let (upper, lower) =
            (line - 0.35 * self.open * arch.sqrt(), line + 0.65 * self.open * arch.powf(0.7));
        let bow = 1.0 - 0.30 * (-(u / 0.13).powi(2)).exp();
        Section {
            top: upper - self.upper * arch.powf(0.8) * bow,
            upper,
            lower,
            bottom: lower + self.lower * arch.powf(0.7),
        }
    }
}

/// Lips, teeth, tongue, and the folds of a smile.
pub(crate) fn mouth(canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose, light: &Light) {
    let pixel = canvas.pixel();
    let [cx, cy] = pose.project([0.0, MOUTH_LINE], person.width);
    let width = person.mouth_width * pose.mouth_width;
    // A wide smile stretches the lips.
    let stretch = 1.0 / pose.mouth_width.max(0.6);
    let lips = Lips {
        corners: pose.corners,
        open: pose.mouth_open,
        upper: 0.85 * person.lips * stretch,
        lower: 1.15 * person.lips * stretch,
    };
    let bright = light.on([0.0, 0.1, 1.0]);
    let red = mix(person.skin, [0.62, 0.20, 0.20], if person.long_hair { 0.62 } else { 0.42 });
    let bounds = [cx - width - 0.1, cy - 0.3, cx + width + 0.1, cy + 0.4];
    folds(canvas, person, pose, [cx, cy]);
    canvas.paint(bounds, |[x, y]| {
        let u = (x - cx) / width;
        let v = y - cy;
        let section = lips.section(u);
        let inside =
            cover((section.top - v).max(v - section.bottom).max((u.abs() - 1.0) * width), pixel);
        // The upper lip looks down and is darker; the lower one catches the light.
        let gloss =
            0.25 * spot([u, v], [0.0, 0.5 * (section.lower + section.bottom)], [0.4, 0.018]);
        let shade = if v < 0.5 * (section.upper + section.lower) { 0.82 } else { 1.02 + gloss };
        let mut colour = tint(red, shade * bright);
        let gap = cover((section.upper - v).max(v - section.lower), pixel);
        let teeth =
            cover(v - section.upper - 0.045, pixel) * cover((u.abs() - 0.75) * width, 3.0 * pixel);
        let tongue = spot([u, v], [0.0, section.lower], [0.5, 0.035]);
        let mut hollow = mix(THROAT, TONGUE, 0.8 * tongue);
        hollow = mix(hollow, tint(TEETH, 0.9 * bright), 0.92 * teeth);
        colour = mix(colour, hollow, gap);
        let seam = cover((v - section.upper).abs() - 0.008, 1.5 * pixel);
        (
            mix(colour, DARK, 0.8 * seam),
            inside.max(0.7 * seam * cover((u.abs() - 1.04) * width, pixel)),
        )
    });
}

/// Shadow below the lower lip, and the folds from the nose to the corners of the mouth.
fn folds(canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose, [cx, cy]: [f64; 2]) {
    let smile = (pose.corners / 0.08).clamp(0.0, 1.0);
    let low = cy + 0.65 * pose.mouth_open + 1.6 * person.lips;
    canvas.paint([cx - 0.5, cy - 0.35, cx + 0.5, cy + 0.45], |point| {
        let [x, y] = point;
        let below = 0.22 * spot(point, [cx, low + 0.02], [0.13, 0.03]);
        // From the wing of the nose, share 0, past the corner of the mouth, share 1.
        let share = (y - cy + 0.24) / 0.28;
        let curve = share.clamp(0.0, 1.3).powf(1.0 - 0.35 * smile);
        let side = person.nose_width + 0.02 + (0.15 + 0.06 * smile) * curve;
        let across = ((x - cx).abs() - side) / 0.018;
        let fold = (-0.5 * across * across - 0.5 * ((share - 0.5) / 0.33).powi(4)).exp();
        (DARK, below.max((0.10 + 0.30 * smile) * fold))
    });
}

/// The nose: its bridge, tip and nostrils.
pub(crate) fn nose(canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose, light: &Light) {
    let pixel = canvas.pixel();
    let [tip_x, tip_y] = pose.project([0.0, 0.22], person.width);
    let (tip_x, tip_y) = (tip_x + 0.14 * pose.yaw.sin(), tip_y + 0.14 * pose.pitch.sin());
    let [root_x, root_y] = pose.project([0.0, -0.12], person.width);
    let half = person.nose_width;
    let from_left = light.direction.sin();
    canvas.paint([tip_x - 0.35, root_y - 0.15, tip_x + 0.35, tip_y + 0.25], |point| {
        let [x, y] = point;
        let share = ((y - root_y) / (tip_y - root_y)).clamp(0.0, 1.0);
        let middle = root_x + share * (tip_x - root_x);
        let spread = 0.055 + 0.045 * share;
        let side = |sign: f64| {
            let offset = (x - middle - sign * spread) / (0.030 + 0.02 * share);
            let inside = (-0.5 * offset * offset).exp();
            inside * spot([0.0, y], [0.0, 0.5 * (root_y + tip_y)], [1.0, 0.17])
        };
        let flank = (0.20 + 0.18 * from_left) * side(-1.0) + (0.20 - 0.18 * from_left) * side(1.0);
        let base = 0.32 * spot(point, [tip_x, tip_y + 0.125], [0.11, 0.022]);
        let wings = [-1.0, 1.0].map(|sign| {
            let (u, v) = ((x - tip_x - sign * half * 0.78) / 0.052, (y - tip_y - 0.055) / 0.062);
            let ring = ((u * u + v * v).sqrt() - 1.0) / 0.28;
            let turned_out = ((u * sign - 0.1) / 0.5).clamp(0.0, 1.0);
            0.30 * turned_out * (-0.5 * ring * ring).exp()
        });
        (DARK, (flank + base).max(wings[0]).max(wings[1]))
    });
    canvas.paint([tip_x - 0.2, tip_y - 0.4, tip_x + 0.2, tip_y + 0.15], |point| {
        let ridge = 0.16 * spot(point, [tip_x, tip_y - 0.15], [0.026, 0.13]);
        let tip = 0.22 * spot(point, [tip_x + 0.02 * from_left, tip_y + 0.01], [0.045, 0.040]);
        (tint([1.0, 0.96, 0.92], light.exposure), ridge.max(tip))
    });
    canvas.paint([tip_x - 0.2, tip_y, tip_x + 0.2, tip_y + 0.2], |[x, y]| {
        let nostril = |sign: f64| {
            let (u, v) = ((x - tip_x - sign * half * 0.46) / 0.042, (y - tip_y - 0.092) / 0.022);
            cover(((u * u + v * v).sqrt() - 1.0) * 0.022, 1.5 * pixel)
        };
        (DARK, 0.85 * nostril(-1.0).max(nostril(1.0)))
    });
}
