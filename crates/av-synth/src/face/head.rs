//! The large shapes: shoulders, neck, ears, head and hair.

use super::canvas::{Canvas, DARK, Point, cover, mix, spot, tint};
use super::light::Light;
use super::pose::Pose;
use crate::person::{Colour, FaceIdentity};

/// Distance from the outline of the head made larger by `grow`, inside negative; good to first
/// order near the outline.
pub(crate) fn outline(person: &FaceIdentity, [x, y]: Point, grow: f64) -> f64 {
    // The chin is narrower than the crown, and the jaw squarer than an ellipse.
    let width = person.width * (1.0 - person.taper * y.max(-0.3));
    let (across, along) = (x.abs() / (width * grow), y.abs() / grow);
    let level = if y > 0.0 {
        0.4 * (across * across * across.sqrt() + along * along * along.sqrt() - 1.0)
    } else {
        0.5 * (across * across + along * along - 1.0)
    };
    level * width * grow
}

/// Shoulders and neck.
pub(crate) fn body(canvas: &mut Canvas, person: &FaceIdentity, light: &Light) {
    let pixel = canvas.pixel();
    canvas.paint([-2.6, 1.15, 2.6, 3.0], |[x, y]| {
        let top = 1.32 + 0.10 * x.abs() + 0.55 * (x.abs() / 1.35).powi(6)
            - 0.10 * spot([x, 0.0], [0.0, 0.0], [0.5, 1.0]);
        let fold = 1.0 + 0.08 * (3.0 * x + 2.0 * y).sin();
        let colour = tint(person.shirt, fold * light.on([0.5 * x, -0.3, 1.0]));
        (colour, cover(top - y, pixel))
    });
    canvas.paint([-0.6, 0.5, 0.6, 1.7], |[x, y]| {
        let half = 0.37 + 0.25 * (y - 1.0).max(0.0).powi(2);
        let collar = y - 1.48 + 0.5 * x * x;
        let shadow = 0.62 + 0.25 * ((y - 0.95) / 0.5).clamp(0.0, 1.0);
        let colour = tint(person.skin, shadow * light.on([1.2 * x, 0.0, 0.6]));
        (colour, cover((x.abs() - half).max(collar), pixel))
    });
}

/// The ears.
pub(crate) fn ears(canvas: &mut Canvas, person: &FaceIdentity, pose: &Pose, light: &Light) {
    let pixel = canvas.pixel();
    for side in [-1.0, 1.0] {
        // Turning the head hides the ear on the side it turns to.
        let centre = [side * (person.width + 0.015) - 0.10 * pose.yaw, 0.04 - 0.3 * pose.pitch];
        let [left, right] = [centre[0] - 0.2, centre[0] + 0.2];
        canvas.paint([left, -0.3, right, 0.4], |[x, y]| {
            let (u, v) = ((x - centre[0]) / 0.085, (y - centre[1]) / 0.19);
            let distance = ((u * u + v * v).sqrt() - 1.0) * 0.085;
            let hollow = 1.0 - 0.30 * spot([u, v], [0.1 * side, -0.1], [0.4, 0.5]);
            (tint(person.skin, 0.92 * hollow * light.on([side, 0.0, 0.7])), cover(distance, pixel))
        });
    }
}

/// The skin of the head with its large shadows.
pub(crate) fn skin(canvas: &mut Canvas, person: &FaceIdentity, light: &Light) {
    let pixel = canvas.pixel();
    let share = |point| cover(outline(person, point, 1.0), pixel);
    canvas.fill([-0.95, -1.05, 0.95, 1.05], share, |point| lit_skin(person, light, point));
}

fn lit_skin(person: &FaceIdentity, light: &Light, point: Point) -> Colour {
    let [x, y] = point;
    let u = x / person.width;
    let depth = (1.0 - 0.95 * (u * u + y * y)).max(0.02).sqrt();
    // Cheekbones stand out; the sockets of the eyes and the hollows below the cheeks lie deeper.
    let mut shade = light.on([0.75 * u, 0.55 * y, depth.max(0.35)]);
    for side in [-1.0, 1.0] {
        let socket = [side * (person.eye_distance - 0.02), -0.13];
        shade -= 0.13 * spot(point, socket, [0.13, 0.085]);
        shade += 0.05 * spot(point, [side * 0.40, 0.20], [0.14, 0.10]);
        shade -= 0.06 * spot(point, [side * 0.50, 0.50], [0.12, 0.16]);
    }
    shade -= 0.10 * spot(point, [0.0, 0.80], [0.20, 0.035]);
    shade += 0.04 * spot(point, [0.0, 0.90], [0.14, 0.06]);
    let rosy = mix(person.skin, [0.80, 0.42, 0.36], 0.16 * cheeks(point));
    tint(rosy, shade)
}

fn cheeks([x, y]: Point) -> f64 {
    spot([x.abs(), y], [0.42, 0.28], [0.14, 0.11])
}

/// Hair behind the head.
pub(crate) fn back_hair(canvas: &mut Canvas, person: &FaceIdentity, light: &Light) {
    let pixel = canvas.pixel();
    let share = |point: Point| {
        let [x, y] = point;
        let crown = outline(person, point, 1.13);
        // Long hair falls from the widest place of the head and ends in a curve.
        let side = x.abs() - person.width * (1.13 + 0.07 * y);
        let end = y - 1.28 + 0.25 * x * x + 0.02 * (17.0 * x).sin();
        let distance = match (y < 0.0, person.long_hair) {
            (true, _) => crown,
            (false, true) => side.max(end),
            (false, false) => crown.max(y - 0.1),
        };
        cover(distance, pixel)
    };
    canvas.fill([-1.3, -1.3, 1.3, 1.5], share, |point| strand(person, light, point, 0.70));
}

/// Hair on the forehead and the temples, and its shadow.
pub(crate) fn front_hair(canvas: &mut Canvas, person: &FaceIdentity, light: &Light) {
    let pixel = canvas.pixel();
    let share = |point: Point| {
        let [x, y] = point;
        let below = y - hairline(person, x);
        let lowest = y - if person.long_hair { 0.65 } else { 0.04 };
        let edge = below.max(lowest);
        if edge > pixel * 2.0 {
            return 0.0;
        }
        cover(outline(person, point, 1.10).max(edge), 2.5 * pixel)
    };
    canvas.fill([-1.0, -1.2, 1.0, 0.7], share, |point| strand(person, light, point, 1.0));
    canvas.paint([-0.75, -0.9, 0.75, 0.2], |point| {
        let below = (point[1] - hairline(person, point[0])).max(0.0);
        let inside = cover(outline(person, point, 1.0), pixel);
        (DARK, 0.28 * (-below / 0.05).exp() * inside * f64::from(u8::from(below > 0.0)))
    });
}

/// Lower edge of the hair: level over the forehead, falling steeply at the temples.
fn hairline(person: &FaceIdentity, x: f64) -> f64 {
    let away = (x.abs() / (0.90 * person.width)).powi(6);
    let fringe = if person.long_hair { 0.28 * (x + 0.18).abs().min(0.6) } else { 0.12 * x };
    let locks = 0.012 * (41.0 * x).sin() + 0.02 * (13.0 * x + 1.0).sin();
    -person.hairline + fringe + 0.45 * away + locks
}

/// Hair combed from the parting.
fn strand(person: &FaceIdentity, light: &Light, [x, y]: Point, depth: f64) -> Colour {
    let angle = (x + 0.1).atan2(1.5 + y);
    let wave = (3.0 * y).sin();
    let fine = (61.0 * angle + wave).sin() + 0.6 * (97.0 * angle - 2.0 * wave).sin();
    let bright = depth * (1.0 + 0.09 * fine) * light.on([x, 0.8 * y, 0.8]);
    let shine = spot([x, y], [0.25 * light.direction, -0.86], [0.40, 0.09]);
    mix(tint(person.hair, bright), [0.80, 0.74, 0.66], 0.13 * shine)
}
